"""Photos expire: what shows a person's face is erased after the days that were chosen when it was brought."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from workbench.config import atomic_write, home, shelf, storage_errors
from workbench.config.places import flush_removals
from workbench.errors import SubjectError
from workbench.privacy.kept import LEFTOVERS, places_of
from workbench.privacy.seal import erase_key
from workbench.processes import is_running

KEEP_DAYS = 30
LONGEST_DAYS = 3650


@dataclass(frozen=True)
class Expired:
    """Photos that were erased because their time was over.

    Args:
        name: the person's.
        day: when they expired.
        removed: what was erased.
    """

    name: str
    day: str
    removed: tuple[Path, ...]

    def __str__(self) -> str:
        return (
            f"The photos of {self.name} expired on {self.day} and were erased, with crops, data set and cache. "
            "Adapter, run and pictures are still here"
        )


def expiry(days: int, now: datetime | None = None) -> str:
    """When photos that are brought now expire, in UTC, ISO 8601; empty for 0 days, which keeps them.

    Raises:
        SubjectError: fewer than 0 days or more than `LONGEST_DAYS`.
    """
    if not 0 <= days <= LONGEST_DAYS:
        raise SubjectError(
            "The days that photos are kept", f"{days} is out of range", f"Choose 1 to {LONGEST_DAYS}, or 0"
        )
    return ((now or datetime.now(UTC)) + timedelta(days=days)).isoformat(timespec="seconds") if days else ""


def enforce_retention(now: datetime | None = None) -> list[Expired]:
    """Erases the photos whose time is over. Called when the page or a command starts.

    People from before there was an expiry get one now, 30 days from today, so nothing goes without notice. While a
    training of the person is going on, it waits. A record that cannot be read is left to `forget`.

    Returns:
        Whose photos were erased; to be told.

    Raises:
        StorageError: something may not be removed.
    """
    now = now or datetime.now(UTC)
    # An interrupted write of a photo may have left it in the open.
    sweep(home() / "subjects", home() / "datasets")
    over = []
    for name, day in [*_people(now), *_data_sets()]:
        if day and datetime.fromisoformat(day) <= now and not is_running(home() / "runs" / name):
            removed = erase_photos(name)
            _note_erased(name)
            if removed:
                over.append(Expired(name, day[:10], tuple(removed)))
    return over


def erase_photos(name: str) -> list[Path]:
    """Erases what shows a person's face: photos, crops, what was said of them, data set, cache, and the key.

    Returns:
        What was removed.

    Raises:
        SubjectError: the name is not allowed.
        StorageError: something may not be removed.
    """
    # The key first: should the rest be interrupted, it can no longer be read.
    removed = erase_key(name) + erase(places_of(name, "photos", "cache")) + sweep()
    flush_removals(removed)
    return removed


def erase(places: Sequence[Path]) -> list[Path]:
    """Removes files, and folders with all that is in them; links are removed, never followed.

    Raises:
        StorageError: something may not be removed.
    """
    for path in places:
        with storage_errors(path):
            if path.is_symlink() or path.is_file():
                path.unlink(missing_ok=True)
            elif path.exists():
                shutil.rmtree(path)
    return list(places)


def sweep(*places: Path, older_than: float = 60.0) -> list[Path]:
    """Removes what interrupted writes left; whoever writes now is done within seconds.

    Args:
        places: where; workspace and shelf when none is named.
        older_than: seconds.

    Returns:
        What was removed.

    Raises:
        StorageError: something may not be removed.
    """
    # A folder is a checkpoint's, whose files may take longer to write; the run's next one takes its place.
    return [
        gone for path in left_over(*places, older_than=older_than) if path.is_file() for gone in erase([path])
    ]  # fmt: skip


def left_over(*places: Path, older_than: float) -> Iterator[Path]:
    """Files and folders of interrupted writes; see `sweep`.

    Proving an adapter takes long, so the name of its file says which process does it.
    """
    for place in places or (home(), shelf()):
        for pattern in LEFTOVERS:
            for path in place.rglob(pattern) if place.is_dir() else ():
                with suppress(FileNotFoundError):  # whoever wrote it has finished meanwhile
                    if time.time() - path.stat().st_mtime > older_than and not _has_a_writer(path.name):
                        yield path


def _has_a_writer(name: str) -> bool:
    writer = re.match(r"\.unproven-(\d+)-", name)
    return writer is not None and psutil.pid_exists(int(writer[1]))


def _people(now: datetime) -> list[tuple[str, str]]:
    """Everyone's name and day of expiry."""
    found = []
    for file in sorted(home().glob("subjects/*/subject.json")):
        record = _record(file)
        if record is None:
            continue
        if "expires" not in record:
            record |= {"keep_days": KEEP_DAYS, "expires": expiry(KEEP_DAYS, now)}
            atomic_write(file, json.dumps(record, ensure_ascii=False, indent=2) + "\n")
        with suppress(ValueError, TypeError):  # `workbench doctor` tells of a day that cannot be read
            datetime.fromisoformat(record["expires"] or now.isoformat())
            found.append((file.parent.name, record["expires"]))
    return found


def _data_sets() -> list[tuple[str, str]]:
    """Data sets of folders that were never brought to the page: they too show a face."""
    known = {file.parent.name for file in home().glob("subjects/*/subject.json")}
    found = []
    for file in sorted(home().glob("datasets/*/metadata.jsonl")):
        if file.parent.name not in known and not file.parent.name.startswith("."):
            made = datetime.fromtimestamp(file.stat().st_mtime, UTC)
            found.append((file.parent.name, expiry(KEEP_DAYS, made)))
    return found


def _note_erased(name: str) -> None:
    file = home() / "subjects" / name / "subject.json"
    record = _record(file)
    if record is not None:
        atomic_write(file, json.dumps(record | {"expires": ""}, ensure_ascii=False, indent=2) + "\n")


def _record(file: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        record = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(record, dict):
            return record
    return None
