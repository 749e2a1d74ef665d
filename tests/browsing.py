"""The page in a real browser: how it is served, how Chromium is opened, when it has been drawn.

Used by the browser tests (fixtures in `conftest.py`), by `docs/take_screenshots.py` and by `benchmarks/gallery.py`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SIZES = (WIDE, PHONE)
SECONDS_TO_START = 120


class NoBrowser(Exception):
    """There is no Chromium; the text says what to install."""


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium: the system's, else Playwright's own.

    Raises:
        NoBrowser: there is neither.
    """
    from playwright.sync_api import Error, sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        except Error as error:
            raise NoBrowser(
                "no Chromium was found. Install your system's chromium, or run "
                f"`python -m playwright install chromium`. ({str(error).splitlines()[0]})"
            ) from error
        yield browser
        browser.close()


def places(folder: Path) -> dict[str, str]:
    """The variables that give the page a workspace, a shelf and keys below a folder."""
    return {
        "WORKBENCH_HOME": str(folder / "workspace"),
        "WORKBENCH_LORAS": str(folder / "loras"),
        "WORKBENCH_KEYS": str(folder / "keys"),
    }


@contextmanager
def served(places: Mapping[str, str] | None = None, output: Path | None = None) -> Iterator[str]:
    """The page, served as `streamlit run ui/app.py` does; stopped afterwards.

    Args:
        places: variables of the environment besides this process's own, such as `WORKBENCH_HOME`.
        output: the file that takes what the page prints; None leaves it in the terminal.

    Returns:
        Its address.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "streamlit", "run", "ui/app.py", "--server.headless", "true", "--server.port", str(port),
        "--server.fileWatcherType", "none",
    ]  # fmt: skip
    file = output.open("wb") if output else None
    server = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | dict(places or {}), stdin=subprocess.DEVNULL, stdout=file,
        stderr=subprocess.STDOUT if file else None, start_new_session=True,
    )  # fmt: skip
    try:
        _wait_for(f"http://127.0.0.1:{port}", server, output)
        yield f"http://127.0.0.1:{port}"
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        if file:
            file.close()


def _wait_for(url: str, server: subprocess.Popen[bytes], output: Path | None) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    said = output.read_text(encoding="utf-8", errors="replace") if output else ""
    raise AssertionError(f"the page did not start: {said}")


def go(tab: Any, address: str, screen: str) -> None:
    """Opens a screen by its address."""
    tab.goto(f"{address}/{screen}", wait_until="domcontentloaded")
    settle(tab)


def settle(tab: Any) -> None:
    """Waits until the page has been drawn and nothing of it is still being made."""
    tab.wait_for_selector(".band")
    tab.wait_for_function(
        "document.querySelector('[data-test-script-state=notRunning]')"
        " && !document.querySelector('[data-testid=stSkeleton], [data-testid=stSpinner]')"
    )


def put(tab: Any, key: str, value: str) -> None:
    """Types into the field with this key, and waits until the page has taken it."""
    field = tab.locator(f".st-key-{key} input").first
    field.fill(value)
    field.press("Enter")
    settle(tab)


def choose(tab: Any, key: str, words: str) -> None:
    """Chooses from the list with this key, and waits until the page has taken it."""
    box = tab.locator(f".st-key-{key} [role=combobox], .st-key-{key} input").first
    option = tab.get_by_role("option", name=words, exact=True)
    for _ in range(20):  # a page that is being drawn anew closes a list that was just opened
        box.scroll_into_view_if_needed()
        box.click()
        with suppress(Exception):
            option.click(timeout=3000)
            break
        tab.keyboard.press("Escape")
    settle(tab)
    assert words in tab.locator(f".st-key-{key}").first.inner_text() or box.input_value() == words


def width_of(tab: Any) -> int:
    """How wide the screen's content is: more than the window means that something hangs out on the right."""
    return int(tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth"))
