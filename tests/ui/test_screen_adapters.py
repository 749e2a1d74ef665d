"""The shelf on the page: cards, broken files, bringing somebody else's adapter, deleting."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from furnish import furnish_adapter, furnish_broken_adapters
from reading import keys, text_of
from streamlit.testing.v1 import AppTest

from ui.downloads import kohya_bytes, shared
from workbench.adapters import find_adapter, inspect_adapter, read_card
from workbench.adapters.header import read_header, with_metadata
from workbench.adapters.labels import Label, change_label, read_labels
from workbench.adapters.mix import kept_by_rank
from workbench.adapters.weights import read_weights
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


def test_deleting_can_be_undone(screen: Open, tiny_base: Path) -> None:
    path = furnish_adapter(tiny_base)
    content = path.read_bytes()
    page = screen("adapters")
    page.button(key="drop-mia").click().run()
    page.button(key="sure-drop").click().run()
    assert not path.exists() and "in the trash for 30 days" in text_of(page)
    page.button(key="undo-drop").click().run()
    assert path.read_bytes() == content and "use-mia" in keys(page.button)
    page.button(key="drop-mia").click().run()
    page.button(key="sure-drop").click().run()
    page.button(key="empty-trash").click().run()
    assert "undo-drop" not in keys(page.button) and not path.exists()


def test_search_tags_and_versions(screen: Open, tiny_base: Path) -> None:
    for number, name in enumerate(("mia", "mia-v2", "lena", "omar")):
        furnish_adapter(tiny_base, name, number)
    change_label("lena", tags=["friends"])
    page = screen("adapters")
    assert "mia: version 2 of 2" in text_of(page) and "#friends" in text_of(page)
    page.text_input(key="shelf-search").input("lena").run()
    assert keys(page.button) & {"use-mia", "use-lena"} == {"use-lena"}
    page.text_input(key="shelf-search").input("nobody").run()
    assert "Nothing found" in text_of(page)
    page.text_input(key="shelf-search").input("").run()
    page.button_group(key="shelf-tags").set_value(["friends"]).run()
    assert keys(page.button) & {"use-mia", "use-lena", "use-omar"} == {"use-lena"}


def test_a_label_and_a_card_are_written(screen: Open, tiny_base: Path) -> None:
    furnish_adapter(tiny_base)
    page = screen("adapters")
    page.button(key="more-mia").click().run()
    page.text_input(key="label-tags").input("Friends, red").run()
    page.slider(key="label-strength").set_value(0.8).run()
    page.button(key="label-save").click().run()
    assert find_adapter("mia").label == Label(("friends", "red"), "", 0.8)
    page.button(key="more-mia").click().run()
    page.text_input(key="said-licence").input("CC-BY-4.0").run()
    page.selectbox(key="said-scope").set_value("share").run()
    page.button(key="said-save").click().run()
    card = read_card(shelf() / "mia.safetensors")
    assert (card.licence, card.scope) == ("CC-BY-4.0", "share")
    assert "CC-BY-4.0" in text_of(page) and "may be shared, not sold" in text_of(page)


def test_an_adapter_gets_another_name(screen: Open, tiny_base: Path) -> None:
    content = furnish_adapter(tiny_base, "mia").read_bytes()
    (shelf() / "mia.kohya.safetensors").write_bytes(kohya_bytes(shelf() / "mia.safetensors"))
    change_label("mia", tags=["friends"], subject="maria", strength=0.8)
    furnish_adapter(tiny_base, "maria", 2)
    page = screen("adapters")
    page.button(key="more-mia").click().run()
    page.text_input(key="label-name").input(" 米娅-2 ").run()
    page.button(key="label-save").click().run()
    assert not page.exception and not page.error and "label-name" not in keys(page.text_input), "the dialog is closed"
    assert any("mia is now called 米娅-2" in each.value for each in page.toast)
    assert sorted(path.name for path in shelf().glob("*.safetensors")) == [
        "maria.safetensors", "米娅-2.kohya.safetensors", "米娅-2.safetensors",
    ]  # fmt: skip
    assert (shelf() / "米娅-2.safetensors").read_bytes() == content, "card and thumbnail are as they were"
    assert find_adapter("米娅-2").label == Label(("friends",), "maria", 0.8) and set(read_labels()) == {"米娅-2"}
    assert "use-mia" not in keys(page.button) and "use-米娅-2" in keys(page.button)
    assert "maria: version 1 of 2" in text_of(page) and "maria: version 2 of 2" in text_of(page)
    page.button(key="use-米娅-2").click().run()
    assert page.selectbox(key="who").value == "米娅-2"


def test_a_name_is_refused_where_it_was_typed(screen: Open, tiny_base: Path) -> None:
    furnish_adapter(tiny_base, "mia")
    other = furnish_adapter(tiny_base, "lena", 2)
    content = other.read_bytes()
    page = screen("adapters")
    page.button(key="more-mia").click().run()
    for name, reason in (("lena", "one of that name on the shelf"), ("mia/../x", "contains"), ("", "empty")):
        page.text_input(key="label-name").input(name).run()
        page.button(key="label-save").click().run()
        assert not page.exception and len(page.error) == 1 and reason in page.error[0].value
        assert page.text_input(key="label-name").value == name, "the dialog is open, with what was typed"
    assert other.read_bytes() == content and {path.name for path in shelf().glob("*.safetensors")} == {
        "mia.safetensors", "lena.safetensors",
    }  # fmt: skip
    assert {"use-mia", "use-lena"} <= keys(page.button)
    page.text_input(key="label-name").input("mia").run()
    page.text_input(key="label-tags").input("x" * 40).run()
    page.button(key="label-save").click().run()
    assert len(page.error) == 1 and page.text_input(key="label-tags").value == "x" * 40
    page.text_input(key="label-tags").input("red").run()
    page.button(key="label-save").click().run()
    assert not page.error and find_adapter("mia").label.tags == ("red",)


def test_a_file_is_checked_on_the_page(screen: Open, tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    furnish_adapter(tiny_base)
    monkeypatch.setattr("ui.bases.base_of", lambda _: str(tiny_base))
    monkeypatch.setattr("ui.adapter_details.base_of", lambda _: str(tiny_base))
    page = screen("adapters")
    page.button(key="more-mia").click().run()
    page.button(key="check-file").click().run()
    said = text_of(page)
    assert "ComfyUI: partly" in said and "diffusers: yes" in said and "sd1" in said
    assert any("Sound: all" in each.value for each in page.success)


def test_a_smaller_copy_is_made_on_the_page(screen: Open, tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = furnish_adapter(tiny_base)
    monkeypatch.setattr("ui.adapter_resize.base_of", lambda _: str(tiny_base))
    page = screen("adapters")
    page.button(key="more-mia").click().run()
    page.toggle(key="resize-mia").set_value(True).run()
    whole = inspect_adapter(path).ranks[-1]
    page.slider(key="resize-rank-mia").set_value(whole).run()
    assert "Keeps 100.0 % of its change" in text_of(page)
    page.slider(key="resize-rank-mia").set_value(1).run()
    kept, _ = kept_by_rank(read_weights(path))[0]
    assert f"Keeps {100 * kept:.1f} % of its change" in text_of(page) and kept < 1
    page.button(key="resize-save").click().run()
    assert any("mia-r1 is on the shelf" in each.value for each in page.success)
    assert inspect_adapter(shelf() / "mia-r1.safetensors").ranks == (1,) and path.exists()
    assert find_adapter("mia-r1").card.settings["resize"]["kept"] == round(kept, 4)
    page.button(key="resize-save").click().run()
    assert "one of that name" in text_of(page)


def test_an_adapter_that_is_not_finite_is_told_where_its_ranks_are_asked_for(screen: Open, tiny_base: Path) -> None:
    path = furnish_adapter(tiny_base)
    first = min(tensor.start for tensor in read_header(path).tensors.values())
    content = bytearray(path.read_bytes())
    content[first : first + 64] = b"\xff" * 64  # NaN in every number format
    path.write_bytes(content)
    page = screen("adapters")
    page.button(key="more-mia").click().run()
    page.toggle(key="resize-mia").set_value(True).run()
    assert not page.exception and any("NaN" in each.value for each in page.error)


def test_what_a_file_tells_of_its_photos_is_shown_in_red(screen: Open, tiny_base: Path) -> None:
    path = furnish_adapter(tiny_base)
    told = read_header(path).metadata | {"ss_dataset_dirs": '{"10_mia lopez": {"img_count": 12}}'}
    content = with_metadata(path.read_bytes(), told)
    path.unlink()
    page = screen("adapters")
    page.file_uploader[0].set_value(("friend.safetensors", content, "application/octet-stream")).run()
    page.button(key="bring-put").click().run()
    assert any("ss_dataset_dirs" in re.sub(r"\\(.)", r"\1", each.value) for each in page.error)
    assert b"lopez" not in shared(find_adapter("friend"), "kohya") + shared(find_adapter("friend"), "diffusers")
    assert b"lopez" in shared(find_adapter("friend"), "diffusers", keep_private=True)
    page.button(key="clean-friend").click().run()
    assert not page.error and b"lopez" not in (shelf() / "friend.safetensors").read_bytes()


def test_a_zip_goes_out_and_in(screen: Open, tiny_base: Path) -> None:
    path = furnish_adapter(tiny_base)
    packed, folder = shared(find_adapter("mia"), "zip"), shared(find_adapter("mia"), "peft")
    path.unlink()
    page = screen("adapters")
    page.file_uploader[0].set_value(("from mia.zip", packed, "application/zip")).run()
    page.button(key="bring-put").click().run()
    assert find_adapter("from-mia").card.trigger == "zkq" and "No licence is stated" in text_of(page)
    page.file_uploader[0].set_value(("peft.zip", folder, "application/zip")).run()
    page.button(key="bring-put").click().run()
    assert find_adapter("peft").card.trigger == "zkq"
    page.file_uploader[0].set_value(("evil.zip", b"PK\x03\x04", "application/zip")).run()
    page.button(key="bring-put").click().run()
    assert "no zip" in text_of(page)


def test_two_are_mixed_on_the_page(screen: Open, tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("mia", "lena"), 1):
        furnish_adapter(tiny_base, name, number)
    monkeypatch.setattr("ui.adapter_mix.base_of", lambda _: str(tiny_base))
    page = screen("adapters")
    page.multiselect(key="mix-who").set_value(["mia", "lena"]).run()
    page.slider(key="mix-strength-lena").set_value(0.3).run()
    page.button(key="mix-try").click().run()
    assert not page.exception and not page.error
    page.button(key="mix-make").click().run()
    assert find_adapter("mia-lena").card.parents == ["mia × 0.6", "lena × 0.3"]
    assert find_adapter("mia-lena").card.thumbnail, "the card shows what the mix draws"
    assert "Mixed from" in text_of(page)
    page.multiselect(key="mix-who").set_value(["mia", "lena"]).run()
    page.button(key="mix-make").click().run()
    assert "one of that name" in text_of(page)


def test_a_broken_label_file_leaves_the_page_as_it_is(screen: Open, tiny_base: Path) -> None:
    furnish_adapter(tiny_base)
    (shelf() / ".shelf.json").write_text("{")
    assert "use-mia" in keys(screen("adapters").button)
