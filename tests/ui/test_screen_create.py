"""The create screen on a tiny base: what the form writes, what is drawn, and what is told when it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from furnish import furnish_adapter, furnish_broken_adapters, furnish_gallery, furnish_run
from PIL import Image
from reading import keys, text_of
from streamlit.testing.v1 import AppTest

from ui.bases import base_of
from workbench.config import Settings, atomic_write, home, settings_to_yaml, shelf
from workbench.dataset import build_dataset
from workbench.gallery import Gallery
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw as draw_world

Open = Callable[[str], AppTest]


@pytest.fixture
def mia(tiny_base: Path) -> Path:
    """An adapter for the tiny base, and the run that made it."""
    folder = furnish_run("mia")
    atomic_write(folder / "settings.yaml", settings_to_yaml(Settings(name="mia", base=str(tiny_base))))
    return furnish_adapter(tiny_base, "mia")


def test_nothing_on_the_shelf(screen: Open) -> None:
    page = screen("create")
    assert "No adapter is on the shelf yet" in text_of(page)
    assert "chibi of a person, smiling, wearing a red hoodie, blue background" in text_of(page)
    assert "wish-hair_style" in keys(page.selectbox), "without an adapter the person is described"


def test_lists_write_the_prompt(screen: Open, mia: Path) -> None:
    page = screen("create")
    page.selectbox(key="wish-expression").set_value("winking").run()
    page.selectbox(key="wish-background").set_value("beach").run()
    page.text_input(key="extra").set_value("holding a balloon").run()
    said = text_of(page)
    assert "chibi of zkq person, winking, wearing a red hoodie, in the beach, holding a balloon" in said
    assert "wish-hair_style" not in keys(page.selectbox)


def test_surprise_and_own_words(screen: Open, mia: Path) -> None:
    page = screen("create")
    page.button(key="surprise").click().run()
    assert not page.exception
    page.get("button_group")[0].set_value("Write").run()
    assert page.text_area(key="prompt").value.startswith("chibi of zkq person")
    page.text_area(key="prompt").set_value("").run()
    page.text_area(key="prompt").set_value("photo of zkq person").run()
    assert page.text_area(key="prompt").value == "photo of zkq person"


def test_base_of_an_adapter_is_found_again(mia: Path, tiny_base: Path) -> None:
    assert base_of("tiny-base") == str(tiny_base)
    assert base_of("") == base_of("chibi-mini") == "chibi-mini"
    assert base_of("some/hub-id") == "some/hub-id"


def test_drawn_pictures_are_in_the_gallery(screen: Open, mia: Path) -> None:
    page = screen("create")
    draw(page, count=2, steps=2)
    kept = Gallery().search()
    assert len(kept) == 2
    assert {each.record["adapters"][0]["name"] for each in kept} == {"mia"}
    assert kept[0].record["seed"] != kept[1].record["seed"]
    star = next(button for button in page.button if (button.key or "").startswith("star-made-"))
    star.click().run()
    assert len(Gallery().search(stars_only=True)) == 1


def test_candidates_are_compared_with_the_person_s_photos(screen: Open, mia: Path) -> None:
    build_dataset(home() / "datasets" / "mia", [(photo, "photo of zkq person") for photo in drawn_photos()])
    page = screen("create")
    draw(page, count=2, steps=2)
    said = text_of(page)
    assert "the most alike first" in said and said.count("unknown seed") == 2, "32 px of noise are nobody"


def test_locked_seed_draws_the_same_again(screen: Open, mia: Path) -> None:
    page = screen("create")
    page.number_input(key="seed").set_value(7).run()
    page.toggle(key="lock").set_value(True).run()
    draw(page, count=1, steps=2)
    first = Gallery().search()[0]
    draw(page, count=1, steps=2)
    assert first.record["seed"] == 7
    assert {each.record["seed"] for each in Gallery().search()} == {7}


def test_recipe_of_a_picture_fills_the_form(screen: Open, mia: Path) -> None:
    furnish_gallery(1)
    page = screen("gallery")
    name = Gallery().search()[0].id
    page.button(key=f"again-gallery-{name}").click().run()
    assert page.text_area(key="prompt").value == Gallery().get(name).prompt
    assert page.number_input(key="seed").value == 100 and page.toggle(key="lock").value
    assert page.selectbox(key="who").value == "mia"
    assert not page.warning, "no widget has a value of its own beside the one it is given"


def test_recipe_with_an_adapter_that_is_gone(screen: Open) -> None:
    furnish_gallery(1, adapter="lost")
    page = screen("gallery")
    page.button(key=f"again-gallery-{Gallery().search()[0].id}").click().run()
    assert "Not on the shelf any more: lost" in text_of(page)


def test_what_was_chosen_is_there_when_one_comes_back(screen: Open, mia: Path) -> None:
    page = screen("create")
    page.selectbox(key="wish-expression").set_value("sleepy").run()
    page.number_input(key="steps").set_value(7).run()
    page.slider(key="strength").set_value(0.8).run()
    page.switch_page("screens/gallery.py").run()
    page.switch_page("screens/create.py").run()
    assert page.selectbox(key="wish-expression").value == "sleepy"
    assert page.number_input(key="steps").value == 7 and page.slider(key="strength").value == 0.8


def test_broken_adapters_are_not_offered(screen: Open, mia: Path) -> None:
    furnish_broken_adapters()
    assert screen("create").selectbox(key="who").options == ["Anyone", "mia"]


def test_empty_prompt_is_told(screen: Open, mia: Path) -> None:
    page = screen("create")
    page.get("button_group")[0].set_value("Write").run()
    page.text_area(key="prompt").set_value(" ").run()
    page.button(key="draw-button").click().run()
    assert "The prompt" in text_of(page) and "Say what to draw" in text_of(page)


def test_missing_base_is_told(screen: Open, tiny_base: Path) -> None:
    furnish_adapter(tiny_base, "mia")  # no run tells where its base is
    page = screen("create")
    page.button(key="draw-button").click().run()
    assert "tiny-base" in text_of(page) and "no base of this name" in text_of(page)


def test_adapter_that_vanishes_while_the_page_is_open(screen: Open, mia: Path) -> None:
    page = screen("create")
    mia.unlink()
    page.run()
    assert page.selectbox(key="who").value == "Anyone" and not list(shelf().iterdir())


def drawn_photos() -> list[Image.Image]:
    scenes = [sample_scene(index, headwear="none", light="daylight") for index in range(2)]
    return [draw_world(sample_character(3), scene, "photo", 256, seed=index) for index, scene in enumerate(scenes)]


def draw(page: AppTest, count: int, steps: int) -> None:
    next(each for each in page.get("button_group") if each.key == "count").set_value(count).run()
    page.number_input(key="steps").set_value(steps).run()
    page.button(key="draw-button").click().run()
    assert not page.exception and not page.error, [each.value for each in page.error]
    assert (home() / "gallery").is_dir()


def test_own_words_are_shown_as_the_base_reads_them(screen: Open) -> None:
    page = screen("create")
    page.get("button_group")[0].set_value("Write").run()
    page.text_area(key="prompt").set_value("萌版头像，短发，圆眼镜，恐龙").run()
    said = text_of(page)
    assert "Read as: chibi of a person, short hair, round glasses" in said
    assert "the base does not know it: 恐龙" in said
    page.text_area(key="prompt").set_value("chibi of a person, smiling").run()
    assert "Read as" not in text_of(page)
