"""Pictures that were deleted, kept for thirty days so that a slip of the hand costs nothing.

    gallery/trash/<time>-<random>/<id>.png       the pictures that were deleted together
    gallery/trash/<time>-<random>/record.json    their stars and collections

`workbench forget NAME` erases those that were made with the person's adapters too.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workbench.config import atomic_write, storage_errors
from workbench.config.trash import DAYS, RECORD, days_left, deleted_at, deletions, is_deletion, new_deletion
from workbench.errors import GalleryError, GenerationError
from workbench.gallery.files import read_any_record


@dataclass(frozen=True)
class Belonging:
    """What belongs to a picture beside its file.

    Args:
        starred: whether it has a star.
        collections: those it is in.
    """

    starred: bool = False
    collections: tuple[str, ...] = ()


@dataclass(frozen=True)
class Deleted:
    """Pictures that were deleted together.

    Args:
        id: the folder's name; sorts by time.
        deleted: when.
        pictures: their files in the trash.
        belongings: by the picture's id.
    """

    id: str
    deleted: datetime
    pictures: tuple[Path, ...]
    belongings: Mapping[str, Belonging]

    @property
    def days_left(self) -> int:
        """Days until they are erased for good."""
        return days_left(self.deleted)


class Trash:
    """The deleted pictures of one gallery."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, pictures: Mapping[Path, Belonging]) -> Deleted:
        """Moves pictures here.

        Raises:
            StorageError: a file cannot be moved; it and those after it are where they were.
        """
        self.empty(older_than=DAYS)
        folder = new_deletion(self.folder, datetime.now(UTC))
        table = {path.stem: {"starred": b.starred, "collections": list(b.collections)} for path, b in pictures.items()}
        with storage_errors(folder):
            atomic_write(folder / RECORD, json.dumps({"pictures": table}, ensure_ascii=False))
            for path in pictures:
                path.replace(folder / path.name)
        return _read(folder)

    def batches(self) -> list[Deleted]:
        """What is in the trash, latest first; what is older than thirty days is erased now."""
        self.empty(older_than=DAYS)
        return sorted(filter(lambda each: each.pictures, self._all()), key=lambda each: each.id, reverse=True)

    def take_back(self, which: str, target: Path) -> dict[str, Belonging]:
        """Moves pictures back into the gallery's folder.

        Returns:
            Their ids, and what belongs to each. One that is there again by now stays as it is; where another picture
            has taken its name, it gets a number behind it.

        Raises:
            GalleryError: there is nothing of that id in the trash.
            StorageError: a file cannot be moved.
        """
        folder = self.folder / which
        if not is_deletion(which) or not folder.is_dir():
            raise GalleryError(f"Deleted pictures {which[:40]!r}", "they are not in the trash", "See Deleted pictures")
        found, back = _read(folder), {}
        with storage_errors(folder):
            for path in found.pictures:
                there = target / path.name
                if not (there.exists() and there.read_bytes() == path.read_bytes()):
                    number = 2
                    while there.exists():
                        there, number = target / f"{path.stem} {number}.png", number + 1
                    path.replace(there)
                back[there.stem] = found.belongings.get(path.stem, Belonging())
            shutil.rmtree(folder)
        self._tidy()
        return back

    def made_with(self, adapters: Collection[str]) -> list[Path]:
        """The deleted pictures that were made with one of these adapters."""
        found = []
        for path in (path for each in self._all() for path in each.pictures):
            with suppress(GenerationError):  # one that cannot be read names nobody; its thirty days erase it
                if {each["name"] for each in read_any_record(path)["adapters"]} & set(adapters):
                    found.append(path)
        return found

    def erase(self, pictures: Collection[Path]) -> list[Path]:
        """Erases deleted pictures for good.

        Returns:
            The files that were removed.
        """
        for folder in sorted({path.parent for path in pictures}):
            with storage_errors(folder):
                for path in (path for path in pictures if path.parent == folder):
                    path.unlink(missing_ok=True)
                # A collection may be called like a person: what is said of erased pictures goes too.
                left = _read(folder)
                names = {path.stem for path in left.pictures}
                table = {
                    name: {"starred": b.starred, "collections": list(b.collections)}
                    for name, b in left.belongings.items()
                    if name in names
                }
                if names:
                    atomic_write(folder / RECORD, json.dumps({"pictures": table}, ensure_ascii=False))
                else:
                    shutil.rmtree(folder)
        self._tidy()
        return list(pictures)

    def empty(self, older_than: float = 0) -> list[Path]:
        """Erases what was deleted more than so many days ago.

        Returns:
            The pictures that were erased.
        """
        limit = datetime.now(UTC) - timedelta(days=older_than)
        erased: list[Path] = []
        for each in self._all():
            if each.deleted <= limit:
                with storage_errors(self.folder / each.id):
                    shutil.rmtree(self.folder / each.id)
                erased += each.pictures
        self._tidy()
        return erased

    def _all(self) -> Iterator[Deleted]:
        yield from map(_read, deletions(self.folder))

    def _tidy(self) -> None:
        with suppress(OSError):  # not empty, or not there
            self.folder.rmdir()


def _read(folder: Path) -> Deleted:
    """A folder of the trash; where its record is lost, only stars and collections are lost with it."""
    belongings: dict[str, Belonging] = {}
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        table = json.loads((folder / RECORD).read_text(encoding="utf-8"))["pictures"]
        belongings = {
            str(name): Belonging(bool(each["starred"]), tuple(map(str, each["collections"])))
            for name, each in table.items()
        }
    return Deleted(folder.name, deleted_at(folder), tuple(sorted(folder.glob("[!.]*.png"))), belongings)
