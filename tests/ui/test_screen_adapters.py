"""The shelf on the page: cards, broken files, bringing somebody else's adapter, deleting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from furnish import furnish_adapter, furnish_broken_adapters
from reading import keys, text_of
from streamlit.testing.v1 import AppTest

from ui.downloads import kohya_bytes
from workbench.adapters import inspect_adapter
from workbench.config import shelf

Open = Callable[[str], AppTest]


def test_empty(screen: Open) -> None:
    assert "The shelf is empty" in text_of(screen("adapters"))


def test_card(screen: Open, tiny_base: Path) -> None:
    furnish_adapter(tiny_base)
    page = screen("adapters")
    said = text_of(page)
    for words in ("mia", "tiny-base", "trigger: zkq", "chestnut", "prompt 0.91", "150 steps"):
        assert words in said
    page.button(key="use-mia").click().run()
    assert "Draw avatars" in text_of(page) and page.selectbox(key="who").value == "mia"


def test_broken_files_are_shown_and_can_be_deleted(screen: Open, tiny_base: Path) -> None:
    furnish_adapter(tiny_base)
    furnish_broken_adapters()
    page = screen("adapters")
    said = text_of(page)
    assert said.count("Broken") == 2 and "can run code" in said
    page.button(key="drop-cut").click().run()
    page.button(key="sure-drop").click().run()
    assert not (shelf() / "cut.safetensors").exists() and (shelf() / "mia.safetensors").exists()


def test_deleting_asks_first(screen: Open, tiny_base: Path) -> None:
    path = furnish_adapter(tiny_base)
    page = screen("adapters")
    page.button(key="drop-mia").click().run()
    assert path.exists()
    page.button(key="sure-drop").click().run()
    assert not path.exists() and "The shelf is empty" in text_of(page)


def test_downloads(tiny_base: Path, tmp_path: Path) -> None:
    path = furnish_adapter(tiny_base)
    (tmp_path / "mia.kohya.safetensors").write_bytes(kohya_bytes(path))
    assert inspect_adapter(tmp_path / "mia.kohya.safetensors").spelling == "kohya"
    assert [each.name for each in shelf().iterdir()] == ["mia.safetensors"], "the export leaves nothing on the shelf"


def test_bringing_an_adapter(screen: Open, tiny_base: Path) -> None:
    content = furnish_adapter(tiny_base).read_bytes()
    page = screen("adapters")
    page.file_uploader[0].set_value(("My friend (v2).safetensors", content, "application/octet-stream")).run()
    page.button(key="bring-put").click().run()
    assert (shelf() / "My-friend--v2.safetensors").read_bytes() == content
    assert "drop-My-friend--v2" in keys(page.button)


def test_what_is_no_adapter_is_refused_with_a_reason(screen: Open, tiny_base: Path) -> None:
    furnish_adapter(tiny_base)
    for name, content, told in (
        ("model.ckpt", b"\x80\x04", "can run code"),
        ("cut.safetensors", b"\x10\0\0\0\0\0\0\0{", "cut"),
        ("mia.safetensors", (shelf() / "mia.safetensors").read_bytes(), "one of that name"),
    ):
        page = screen("adapters")
        page.file_uploader[0].set_value((name, content, "application/octet-stream")).run()
        page.button(key="bring-put").click().run()
        assert told in text_of(page)
    assert [each.name for each in shelf().iterdir()] == ["mia.safetensors"]
