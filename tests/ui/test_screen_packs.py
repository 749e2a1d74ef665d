"""The packs screen: empty, drawing, full, exported, and with a pack that is broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from furnish import furnish_adapter, furnish_run
from PIL import Image
from reading import keys, text_of
from streamlit.testing.v1 import AppTest

from workbench.config import Settings, atomic_write, settings_to_yaml
from workbench.generation import Picture
from workbench.packs import EXPRESSIONS, Recipe, create_pack, list_packs, load_pack
from workbench.world.character import sample_character
from workbench.world.draw import draw

Open = Callable[[str], AppTest]


def furnish_pack(name: str = "mia", count: int = 16, **recipe: object) -> None:
    """A pack whose pictures the world drew."""
    pack = create_pack(name, Recipe(adapters=((name, 1.0),), trigger="zkq", seed=5, **recipe))  # type: ignore[arg-type]
    record = {
        "prompt": "chibi of zkq person", "negative": "", "seed": 5, "steps": 2, "guidance": 4.0, "size": 128,
        "adapters": [{"name": name, "strength": 1.0, "sha256": ""}],
    }  # fmt: skip
    for each in list(EXPRESSIONS.values())[:count]:
        scene = each.scene(background="green", clothing="hoodie", clothing_colour="red")
        pack.keep(each.id, Picture(draw(sample_character(3), scene, "chibi", 128), record))


def stickers(page: AppTest) -> int:
    return sum('<div class="sticker"><img' in element.proto.body for element in page.get("html"))


def test_no_pack_yet(screen: Open) -> None:
    page = screen("packs")
    assert "One person, sixteen moods" in text_of(page) and "Without an adapter" in text_of(page)
    assert page.button(key="make-pack").label == "Draw 16 expressions"


@pytest.mark.slow
def test_one_click_draws_all_and_a_stop_loses_nothing(screen: Open, tiny_base: Path) -> None:
    folder = furnish_run("mia")
    atomic_write(folder / "settings.yaml", settings_to_yaml(Settings(name="mia", base=str(tiny_base))))
    furnish_adapter(tiny_base, "mia")
    page = screen("packs")
    page.button(key="make-pack").click().run()
    assert not page.exception and not page.error, [each.value for each in page.error]
    pack = load_pack("mia")
    assert pack.missing == () and pack.recipe.base == str(tiny_base) and pack.recipe.trigger == "zkq"
    assert {pack.seed_of(name) for name in EXPRESSIONS} == {pack.recipe.seed}
    for name in ("wow", "meow"):
        pack.picture_file(name).unlink()
    page = screen("packs")
    assert page.button(key="draw-missing").label == "Draw the other 2"
    page.button(key="draw-missing").click().run()
    assert load_pack("mia").missing == ()
    page.button(key="again-sticker-sad").click().run()
    assert load_pack("mia").seed_of("sad") != pack.recipe.seed, "drawn again with another seed"


def test_sixteen_cards_and_what_is_chosen(screen: Open) -> None:
    furnish_pack()
    page = screen("packs")
    assert stickers(page) == 16 and "16 of 16 drawn" in text_of(page) and "16 chosen" in text_of(page)
    page.checkbox(key="choose-mia-sad").uncheck().run()
    assert len(load_pack("mia").chosen) == 15 and "15 chosen" in text_of(page)
    assert "Takes 8, 16 or 24 expressions; 15 are chosen" in text_of(page)
    assert page.button(key="export-wechat").disabled and not page.button(key="export-telegram").disabled


def test_looks_and_movements(screen: Open) -> None:
    furnish_pack(count=2)
    page = screen("packs")
    plain = [element.proto.body for element in page.get("html") if '<div class="sticker"><img' in element.proto.body]
    page.toggle(key="pack-border").set_value(False).run()
    group = next(each for each in page.get("button_group") if each.key == "pack-words")
    group.set_value("English").run()
    other = [element.proto.body for element in page.get("html") if '<div class="sticker"><img' in element.proto.body]
    assert len(plain) == len(other) == 2 and set(plain).isdisjoint(other)
    next(each for each in page.get("button_group") if each.key == "pack-move").set_value("Bounce").run()
    assert any('class="stickers"' in element.proto.body for element in page.get("html"))
    assert "GIF · moving" in text_of(page) and not page.exception


def test_files_are_made_checked_and_offered(screen: Open) -> None:
    furnish_pack(count=3)
    page = screen("packs")
    page.button(key="export-discord-emoji").click().run()
    assert not page.exception and not page.error, [each.value for each in page.error]
    assert "Passed its check" in text_of(page)
    folder = load_pack("mia").folder / "exports" / "discord-emoji"
    assert len(list(folder.iterdir())) == 3 and folder.with_suffix(".zip").is_file()
    (folder / "02.png").write_bytes(b"no picture")
    folder.with_suffix(".zip").touch()
    assert "1 problem" in text_of(screen("packs")), "what lies on the disk is judged, not what was written"


def test_several_packs_and_deleting(screen: Open) -> None:
    furnish_pack("mia", 1)
    furnish_pack("leo", 1)
    page = screen("packs")
    assert page.selectbox(key="pack").value == "leo"
    page.selectbox(key="pack").set_value("mia").run()
    page.button(key="pack-delete").click().run()
    assert len(list_packs()) == 2, "it asks first"
    page.button(key="pack-delete-sure").click().run()
    assert list_packs() == ["leo"]
    page.button(key="pack-begin").click().run()
    assert "make-pack" in keys(page.button)
    page.button(key="pack-back").click().run()
    assert stickers(page) == 1


def test_a_broken_pack_can_be_deleted(screen: Open) -> None:
    furnish_pack("mia", 1)
    (load_pack("mia").folder / "pack.json").write_text("{", encoding="utf-8")
    page = screen("packs")
    assert "is broken" in text_of(page)
    page.button(key="delete-broken").click().run()
    assert list_packs() == [] and "One person, sixteen moods" in text_of(page)


def test_pictures_that_are_broken_or_cannot_be_cut(screen: Open) -> None:
    furnish_pack("mia", 3)
    pack = load_pack("mia")
    pack.picture_file("smile").write_bytes(b"\x89PNG half")
    Image.linear_gradient("L").convert("RGB").save(pack.picture_file("ok"))
    page = screen("packs")
    assert "The file cannot be read" in text_of(page) or "the file cannot be read" in text_of(page)
    assert "its background is not one colour" in text_of(page) and stickers(page) == 1
    page.button(key="export-discord-emoji").click().run()
    assert "Draw this expression again" in text_of(page) and not page.exception


def test_what_was_given_up_is_told(screen: Open) -> None:
    furnish_pack(count=8)
    page = screen("packs")
    page.session_state["pack-notes-mia-discord-emoji"] = ("01.png: 64 colours, to stay under 256 KB",)
    page.button(key="export-discord-emoji").click().run()
    assert "to stay under" not in text_of(page), "what was told of earlier files is gone with them"
    page.session_state["pack-notes-mia-discord-emoji"] = ("01.png: 64 colours, to stay under 256 KB",)
    page.run()
    assert "64 colours, to stay under 256 KB" in text_of(page)
