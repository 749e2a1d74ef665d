"""Pictures that others begin from: photos, sketches and masks, kept on this computer by what they show.

    starts/NAME/<sha256 of the pixels>.png     NAME: the first adapter's, or `anyone`

A recipe holds the sha256 only, so a picture that leaves this computer never takes somebody's photo along. What is here
may be a photo of a person: it is encrypted where photos are, and goes when anyone's photos expire or anyone is
forgotten (`workbench.privacy`).
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from workbench.config import home, make_folder, safe_name
from workbench.errors import GenerationError, SubjectError
from workbench.privacy import read_private, write_private

LARGEST_SIDE = 2048
ANYONE = "anyone"
_AGAIN = "Choose the picture again, or draw without it"


def keep_start(image: Image.Image, owner: str = "", folder: Path | None = None) -> str:
    """Keeps a picture to begin from, or a mask.

    Args:
        image: of any size and mode; what is transparent becomes white. A mask is in mode "L".
        owner: the person it belongs to, by the adapter's name; empty for nobody.
        folder: where such pictures are; None for the workspace's `starts/`.

    Returns:
        Its name, for `Start`.

    Raises:
        StorageError: the disk is full or the folder may not be written.
        VaultError: photos are encrypted and the key cannot be had.
    """
    image = _as_kept(image)
    name = _name(image)
    try:
        owner = safe_name(owner) if owner else ANYONE
    except SubjectError:
        owner = ANYONE  # an adapter from elsewhere may have a name that no person has
    path = make_folder((folder or home() / "starts") / owner) / f"{name}.png"
    if not path.exists():
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        write_private(path, buffer.getvalue(), owner)
    return name


def start_name(image: Image.Image) -> str:
    """The name that `keep_start` would give a picture; nothing is kept."""
    return _name(_as_kept(image))


def _as_kept(image: Image.Image) -> Image.Image:
    if image.mode not in ("RGB", "L"):
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image.convert("RGBA"))
        image = ground.convert("RGB")
    if max(image.size) > LARGEST_SIDE:
        image = image.copy()
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    return image


def _name(image: Image.Image) -> str:
    return hashlib.sha256(f"{image.mode} {image.size}".encode() + image.tobytes()).hexdigest()


def read_start(name: str, folder: Path | None = None) -> Image.Image:
    """A kept picture, RGB or L.

    Args:
        name: what `keep_start` returned; anything else is only looked up, never used as a path.

    Raises:
        GenerationError: it is not here any more, or cannot be read.
        VaultError: it is encrypted and the key cannot be had.
    """
    folder = folder or home() / "starts"
    found = sorted(folder.glob(f"*/{name}.png")) if name.isalnum() else []
    if not found:
        raise GenerationError(
            "The picture that this one was begun from",
            "it is not on this computer, or was erased with the photos",
            _AGAIN,
        )
    try:
        with Image.open(io.BytesIO(read_private(found[0])), formats=["PNG"]) as image:
            return image.convert("L" if image.mode == "L" else "RGB")
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise GenerationError("The picture that this one was begun from", "its file cannot be read", _AGAIN) from error
