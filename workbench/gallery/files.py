"""Where the files of a gallery are, and how the index follows them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from workbench.config import storage_errors
from workbench.errors import GalleryError, GenerationError
from workbench.gallery.index import Index, Row
from workbench.generation.record import read_record
from workbench.generation.sheet import read_sheet_recipe, sheet_record

# A file name that stays inside its folder, whoever gave it.
_ID = re.compile(r"[^./\\\0][^/\\\0]{0,150}")
# New files are put into the index in parts, so that an interrupted first look goes on where it was.
_AT_ONCE = 500
# A file that comes within the tick of a look leaves the folder's time stamp as it is; such a look is not the last.
_SETTLED = 2 * 10**9  # ns


def read_any_record(path: Path) -> dict[str, Any]:
    """The record of a picture, or of a sheet of pictures.

    Raises:
        GenerationError: the file carries neither; says what a picture lacks.
    """
    try:
        return read_record(path)
    except GenerationError as no_picture:
        try:
            return sheet_record(read_sheet_recipe(path))
        except GenerationError:
            raise no_picture from None


def check_pixels(path: Path) -> None:
    """Compares a PNG's pixels with their own checksums, which nobody looks at who only shows them.

    Raises:
        GalleryError: they are not those that were kept.
    """
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            picture.verify()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise GalleryError(path.name, "it was damaged on its disk", "Draw it again from its recipe") from error


def is_id(name: str) -> bool:
    """Whether a name can be a picture's."""
    return bool(_ID.fullmatch(name))


class Look:
    """Remembers when a folder was looked at, so that an unchanged one is not looked at again.

    Args:
        folder: which; it need not be there.
        index: where it is noted for the next process.
        name: under which it is noted.
    """

    def __init__(self, folder: Path, index: Index, name: str) -> None:
        self.folder = folder
        self._index = index
        self._name = name
        self._seen = -1

    def needed(self, look: Callable[[], None], anew: bool = False) -> None:
        """Calls `look` when the folder has changed since it was last called.

        Args:
            anew: call it in any case.

        Raises:
            StorageError: the folder cannot be read.
        """
        with storage_errors(self.folder):
            changed = self.folder.stat().st_mtime_ns if self.folder.is_dir() else 0
        if not anew:
            if changed == self._seen:
                return
            if self._seen == -1 and self._index.fact(self._name) == str(changed):
                self._seen = changed
                return
        settled = time.time_ns() - changed > _SETTLED
        look()
        self._seen = changed if settled else -2
        self._index.note(self._name, str(changed) if settled else "")


class Files:
    """The files of one gallery.

    Args:
        folder: of the gallery.
        index: what follows them.
        on_new: called as (done, all) while many new ones are read.
    """

    def __init__(self, folder: Path, index: Index, on_new: Callable[[int, int], object] | None = None) -> None:
        self.folder = folder
        self._index = index
        self._on_new = on_new
        self._look = Look(folder, index, "pictures")

    def star(self, name: str) -> Path:
        """The file that is there when a picture has a star."""
        return self.folder / "stars" / name

    def thumbnail(self, name: str) -> Path:
        """The file of a picture's small copy."""
        return self.folder / "thumbs" / f"{name}.webp"

    def follow(self, anew: bool = False) -> None:
        """Brings the index up to date with the pictures.

        Raises:
            StorageError: the folder cannot be read.
        """
        with storage_errors(self.folder):
            self._look.needed(self._compare, anew)

    def _compare(self) -> None:
        # First what is known, then what is there: a picture that another session keeps in between is both, or new. The
        # other way round it would be taken for one that is gone.
        known = self._index.names()
        with os.scandir(self.folder) as entries:
            there = {e.name[:-4] for e in entries if e.name.endswith(".png") and not e.name.startswith(".")}
        if gone := known - there:
            self._index.remove(sorted(gone))
        new = sorted(name for name in there - known if is_id(name))
        for start in range(0, len(new), _AT_ONCE):
            if self._on_new and len(new) > _AT_ONCE:
                self._on_new(start, len(new))
            self._index.put([row for name in new[start : start + _AT_ONCE] if (row := self._read(name))])

    def _read(self, name: str) -> Row | None:
        path = self.folder / f"{name}.png"
        try:
            record = read_any_record(path)
        except GenerationError as error:
            # It stays visible: a person put it there.
            record = {"prompt": "", "adapters": [], "notes": [f"{error.reason}. {error.way_out}."]}
        if not record.get("created"):
            try:
                record["created"] = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
            except FileNotFoundError:  # taken away since the folder was read
                return None
        return name, record, self.star(name).exists()
