"""C2PA manifests, where the library is installed; and what is said where it is not."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from PIL import Image

from workbench.config import home
from workbench.errors import PackError
from workbench.generation.provenance import MADE_BY_MODEL, digital_source
from workbench.packs import Look, export_pack, find_platform
from workbench.packs.credentials import KINDS, can_sign, read_manifest, sign_picture
from workbench.packs.encode import still


@pytest.mark.skipif(can_sign(), reason="c2pa-python is installed")
def test_without_the_library_it_is_told(cuts: dict[str, Image.Image], tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"c2pa-python is not installed.*\[credentials\]"):
        export_pack({"ok": cuts["ok"]}, find_platform("discord-emoji"), tmp_path / "x", sign=True)
    assert list(tmp_path.iterdir()) == [], "half a pack is none"


@pytest.mark.skipif(not can_sign(), reason="CONTENT CREDENTIALS WERE NOT TESTED: c2pa-python is not installed")
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_a_signed_picture_is_valid_until_it_is_changed(cuts: dict[str, Image.Image], kind: str) -> None:
    mime = KINDS[f".{kind.lower()}"]
    signed = sign_picture(still(cuts["smile"].resize((96, 96)), kind, 10**6).content, mime)
    report = read_manifest(signed, mime)
    assert report is not None and report["validation_state"] == "Valid" and MADE_BY_MODEL in str(report["manifests"])
    assert digital_source(signed) == MADE_BY_MODEL, "the XMP is still there"
    assert str(home()) not in str(report) and "mia" not in str(report)
    changed = bytearray(signed)
    changed[-40] ^= 1
    after = read_manifest(bytes(changed), mime)
    assert after is None or after["validation_state"] == "Invalid"
    key = home() / "credentials" / "key.pem"
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700 and "PRIVATE KEY" in key.read_text()


@pytest.mark.skipif(not can_sign(), reason="CONTENT CREDENTIALS WERE NOT TESTED: c2pa-python is not installed")
def test_signed_packs_keep_to_the_limits(cuts: dict[str, Image.Image], tmp_path: Path) -> None:
    some = {name: cuts[name] for name in ("ok", "smile", "laugh")}
    made = export_pack(some, find_platform("whatsapp"), tmp_path / "whatsapp", Look(), sign=True)
    assert made.problems == ()
    report = read_manifest((made.folder / "02.webp").read_bytes(), "image/webp")
    assert report is not None and report["validation_state"] == "Valid"
    assert read_manifest(still(cuts["ok"], "PNG", 10**6).content, "image/png") is None
