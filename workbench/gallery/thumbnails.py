"""Small copies of pictures, to show many at once: WebP of at most 256 px, sealed where the vault is encrypted.

They can be made again from the pictures, so they are written without waiting for the disk; one that was cut, altered or
cannot be opened any more is made anew.
"""

from __future__ import annotations

import io
import secrets
from contextlib import suppress
from pathlib import Path

from PIL import Image

from workbench.config import make_folder
from workbench.errors import GalleryError, StorageError, VaultError
from workbench.privacy import Vault, read_private, vault
from workbench.privacy.seal import MAGIC, owner_of, seal

LONGEST = 256  # px


def read_thumbnail(file: Path) -> bytes | None:
    """A small copy that is there, None when it must be made.

    One from before the vault was encrypted is sealed on the way.
    """
    try:
        content = read_private(file)
        lies_open = _state(file).mode == "encrypted" and not _starts_with(file, MAGIC)
    except (OSError, VaultError, StorageError):
        return None
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or int.from_bytes(content[4:8], "little") + 8 > len(content):
        return None
    if lies_open:
        write_thumbnail(file, content)
    return content


def make_thumbnail(image: Image.Image) -> bytes:
    """A picture's small copy."""
    copy = image.convert("RGBA" if "A" in image.getbands() else "RGB")
    copy.thumbnail((LONGEST, LONGEST))
    buffer = io.BytesIO()
    copy.save(buffer, "WEBP", quality=85, method=2)
    return buffer.getvalue()


def thumbnail_of(path: Path) -> bytes:
    """The small copy of a PNG file.

    Raises:
        GalleryError: the file cannot be read.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            return make_thumbnail(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise GalleryError(path.name, "the file cannot be read", "Delete it from the gallery") from error


def write_thumbnail(file: Path, content: bytes) -> None:
    """Keeps a small copy where that is possible; a full disk or a closed vault are no reason not to show it."""
    with suppress(OSError, StorageError, VaultError):
        state = _state(file)
        if state.mode == "encrypted":
            content = seal(content, file.name, owner_of(file), state)
        make_folder(file.parent)
        waiting = file.with_name(f".writing-{secrets.token_hex(8)}")
        try:
            waiting.write_bytes(content)
            waiting.replace(file)
        finally:
            waiting.unlink(missing_ok=True)


def _state(file: Path) -> Vault:
    """How this file is to be kept: only those of the workspace's own gallery have an owner with a key."""
    return vault() if owner_of(file) else Vault("plain")


def _starts_with(file: Path, start: bytes) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(start)) == start
