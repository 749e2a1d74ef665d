"""The page under Streamlit's own test runner: real scripts, real library, no browser."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from tiny import make_tiny_base

from workbench.config import ROOT

if str(ROOT) not in sys.path:  # as `streamlit run` and `ui/app.py` do
    sys.path.insert(0, str(ROOT))

# A screen judges photos and opens a base; on a busy machine that takes a while.
SECONDS = 120


@pytest.fixture
def screen(root: Path) -> Callable[[str], AppTest]:
    """Opens the page on a screen: `screen("gallery")`."""

    def open_screen(name: str) -> AppTest:
        page = AppTest.from_file(str(root / "ui" / "app.py"), default_timeout=SECONDS)
        # Any other screen first would cost its time: the page is opened on the one that is asked for.
        page.switch_page(f"screens/{name}.py")
        page.run()
        assert not page.exception, page.exception
        return page

    return open_screen


@pytest.fixture
def no_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first visit without sample photos."""
    from ui import people

    monkeypatch.setattr(people, "SAMPLE_PHOTOS", tmp_path / "none")


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base of a few thousand weights that draws 32 px pictures."""
    return make_tiny_base(tmp_path_factory.mktemp("base") / "tiny-base")
