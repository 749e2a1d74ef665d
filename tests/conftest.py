"""Every test has a home and a shelf of its own: none can see or touch what a person has made."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before any test module imports torch.
from workbench.device import prepare_environment

prepare_environment()

import pytest  # noqa: E402
from browsing import WIDE, NoBrowser, served  # noqa: E402
from browsing import chromium as open_chromium  # noqa: E402

from workbench.config import ROOT  # noqa: E402

# A shell that starts the tests in the background makes them, and every process they start, deaf to Ctrl-C; the tests
# of Ctrl-C would then wait for nothing.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with the most slow tests come first, so that at the end no process waits for another one's long file."""
    slow = Counter(item.path for item in items if any(item.iter_markers("slow")) or any(item.iter_markers("browser")))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Points WORKBENCH_HOME and WORKBENCH_LORAS to fresh folders, and W&B, hub and page to nowhere.

    Returns:
        The folder that holds both.
    """
    folder = tmp_path_factory.mktemp("places")
    monkeypatch.setenv("WORKBENCH_HOME", str(folder / "workspace"))
    monkeypatch.setenv("WORKBENCH_LORAS", str(folder / "loras"))
    # Plain, so that tests can look into files; those of the vault (tests/privacy) work on encrypted ones. Keys never go
    # to the keyring or the configuration folder of whoever runs the tests.
    monkeypatch.setenv("WORKBENCH_VAULT", "plain")
    monkeypatch.setenv("WORKBENCH_KEYS", str(folder / "keys"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    # English, whatever language the machine speaks.
    monkeypatch.setenv("WORKBENCH_LANG", "en")
    return folder


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def in_ci() -> bool:
    """Whether a test that lacks a tool must fail instead of being skipped."""
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


PATIENCE = 240_000  # ms: alone on two cores a screen takes seconds, beside other work a hundred times that


@pytest.fixture(scope="module")
def chromium(in_ci: bool) -> Iterator[Any]:
    """A headless Chromium. Where there is none, the test is skipped loudly, and fails in CI."""
    try:
        with open_chromium() as browser:
            yield browser
    except NoBrowser as error:
        reason = f"THE PAGE WAS NOT TESTED IN A BROWSER: {error}"
        if in_ci:
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def address(own_places: Path) -> Iterator[str]:
    """The page, with a workspace of its own."""
    with served(output=own_places / "page.txt") as url:
        yield url


@pytest.fixture
def tab(chromium: Any, address: str, own_places: Path) -> Iterator[Any]:
    """A fresh tab that notes every address it asks for."""
    context = chromium.new_context(viewport=WIDE, accept_downloads=True)
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
