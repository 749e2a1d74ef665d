"""Erases a person from every stage at once, and proves it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.config import home, safe_name, shelf, storage_errors
from workbench.config.places import flush_removals
from workbench.errors import StorageError, SubjectError
from workbench.jobs import queue
from workbench.jobs.follow import list_jobs
from workbench.jobs.pictures import adapters_asked
from workbench.jobs.table import queue_folder
from workbench.privacy import drop_shared, erase, list_shared, make_receipt, places_of, row_of
from workbench.privacy.seal import key_file

if TYPE_CHECKING:
    from workbench.adapters import ShelfEntry

UNREADABLE = ".shelf.unreadable.json"


@dataclass(frozen=True)
class Thing:
    """A file that is, or was, of the person.

    Args:
        path: where.
        kind: what it is, in the words of the privacy page.
        bytes: its size.
    """

    path: Path
    kind: str
    bytes: int


@dataclass(frozen=True)
class Footprint:
    """All that there is of a person.

    Args:
        things: every file.
        adapters: the adapters among them, the trash included; also those that were mixed from one of the person's.
        shared: exports and downloads: they are elsewhere, and the person must call them back.
    """

    name: str
    things: tuple[Thing, ...]
    adapters: tuple[str, ...]
    shared: tuple[dict[str, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def footprint(name: str) -> Footprint:
    """What `forget_person` would erase; nothing is changed.

    Raises:
        SubjectError: the name is not allowed.
        StorageError: a folder cannot be read.
    """
    name = safe_name(name)
    entries, deleted = _adapters(name), _trashed(name)
    names = {name, *(entry.name for entry in entries), *(each for each, _ in deleted)}
    files = [key_file(name), *places_of(name, "photos", "cache", "person")]
    for entry in entries:
        files += [entry.path, entry.path.with_name(f"{entry.name}.kohya.safetensors")]
    files += [folder for _, folder in deleted] + [shelf() / UNREADABLE]
    files += [path for each in names for path in _pictures(each)] + _orphans()
    files += [home() / "packs" / each for each in _packs(names)] + _broken_queues()
    things = {path: Thing(path, _kind(path), path.lstat().st_size) for file in files for path in _files(file)}
    return Footprint(name, tuple(things.values()), tuple(sorted(names - {name})), tuple(list_shared(names)))


def forget_person(name: str) -> list[Path]:
    """Erases photos, crops, data set, cache, run, adapters, pictures and packs made with them; in the trash too.

    Returns:
        What was removed; empty when there was nothing of them.

    Raises:
        SubjectError: a training of this name is going on, or the name is not allowed.
        StorageError: something may not be removed.
    """
    from workbench.adapters import delete_adapter
    from workbench.gallery import Gallery
    from workbench.photos import forget

    name = safe_name(name)
    if any(state.name == name and state.active and not state.waiting for state in list_jobs()):
        raise SubjectError(name, "a training of this name is going on", f"Stop it first: workbench stop {name}")
    entries, deleted = _adapters(name), _trashed(name)
    names = {name, *(entry.name for entry in entries), *(each for each, _ in deleted)}
    drawing = {job.id: job for job in queue.jobs("submitted", "running") if names & adapters_asked(job)}
    if any((job.name in names or job.id in drawing) and job.alive for job in queue.jobs("running")):
        raise SubjectError(name, "pictures of them are being drawn", "Wait, or cancel it: workbench queue")
    # What waits is gone with what has ended. First of all: it must not begin meanwhile.
    queue.drop(names, also=drawing)
    removed = erase(_broken_queues())
    if (shelf() / UNREADABLE).exists():
        removed += erase([shelf() / UNREADABLE])  # nobody can tell whose labels were in it
    # Opening a gallery makes its folder; forgetting should make nothing. Pictures first: they name the adapters.
    if (home() / "gallery").is_dir():
        gallery = Gallery()
        for each in names:
            removed += gallery.delete(*[kept.id for kept in gallery.search(adapter=each, limit=sys.maxsize)])
        removed += gallery.erase_deleted(names)
    for pack in _packs(names):
        from workbench.packs import delete_pack

        removed += delete_pack(pack)
    for orphan in _orphans():
        with storage_errors(orphan):
            orphan.unlink(missing_ok=True)
        removed.append(orphan)
    for entry in entries:
        removed += delete_adapter(entry.name)
    for _, folder in deleted:
        with storage_errors(folder):
            removed += sorted(path for path in folder.iterdir() if path.suffix == ".safetensors")
            shutil.rmtree(folder)
        with suppress(OSError):  # others are still in it
            folder.parent.rmdir()
            folder.parent.parent.rmdir()
    drop_shared(names)
    removed += forget(name)
    flush_removals(removed)
    return removed


def forget_with_receipt(name: str) -> dict[str, Any]:
    """Erases a person and gives a signed receipt, see `workbench.privacy.receipt`.

    Raises:
        SubjectError: a training of this name is going on, or the name is not allowed.
        StorageError: something may not be removed, or was found again afterwards.
    """
    before = footprint(name)
    forget_person(name)
    # Somebody else's training may have begun a new cache by now.
    left = [thing for thing in footprint(name).things if not thing.path.is_relative_to(home() / "cache")]
    if left:
        paths = ", ".join(str(thing.path) for thing in left[:3])
        raise StorageError(name, f"there is still something: {paths}", "Close what is writing there, and forget again")
    removed = [{"path": _short(thing.path), "kind": thing.kind, "bytes": thing.bytes} for thing in before.things]
    return make_receipt(before.name, removed, before.shared)


def _broken_queues() -> list[Path]:
    """Tables that could not be read and were set aside: nobody can tell whose jobs were in them."""
    return sorted(queue_folder().glob("broken-*.sqlite"))


def _adapters(name: str) -> list[ShelfEntry]:
    """Adapters that bear the name, were trained or labelled as the person's, or were mixed from such a one."""
    from workbench.adapters import list_shelf

    others = _others(name)
    return [entry for entry in list_shelf() if _is_of(entry, name, others)]


