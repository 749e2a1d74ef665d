"""A headless Chromium for the tests of the gate."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]


@pytest.fixture(scope="module")
def chromium(in_ci: bool) -> Iterator[Any]:
    from playwright.sync_api import Error, sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        except Error as error:
            if in_ci:
                pytest.fail(str(error))
            pytest.skip(f"THE GATE WAS NOT TESTED IN A BROWSER: {str(error).splitlines()[0]}")
        yield browser
        browser.close()
