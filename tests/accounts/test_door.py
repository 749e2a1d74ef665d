"""Login by an OIDC provider, with `st.login`, a provider that really answers, and a real browser."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from shared_page import Shared, serve_shared

from workbench.errors import ConfigError
from workbench.gate.door import Door

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1200)]
PATIENCE = 60_000  # ms
PAGE = "import os, streamlit as st\nst.write(f'This is the page of {os.environ[\"WORKBENCH_ACCOUNT\"]}')\n"


@pytest.fixture
def who(tmp_path: Path) -> Path:
    """The file that says whom the provider shows in."""
    return tmp_path / "who.json"


@pytest.fixture
def shared(tmp_path: Path, who: Path) -> Iterator[Shared]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    provider = subprocess.Popen([sys.executable, str(Path(__file__).with_name("provider.py")), str(port), str(who)])
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            httpx.get(f"http://127.0.0.1:{port}/keys", trust_env=False)
            break
        except httpx.HTTPError:
            time.sleep(0.2)

    def settings(url: str) -> dict[str, str]:
        lines = {
            "redirect_uri": f"{url}/door/oauth2callback", "cookie_secret": "a secret of the door, long enough",
            "client_id": "client", "client_secret": "secret",
            "server_metadata_url": f"http://127.0.0.1:{port}/.well-known/openid-configuration",
        }  # fmt: skip
        file = tmp_path / "oidc.toml"
        file.write_text("[auth]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items()), "utf-8")
        return {"WORKBENCH_OIDC": str(file)}

    (tmp_path / "page.py").write_text(PAGE, encoding="utf-8")
    try:
        with serve_shared(tmp_path, tmp_path / "page.py", settings) as running:
            running.accounts.add("olga", email="olga@example.org")
            yield running
    finally:
        provider.kill()
        provider.wait()


def knock(chromium: Any, shared: Shared) -> Any:
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()
    tab.goto(shared.url)
    tab.get_by_role("link", name="Log in with your organisation").click()
    return tab


def test_who_has_an_account_is_shown_in_and_nobody_else(chromium: Any, shared: Shared, who: Path) -> None:
    def says(email: str, sub: str = "1", verified: bool = True) -> None:
        who.write_text(json.dumps({"email": email, "sub": sub, "email_verified": verified}), encoding="utf-8")

    for words in (("eve@example.org",), ("olga@example.org", "1", False)):
        says(*words)
        tab = knock(chromium, shared)
        tab.get_by_text(re.compile("no account for this person|has not verified")).first.wait_for()
        assert not any(cookie["name"] == "chibi_session" for cookie in tab.context.cookies())
    says("olga@example.org")
    tab = knock(chromium, shared)
    tab.get_by_text("This is the page of olga").wait_for()
    left = {cookie["name"] for cookie in tab.context.cookies()}
    assert "chibi_session" in left and not {name for name in left if name.startswith("_streamlit_user")}
    assert tab.request.get(f"{shared.url}/enter?ticket=x").status == 401
    says("olga@example.org", sub="2")  # the address was given to somebody else
    other = knock(chromium, shared)
    other.get_by_text("no account for this person").first.wait_for()


def test_a_provider_that_is_not_set_up_well_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_OIDC", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="TOML"):
        Door.configured()
    (tmp_path / "none.toml").write_text("[other]\n", encoding="utf-8")
    assert Door.configured() is None
