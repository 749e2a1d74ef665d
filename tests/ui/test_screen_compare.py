"""The comparison screen: with the adapter, words alone, and a hosted service that is asked for each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from furnish import chibi, furnish_adapter, furnish_gallery, furnish_run
from hosted_service import StandIn, serving
from reading import keys, text_of
from streamlit.testing.v1 import AppTest

from workbench.config import Settings, atomic_write, home, settings_to_yaml
from workbench.gallery import Gallery
from workbench.generation import Picture
from workbench.generation.grid import Axis
from workbench.generation.sheet import sheet_png

Open = Callable[[str], AppTest]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    yield from serving(monkeypatch)


@pytest.fixture
def compared(screen: Open, tiny_base: Path) -> AppTest:
    """The screen with a picture of mia, whose adapter fits a tiny base."""
    furnish_adapter(tiny_base, "mia")
    furnish_run("mia", done=0, steps=0)
    atomic_write(home() / "runs" / "mia" / "settings.yaml", settings_to_yaml(Settings(name="mia", base=str(tiny_base))))
    [name] = furnish_gallery(1)
    record = dict(Gallery().get(name).record) | {"size": 32, "steps": 2}
    name = Gallery().add(Picture(chibi(3, 5), record))
    # The test runner goes back to the screen it was opened on; a browser stays where the button led.
    page = screen("compare")
    page.session_state["compared"] = name
    page.run()
    assert not page.exception and "With the adapter" in text_of(page)
    return page


def test_a_picture_s_dialog_leads_here(screen: Open) -> None:
    [name] = furnish_gallery(1)
    page = screen("gallery")
    page.button(key=f"look-gallery-{name}").click().run()
    page.button(key="dialog-others").click().run()
    assert "With and without the adapter" in text_of(page) and page.session_state["compared"] == name


def test_without_a_picture_it_leads_to_the_gallery(screen: Open) -> None:
    assert "No picture chosen" in text_of(screen("compare"))


def test_broken_pictures_and_sheets_leave_the_screen_standing(compared: AppTest) -> None:
    kept = Gallery().get(compared.session_state["compared"])
    sheet = sheet_png([[Picture(chibi(3, 5), kept.record)]], Axis("seed", (3,)))
    kept.path.write_bytes(b"\x89PNG\r\n\x1a\nhalf a picture")
    compared.run()
    assert not compared.exception and "With the adapter" in text_of(compared)
    for name in (Gallery().add_sheet(sheet), "gone"):
        compared.session_state["compared"] = name
        compared.run()
        assert not compared.exception and "No picture chosen" in text_of(compared)


def test_words_alone_are_drawn_with_the_same_seed(compared: AppTest) -> None:
    assert "zkq" not in compared.text_area[0].value and "glasses" in compared.text_area[0].value
    before = Gallery().search()[0].record
    compared.button(key="compare-draw").click().run()
    assert not compared.exception and not compared.error, [each.value for each in compared.error]
    made = Gallery().search()[0].record
    assert made["adapters"] == [] and made["seed"] == before["seed"] and "zkq" not in made["prompt"]
    assert text_of(compared).count("No photos of this person are here") == 2


def test_offline_it_is_off_and_says_so(compared: AppTest) -> None:
    assert "hosted-ask" not in keys(compared.button) and "set to stay offline (HF_HUB_OFFLINE)" in text_of(compared)


def test_it_asks_before_each_sending(compared: AppTest, service: StandIn) -> None:
    compared.run()
    assert "leaves this computer" in text_of(compared)
    for turn in (1, 2):
        compared.button(key="hosted-ask").click().run()
        assert len(service.heard) == turn - 1, "it asks first"
        assert "no photo, no picture, no adapter" in text_of(compared)
        compared.button(key="hosted-send-button").click().run()
        assert not compared.exception and not compared.error, [each.value for each in compared.error]
        assert len(service.heard) == turn, "one answer is for one sending"
    assert b"zkq" not in service.heard[0]["body"] and b"mia" not in service.heard[0]["body"]
    assert "127.0.0.1" in Gallery().search()[0].record["base"] and "cannot be made again" in text_of(compared)
