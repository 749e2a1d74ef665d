"""A photo that a person brought: decoded in a process that a hostile file cannot leave, without private metadata.

What leaves this file is pixels only. EXIF (camera, time, GPS), XMP, comments and colour profiles stay behind in the
original.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from workbench.errors import PhotoError
from workbench.photos.decode import AGAIN, AS_JPEG, KEPT_SIDE, MAX_PIXELS
from workbench.photos.decoder import decode_apart
from workbench.privacy import read_private

MAX_BYTES = 100 * 2**20
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".heic", ".heif", ".hif", ".avif", ".gif")
__all__ = ["KEPT_SIDE", "MAX_BYTES", "MAX_PIXELS", "SUFFIXES", "Photo", "open_photo"]


@dataclass(frozen=True)
class Photo:
    """A picture a person brought, decoded.

    Args:
        name: what the person calls it: the file's name, without folders.
        image: RGB pixels in sRGB, upright, at most `KEPT_SIDE` on the longer side, without metadata.
        sha256: of the file's bytes: two files with the same value are the same file.
        size: width and height in pixels of the upright original.
    """

    name: str
    image: Image.Image = field(repr=False)
    sha256: str
    size: tuple[int, int]


def open_photo(source: Path | str | bytes, name: str = "") -> Photo:
    """Decodes one picture file and leaves its metadata behind. The file itself is never altered.

    Args:
        source: a path, or the bytes of a file.
        name: what to call it in messages; the path's last part when empty.

    Returns:
        The decoded photo.

    Raises:
        PhotoError: the file cannot be read, is no picture, is animated, broken, larger than `MAX_PIXELS`, or takes more
            time or memory to decode than a photo does.
        VaultError: it is a sealed copy of ours, and its key cannot be had.
    """
    if isinstance(source, bytes):
        name, data = name or "photo", source
        _check_bytes(name, len(data))
    else:
        path = Path(source)
        name = name or path.name
        data = _read(path, name)
    image, size = decode_apart(data, name)
    return Photo(name=name, image=image, sha256=hashlib.sha256(data).hexdigest(), size=size)


def _check_bytes(name: str, count: int) -> None:
    if count == 0:
        raise PhotoError(name, "the file is empty", AGAIN)
    if count > MAX_BYTES:
        raise PhotoError(name, f"the file is {count / 2**20:.0f} MB, more than {MAX_BYTES // 2**20} MB", AS_JPEG)


def _read(path: Path, name: str) -> bytes:
    try:
        if not path.is_file():
            gone = PhotoError(name, "there is no such file", "Check the name and the folder")
            raise PhotoError(name, "it is not a file", "Choose a picture file") if path.exists() else gone
        _check_bytes(name, path.stat().st_size)
        return read_private(path)  # copies of our own may be sealed
    except PermissionError as error:
        raise PhotoError(name, "you may not read this file", "Change its permissions, or copy it elsewhere") from error
    except OSError as error:
        raise PhotoError(name, f"it could not be read ({error.strerror or error})", AGAIN) from error
