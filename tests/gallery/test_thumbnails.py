"""Small copies: made once, sealed where the vault is encrypted, made again when they are worth nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from gallery_pictures import picture
from PIL import Image

from workbench.config import home
from workbench.gallery import Gallery
from workbench.generation import Picture
from workbench.privacy import is_sealed, keys, lock, private_files, row_of, seal, unlock, vault_status


@pytest.fixture
def encrypted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("WORKBENCH_VAULT", "")
    yield
    keys._unlocked.clear()
    seal._known.clear()


def large() -> Picture:
    return Picture(Image.effect_noise((700, 500), 60).convert("RGB"), picture().record)


def file_of(gallery: Gallery, name: str) -> Path:
    return gallery.folder / "thumbs" / f"{name}.webp"


def shown(content: bytes) -> tuple[str | None, int]:
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        return image.format, max(image.size)


def test_they_are_small_and_made_once() -> None:
    gallery = Gallery()
    name = gallery.add(large())
    made = file_of(gallery, name).stat().st_mtime_ns
    assert shown(gallery.thumbnail(name)) == ("WEBP", 256)
    assert file_of(gallery, name).stat().st_mtime_ns == made


@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "text"])
def test_one_that_is_worth_nothing_is_made_again(damage: str) -> None:
    gallery = Gallery()
    name = gallery.add(large())
    file, before = file_of(gallery, name), file_of(gallery, name).read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes({"empty": b"", "cut": before[: len(before) // 2], "text": b"not a picture at all"}[damage])
    assert gallery.thumbnail(name) == before == file.read_bytes()


def test_they_are_sealed_where_the_vault_is(encrypted: None) -> None:
    gallery = Gallery()
    name = gallery.add(large())
    file = file_of(gallery, name)
    assert is_sealed(file) and shown(gallery.thumbnail(name)) == ("WEBP", 256)
    assert b"WEBP" not in file.read_bytes()
    assert (vault_status().sealed, vault_status().plain) == (1, 0) and list(private_files()) == [file]
    assert {row_of(path) for path in home().rglob("*") if path.is_file()} and row_of(file).sealed  # type: ignore[union-attr]
    assert all(row_of(path) is not None for path in home().rglob("*") if path.is_file())

    unlock()
    assert not is_sealed(file) and shown(gallery.thumbnail(name)) == ("WEBP", 256)
    assert not list((home() / "keys").glob("*.key"))
    assert lock("file") == 1 and is_sealed(file)


def test_one_from_before_the_vault_is_sealed_when_it_is_looked_at(encrypted: None) -> None:
    gallery = Gallery()
    name = gallery.add(large())
    unlock()
    plain = file_of(gallery, name).read_bytes()
    lock("file")
    file_of(gallery, name).write_bytes(plain)
    assert gallery.thumbnail(name) == plain and is_sealed(file_of(gallery, name))


def test_without_the_key_they_are_made_again_and_shown(encrypted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = Gallery()
    name = gallery.add(large())
    (home() / "keys" / ".gallery.key").unlink()
    seal._known.clear()
    assert shown(gallery.thumbnail(name)) == ("WEBP", 256) and is_sealed(file_of(gallery, name))
    # A closed vault: shown, but nothing is left in the open.
    unlock()
    monkeypatch.setattr(keys, "SCRYPT_N", 2**10)
    lock("passphrase", "four words or more")
    keys._unlocked.clear()
    seal._known.clear()
    assert shown(Gallery().thumbnail(name)) == ("WEBP", 256) and is_sealed(file_of(gallery, name))


def test_a_gallery_elsewhere_has_nobody_s_key(encrypted: None, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "elsewhere")
    name = gallery.add(large())
    assert not is_sealed(file_of(gallery, name)) and not (home() / "vault.json").exists()
