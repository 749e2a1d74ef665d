"""The real page behind the gate, in two real browser sessions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shared_page import PASSWORD, Shared, serve_shared

from workbench.config import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1200)]
PATIENCE = 240_000  # ms


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Shared]:
    with serve_shared(tmp_path, ROOT / "ui" / "app.py", lambda url: {"WORKBENCH_VAULT": "plain"}) as running:
        for name in ("anna", "ben"):
            (running.owners[name].home / "subjects").mkdir()  # no sample on the first visit
        yield running


def enter(chromium: Any, shared: Shared, name: str) -> Any:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()
    tab.goto(shared.url)
    tab.locator("#name").fill(name)
    tab.locator("#password").fill(PASSWORD)
    tab.get_by_role("button", name="Log in").click()
    tab.locator("a.account", has_text=name).wait_for()
    return tab


def test_two_people_see_each_their_own(chromium: Any, shared: Shared) -> None:
    anna, ben = enter(chromium, shared, "anna"), enter(chromium, shared, "ben")
    anna.get_by_role("button", name="Try the sample person").click()
    card = anna.locator("[class*=st-key-card-] img").first
    card.wait_for()
    address = card.get_attribute("src")
    assert re.search(r"/media/[0-9a-f]+", address)
    own = anna.request.get(shared.url + address if address.startswith("/") else address)
    others = ben.request.get(own.url)
    assert own.status == 200 and own.headers["content-type"] == "image/jpeg"
    assert others.status == 404 and b"JFIF" not in others.body()
    assert chromium.new_context().request.get(own.url).status == 401
    ben.reload()
    ben.get_by_role("button", name="Make a person").wait_for()
    assert ben.get_by_text("sample", exact=True).count() == 0
    assert not any((shared.owners["ben"].home / "subjects").iterdir())
    assert any((shared.owners["anna"].home / "subjects").iterdir())
    # a window that is open when its session ends is sent to the login, and shows nothing any more
    shared.accounts.lock("anna")
    anna.wait_for_url(re.compile("/login"))
    assert anna.locator("img[src*=media]").count() == 0
    assert os.environ.get("WORKBENCH_ACCOUNT") is None
