"""The create screen on a tiny base: what the form writes, what is drawn, and what is told when it cannot be."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from furnish import furnish_adapter, furnish_broken_adapters, furnish_gallery, furnish_run
from PIL import Image
from reading import text_of
from streamlit.testing.v1 import AppTest

from ui.bases import base_of
from workbench.config import Settings, atomic_write, home, settings_to_yaml, shelf
from workbench.dataset import build_dataset
from workbench.gallery import Gallery
from workbench.generation import Picture, Start, choices, keep_start
from workbench.generation.sheet import read_sheet
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
    assert "Hair" in lists(page), "without an adapter the person is described"


def test_lists_write_the_prompt(screen: Open, mia: Path) -> None:
    page = screen("create")
    click(page, "expression", "winking")
    click(page, "background", "beach")
    page.text_input(key="extra").set_value("holding a balloon").run()
    said = text_of(page)
    assert "chibi of zkq person, winking, wearing a red hoodie, in the beach, holding a balloon" in said
    assert "Hair" not in lists(page)
    click(page, "background", None)
    assert "winking, wearing a red hoodie, holding a balloon" in text_of(page), "a second click takes it back"


def test_surprise_and_own_words(screen: Open, mia: Path) -> None:
    page = screen("create")
    page.button(key="surprise").click().run()
    assert not page.exception
    group(page, "mode").set_value("Write").run()
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
    click(page, "expression", "sleepy")
    page.number_input(key="steps").set_value(7).run()
    page.slider(key="strength").set_value(0.8).run()
    page.switch_page("screens/gallery.py").run()
    page.switch_page("screens/create.py").run()
    assert page.session_state["wish-expression"] == "sleepy" and "sleepy" in text_of(page)
    assert page.number_input(key="steps").value == 7 and page.slider(key="strength").value == 0.8


def test_broken_adapters_are_not_offered(screen: Open, mia: Path) -> None:
    furnish_broken_adapters()
    assert screen("create").selectbox(key="who").options == ["Anyone", "mia"]


def test_empty_prompt_is_told(screen: Open, mia: Path) -> None:
    page = screen("create")
    group(page, "mode").set_value("Write").run()
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


def group(page: AppTest, key: str) -> Any:
    return next(each for each in page.get("button_group") if each.key == key)


def lists(page: AppTest) -> list[str]:
    """The lists that are offered, as they are called on the page."""
    return [str(option) for option in group(page, "list").options]


def click(page: AppTest, name: str, word: str | None) -> None:
    """Opens a list and clicks a picture of it."""
    group(page, "list").set_value(name).run()
    group(page, f"choose-{name}").set_value(word).run()
    assert not page.exception


def drawn_photos() -> list[Image.Image]:
    scenes = [sample_scene(index, headwear="none", light="daylight") for index in range(2)]
    return [draw_world(sample_character(3), scene, "photo", 256, seed=index) for index, scene in enumerate(scenes)]


def draw(page: AppTest, count: int, steps: int) -> None:
    group(page, "count").set_value(count).run()
    page.number_input(key="steps").set_value(steps).run()
    page.button(key="draw-button").click().run()
    assert not page.exception and not page.error, [each.value for each in page.error]
    assert (home() / "gallery").is_dir()


def test_own_words_are_shown_as_the_base_reads_them(screen: Open) -> None:
    page = screen("create")
    group(page, "mode").set_value("Write").run()
    page.text_area(key="prompt").set_value("萌版头像，短发，圆眼镜，恐龙").run()
    said = text_of(page)
    assert "Read as: chibi of a person, short hair, round glasses" in said
    assert "the base does not know it: 恐龙" in said
    page.text_area(key="prompt").set_value("chibi of a person, smiling").run()
    assert "Read as" not in text_of(page)


def test_every_word_is_drawn_by_the_world() -> None:
    from ui.create_looks import LABELS, look

    assert set(LABELS) == set(choices())
    for name, words in choices().items():
        drawn = {look(name, word) for word in words}
        assert len(drawn) == len(words), f"the pictures of {name} differ"
        assert all(uri.startswith("data:image/webp;base64,") and len(uri) < 12_000 for uri in drawn)


def test_a_style_fills_the_lists(screen: Open, mia: Path) -> None:
    page = screen("create")
    page.selectbox(key="style").set_value("beach").run()
    assert "laughing, wearing a yellow t-shirt, a hat, in the beach, cheering" in text_of(page)
    click(page, "headwear", None)
    assert "wearing a yellow t-shirt, in the beach" in text_of(page), "what is clicked afterwards goes first"


def test_own_styles_that_are_broken_are_told(screen: Open, mia: Path) -> None:
    atomic_write(home() / "styles.yaml", "mine: {clothes: suit}")
    page = screen("create")
    assert "styles.yaml, mine" in text_of(page) and "nothing that a style says" in text_of(page)


def test_variations_of_a_picture(screen: Open, mia: Path) -> None:
    page = screen("create")
    draw(page, count=1, steps=2)
    first = Gallery().search()[0]
    page.button(key=f"more-{first.id}").click().run()
    page.slider(key="vary-strength").set_value(0.2).run()
    group(page, "vary-count").set_value(2).run()
    page.button(key="more-draw").click().run()
    assert not page.exception and not page.error
    varied = [each.record for each in Gallery().search() if "variation" in each.record]
    assert len(varied) == 2 and {each["seed"] for each in varied} == {first.record["seed"]}
    assert {each["variation"]["strength"] for each in varied} == {0.2}
    # Its recipe fills the form, and draws it again.
    page = screen("gallery")
    name = next(each.id for each in Gallery().search() if "variation" in each.record)
    page.button(key=f"again-gallery-{name}").click().run()
    page.switch_page("screens/create.py").run()
    draw(page, count=1, steps=2)
    again = Gallery().search()[0]
    assert again.record["variation"] == Gallery().get(name).record["variation"]


def test_remix_redraw_and_larger(screen: Open, mia: Path) -> None:
    page = screen("create")
    draw(page, count=1, steps=2)
    first = Gallery().search()[0]
    page.button(key=f"more-{first.id}").click().run()
    group(page, "more-way").set_value("Remix").run()
    page.text_area(key=f"remix-{first.id}").set_value("chibi of zkq person, angry").run()
    page.button(key="more-draw").click().run()
    remix = next(each for each in Gallery().search() if each.prompt == "chibi of zkq person, angry")
    assert remix.record["seed"] == first.record["seed"]
    group(page, "more-way").set_value("Redraw a part").run()
    page.selectbox(key="part-more").set_value("hair").run()
    group(page, "redraw-count").set_value(1).run()
    page.button(key="more-draw").click().run()
    assert not page.exception and not page.error
    redrawn = next(each for each in Gallery().search() if "start" in each.record)
    assert redrawn.record["start"]["noise"] == 0.95 and redrawn.record["start"]["mask"]
    group(page, "more-way").set_value("Larger").run()
    page.toggle(key="larger-base").set_value(False).run()
    page.button(key="more-draw").click().run()
    assert next(each for each in Gallery().search() if each.record.get("enlarge") == 2)


def test_with_and_without_on_a_sheet(screen: Open, mia: Path) -> None:
    page = screen("create")
    page.number_input(key="steps").set_value(2).run()
    page.button(key="draw-grid").click().run()
    assert not page.exception and not page.error
    records = read_sheet(page.session_state["sheet"])
    assert [each["adapters"][0]["strength"] for each in records[0] if each] == [0.0, 1.0]
    assert {each["seed"] for each in records[0] if each} == {page.number_input(key="seed").value}
    assert [each.is_sheet for each in Gallery().search()].count(True) == 1 and Gallery().count() == 3
    assert "Download the sheet" in [each.label for each in page.get("download_button")]


def test_a_grid_of_preferences(screen: Open, mia: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.jobs import queue

    monkeypatch.setattr("workbench.jobs.pictures.wake", lambda **_: None)  # no process of its own from a test
    page = screen("create")
    page.number_input(key="steps").set_value(1).run()
    group(page, "many-way").set_value("Grid").run()
    page.selectbox(key="axis-x").set_value("expression").run()
    page.text_input(key="values-x-expression").set_value("sad,angry").run()
    page.selectbox(key="axis-y").set_value("–").run()
    page.button(key="draw-grid").click().run()
    records = read_sheet(page.session_state["sheet"])
    assert ["sad" in each["prompt"] for each in records[0] if each] == [True, False]
    (home() / "styles.yaml").write_text("mine:\n  words: Mine\n  prompt: soft light\n")
    page.run()
    page.selectbox(key="style").set_value("mine").run()
    page.button(key="draw-grid").click().run()
    records = read_sheet(page.session_state["sheet"])
    assert all(each["prompt"].endswith(", soft light") for each in records[0] if each)
    page.button(key="line-grid").click().run()
    [job] = queue.jobs("submitted")
    assert "--x=expression=sad,angry" in job.request["words"] and "--extra=soft light" in job.request["words"]
    page.text_input(key="values-x-expression").set_value("grumpy").run()
    assert "is not in its list" in text_of(page)


def test_a_recipe_begun_from_a_picture_is_opened_again(screen: Open, mia: Path) -> None:
    start = Start(keep_start(Image.new("RGB", (32, 32), "teal"), "mia"), 0.5)
    name = furnish_gallery(1)[0]
    kept = Gallery().get(name)
    with Image.open(kept.path) as image:
        Gallery().add(Picture(image.convert("RGB"), kept.record | {"start": asdict(start), "created": "2026-01-02"}))
    Gallery().delete(name)
    page = screen("gallery")
    page.button(key=f"again-gallery-{Gallery().search()[0].id}").click().run()
    assert "begun from a picture that is kept here" in text_of(page)
    page.switch_page("screens/create.py").run()
    page.number_input(key="size").set_value(0).run()
    draw(page, count=1, steps=2)
    assert Gallery().search()[0].record["start"] == asdict(start)
    page.button(key="drop-start").click().run()
    assert "begun from a picture" not in text_of(page)


def test_tokens_are_counted_once_the_base_is_open(screen: Open, mia: Path) -> None:
    page = screen("create")
    assert "tokens" not in text_of(page)
    draw(page, count=1, steps=1)
    assert "tokens" in text_of(page)


def test_drawn_later_by_the_line(screen: Open, mia: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.jobs import queue

    monkeypatch.setattr("workbench.jobs.pictures.wake", lambda **_: None)  # no process of its own from a test
    page = screen("create")
    page.button(key="line").click().run()
    assert not page.exception and not page.error
    [job] = [each for each in queue.jobs("submitted") if each.kind == "generation"]
    assert job.name == "mia" and job.request["words"][-1].startswith("chibi of zkq person")
    assert "1 request in the line" in text_of(page)
    screen("create").button(key="line-cancel").click().run()
    assert not queue.jobs("submitted")


def test_what_begins_from_a_picture_waits_in_the_line_too(
    screen: Open, mia: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.jobs import queue

    monkeypatch.setattr("workbench.jobs.pictures.wake", lambda **_: None)
    name = furnish_gallery(1)[0]
    page = screen("create")
    page.get("file_uploader")[0].upload("photo.jpg", photo(), "image/jpeg").run()
    page.selectbox(key="part-start").set_value("hair").run()
    assert not list((home() / "starts").rglob("*.png"))
    page.button(key="line").click().run()
    assert not page.exception and not page.error
    [job] = queue.jobs("submitted")
    kept = {path.stem for path in (home() / "starts" / "mia").glob("*.png")}
    assert {job.request["words"][job.request["words"].index(flag) + 1] for flag in ("--from", "--mask")} == kept

    page = screen("create")
    page.session_state["more-of"] = name
    page.run()
    page.button(key="more-line").click().run()
    assert not page.exception and not page.error
    words = max(queue.jobs("submitted"), key=lambda each: each.id).request["words"]
    assert "--towards" in words and words[-1] == Gallery().get(name).prompt


def photo() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (80, 60), "teal").save(content, "JPEG")
    return content.getvalue()


def test_a_photo_is_begun_from_and_kept_only_then(screen: Open, mia: Path) -> None:
    page = screen("create")
    page.get("file_uploader")[0].upload("photo.jpg", photo(), "image/jpeg").run()
    page.selectbox(key="part-start").set_value("clothes").run()
    assert not page.exception and not list((home() / "starts").rglob("*.png")), "only looked at so far"
    draw(page, count=1, steps=2)
    record = Gallery().search()[0].record
    assert record["start"]["noise"] == 0.95
    names = {path.stem for path in (home() / "starts" / "mia").glob("*.png")}
    assert names == {record["start"]["picture"], record["start"]["mask"]}


def test_a_table_is_drawn_row_by_row(screen: Open, mia: Path) -> None:
    page = screen("create")
    page.number_input(key="steps").set_value(1).run()
    group(page, "many-way").set_value("Table").run()
    table = "name,expression\nguard,angry\nbaker,hungry\nking,sad\n"
    page.get("file_uploader")[1].upload("npc.csv", table.encode(), "text/csv").run()
    said = text_of(page)
    assert "2 rows to draw, 1 that cannot be" in said and "line 3" in said and "Choose neutral" in said
    page.button(key="draw-table").click().run()
    assert not page.exception
    kept = Gallery().search()
    assert {each.record["label"] for each in kept} == {"guard", "king"}
    assert "Line 3, baker" in text_of(page)
