"""The brush in a real browser: a stroke of a mouse or a finger becomes the mask that the picture is drawn with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import PHONE, WIDE, choose, go, put, settle, width_of
from furnish import chibi, furnish_adapter, furnish_run
from tiny import make_tiny_base

from workbench.config import Settings, atomic_write, settings_to_yaml
from workbench.gallery import Gallery
from workbench.generation import read_start

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(2400)]
PART = "What I paint over"


def by_mouse(tab: Any, points: list[tuple[float, float]]) -> None:
    tab.mouse.move(*points[0])
    tab.mouse.down()
    for point in points[1:]:
        tab.mouse.move(*point, steps=6)
    tab.mouse.up()


def by_finger(tab: Any, points: list[tuple[float, float]]) -> None:
    session = tab.context.new_cdp_session(tab)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for kind, at in [("touchStart", points[:1]), *(("touchMove", [point]) for point in points[1:]), ("touchEnd", [])]:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in at]})


@pytest.mark.parametrize(("size", "paint"), [(WIDE, by_mouse), (PHONE, by_finger)], ids=["desktop", "phone"])
def test_what_is_painted_is_drawn_anew(
    tab: Any, address: str, tmp_path: Path, own_places: Path, size: dict[str, int], paint: Any
) -> None:
    base = make_tiny_base(tmp_path / "tiny-base")
    atomic_write(furnish_run("mia") / "settings.yaml", settings_to_yaml(Settings(name="mia", base=str(base))))
    furnish_adapter(base, "mia")
    chibi(3, 1).save(tmp_path / "sketch.png")
    tab.set_viewport_size(size)
    go(tab, address, "create")
    tab.get_by_text("More settings").click()
    put(tab, "steps", "2")
    tab.get_by_text("From a photo or sketch").click()
    tab.locator(".st-key-start-file input[type=file]").set_input_files(tmp_path / "sketch.png")
    tab.locator(".st-key-part-start").wait_for()
    settle(tab)
    choose(tab, "part-start", PART)
    board = tab.locator("canvas[data-part=board]")
    board.wait_for()
    tab.get_by_text("Nothing is painted yet").wait_for()

    # a stroke from left to right, a quarter from the top
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    line = [(box["x"] + box["width"] * x, box["y"] + box["height"] * 0.25) for x in (0.2, 0.5, 0.8)]
    paint(tab, line)
    tab.get_by_text("Nothing is painted yet").wait_for(state="detached")
    settle(tab)
    tab.screenshot(path=own_places / "brush.png")
    assert width_of(tab) <= size["width"]
    assert not tab.locator("button[data-part=undo]").is_disabled()

    # by keys: undone, then painted in the middle, erased, and cleared
    undo, clear = tab.locator("button[data-part=undo]"), tab.locator("button[data-part=clear]")
    undo.focus()
    tab.keyboard.press("Enter")
    tab.get_by_text("Nothing is painted yet").wait_for()
    board.focus()
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("+")
    tab.keyboard.press("Space")
    tab.get_by_text("Nothing is painted yet").wait_for(state="detached")
    clear.focus()
    tab.keyboard.press("Enter")
    tab.get_by_text("Nothing is painted yet").wait_for()

    # painted again, and still there after looking at another part
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    paint(tab, [(box["x"] + box["width"] * x, box["y"] + box["height"] * 0.25) for x in (0.2, 0.5, 0.8)])
    tab.get_by_text("Nothing is painted yet").wait_for(state="detached")
    settle(tab)
    choose(tab, "part-start", "Hair")
    board.wait_for(state="detached")
    choose(tab, "part-start", PART)
    board.wait_for()
    settle(tab)
    assert not clear.is_disabled() and tab.get_by_text("Nothing is painted yet").count() == 0
    tab.locator(".st-key-draw-button button").click()
    tab.locator("[class*=st-key-card-made-] img").nth(3).wait_for()

    record = Gallery().search()[0].record
    mask = read_start(record["start"]["mask"])
    side = mask.width
    for x, y, white in (
        (0.5, 0.25, True),
        (0.25, 0.25, True),
        (0.5, 0.5, False),
        (0.05, 0.25, False),
        (0.5, 0.1, False),
    ):
        assert (mask.getpixel((int(x * side), int(y * side))) == 255) is white, (x, y)