def _trashed(name: str) -> list[tuple[str, Path]]:
    """The same in the trash: name and folder."""
    from workbench.adapters.shelf import read_entry
    from workbench.adapters.trash import list_trash, trash_folder

    if not trash_folder().is_dir():
        return []
    others, found = _others(name), []
    for each in list_trash():
        entries = [read_entry(path) for path in each.files if path.suffix == ".safetensors"]
        labelled = name in (each.name, each.label.subject)
        if labelled or any(_is_of(entry, name, others) for entry in entries):
            found.append((each.name, trash_folder() / each.id))
    return found


def _is_of(entry: ShelfEntry, name: str, others: set[str]) -> bool:
    from workbench.adapters.browse import subject_of

    if entry.name == name or entry.label.subject == name:
        return True
    card = entry.card
    if any(parent.split(" × ")[0] == name for parent in card.parents):
        return True
    # Another version, or renamed on the shelf; but a person of the new name owns what is called like them.
    return name in (card.name, subject_of(entry)) and not others & {card.name, entry.name}


def _others(name: str) -> set[str]:
    folder = home() / "subjects"
    return {entry.name for entry in folder.iterdir()} - {name} if folder.is_dir() else set()


def _pictures(adapter: str) -> Iterator[Path]:
    folder = home() / "gallery"
    if not folder.is_dir():
        return
    from workbench.gallery import Gallery

    gallery = Gallery()
    yield from gallery.trash.made_with([adapter])
    for kept in gallery.search(adapter=adapter, limit=sys.maxsize):
        yield from (kept.path, folder / "thumbs" / f"{kept.id}.webp", folder / "stars" / kept.id)


def _packs(names: set[str]) -> list[str]:
    """The packs that show the person; asked for only when there are any."""
    if not (home() / "packs").is_dir():
        return []
    from workbench.packs import packs_of

    return sorted({pack for each in names for pack in packs_of(each)})


def _orphans() -> list[Path]:
    """Small copies and stars of pictures that were taken away by hand: nothing says any more whose they were."""
    folder = home() / "gallery"
    found = [*sorted(folder.glob("thumbs/*.webp")), *sorted(folder.glob("stars/*"))]
    return [
        path for path in found
        if not (folder / f"{path.stem if path.suffix == '.webp' else path.name}.png").exists()
    ]  # fmt: skip


def _files(path: Path) -> Iterator[Path]:
    if path.is_symlink() or path.is_file():
        yield path
    elif path.is_dir():
        yield from sorted(each for each in path.rglob("*") if each.is_symlink() or each.is_file())


def _kind(path: Path) -> str:
    row = row_of(path)
    return row.what if row else "Something else"


def _short(path: Path) -> str:
    for place, label in ((home(), "workspace"), (shelf(), "shelf")):
        if path.is_relative_to(place):
            return f"{label}/{path.relative_to(place).as_posix()}"
    return path.name
