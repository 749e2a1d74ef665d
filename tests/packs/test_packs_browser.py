"""The packs screen in a real browser, as a person uses it: look, choose, make the files, take them away."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from browsing import PHONE, go, settle, width_of
from world_pictures import picture

from workbench.packs import EXPRESSIONS, Recipe, check_pack, create_pack, find_platform

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture
def furnished(own_places: Path) -> None:
    pack = create_pack("mia", Recipe(adapters=(("mia", 1.0),), trigger="zkq", seed=5))
    for name in EXPRESSIONS:
        pack.keep(name, picture(name))


def test_a_pack_from_the_page_to_the_disk(furnished: None, tab: Any, address: str, tmp_path: Path) -> None:
    go(tab, address, "packs")
    stickers = tab.locator("[class*=st-key-card-sticker-] .sticker img")
    stickers.nth(15).wait_for()
    plain = stickers.first.get_attribute("src")
    tab.get_by_text("English", exact=True).click()
    settle(tab)
    tab.wait_for_function("([before]) => document.querySelector('.sticker img').src !== before", arg=[plain])
    for name in list(EXPRESSIONS)[8:]:
        tab.locator(f".st-key-choose-mia-{name} label").click()
        settle(tab)
    tab.get_by_text("8 chosen.").wait_for()
    tab.locator(".st-key-export-wechat button").first.click()
    card = tab.locator(".st-key-card-platform-wechat")
    card.get_by_text("Passed its check").wait_for()
    settle(tab)
    with tab.expect_download() as download:
        card.locator(".st-key-zip-wechat button").first.click()
    download.value.save_as(tmp_path / "wechat.zip")
    with zipfile.ZipFile(tmp_path / "wechat.zip") as archive:
        archive.extractall(tmp_path / "wechat")
    assert check_pack(tmp_path / "wechat", find_platform("wechat"), tmp_path / "wechat.zip") == []
    assert len(list((tmp_path / "wechat" / "main").iterdir())) == 8


def test_it_fits_a_phone(furnished: None, tab: Any, address: str) -> None:
    tab.set_viewport_size(PHONE)
    go(tab, address, "packs")
    tab.locator(".sticker img").nth(15).wait_for()
    tab.get_by_text("Bounce", exact=True).click()
    tab.locator(".stickers img").first.wait_for()
    settle(tab)
    assert width_of(tab) <= 390
    boxes = [tab.locator(f".st-key-card-sticker-{name}").bounding_box() for name in list(EXPRESSIONS)[:2]]
    assert boxes[0]["y"] == boxes[1]["y"] and boxes[1]["x"] > boxes[0]["x"], "two beside each other"
