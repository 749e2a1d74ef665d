"""The page with an encrypted workspace: it shows photos, asks for a passphrase, and tells when photos expire."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from furnish import furnish_subject
from reading import keys, text_of
from streamlit.testing.v1 import AppTest

from workbench.config import home
from workbench.privacy import keys as vault_keys
from workbench.privacy import lock, seal

Open = Callable[[str], AppTest]


@pytest.fixture(autouse=True)
def encrypted(monkeypatch: pytest.MonkeyPatch, no_samples: None) -> Iterator[None]:
    monkeypatch.setenv("WORKBENCH_VAULT", "")
    monkeypatch.setenv(vault_keys.PASSPHRASE, "")
    yield
    vault_keys._unlocked.clear()
    seal._known.clear()


def test_a_passphrase_is_asked_for_and_expired_photos_are_told_of(
    screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_keys, "SCRYPT_N", 2**10)
    lock("passphrase", "four words or more")
    furnish_subject("mia")
    vault_keys._unlocked.clear()
    page = screen("photos")
    assert "The photos are locked" in text_of(page) and "drop-mia-0" not in keys(page.file_uploader)
    page.text_input(key="passphrase").set_value("four words or less").run()
    page.button(key="open-vault").click().run()
    assert "The photos are locked" in text_of(page)
    page.text_input(key="passphrase").set_value("four words or more").run()
    page.button(key="open-vault").click().run()
    assert text_of(page).count("Accepted") >= 3 and "Photos are encrypted" in text_of(page)
    assert page.session_state["passphrase"] == "" if "passphrase" in page.session_state else True

    file = home() / "subjects" / "mia" / "subject.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"expires": "2026-01-01T00:00:00+00:00"}))
    page = screen("photos")
    assert "The photos of mia expired on 2026-01-01" in text_of(page) and "No photos yet" in text_of(page)
