"""Create in a real browser, as a person would use it, on a desktop and on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import go, put, settle, width_of
from furnish import furnish_adapter, furnish_run
from tiny import make_tiny_base

from workbench.config import Settings, atomic_write, settings_to_yaml
from workbench.gallery import Gallery
from workbench.generation import read_record
from workbench.generation.sheet import read_sheet, read_sheet_recipe

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.mark.parametrize("size", [(1280, 1000), (390, 844)], ids=["desktop", "phone"])
def test_from_clicks_to_variations_and_a_sheet(tab: Any, address: str, tmp_path: Path, size: tuple[int, int]) -> None:
    base = make_tiny_base(tmp_path / "tiny-base")
    atomic_write(furnish_run("mia") / "settings.yaml", settings_to_yaml(Settings(name="mia", base=str(base))))
    furnish_adapter(base, "mia")
    tab.set_viewport_size({"width": size[0], "height": size[1]})
    go(tab, address, "create")

    # clicks on pictures write the prompt
    tab.locator(".st-key-looks-expression button", has_text="winking").click()
    settle(tab)
    tab.locator(".st-key-list button", has_text="Place").click()
    settle(tab)
    tab.locator(".st-key-looks-background button", has_text="beach").click()
    tab.get_by_text("chibi of zkq person, winking, wearing a red hoodie, in the beach").wait_for()
    settle(tab)
    tab.get_by_text("More settings").click()
    put(tab, "steps", "3")
    tab.locator(".st-key-draw-button button").click()
    tab.locator("[class*=st-key-card-made-] img").nth(3).wait_for()
    settle(tab)

    # variations of the first
    tab.locator("[class*=st-key-card-made-] [class*=st-key-more-] button").first.click()
    tab.locator(".st-key-panel-more").wait_for()
    settle(tab)
    tab.locator(".st-key-panel-more .st-key-more-draw button").click()
    for _ in range(480):  # the four before them are shown until the first step
        if Gallery().count() == 8:
            break
        tab.wait_for_timeout(500)
    tab.locator(".st-key-stop-drawing").wait_for(state="detached")
    settle(tab)
    varied = [each.record for each in Gallery().search() if "variation" in each.record]
    assert len(varied) == 4 and len({each["seed"] for each in varied}) == 1

    # with and without, on a sheet that carries the recipes
    tab.get_by_text("Many at once").click()
    tab.locator(".st-key-draw-grid button").click()
    tab.locator(".st-key-panel-sheet img").wait_for()
    settle(tab)
    with tab.expect_download() as download:
        tab.locator(".st-key-sheet-save button:visible").first.click()  # twice there: for mouse and for touch
    download.value.save_as(tmp_path / "sheet.png")
    recipes = read_sheet(tmp_path / "sheet.png")
    assert [each["adapters"][0]["strength"] for each in recipes[0] if each] == [0.0, 1.0]

    # the same once more, by the line: a process of its own draws it, and its sheet waits in the gallery
    tab.locator(".st-key-line-grid button:visible").first.click()
    tab.get_by_text("The grid is in the line").wait_for()
    for _ in range(480):
        if sum(each.is_sheet for each in Gallery().search()) == 2:
            break
        tab.wait_for_timeout(500)
    first, second = (read_sheet_recipe(each.path) for each in Gallery().search() if each.is_sheet)
    assert first.cells() == second.cells() and first.wishes == second.wishes
    go(tab, address, "gallery")
    tab.locator(".st-key-grid-gallery", has_text="Sheet: strength").wait_for()
    assert width_of(tab) <= size[0]
    sheet = next(each for each in Gallery().search() if each.is_sheet)
    tab.locator(f".st-key-again-gallery-{sheet.id} button:visible").first.click()
    tab.locator(".st-key-axis-x").wait_for()
    settle(tab)
    assert tab.locator(".st-key-values-x-strength input").input_value() == "0,1"

    # a variation, downloaded, has its whole recipe
    kept = next(each for each in Gallery().search() if "variation" in each.record)
    assert read_record(kept.path)["variation"]["strength"] == 0.3
    assert width_of(tab) <= size[0]
