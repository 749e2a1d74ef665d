"""Two people at one server, in a real browser: each reads the language of their own browser, and may change it."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import PHONE, SIZES, go, settle, width_of

from workbench.config import home

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(autouse=True)
def nobody_here() -> None:
    """No sample person is brought: somebody was here, and is forgotten."""
    (home() / "subjects").mkdir(parents=True)


def test_each_browser_reads_its_own_language(tab: Any, address: str) -> None:
    browser = tab.context.browser
    chinese = browser.new_context(locale="zh-CN", viewport=PHONE).new_page()
    english = browser.new_context(locale="fr-FR").new_page()
    try:
        for page in (chinese, english):
            page.set_default_timeout(120_000)
            go(page, address, "adapters")
        assert chinese.locator(".band h1").inner_text() == "适配器架" and "lang" not in chinese.url
        assert english.locator(".band h1").inner_text() == "The shelf", "a third language is answered in English"
        # One changes it; the other one's page is drawn anew and stays as it was.
        chinese.locator(".st-key-language-switch button").click()
        chinese.get_by_role("heading", name="The shelf", exact=True).wait_for()
        assert chinese.url.endswith("lang=en")
        english.locator(".st-key-language-switch button").click()
        english.get_by_role("heading", name="适配器架").wait_for()
        assert chinese.locator(".band h1").inner_text() == "The shelf"
        # Another screen keeps it, and so does the address when it is opened again.
        english.get_by_role("link", name="图库").first.click()
        english.locator(".band h1", has_text="图库").wait_for()
        settle(english)
        english.wait_for_url("**lang=zh")
        english.reload()
        english.locator(".band h1", has_text="图库").wait_for()
    finally:
        chinese.context.close()
        english.context.close()


@pytest.mark.parametrize("size", SIZES, ids=["desktop", "phone"])
def test_chinese_fits_the_window(tab: Any, address: str, size: dict[str, int]) -> None:
    tab.set_viewport_size(size)
    for name in ("", "train", "create", "packs", "gallery", "adapters"):
        go(tab, address, f"{name}?lang=zh")
        assert tab.locator(".st-key-language-switch button").inner_text().endswith("English")
        assert width_of(tab) <= size["width"], f"{name or 'photos'} is wider than the window"
        button, band = (tab.locator(each).bounding_box() for each in (".st-key-language-switch", ".band"))
        assert button["y"] + button["height"] <= band["y"], "the button stands in the top line"
