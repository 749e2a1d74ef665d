"""The page as a whole: every screen opens, whatever state the workspace is in, and nothing is told to anyone else."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from reading import text_of
from streamlit.testing.v1 import AppTest

Open = Callable[[str], AppTest]
SCREENS = ("photos", "train", "create", "packs", "gallery", "adapters")


def test_order_of_the_screens_is_the_order_of_the_flow(screen: Open, no_samples: None) -> None:
    links = [link.proto.label for link in screen("gallery").get("page_link")]
    assert links == ["Photos", "Train", "Create", "Packs", "Gallery", "Adapters"]


@pytest.mark.parametrize("name", SCREENS)
def test_screens_open_in_an_empty_workspace(screen: Open, no_samples: None, name: str) -> None:
    page = screen(name)
    assert not page.error and any('class="band' in element.proto.body for element in page.get("html"))


@pytest.mark.parametrize("name", SCREENS)
def test_a_workspace_that_cannot_be_used_is_told(
    screen: Open, no_samples: None, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "file" / "workspace"))
    (tmp_path / "file").write_text("no folder can be made in here", encoding="utf-8")
    page = screen(name)
    assert "unexpected" not in text_of(page)
    if name == "gallery":
        assert "something else is already there" in text_of(page).lower()


def test_a_bug_is_told_without_a_traceback(
    screen: Open, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ui import picture

    def broken(**_: object) -> None:
        raise ZeroDivisionError("a secret path")

    monkeypatch.setattr(picture, "Gallery", broken)
    page = screen("gallery")
    assert "Something unexpected happened" in text_of(page) and "secret" not in text_of(page)
    assert "a secret path" in capsys.readouterr().err, "the terminal says more"


def test_the_first_screen_does_not_wait_for_torch(root: Path, tmp_path: Path) -> None:
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_file({str(root / "ui" / "app.py")!r}, default_timeout=120).run()
assert not page.exception and page.button(key="first"), page
print("torch" in sys.modules, "diffusers" in sys.modules)
"""
    # An empty `subjects` folder: the sample person was here and is forgotten.
    (tmp_path / "subjects").mkdir()
    environment = os.environ | {"WORKBENCH_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=300)
    assert done.stdout.split() == ["False", "False"], done.stderr


def test_the_page_speaks_to_this_computer_only(root: Path) -> None:
    config = tomllib.loads((root / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["address"] == "127.0.0.1"
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorDetails"] == "none"
    for face in config["theme"]["fontFaces"]:
        assert (root / "ui" / face["url"].removeprefix("app/")).is_file(), "letters come from here"
