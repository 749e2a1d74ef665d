"""The packs screen in a real browser, as a person uses it: look, choose, make the files, take them away."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from browsing import PHONE, WIDE, go, settle, width_of
from tiny import make_tiny_base
from world_pictures import picture

from workbench.config import ROOT, Settings, atomic_write, settings_to_yaml
from workbench.packs import EXPRESSIONS, Recipe, check_pack, create_pack, find_platform, load_pack

sys.path.insert(0, str(ROOT / "tests" / "ui"))
from furnish import furnish_adapter, furnish_run

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture
def furnished(own_places: Path) -> None:
    pack = create_pack("mia", Recipe(adapters=(("mia", 1.0),), trigger="zkq", seed=5))
    for name in EXPRESSIONS:
        pack.keep(name, picture(name))


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["desktop", "phone"])
def test_from_one_click_to_files_that_pass(
    tab: Any, address: str, own_places: Path, tmp_path: Path, size: dict[str, int]
) -> None:
    base = make_tiny_base(tmp_path / "tiny-base")
    atomic_write(furnish_run("mia") / "settings.yaml", settings_to_yaml(Settings(name="mia", base=str(base))))
    furnish_adapter(base, "mia")
    tab.set_viewport_size(size)
    go(tab, address, "packs")

    # one click draws the set, with one seed; the dice draw a single one again
    tab.locator(".st-key-make-pack button").click()
    tab.locator(".st-key-pack-state .badge", has_text="16 of 16 drawn").wait_for()
    settle(tab)
    pack = load_pack("mia")
    assert {pack.seed_of(name) for name in EXPRESSIONS} == {pack.recipe.seed}
    tab.locator(".st-key-again-sticker-sad button:visible").first.click()
    for _ in range(480):
        if load_pack("mia").seed_of("sad") != pack.recipe.seed:
            break
        tab.wait_for_timeout(500)
    tab.locator(".st-key-stop-pack").wait_for(state="detached")
    settle(tab)
    others = {load_pack("mia").seed_of(name) for name in EXPRESSIONS if name != "sad"}
    assert others == {pack.recipe.seed} and load_pack("mia").seed_of("sad") != pack.recipe.seed

    # So small a base draws no ground of one colour that could be cut away; from here on the world lends its pictures.
    for name in EXPRESSIONS:
        pack.keep(name, picture(name))
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
    for platform in ("wechat", "avatars"):
        tab.locator(f".st-key-export-{platform} button:visible").first.click()
        card = tab.locator(f".st-key-card-platform-{platform}")
        card.get_by_text("Passed its check").wait_for()
        settle(tab)
        with tab.expect_download() as download:
            card.locator(f".st-key-zip-{platform} button:visible").first.click()
        download.value.save_as(tmp_path / f"{platform}.zip")
        with zipfile.ZipFile(tmp_path / f"{platform}.zip") as archive:
            archive.extractall(tmp_path / platform)
        assert check_pack(tmp_path / platform, find_platform(platform), tmp_path / f"{platform}.zip") == []
    assert len(list((tmp_path / "wechat" / "main").iterdir())) == 8
    assert width_of(tab) <= size["width"]
    tab.screenshot(path=own_places / "exported.png")


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
