"""Carries a workspace that an earlier version made over to this version's layout, with a copy of what is changed.

    backups/layout-1/…      the files that were about to be changed, as they were

Steps may be done twice: a workspace says its new layout only after the last one, so a step that was interrupted is
done again at the next start. Layouts are listed in `workbench.config.layout`.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from workbench import __version__
from workbench.config import atomic_write, flush_folder, home, make_folder, storage_errors
from workbench.config.layout import LAYOUT, layout_file, layout_of_workspace
from workbench.errors import StorageError
from workbench.jobs import queue
from workbench.jobs.follow import folder_state, is_run
from workbench.jobs.table import queue_folder


@dataclass(frozen=True)
class Step:
    """From one layout to the next.

    Args:
        to: the layout it leads to.
        changes: the files that it will change; they are copied first.
        do: does it; may find part of it done. Answers in words what a person should know, or with nothing.
    """

    to: int
    changes: Callable[[], Iterable[Path]]
    do: Callable[[], str]


def open_workspace() -> list[str]:
    """Sees that this version can work on the workspace; called when the page or a command starts.

    Returns:
        What was done, in words; empty when the workspace is of this layout, or empty.

    Raises:
        StorageError: the workspace is of a newer layout; or the disk is full. Nothing is lost then.
    """
    if layout_of_workspace() in (0, LAYOUT):
        return []
    try:
        lock = (make_folder(queue_folder()) / "layout.lock").open("w")
    except (StorageError, OSError):
        return []  # who may only read it can: every reader knows the earlier layouts too
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = []
        for step in STEPS:
            if step.to > layout_of_workspace():
                _back_up(step)
                words = step.do()
                atomic_write(layout_file(), json.dumps({"layout": step.to, "by": __version__}) + "\n")
                told += [words] if words else []
        return told


def _back_up(step: Step) -> None:
    target = home() / "backups" / f"layout-{step.to - 1}"
    for file in step.changes():
        copy = target / file.relative_to(home())
        if file.is_file() and not copy.exists():  # a copy that was made before an interruption is the true one
            make_folder(copy.parent)
            with storage_errors(copy):
                shutil.copy2(file, copy.with_name(f".writing-{copy.name}"))
                copy.with_name(f".writing-{copy.name}").replace(copy)
                flush_folder(copy.parent)


def _gallery_index() -> Iterable[Path]:
    return sorted((home() / "gallery" / "index").glob("*.sqlite"))


def _into_the_line() -> str:
    """Runs of before there was a line become its history, and the gallery's index takes its present form."""
    known = {job.name for job in queue.jobs() if job.kind == "training"}
    runs = home() / "runs"
    folders = [folder for folder in sorted(runs.iterdir()) if is_run(folder)] if runs.is_dir() else []
    states = [folder_state(folder) for folder in folders if folder.name not in known]
    over = sorted((state for state in states if not state.alive), key=lambda each: each.updated)
    for state in over:
        queue.remember("training", state.name, state.state, state.reason, state.updated)
    if (home() / "gallery").is_dir():
        from workbench.gallery import Gallery

        Gallery()  # opening it is enough
    return f"This workspace is of layout 2 now: {len(over)} runs of before are in the line's history" if over else ""


STEPS = (Step(2, _gallery_index, _into_the_line),)
