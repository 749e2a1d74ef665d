"""What is broken in a workspace, and mending what can be mended from the files themselves.

Pictures, adapters, runs and photos are the truth; indexes and the line of jobs are made from them, or can be spared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from workbench.config import home
from workbench.config.layout import layout_of_workspace
from workbench.errors import StorageError, WorkbenchError
from workbench.jobs import queue
from workbench.jobs.follow import folder_state, is_run
from workbench.jobs.kinds import KINDS
from workbench.jobs.lanes import wake
from workbench.jobs.layout import open_workspace
from workbench.jobs.table import queue_file, reading, set_broken_aside
from workbench.privacy import is_open, left_over, read_private, read_vault, sweep
from workbench.processes import read_object
from workbench.training.sums import changed_files


@dataclass(frozen=True)
class Trouble:
    """Something that is not as it should be.

    Args:
        what: in words.
        where: the file or folder.
        mends: whether `repair` sees to it.
    """

    what: str
    where: Path
    mends: bool


@dataclass(frozen=True)
class LineHealth:
    """How the line stands, in numbers: no names, so that a probe of a server may read it.

    Args:
        waiting, running: jobs.
        unattended: running jobs whose process has died and that nobody has written down yet, and waiting ones that
            nobody serves.
        failed: of the jobs that are remembered.
    """

    waiting: int
    running: int
    unattended: int
    failed: int


def line_health() -> LineHealth:
    """How the line stands.

    Raises:
        StorageError: it cannot be read.
    """
    there = queue.jobs(owner=queue.EVERYBODY)
    running = [job for job in there if job.state == "running"]
    dead = [job for job in running if job.owner == queue.this_owner() and not KINDS[job.kind].alive(job)]
    count = {state: sum(job.state == state for job in there) for state in queue.STATES}
    idle = count["submitted"] if not running else 0
    return LineHealth(count["submitted"], count["running"], len(dead) + idle, count["failed"])


def troubles(thorough: bool = True) -> Iterator[Trouble]:
    """Looks at what the workspace holds; changes nothing.

    Args:
        thorough: open every file, which takes seconds for each thousand pictures.

    Raises:
        StorageError: a folder cannot be read.
    """
    yield from _line()
    for path in left_over(older_than=float("-inf")):
        yield Trouble("left by an interrupted write", path, path.is_file())
    for pattern, what in (
        ("subjects/*/subject.json", "the record of a person cannot be read"),
        ("runs/*/status.json", "the heartbeat of a run cannot be read"),
        ("runs/*/job.json", "the process of a run cannot be read"),
        ("runs/*/report.json", "the report of a run cannot be read"),
    ):
        for path in sorted(home().glob(pattern)):
            if not _is_object(path):
                yield Trouble(what, path, False)
    yield from _expiries()
    yield from _checkpoints()
    if thorough:
        yield from _photos()
        yield from _pictures()


def repair() -> list[str]:
    """Mends what can be mended: the layout, the line, what interrupted writes left, and the gallery's index.

    Returns:
        What was done, in words.

    Raises:
        StorageError: the workspace is of a newer layout, or cannot be written.
    """
    layout_of_workspace()  # a newer one is left alone
    told = []
    aside = set_broken_aside()
    if aside is not None:
        words = f"The line of jobs was broken: it is kept as {aside.name}, and a new one begins"
        told.append(f"{words}. What waited has to be started again; runs are in their folders")
    told += open_workspace()
    waking = wake(at_once=True)
    told += [f"{waking} workers were started for what was left"] if waking else []
    swept = sweep()
    told += [f"{len(swept)} leftovers of interrupted writes were removed"] if swept else []
    if (home() / "gallery").is_dir():
        from workbench.gallery import Gallery

        told.append(f"The gallery's index was made anew from {Gallery().rebuild()} files")
    return told


def _line() -> Iterator[Trouble]:
    try:
        layout_of_workspace()
        with reading() as table:
            if table is not None and table.execute("pragma quick_check").fetchone()[0] != "ok":
                yield Trouble("the line of jobs is broken", queue_file(), True)
        if line_health().unattended:
            yield Trouble("jobs wait for a worker", queue_file(), True)
    except StorageError as error:
        yield Trouble(error.reason, Path(error.thing), error.thing == str(queue_file()))


def _expiries() -> Iterator[Trouble]:
    """Photos whose day of expiry cannot be read are not erased; nobody would notice that they stay."""
    for path in sorted(home().glob("subjects/*/subject.json")):
        day = read_object(path).get("expires") or ""
        try:
            datetime.fromisoformat(day or "2000-01-01")
        except (ValueError, TypeError):
            yield Trouble("nobody can tell when the photos of a person expire, so they stay", path, False)


def _checkpoints() -> Iterator[Trouble]:
    runs = home() / "runs"
    for folder in sorted(runs.iterdir()) if runs.is_dir() else ():
        if not is_run(folder) or folder_state(folder).alive:
            continue
        there = sorted(folder.glob("checkpoints/step-*"))
        whole = [path for path in there if _is_object(path / "state.json") and not changed_files(path)]
        for path in there:
            if path not in whole:
                words = "a checkpoint is broken; the run resumes from the one before" if whole else "it is broken"
                yield Trouble(words, path, False)


def _photos() -> Iterator[Trouble]:
    vault = read_vault()
    if vault is not None and not is_open(vault):
        return  # nobody has given the passphrase: they cannot be looked at
    for part in ("photos", "crops"):
        for path in sorted(home().glob(f"subjects/*/{part}/[!.]*.png")):
            try:
                fine = read_private(path).startswith(b"\x89PNG")
            except WorkbenchError:
                fine = False
            if not fine:
                yield Trouble("a photo cannot be opened", path, False)


def _pictures() -> Iterator[Trouble]:
    from workbench.gallery.files import check_pixels, read_any_record

    for path in sorted((home() / "gallery").glob("[!.]*.png")):
        try:
            read_any_record(path)
        except WorkbenchError:
            yield Trouble("a picture has no record that can be read", path, False)
            continue
        try:
            check_pixels(path)
        except WorkbenchError:
            yield Trouble("a picture is damaged; its recipe can be read, and draws it again", path, False)


def _is_object(path: Path) -> bool:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict)
