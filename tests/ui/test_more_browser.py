"""From the gallery to more of a picture, in a real browser: what was asked for comes into view on a phone too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import PHONE, WIDE, go, settle, width_of
from furnish import furnish_gallery

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["desktop", "phone"])
def test_more_of_a_picture_of_the_gallery(tab: Any, address: str, own_places: Path, size: dict[str, int]) -> None:
    furnish_gallery(2)
    tab.set_viewport_size(size)
    go(tab, address, "gallery")
    tab.locator("[data-shot] img").first.click()
    tab.locator("[data-testid=stDialog] .st-key-dialog-tools").wait_for()
    settle(tab)
    tab.locator(".st-key-dialog-more button:visible").first.click()
    panel = tab.locator(".st-key-panel-more")
    panel.wait_for()
    settle(tab)
    tab.wait_for_timeout(5000)  # it glides there
    tab.screenshot(path=own_places / "panel.png")
    box = panel.bounding_box()
    assert 0 <= box["y"] < size["height"] / 2, "the panel that was asked for can be seen"
    assert width_of(tab) <= size["width"]
    # going on to another way does not move the page again
    tab.locator(".st-key-more-way").get_by_text("Remix").click()
    settle(tab)
    tab.locator(".st-key-panel-more textarea").wait_for()
