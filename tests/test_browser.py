"""The whole flow in a real browser: photos in, trained, drawn, found in the gallery, downloaded.

Uses the system's Chromium, else Playwright's own. Where there is neither, the tests are skipped loudly, and fail in CI.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny import make_tiny_base

from workbench.config import ROOT
from workbench.generation import read_record

# Alone on two cores the flow takes a minute or two; beside other work it can take ten times that.
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(2400)]

SELFIES = sorted((ROOT / "examples" / "selfies").glob("*.jpg"))
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SCREENS = ("", "train", "create", "packs", "gallery", "adapters")
PATIENCE, TRAINING = 240_000, 900_000  # ms


@pytest.fixture(scope="module")
def chromium(in_ci: bool) -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import Error, sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        except Error as error:
            reason = (
                "THE PAGE WAS NOT TESTED IN A BROWSER: no Chromium was found. Install your system's chromium, "
                f"or run `python -m playwright install chromium`. ({str(error).splitlines()[0]})"
            )
            if in_ci:
                pytest.fail(reason)
            pytest.skip(reason)
        yield browser
        browser.close()


@pytest.fixture
def address(own_places: Path) -> Iterator[str]:
    """The page, served as `streamlit run ui/app.py` does, with a workspace of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    output = own_places / "page.txt"
    with output.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "ui/app.py", "--server.headless", "true",
             "--server.port", str(port), "--server.fileWatcherType", "none"],
            cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, server, output)
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def _wait_for(url: str, server: subprocess.Popen[bytes], output: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert server.poll() is None, output.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"the page did not start: {output.read_text(encoding='utf-8')}")


@pytest.fixture
def tab(chromium: Any, address: str, own_places: Path) -> Iterator[Any]:
    """A fresh tab that notes every address it asks for."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    # Looked at when a test fails.
    page.screenshot(path=own_places / "last.png")
    strangers = {url for url in asked if not url.startswith((address, "data:", "blob:", address.replace("http", "ws")))}
    assert not strangers, "the page asks nobody else for anything"
    context.close()


def go(tab: Any, address: str, screen: str) -> None:
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


def test_whole_flow(tab: Any, address: str, own_places: Path, tmp_path: Path) -> None:
    base = make_tiny_base(tmp_path / "tiny-base")
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear Mia, this is no picture.", encoding="utf-8")

    # photos: a new person, five selfies and something that is none
    go(tab, address, "")
    tab.locator(".title", has_text="selfie-1.jpg").wait_for()  # the sample person is there at the first visit
    tab.get_by_role("button", name="New person").click()
    tab.locator(".st-key-new-name input").fill("mia")
    tab.get_by_text("It is nobody's face").click()
    tab.locator(".st-key-make-person button").click()
    tab.get_by_text("No photos yet").wait_for()
    settle(tab)
    tab.locator(".st-key-drop-mia-0 input[type=file]").set_input_files([*SELFIES, letter])
    tab.get_by_text(f"{len(SELFIES)} photos to learn from").wait_for()
    tab.get_by_text("1 photo left out").wait_for()
    tab.locator(".small", has_text="It is text, not a picture").wait_for()
    settle(tab)

    # train: a few steps on the tiny base; a refresh in the middle loses nothing
    tab.get_by_role("button", name="Train on these photos").click()
    tab.locator(".st-key-start button").wait_for()
    settle(tab)
    tab.get_by_text("Advanced settings").click()
    put(tab, "train-base", str(base))
    put(tab, "set-train-steps-150", "6")
    put(tab, "set-data-anchors-16", "2")
    tab.get_by_role("button", name="Train mia").click()
    tab.locator(".st-key-panel-run .badge.live").wait_for()
    go(tab, address, "train")
    tab.locator(".st-key-panel-run .badge.good", has_text="Done").wait_for(timeout=TRAINING)
    tab.get_by_text("Step 6", exact=True).wait_for()
    assert (own_places / "loras" / "mia.safetensors").is_file()

    # create: four candidates
    tab.get_by_role("button", name="Create pictures").click()
    tab.locator(".st-key-draw-button button").wait_for()
    settle(tab)
    tab.get_by_text("More settings").click()
    put(tab, "steps", "2")
    tab.locator(".st-key-draw-button button").click()
    pictures = tab.locator("[class*=st-key-card-made-] img")
    pictures.nth(3).wait_for()
    assert pictures.count() == 4

    # gallery: they are there; one gets a star, one is downloaded with its recipe inside
    tab.get_by_role("link", name="Gallery").first.click()
    tab.locator(".badge", has_text="4 pictures").wait_for()
    tab.locator("[class*=st-key-star-gallery-] button").first.click()
    settle(tab)
    tab.locator(".st-key-stars label").click()
    tab.locator(".badge", has_text="1 picture").wait_for()
    with tab.expect_download() as download:
        tab.locator("[class*=st-key-save-gallery-] button").first.click()
    saved = tmp_path / "saved.png"
    download.value.save_as(saved)
    record = read_record(saved)
    assert record["prompt"].startswith("chibi of zkq person")
    assert [each["name"] for each in record["adapters"]] == ["mia"]

    # adapters: the new one is on the shelf
    tab.get_by_role("link", name="Adapters").first.click()
    tab.locator(".st-key-card-adapter-mia").wait_for()


def test_every_screen_fits_a_phone(tab: Any, address: str) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    for screen in SCREENS:
        go(tab, address, screen)
        width = tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        assert width <= 390, f"/{screen} is {width} px wide"
        bar = tab.locator(".st-key-tabs a")
        assert bar.count() == 6 and bar.first.is_visible()
