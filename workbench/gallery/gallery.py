"""Pictures that were kept: PNG files with their records inside, an index to search them, small copies to show them.

    gallery/<id>.png        a picture; the file is the truth
    gallery/stars/<id>      an empty file: this picture has a star
    gallery/thumbs/<id>.webp   a small copy, made when first asked for
    gallery/index/          see `index.py`

A PNG that is put into the folder by hand appears; one that is taken away disappears.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from workbench.config import atomic_write, home, make_folder, storage_errors
from workbench.errors import GalleryError, GenerationError
from workbench.gallery.index import Index, Row
from workbench.generation.record import Picture, picture_png, read_record

THUMBNAIL = 256  # px
# A file name that stays inside its folder, whoever gave it.
_ID = re.compile(r"[^./\\\0][^/\\\0]{0,150}")


@dataclass(frozen=True)
class Kept:
    """A picture in the gallery.

    Args:
        id: its name there; sorts by time.
        path: the PNG.
        record: what made it; without a prompt when the file carries no record.
        starred: whether the person gave it a star.
    """

    id: str
    path: Path
    record: dict[str, Any]
    starred: bool

    @property
    def prompt(self) -> str:
        return str(self.record.get("prompt", ""))


class Gallery:
    """The pictures of one folder. Several threads and processes may use it at the same time."""

    def __init__(self, folder: Path | None = None) -> None:
        """Opens a gallery, new or not; the index is brought up to date with the files.

        Args:
            folder: where the pictures are; None for the workspace's `gallery/`.

        Raises:
            StorageError: the folder cannot be read or written.
        """
        self.folder = folder or home() / "gallery"
        make_folder(self.folder)
        # SQLite comes and goes with files of its own; in a folder of its own they do not look like new pictures.
        self._index = Index(make_folder(self.folder / "index") / "index.sqlite")
        self._index.prepare()
        self._seen = -1
        self._follow_files()

    def add(self, picture: Picture) -> str:
        """Keeps a picture.

        Returns:
            Its id. The same picture with the same record is kept once.

        Raises:
            StorageError: the disk is full or the folder may not be written; nothing is left then.
        """
        content = picture_png(picture)
        when = str(picture.record.get("created") or datetime.now(UTC).isoformat(timespec="seconds"))
        stamp = "-".join(re.findall(r"\d+", when)[:6])
        name = f"{stamp}-{hashlib.sha256(content).hexdigest()[:10]}"
        atomic_write(self.folder / f"{name}.png", content)
        self._index.put([(name, {"created": when} | picture.record, self._star_file(name).exists())])
        return name

    def get(self, name: str) -> Kept:
        """A picture by id.

        Raises:
            GalleryError: there is none.
        """
        self._follow_files()
        row = self._index.get(name) if _ID.fullmatch(name) else None
        if row is None:
            raise GalleryError(f"Picture {name[:120]!r}", "it is not in the gallery", "Choose one that is shown there")
        return self._kept(row)

    def search(
        self,
        words: str = "",
        adapter: str = "",
        stars_only: bool = False,
        limit: int = 60,
        offset: int = 0,
        since: str = "",
        until: str = "",
    ) -> list[Kept]:
        """Finds pictures, newest first.

        Args:
            words: all of them must occur in the prompt, the base's name, the seed or the adapters' names; parts of
                words count, letter case does not.
            adapter: only pictures made with this one.
            stars_only: only those with a star.
            limit, offset: which part of what is found.
            since, until: ISO 8601 times or dates in UTC; `until` itself is not included.
        """
        self._follow_files()
        rows, _ = self._index.find(words, adapter, stars_only, since, until, limit, offset)
        return [self._kept(row) for row in rows]

    def count(
        self, words: str = "", adapter: str = "", stars_only: bool = False, since: str = "", until: str = ""
    ) -> int:
        """How many pictures `search` would find without a limit."""
        self._follow_files()
        return self._index.find(words, adapter, stars_only, since, until, 0, 0)[1]

    def adapters(self) -> Mapping[str, int]:
        """The adapters that pictures were made with, and in how many."""
        self._follow_files()
        return self._index.adapters()

    def star(self, name: str, starred: bool = True) -> None:
        """Gives a picture a star, or takes it away.

        Raises:
            GalleryError: there is no such picture.
        """
        file = self._star_file(self.get(name).id)
        if starred:
            atomic_write(file, b"")
        else:
            with storage_errors(file):
                file.unlink(missing_ok=True)
        self._index.star(name, starred)

    def delete(self, *names: str) -> list[Path]:
        """Erases pictures with all that belongs to them.

        Returns:
            The files that were removed.

        Raises:
            GalleryError: one of them is not in the gallery; nothing is removed then.
        """
        removed = []
        kept = [self.get(name) for name in names]
        for picture in kept:
            for path in (picture.path, self._thumbnail_file(picture.id), self._star_file(picture.id)):
                if path.exists():
                    with storage_errors(path):
                        path.unlink(missing_ok=True)
                    removed.append(path)
        self._index.remove([picture.id for picture in kept])
        return removed

    def thumbnail(self, name: str) -> Path:
        """A WebP copy of at most 256 px, made when first asked for.

        Raises:
            GalleryError: there is no such picture, or its file cannot be read.
        """
        small = self._thumbnail_file(name) if _ID.fullmatch(name) else None
        if small is not None and small.exists() and (self.folder / f"{name}.png").exists():
            return small
        kept = self.get(name)
        try:
            with Image.open(kept.path, formats=["PNG"]) as image:
                copy = image.convert("RGBA" if "A" in image.getbands() else "RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise GalleryError(kept.path.name, "the file cannot be read", "Delete it from the gallery") from error
        copy.thumbnail((THUMBNAIL, THUMBNAIL))
        buffer = io.BytesIO()
        copy.save(buffer, "WEBP", quality=85, method=2)
        atomic_write(self._thumbnail_file(name), buffer.getvalue())
        return self._thumbnail_file(name)

    def rebuild(self) -> int:
        """Reads all files again and makes the index anew.

        Returns:
            How many pictures there are.
        """
        self._index.remove(sorted(self._index.names()))
        self._seen = -1
        self._follow_files()
        return len(self._index.names())

    def _follow_files(self) -> None:
        """Brings the index up to date with the folder, if the folder has changed since the last look."""
        with storage_errors(self.folder):
            changed = self.folder.stat().st_mtime_ns
            if changed == self._seen:
                return
            with os.scandir(self.folder) as entries:
                there = {e.name[:-4] for e in entries if e.name.endswith(".png") and not e.name.startswith(".")}
        known = self._index.names()
        if gone := known - there:
            self._index.remove(sorted(gone))
        if new := sorted(name for name in there - known if _ID.fullmatch(name)):
            self._index.put([self._read(name) for name in new])
        self._seen = changed

    def _read(self, name: str) -> Row:
        path = self.folder / f"{name}.png"
        try:
            record = read_record(path)
        except GenerationError as error:
            # It stays visible: a person put it there.
            record = {"prompt": "", "adapters": [], "notes": [f"{error.reason}. {error.way_out}."]}
        if not record.get("created"):
            record["created"] = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
        return name, record, self._star_file(name).exists()

    def _kept(self, row: Row) -> Kept:
        return Kept(row[0], self.folder / f"{row[0]}.png", row[1], row[2])

    def _star_file(self, name: str) -> Path:
        return self.folder / "stars" / name

    def _thumbnail_file(self, name: str) -> Path:
        return self.folder / "thumbs" / f"{name}.webp"
