"""Collections: named sets of pictures; a picture may be in several.

    gallery/collections/<name>.json     the ids, in the order they were put in

The files are the truth; the index knows who is in which, so that a collection is searched like everything else.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from workbench.config import atomic_write, storage_errors
from workbench.errors import GalleryError
from workbench.gallery.files import Look
from workbench.gallery.index import Index

LONGEST_NAME = 60
FORM = 1


def collection_name(text: str) -> str:
    """Checks a collection's name, which becomes a file's name.

    Returns:
        It without surrounding space, in Unicode's composed form.

    Raises:
        GalleryError: it is empty, longer than 60 characters, begins with a dot, or holds anything but letters of any
            script, digits, spaces and -_.,!&+'()
    """
    name = " ".join(unicodedata.normalize("NFC", str(text)).split())
    wrong = [char for char in name if char not in " -_.,!&+'()" and unicodedata.category(char)[0] not in "LMN"]
    if not name or len(name) > LONGEST_NAME or name[0] == "." or wrong:
        reason = f"it contains {wrong[0]!r}" if wrong else "it is empty, too long, or begins with a dot"
        raise GalleryError(
            f"The collection {name[:LONGEST_NAME]!r}", reason,
            f"Choose up to {LONGEST_NAME} letters, digits and spaces, for example Birthday cards",
        )  # fmt: skip
    return name


class Collections:
    """The collections of one gallery."""

    def __init__(self, folder: Path, index: Index) -> None:
        self.folder = folder
        self._index = index
        self._look = Look(folder, index, "collections")

    def follow_files(self, anew: bool = False) -> None:
        """Brings the index up to date with the files, if there was a change since the last look.

        Args:
            anew: in any case.
        """
        self._look.needed(self._read_all, anew)

    def _read_all(self) -> None:
        with self._index.writing() as base:
            base.execute("delete from members")
            for file in sorted(self.folder.glob("[!.]*.json")):
                self._index.set_members(base, file.stem, _read(file) or [])

    def names(self) -> list[str]:
        """All of them, in the order of the alphabet; those whose file is damaged too."""
        return sorted((file.stem for file in self.folder.glob("[!.]*.json")), key=str.casefold)

    def known(self, text: str) -> str:
        """The name as it is written already, whatever its letter case; a name that is not there yet is given back.

        Raises:
            GalleryError: it cannot be one.
        """
        name = collection_name(text)
        return next((each for each in self.names() if each.casefold() == name.casefold()), name)

    def put(self, text: str, names: Sequence[str]) -> str:
        """Puts pictures into a collection, which is made when there is none of that name.

        Returns:
            Its name as it is written.

        Raises:
            GalleryError: the name cannot be one, or the collection's file is damaged.
            StorageError: it cannot be written.
        """
        name = self.known(text)
        self._change(name, lambda there: list(dict.fromkeys([*there, *names])))
        return name

    def take(self, text: str, names: Sequence[str]) -> None:
        """Takes pictures out of a collection; the pictures stay. One without pictures stays too.

        Raises:
            GalleryError, StorageError: see `put`.
        """
        gone = set(names)
        self._change(self._there(text), lambda there: [each for each in there if each not in gone])

    def rename(self, text: str, new: str) -> str:
        """Gives a collection another name.

        Raises:
            GalleryError: there is none, or another one has that name.
            StorageError: it cannot be written.
        """
        old, name = self._there(text), collection_name(new)
        if name.casefold() != old.casefold() and self.known(name) in self.names():
            raise GalleryError(f"The collection {name!r}", "there is one of that name", "Choose another name")
        with storage_errors(self._file(name)), self._index.writing() as base:
            there = self._list(old)
            self._file(old).rename(self._file(name))
            self._write(name, there)
            self._index.set_members(base, old, [])
            self._index.set_members(base, name, there)
        return name

    def drop(self, text: str) -> None:
        """Removes a collection; its pictures stay.

        Raises:
            GalleryError: there is none.
            StorageError: its file may not be removed.
        """
        name = self._there(text)
        with storage_errors(self._file(name)), self._index.writing() as base:
            self._file(name).unlink(missing_ok=True)
            self._index.set_members(base, name, [])

    def forget(self, names: Sequence[str]) -> list[Path]:
        """Takes erased pictures out of every collection; one that held nothing else goes with them.

        Returns:
            The files that were removed.
        """
        removed, gone = [], set(names)
        for name in self.names():
            there = _read(self._file(name)) or []
            if not gone & set(there):
                continue
            if gone >= set(there):
                removed.append(self._file(name))
                self.drop(name)
            else:
                self.take(name, names)
        return removed

    def _change(self, name: str, change: Callable[[list[str]], list[str]]) -> None:
        # The index is locked for writing meanwhile: of two that change a collection at once, none is lost.
        with self._index.writing() as base:
            there = change(self._list(name))
            self._write(name, there)
            self._index.set_members(base, name, there)

    def _write(self, name: str, there: list[str]) -> None:
        table = {"format": FORM, "name": name, "pictures": there}
        atomic_write(self._file(name), json.dumps(table, ensure_ascii=False))

    def _list(self, name: str) -> list[str]:
        if not self._file(name).exists():
            return []
        found = _read(self._file(name))
        if found is None:
            raise GalleryError(
                f"The collection {name!r}", "its file is damaged", f"Remove {self._file(name).name} by hand"
            )
        return found

    def _there(self, text: str) -> str:
        name = self.known(text)
        if not self._file(name).exists():
            raise GalleryError(f"The collection {name!r}", "there is none", "Choose one that is shown in the gallery")
        return name

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def _read(file: Path) -> list[str] | None:
    """The ids in a collection's file; None when it cannot be understood."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))["pictures"]
        return [str(each) for each in found] if isinstance(found, list) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
