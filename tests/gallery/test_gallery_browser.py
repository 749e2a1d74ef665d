"""The gallery in a real browser: the keyboard, a click on a picture, a zip, undo, a recipe that is dropped back in."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from workbench.config import ROOT
from workbench.gallery import Gallery
from workbench.generation import Picture, read_record
from workbench.generation.grid import Axis
from workbench.generation.sheet import sheet_png

sys.path.insert(0, str(ROOT / "tests" / "ui"))
from browsing import PHONE, WIDE, go, put, settle, width_of
from furnish import furnish_gallery

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1200)]


def current(tab: Any) -> str:
    """The id of the picture that the arrow keys have chosen."""
    marked = tab.locator("[class*=st-key-card-picture-][data-current] [data-shot]")
    return str(marked.get_attribute("data-shot")) if marked.count() else ""


def press(tab: Any, *names: str) -> None:
    for name in names:
        tab.keyboard.press(name)
        tab.wait_for_timeout(150)
        settle(tab)


def test_by_keyboard(tab: Any, address: str) -> None:
    names = furnish_gallery(30)[::-1]  # as they are shown
    go(tab, address, "gallery")
    shots = tab.locator(".st-key-grid-gallery [data-shot] img")
    shots.nth(23).wait_for()
    settle(tab)
    press(tab, "ArrowRight")
    assert current(tab) == names[0]
    press(tab, "ArrowRight", "ArrowRight", "ArrowLeft")
    assert current(tab) == names[1]
    columns = tab.evaluate(
        "() => { const all = [...document.querySelectorAll('[class*=st-key-card-picture-]')];"
        " return all.findIndex((each) => each.offsetTop > all[0].offsetTop); }"
    )
    press(tab, "ArrowDown")
    assert current(tab) == names[1 + columns] and columns > 2
    press(tab, "ArrowUp", "s")
    tab.locator(f'[data-shot="{names[1]}"] .star').wait_for()
    assert Gallery().get(names[1]).starred and current(tab) == names[1]

    # Enter opens it; in the dialog the arrows lead on
    press(tab, "Enter")
    dialog = tab.locator("[data-testid=stDialog]")
    dialog.get_by_text("128", exact=True).wait_for()  # the seed
    press(tab, "ArrowRight")
    dialog.get_by_text("127", exact=True).wait_for()
    press(tab, "Escape")
    dialog.wait_for(state="detached")
    settle(tab)

    # Del deletes, u brings back
    press(tab, "Delete")
    tab.get_by_text("1 picture deleted").wait_for()
    settle(tab)
    assert Gallery().count() == 29 and current(tab) == names[2]
    press(tab, "u")
    tab.get_by_text("1 picture brought back").wait_for()
    settle(tab)
    assert Gallery().count() == 30 and Gallery().get(names[1]).starred

    # letters that are typed are letters
    press(tab, "/")
    tab.keyboard.type("sxu")
    tab.keyboard.press("Enter")
    tab.get_by_text("Nothing found").wait_for()
    assert Gallery().count() == 30
    put(tab, "search", "")
    shots.nth(23).wait_for()
    settle(tab)

    # over the edge of the page
    tab.locator(".band").click()
    for _ in range(30):
        tab.keyboard.press("ArrowRight")
        if current(tab) == names[23]:
            break
    press(tab, "ArrowRight")
    tab.locator(".st-key-pages .badge", has_text="25–30 of 30").wait_for()
    settle(tab)
    tab.wait_for_timeout(300)
    assert current(tab) == names[24]


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["desktop", "phone"])
def test_select_zip_and_drop_back(
    tab: Any, address: str, tmp_path: Path, own_places: Path, size: dict[str, int]
) -> None:
    names = furnish_gallery(4)[::-1]
    tab.set_viewport_size(size)
    go(tab, address, "gallery")
    tab.locator(".st-key-grid-gallery [data-shot] img").nth(3).wait_for()
    settle(tab)
    if size is WIDE:
        press(tab, "ArrowRight", "x")
    else:
        tab.locator(".st-key-selecting label").first.click()
        settle(tab)
        tab.locator(f'[data-shot="{names[0]}"]').click()
    tab.locator(".st-key-panel-choosing .badge", has_text="1 selected").wait_for()
    settle(tab)
    tab.locator(f'[data-shot="{names[2]}"]').click()  # while selecting, a click selects
    tab.locator(".st-key-panel-choosing .badge", has_text="2 selected").wait_for()
    settle(tab)
    tab.screenshot(path=own_places / "selecting.png")
    with tab.expect_download() as download:
        tab.locator(".st-key-zip-chosen button:visible").first.click()
    download.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.namelist() == [f"chibi-{names[0]}.png", f"chibi-{names[2]}.png"]
        archive.extract(archive.namelist()[1], tmp_path)
    saved = tmp_path / f"chibi-{names[2]}.png"

    # a collection of a new name
    tab.locator(".st-key-collect button:visible").first.click()
    field = tab.locator(".st-key-collect-into input").first
    field.fill("Birthday")
    field.press("Enter")
    settle(tab)
    tab.locator(".st-key-collect-put button:visible").first.click()
    tab.get_by_text("2 pictures in Birthday").wait_for()
    assert Gallery().filled_collections() == {"Birthday": 2}
    tab.keyboard.press("Escape")
    settle(tab)

    # the file that was downloaded, dragged back in
    tab.locator("[class*=st-key-recipe-gallery-] input[type=file]").set_input_files(saved)
    tab.locator(".st-key-draw-button").wait_for()
    settle(tab)
    assert tab.locator(".st-key-prompt textarea").input_value() == read_record(saved)["prompt"]
    assert width_of(tab) <= size["width"]

    # a sheet too: it opens as the grid that it was
    kept = Gallery().get(names[0])
    with Image.open(kept.path) as image:
        picture = Picture(image.convert("RGB"), kept.record)
    (tmp_path / "sheet.png").write_bytes(sheet_png([[picture, picture]], Axis("guidance", (2.0, 4.5))))
    go(tab, address, "gallery")
    tab.locator("[class*=st-key-recipe-gallery-] input[type=file]").set_input_files(tmp_path / "sheet.png")
    tab.locator(".st-key-draw-grid button", has_text="Draw 2 pictures").wait_for()
    settle(tab)
    assert tab.locator(".st-key-values-x-guidance input").input_value() == "2,4.5"


def test_on_a_phone(tab: Any, address: str, own_places: Path) -> None:
    furnish_gallery(6)
    tab.set_viewport_size(PHONE)
    go(tab, address, "gallery")
    shots = tab.locator(".st-key-grid-gallery [data-shot] img")
    shots.nth(5).wait_for()
    settle(tab)
    assert width_of(tab) <= 390
    tab.screenshot(path=own_places / "phone.png", full_page=True)
    shots.first.click()
    tab.locator("[data-testid=stDialog] .st-key-dialog-tools").wait_for()
    settle(tab)
    tab.screenshot(path=own_places / "phone-dialog.png")
    tab.get_by_role("button", name="Without its adapter?").click()
    tab.locator(".st-key-card-compare-hosted").wait_for()
    settle(tab)
    assert width_of(tab) <= 390
    tab.screenshot(path=own_places / "phone-compare.png", full_page=True)
