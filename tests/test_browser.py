"""The whole flow in a real browser: photos in, trained, drawn, found in the gallery, downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import PHONE, go, put, settle, width_of
from tiny import make_tiny_base

from workbench.config import ROOT
from workbench.generation import read_record

# Alone on two cores the flow takes a minute or two; beside other work it can take ten times that.
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(2400)]

SELFIES = sorted((ROOT / "examples" / "selfies").glob("*.jpg"))
SCREENS = ("", "train", "create", "packs", "gallery", "adapters")
TRAINING = 900_000  # ms


def test_whole_flow(tab: Any, address: str, own_places: Path, tmp_path: Path) -> None:
    base = make_tiny_base(tmp_path / "tiny-base")
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear Mia, this is no picture.", encoding="utf-8")

    # photos: a new person, five selfies and something that is none
    go(tab, address, "")
    tab.locator(".title", has_text="selfie-1.jpg").wait_for()  # the sample person is there at the first visit
    tab.get_by_role("button", name="New person").click()
    tab.locator(".st-key-new-name input").fill("mia")
    tab.get_by_text("It is nobody's face").click()
    tab.locator(".st-key-make-person button").click()
    tab.get_by_text("No photos yet").wait_for()
    settle(tab)
    tab.locator(".st-key-drop-mia-0 input[type=file]").set_input_files([*SELFIES, letter])
    tab.get_by_text(f"{len(SELFIES)} photos to learn from").wait_for()
    tab.get_by_text("1 photo left out").wait_for()
    tab.locator(".small", has_text="It is text, not a picture").wait_for()
    settle(tab)

    # train: a few steps on the tiny base; a refresh in the middle loses nothing
    tab.get_by_role("button", name="Train on these photos").click()
    tab.locator(".st-key-start button").wait_for()
    settle(tab)
    tab.get_by_text("Advanced settings").click()
    put(tab, "train-base", str(base))
    put(tab, "set-train-steps-200", "6")
    put(tab, "set-data-anchors-16", "2")
    tab.get_by_role("button", name="Train mia").click()
    tab.locator(".st-key-panel-run .badge.live").wait_for()
    go(tab, address, "train")
    tab.locator(".st-key-panel-run .badge.good", has_text="Done").wait_for(timeout=TRAINING)
    tab.get_by_text("Step 6", exact=True).wait_for()
    assert (own_places / "loras" / "mia.safetensors").is_file()

    # create: four candidates
    tab.get_by_role("link", name="Create pictures").click()
    tab.locator(".st-key-draw-button button").wait_for()
    settle(tab)
    tab.get_by_text("More settings").click()
    put(tab, "steps", "2")
    tab.locator(".st-key-draw-button button").click()
    pictures = tab.locator("[class*=st-key-card-made-] img")
    pictures.nth(3).wait_for()
    assert pictures.count() == 4

    # gallery: they are there; one gets a star, one is downloaded with its recipe inside
    tab.get_by_role("link", name="Gallery").first.click()
    tab.locator(".badge", has_text="4 pictures").wait_for()
    tab.locator("[class*=st-key-star-gallery-] button").first.click()
    settle(tab)
    tab.locator(".st-key-stars label").click()
    tab.locator(".badge", has_text="1 picture").wait_for()
    with tab.expect_download() as download:
        tab.locator("[class*=st-key-save-gallery-] button").first.click()
    saved = tmp_path / "saved.png"
    download.value.save_as(saved)
    record = read_record(saved)
    assert record["prompt"].startswith("chibi of zkq person")
    assert [each["name"] for each in record["adapters"]] == ["mia"]

    # adapters: the new one is on the shelf
    tab.get_by_role("link", name="Adapters").first.click()
    tab.locator(".st-key-card-adapter-mia").wait_for()


def test_every_screen_fits_a_phone(tab: Any, address: str) -> None:
    tab.set_viewport_size(PHONE)
    for screen in SCREENS:
        go(tab, address, screen)
        assert width_of(tab) <= PHONE["width"], f"/{screen} hangs out on the right"
        bar = tab.locator(".st-key-tabs a")
        assert bar.count() == 6 and bar.first.is_visible()
