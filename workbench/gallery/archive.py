"""Several pictures as one zip, each with its recipe inside."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from workbench.config import storage_errors
from workbench.errors import GalleryError
from workbench.gallery.gallery import Gallery

# A browser holds a download in memory, and so does the page.
MOST_PICTURES = 2000
MOST_BYTES = 2**30


def zip_pictures(gallery: Gallery, names: Sequence[str], target: Path) -> int:
    """Writes pictures of a gallery into a zip; those that are gone by now are left out.

    Args:
        names: their ids.
        target: the file to write.

    Returns:
        How many are in it.

    Raises:
        GalleryError: there are too many, or none of them is there.
        StorageError: the file cannot be written; it is removed then.
    """
    kept = [each for each in gallery.several(list(dict.fromkeys(names))) if each.path.exists()]
    size = sum(each.path.stat().st_size for each in kept)
    if len(kept) > MOST_PICTURES or size > MOST_BYTES:
        raise GalleryError(
            f"{len(kept)} pictures of {size / 1e6:.0f} MB", "they are too many for one zip",
            f"Choose fewer, or copy the files from {gallery.folder}",
        )  # fmt: skip
    if not kept:
        raise GalleryError("The zip", "none of these pictures is in the gallery any more", "Choose others")
    try:
        # Stored: a PNG does not become smaller.
        with storage_errors(target), zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for each in kept:
                archive.write(each.path, f"chibi-{each.id}.png")
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return len(kept)
