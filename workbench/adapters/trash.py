"""What was deleted from the shelf, kept for thirty days so that a slip of the hand costs nothing.

Each deleted adapter has a folder of its own in the workspace's `trash/adapters/`: its files, and `record.json` with
its name, its label, the shelf it stood on and when it was deleted. `workbench forget NAME` erases that person's too.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workbench.adapters.browse import subject_of
from workbench.adapters.file import KOHYA_SUFFIX
from workbench.adapters.labels import Label, parse_label, read_labels, write_label
from workbench.adapters.shelf import SUFFIX, ShelfEntry, named_entry, read_entry
from workbench.config import atomic_write, home, make_folder, shelf, storage_errors
from workbench.config.trash import DAYS, RECORD, days_left, deleted_at, deletions, new_deletion
from workbench.errors import AdapterError


@dataclass(frozen=True)
class Deleted:
    """An adapter in the trash.

    Args:
        id: its folder's name; sorts by time.
        name: what it was called.
        subject: whose it was.
        deleted: when.
        files: what lies there.
        label: what was written on it.
    """

    id: str
    name: str
    subject: str
    deleted: datetime
    files: tuple[Path, ...]
    label: Label

    @property
    def days_left(self) -> int:
        """Days until it is erased for good."""
        return days_left(self.deleted)


def trash_folder() -> Path:
    """Where deleted adapters are kept."""
    return home() / "trash" / "adapters"


def trash_adapter(name: str, folder: Path | None = None) -> Deleted:
    """Takes an adapter off the shelf, broken ones too, with its kohya export and its label; see `restore_adapter`.

    Raises:
        AdapterError: there is none of that name.
        StorageError: it cannot be moved; it is on the shelf then.
    """
    empty_trash(older_than=DAYS)
    entry = named_entry(name, folder)
    label = read_labels(entry.path.parent).get(entry.name, Label())
    now = datetime.now(UTC)
    kept = new_deletion(trash_folder(), now)
    record = {
        "name": entry.name, "subject": subject_of(entry), "deleted": now.isoformat(timespec="seconds"),
        "label": asdict(label),
    }  # fmt: skip
    export = entry.path.with_name(entry.name + KOHYA_SUFFIX)
    files = [path for path in (export, entry.path) if path.exists()]
    with storage_errors(kept):
        atomic_write(kept / RECORD, json.dumps(record, ensure_ascii=False, indent=1))
        for path in files:  # the adapter itself last: until then it is still on the shelf
            shutil.move(path, kept / path.name)
    write_label(entry.name, None, entry.path.parent)
    return _read(kept)


def list_trash() -> list[Deleted]:
    """What is in the trash, latest first; what is older than thirty days is erased now."""
    empty_trash(older_than=DAYS)
    return sorted(_all(), key=lambda each: each.id, reverse=True)


def restore_adapter(which: str, folder: Path | None = None) -> ShelfEntry:
    """Puts a deleted adapter back with all that belonged to it.

    Args:
        which: an id, or a name; of several of one name the one deleted last.

    Raises:
        AdapterError: there is none, or the shelf has another one of that name by now.
    """
    found = next((each for each in list_trash() if which in (each.id, each.name)), None)
    if found is None:
        raise AdapterError(f"Adapter {which!r}", "it is not in the trash", "See `workbench adapters trash`")
    folder = make_folder(folder or shelf())
    taken = [path.name for path in found.files if (folder / path.name).exists()]
    if taken:
        raise AdapterError(f"Adapter {found.name!r}", "there is one of that name on the shelf", "Rename that one first")
    with storage_errors(folder):
        for path in found.files:
            shutil.move(path, folder / path.name)
        shutil.rmtree(trash_folder() / found.id)
    write_label(found.name, found.label, folder)
    main = next((path for path in found.files if not path.name.endswith(KOHYA_SUFFIX)), found.files[0])
    return read_entry(folder / main.name)


def empty_trash(subject: str = "", older_than: float = 0) -> list[Path]:
    """Erases deleted adapters for good.

    Args:
        subject: only those that bear this name or belong to this person; empty takes all.
        older_than: only those deleted more than this many days ago.

    Returns:
        The files that were erased.
    """
    limit = datetime.now(UTC) - timedelta(days=older_than)
    erased: list[Path] = []
    for each in _all():
        if each.deleted <= limit and subject in ("", each.name, each.subject):
            with storage_errors(trash_folder() / each.id):
                shutil.rmtree(trash_folder() / each.id)
            erased += each.files
    with suppress(OSError):  # not empty, or not there
        trash_folder().rmdir()
        trash_folder().parent.rmdir()
    return erased


def _all() -> list[Deleted]:
    return [_read(each) for each in deletions(trash_folder())]


def _read(folder: Path) -> Deleted:
    """A folder of the trash; where its record is lost, its files tell the name."""
    files = tuple(sorted(path for path in folder.iterdir() if path.name != RECORD and not path.name.startswith(".")))
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        name, subject, label = str(record["name"]), str(record["subject"]), parse_label(record["label"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        name = files[-1].name.removesuffix(SUFFIX) if files else folder.name
        subject, label = name, Label()
    return Deleted(folder.name, name, subject, deleted_at(folder), files, label)
