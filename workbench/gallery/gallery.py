"""Pictures that were kept: PNG files with their records inside, an index to search them, small copies to show them.

    gallery/<id>.png            a picture; the file is the truth
    gallery/stars/<id>          an empty file: this picture has a star
    gallery/collections/        see `collections.py`
    gallery/thumbs/<id>.webp    see `thumbnails.py`
    gallery/trash/              see `trash.py`
    gallery/index/              see `index.py`

A PNG that is put into the folder by hand appears; one that is taken away disappears.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from workbench.config import atomic_write, home, make_folder, storage_errors
from workbench.errors import DamagedIndexError, GalleryError
from workbench.gallery.collections import Collections
from workbench.gallery.files import Files, is_id
from workbench.gallery.index import Index, Row
from workbench.gallery.query import Query
from workbench.gallery.thumbnails import make_thumbnail, read_thumbnail, thumbnail_of, write_thumbnail
from workbench.gallery.trash import Belonging, Deleted, Trash
from workbench.generation.record import Picture, picture_png
from workbench.generation.sheet import read_sheet_recipe, sheet_record


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

    @property
    def is_sheet(self) -> bool:
        """Whether it is a sheet of pictures."""
        return bool(self.record.get("sheet"))


class Gallery:
    """The pictures of one folder. Several threads and processes may use it at the same time.

    Attributes:
        collections: named sets of pictures.
        trash: what was deleted in the last thirty days.
    """

    def __init__(self, folder: Path | None = None, on_new: Callable[[int, int], object] | None = None) -> None:
        """Opens a gallery, new or not; the index is brought up to date with the files.

        Args:
            folder: where the pictures are; None for the workspace's `gallery/`.
            on_new: called as (done, all) while many new files are read.

        Raises:
            StorageError: the folder cannot be read or written.
        """
        self.folder = folder or home() / "gallery"
        make_folder(self.folder)
        # SQLite comes and goes with files of its own; in a folder of its own they do not look like new pictures.
        self._index = Index(make_folder(self.folder / "index") / "index.sqlite")
        self._index.prepare()
        self.collections = Collections(self.folder / "collections", self._index)
        self.trash = Trash(self.folder / "trash")
        self._files = Files(self.folder, self._index, on_new)
        try:
            self._follow_files()
        except DamagedIndexError:  # as one that does not even open
            self.rebuild()

    def add(self, picture: Picture) -> str:
        """Keeps a picture.

        Returns:
            Its id. The same picture with the same record is kept once.

        Raises:
            StorageError: the disk is full or the folder may not be written; nothing is left then.
        """
        content = picture_png(picture)
        when = str(picture.record.get("created") or datetime.now(UTC).isoformat(timespec="seconds"))
        return self._write(content, {"created": when} | picture.record, make_thumbnail(picture.image))

    def _write(self, content: bytes, record: dict[str, Any], thumbnail: bytes) -> str:
        stamp = "-".join(re.findall(r"\d+", str(record["created"]))[:6])
        name = f"{stamp}-{hashlib.sha256(content).hexdigest()[:10]}"
        atomic_write(self.folder / f"{name}.png", content)
        self._index.put([(name, record, self._files.star(name).exists())])
        write_thumbnail(self._files.thumbnail(name), thumbnail)
        return name

    def add_sheet(self, content: bytes) -> str:
        """Keeps a sheet of pictures (`workbench.generation.sheet`): found by its adapters, opened again as a grid.

        Returns:
            Its id.

        Raises:
            GenerationError: it is no sheet, or nothing was drawn on it.
            StorageError: the disk is full or the folder may not be written; nothing is left then.
        """
        record = sheet_record(read_sheet_recipe(content))
        record["created"] = record["created"] or datetime.now(UTC).isoformat(timespec="seconds")
        with Image.open(io.BytesIO(content)) as image:
            return self._write(content, record, make_thumbnail(image))

    def get(self, name: str) -> Kept:
        """A picture by id.

        Raises:
            GalleryError: there is none.
        """
        self._follow_files()
        row = self._index.get(name) if is_id(name) else None
        if row is None:
            raise GalleryError(f"Picture {name[:120]!r}", "it is not in the gallery", "Choose one that is shown there")
        return self._kept(row)

    def several(self, names: Sequence[str]) -> list[Kept]:
        """Those of these pictures that there are, in the order they are named."""
        self._follow_files()
        return [self._kept(row) for row in self._index.several([name for name in names if is_id(name)])]

    def search(
        self,
        words: str = "",
        adapter: str = "",
        stars_only: bool = False,
        limit: int = 60,
        offset: int = 0,
        since: str = "",
        until: str = "",
        subject: str = "",
        collection: str = "",
    ) -> list[Kept]:
        """Finds pictures, newest first; see `Query` for what can be asked.

        Args:
            limit, offset: which part of what is found.
        """
        return self.find(Query(words, adapter, subject, collection, stars_only, since, until), limit, offset)

    def find(self, query: Query, limit: int = 60, offset: int = 0) -> list[Kept]:
        """Finds pictures, newest first: that part of them."""
        self._follow_files()
        return [self._kept(row) for row in self._index.find(query, self._adapters_of(query), limit, offset)]

    def ids(self, query: Query) -> list[str]:
        """The ids of all pictures that match, newest first."""
        self._follow_files()
        return self._index.ids(query, self._adapters_of(query))

    def count(
        self,
        words: str = "",
        adapter: str = "",
        stars_only: bool = False,
        since: str = "",
        until: str = "",
        subject: str = "",
        collection: str = "",
    ) -> int:
        """How many pictures `search` would find without a limit."""
        return self.how_many(Query(words, adapter, subject, collection, stars_only, since, until))

    def how_many(self, query: Query) -> int:
        """How many pictures match."""
        self._follow_files()
        return self._index.count(query, self._adapters_of(query))

    def adapters(self) -> Mapping[str, int]:
        """The adapters that pictures were made with, and in how many."""
        self._follow_files()
        return self._index.adapters()

    def subjects(self) -> Mapping[str, list[str]]:
        """Whose pictures there are: for each person the adapters that their pictures were made with."""
        from workbench.adapters.browse import subject_named
        from workbench.adapters.labels import Label, read_labels

        labels = read_labels()
        found: dict[str, list[str]] = {}
        for adapter in self.adapters():
            found.setdefault(subject_named(adapter, labels.get(adapter, Label()).subject), []).append(adapter)
        return found

    def filled_collections(self) -> Mapping[str, int]:
        """Every collection, and how many pictures are in it."""
        self._follow_files()
        counts = self._index.collections()
        return {name: counts.get(name, 0) for name in self.collections.names()}

    def collections_of(self, name: str) -> list[str]:
        """The collections that a picture is in."""
        self._follow_files()
        return self._index.collections_of(name)

    def star(self, name: str, starred: bool = True) -> None:
        """Gives a picture a star, or takes it away.

        Raises:
            GalleryError: there is no such picture.
        """
        file = self._files.star(self.get(name).id)
        if starred:
            atomic_write(file, b"")
        else:
            with storage_errors(file):
                file.unlink(missing_ok=True)
        self._index.star(name, starred)

    def throw_away(self, *names: str) -> Deleted:
        """Deletes pictures so that it can be undone for thirty days; see `put_back`.

        Raises:
            GalleryError: one of them is not in the gallery; nothing is deleted then.
            StorageError: a file cannot be moved.
        """
        kept = [self.get(name) for name in dict.fromkeys(names)]
        deleted = self.trash.put(
            {each.path: Belonging(each.starred, tuple(self.collections_of(each.id))) for each in kept}
        )
        self._drop(kept)
        return deleted

    def put_back(self, which: str) -> list[str]:
        """Brings deleted pictures back with their stars and collections.

        Args:
            which: the id of a `Deleted`.

        Returns:
            The ids of the pictures.

        Raises:
            GalleryError: they are not in the trash.
            StorageError: a file cannot be moved.
        """
        back = self.trash.take_back(which, self.folder)
        inside: dict[str, list[str]] = {}
        for name, belonging in back.items():
            if belonging.starred:
                atomic_write(self._files.star(name), b"")
            for collection in belonging.collections:
                inside.setdefault(collection, []).append(name)
        self._follow_files(anew=True)
        for name, belonging in back.items():
            self._index.star(name, belonging.starred or self._files.star(name).exists())
        for collection, members in inside.items():
            self.collections.put(collection, members)
        return list(back)

    def delete(self, *names: str) -> list[Path]:
        """Erases pictures for good, with all that belongs to them.

        Returns:
            The files that were removed.

        Raises:
            GalleryError: one of them is not in the gallery; nothing is removed then.
        """
        kept = [self.get(name) for name in names]
        removed = []
        for path in [picture.path for picture in kept]:
            if path.exists():
                with storage_errors(path):
                    path.unlink(missing_ok=True)
                removed.append(path)
        return removed + self._drop(kept)

    def erase_deleted(self, adapters: Collection[str]) -> list[Path]:
        """Erases for good those deleted pictures that were made with one of these adapters.

        Returns:
            The files that were removed.
        """
        return self.trash.erase(self.trash.made_with(adapters))

    def _drop(self, kept: Sequence[Kept]) -> list[Path]:
        """Removes what belongs to pictures whose files are gone; which files that were."""
        removed = []
        for picture in kept:
            for path in (self._files.thumbnail(picture.id), self._files.star(picture.id)):
                if path.exists():
                    with storage_errors(path):
                        path.unlink(missing_ok=True)
                    removed.append(path)
        names = [picture.id for picture in kept]
        removed += self.collections.forget(names)
        self._index.remove(names)
        return removed

    def thumbnail(self, name: str) -> bytes:
        """A WebP copy of at most 256 px; made when it is not there yet.

        Raises:
            GalleryError: there is no such picture, or its file cannot be read.
        """
        path = self.folder / f"{name}.png"
        if not is_id(name) or not path.exists():
            path = self.get(name).path
        content = read_thumbnail(self._files.thumbnail(name))
        if content is None:
            content = thumbnail_of(path)
            write_thumbnail(self._files.thumbnail(name), content)
        return content

    def rebuild(self) -> int:
        """Reads all files again and makes the index anew.

        Returns:
            How many pictures there are.
        """
        self._index.start_over()  # deleting rows would leave what is damaged between them
        self._follow_files(anew=True)
        return len(self._index.names())

    def _follow_files(self, anew: bool = False) -> None:
        """Brings the index up to date with the files, where they have changed since the last look."""
        self._files.follow(anew)
        self.collections.follow_files(anew)

    def _adapters_of(self, query: Query) -> list[str]:
        return self.subjects().get(query.subject, []) if query.subject else []

    def _kept(self, row: Row) -> Kept:
        return Kept(row[0], self.folder / f"{row[0]}.png", row[1], row[2])
