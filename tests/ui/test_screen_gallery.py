"""The gallery screen: empty, full, searched, selected, and with files that are broken."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from datetime import date, datetime

import pytest
from furnish import chibi, furnish_gallery
from PIL import Image
from reading import keys, text_of
from streamlit.testing.v1 import AppTest

from ui.gallery_choice import zip_bytes
from ui.gallery_filters import span
from workbench.config import home
from workbench.gallery import Gallery
from workbench.generation import Picture, read_record
from workbench.generation.grid import Axis
from workbench.generation.sheet import sheet_png

Open = Callable[[str], AppTest]


def shown(page: AppTest) -> list[str]:
    return [key.removeprefix("star-gallery-") for key in keys(page.button) if key.startswith("star-gallery-")]


def test_empty(screen: Open) -> None:
    assert "No pictures yet" in text_of(screen("gallery"))


def test_pages(screen: Open) -> None:
    furnish_gallery(30)
    page = screen("gallery")
    assert len(shown(page)) == 24 and "1–24 of 30 pictures" in text_of(page)
    page.button(key="page-older").click().run()
    assert len(shown(page)) == 6
    page.text_input(key="search").set_value("hoodie").run()
    assert len(shown(page)) == Gallery().count("hoodie") > 0, "a search begins on the first page"


def test_search_star_and_adapter(screen: Open) -> None:
    furnish_gallery(5)
    furnish_gallery(3, adapter="leo")
    page = screen("gallery")
    page.selectbox(key="of").set_value("leo").run()
    assert len(shown(page)) == 3
    page.toggle(key="stars").set_value(True).run()
    assert len(shown(page)) == 1
    page.text_input(key="search").set_value("no such words").run()
    assert "Nothing found" in text_of(page)


def test_star_and_look(screen: Open) -> None:
    names = furnish_gallery(3)
    page = screen("gallery")
    page.button(key=f"star-gallery-{names[1]}").click().run()
    assert Gallery().get(names[1]).starred and text_of(page).count("★") == 2
    page.button(key=f"look-gallery-{names[1]}").click().run()
    assert "mia × 1" in text_of(page)
    page.button(key="dialog-after").click().run()
    assert "Seed 100" in text_of(page) and page.button(key="dialog-after").disabled
    page.button(key="dialog-before").click().run()
    assert "Seed 101" in text_of(page)


def test_delete_and_undo(screen: Open) -> None:
    names = furnish_gallery(3)
    page = screen("gallery")
    page.button(key=f"look-gallery-{names[2]}").click().run()
    page.button(key="dialog-delete").click().run()
    assert set(shown(page)) == set(names[:2]) and "1 picture deleted" in text_of(page)
    page.button(key="undo-delete").click().run()
    assert set(shown(page)) == set(names) and Gallery().get(names[2]).starred
    assert "undo-delete" not in keys(page.button)


def test_the_last_picture_deleted_can_be_brought_back(screen: Open) -> None:
    names = furnish_gallery(1)
    Gallery().throw_away(*names)
    page = screen("gallery")
    assert "No pictures yet" in text_of(page)
    page.button(key="show-deleted").click().run()
    assert "erased in 30 days" in text_of(page)
    page.button(key=next(key for key in keys(page.button) if key.startswith("back-"))).click().run()
    assert shown(page) == names


def test_compare_two(screen: Open) -> None:
    names = furnish_gallery(2)
    page = screen("gallery")
    page.toggle(key="selecting").set_value(True).run()
    compare = next(button for button in page.button if button.label == "Compare")
    assert compare.disabled
    for name in names:
        page.checkbox(key=f"pick-{name}").check().run()
    next(button for button in page.button if button.label == "Compare").click().run()
    assert "Shown is what differs" in text_of(page)


def test_a_selection_reaches_over_pages_and_can_be_deleted(screen: Open) -> None:
    names = furnish_gallery(30)
    page = screen("gallery")
    page.toggle(key="selecting").set_value(True).run()
    page.checkbox(key=f"pick-{names[29]}").check().run()
    page.button(key="page-older").click().run()
    page.checkbox(key=f"pick-{names[0]}").check().run()
    assert "2 selected" in text_of(page)
    page.button(key="page-newer").click().run()
    assert page.checkbox(key=f"pick-{names[29]}").value and not page.checkbox(key=f"pick-{names[28]}").value
    page.button(key="delete-chosen").click().run()
    assert Gallery().count() == 28 and "0 selected" in text_of(page)
    page.button(key="choose-all").click().run()
    assert "28 selected" in text_of(page)
    page.button(key="choose-none").click().run()
    page.button(key="choose-page").click().run()
    assert "24 selected" in text_of(page)


def test_collections(screen: Open) -> None:
    names = furnish_gallery(3)
    page = screen("gallery")
    assert "within" not in keys(page.selectbox)
    page.toggle(key="selecting").set_value(True).run()
    for name in names[:2]:
        page.checkbox(key=f"pick-{name}").check().run()
    # A new name is typed in the browser test; the test runner has no keyboard.
    Gallery().collections.put("Birthday", [])
    page.run()
    page.selectbox(key="collect-into").set_value("Birthday").run()
    page.button(key="collect-put").click().run()
    assert Gallery().filled_collections() == {"Birthday": 2} and "2 pictures in Birthday" in text_of(page)
    page.selectbox(key="within").set_value("Birthday").run()
    assert "2 pictures" in text_of(page)
    page.button(key="collect-take").click().run()
    assert Gallery().filled_collections() == {"Birthday": 0} and "Nothing found" in text_of(page)
    page.text_input(key="collection-name-Birthday").set_value("Party").run()
    page.button(key="collection-rename").click().run()
    assert page.selectbox(key="within").value == "Party"
    page.button(key="collection-drop").click().run()
    assert Gallery().filled_collections() == {} and Gallery().count() == 3


def test_days_and_people(screen: Open) -> None:
    furnish_gallery(2)
    furnish_gallery(1, adapter="leo")
    Gallery().add(Picture(chibi(1, 1), {"prompt": "of today", "seed": 1, "steps": 1, "guidance": 4.0}))
    page = screen("gallery")
    page.selectbox(key="when").set_value("Last 7 days").run()
    assert len(shown(page)) == 1
    page.selectbox(key="when").set_value("Choose days").run()
    page.date_input(key="days").set_value((date(2026, 1, 1), date(2026, 1, 3))).run()
    assert len(shown(page)) == 3
    page.selectbox(key="person").set_value("leo").run()
    assert len(shown(page)) == 1


def test_days_are_those_of_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        now = datetime(2026, 5, 6, 23, 30)
        assert span("Today", now=now) == ("2026-05-05T16:00:00+00:00", "2026-05-06T16:00:00+00:00")
        assert span("Last 7 days", now=now)[0] == "2026-04-29T16:00:00+00:00"
        assert span("Choose days", [date(2026, 5, 1)])[1] == "2026-05-01T16:00:00+00:00"
        assert span("Any day") == span("Choose days") == ("", "")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_picture_that_was_downloaded_opens_its_recipe(screen: Open) -> None:
    names = furnish_gallery(1)
    content = Gallery().get(names[0]).path.read_bytes()
    Gallery().delete(*names)
    page = screen("gallery")
    page.file_uploader[0].set_value(("chibi-x.png", content, "image/png")).run()
    assert page.text_area(key="prompt").value.startswith("chibi of zkq person")
    assert page.number_input(key="seed").value == 100 and "recipe is open" in text_of(page)


def test_a_sheet_of_the_gallery_opens_as_a_grid(screen: Open) -> None:
    kept = Gallery().get(furnish_gallery(1)[0])
    with Image.open(kept.path) as image:
        picture = Picture(image.convert("RGB"), kept.record)
    name = Gallery().add_sheet(sheet_png([[picture, picture]], Axis("guidance", (2.0, 4.5))))
    (Gallery().folder / "index" / "index.sqlite").unlink()  # what is known of it is in the file
    sheet = Gallery().get(name)
    assert sheet.is_sheet and not sheet.prompt and sheet.record["adapters"] == kept.record["adapters"]
    page = screen("gallery")
    assert "Sheet: guidance" in text_of(page)
    page.button(key=f"again-gallery-{name}").click().run()
    assert not page.exception and not page.error
    assert page.text_input(key="values-x-guidance").value == "2,4.5"


@pytest.mark.parametrize("by_hand", [True, False], ids=["written", "chosen"])
def test_a_sheet_that_is_dropped_opens_as_a_grid(screen: Open, by_hand: bool) -> None:
    kept = Gallery().get(furnish_gallery(1)[0])
    with Image.open(kept.path) as image:
        picture = Picture(image.convert("RGB"), kept.record)
    x, y = (
        (Axis("guidance", (2.0, 4.5)), None) if by_hand else (Axis("expression", ("sad", "angry")), Axis("seed", (7,)))
    )
    wishes = None if by_hand else {"expression": "sad", "clothing": "kimono", "extra": "with a kite"}
    page = screen("gallery")
    page.file_uploader[0].set_value(("sheet.png", sheet_png([[picture, picture]], x, y, "", wishes), "image/png")).run()
    assert not page.exception and not page.error
    assert page.selectbox(key="axis-x").value == x.name
    assert page.text_input(key=f"values-x-{x.name}").value == ("2,4.5" if by_hand else "sad,angry")
    assert page.selectbox(key="axis-y").value == ("–" if by_hand else "seed")
    assert page.button(key="draw-grid").label == "Draw 2 pictures"
    assert page.number_input(key="seed").value == 100
    if by_hand:
        assert page.text_area(key="prompt").value == kept.prompt
    else:
        assert page.text_input(key="extra").value == "with a kite" and page.text_input(key="values-y-seed").value == "7"
        assert "sad, wearing a kimono, with a kite" in text_of(page)


def test_a_picture_from_elsewhere_is_refused_in_words(screen: Open) -> None:
    furnish_gallery(1)
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(buffer, "PNG")
    page = screen("gallery")
    page.file_uploader[0].set_value(("holiday.png", buffer.getvalue(), "image/png")).run()
    assert "it does not carry a record" in text_of(page).casefold()


def test_a_zip_of_what_was_chosen() -> None:
    names = furnish_gallery(3)
    with zipfile.ZipFile(io.BytesIO(zip_bytes(home() / "gallery", names[:2]))) as archive:
        assert archive.namelist() == [f"chibi-{name}.png" for name in names[:2]]
        assert read_record(archive.read(archive.namelist()[0]))["seed"] == 100


def test_strange_files_in_the_folder(screen: Open) -> None:
    names = furnish_gallery(1)
    Image.new("RGB", (40, 40), "red").save(home() / "gallery" / "holiday.png")
    (home() / "gallery" / "half.png").write_bytes(b"\x89PNG\r\n\x1a\n half")
    page = screen("gallery")
    assert len(shown(page)) == 3 and "No recipe inside" in text_of(page)
    assert page.button(key="again-gallery-holiday").disabled
    page.button(key="look-gallery-half").click().run()
    assert not page.exception
    page.button(key="dialog-delete").click().run()
    assert set(shown(page)) == {"holiday", *names}
    page.button(key="show-deleted").click().run()
    assert not page.exception and "cannot be read" in text_of(page)
