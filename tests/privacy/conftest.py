"""Here workspaces are encrypted, as they are for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from privacy_people import restart

from workbench.privacy import keys


@pytest.fixture(autouse=True)
def encrypted(own_places: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A new workspace becomes encrypted with a key file; no key of another test is remembered."""
    monkeypatch.setenv("WORKBENCH_VAULT", "")
    # `open_with` sets it; setting it here lets monkeypatch put back what was there.
    monkeypatch.setenv(keys.PASSPHRASE, "")
    restart()
    yield
    restart()
