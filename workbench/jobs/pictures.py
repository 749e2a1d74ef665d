"""Jobs of the kind `generation`: pictures that wait for their turn like trainings do."""

from __future__ import annotations

import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.config import atomic_write, home, make_folder
from workbench.jobs.kind import Begin, how_it_ended, need_space, signal_group
from workbench.jobs.lanes import wake
from workbench.jobs.queue import Job, submit
from workbench.jobs.table import queue_folder

if TYPE_CHECKING:
    from workbench.generation import Request
    from workbench.generation.grid import Axis

# Pictures are about 100 KB each.
NEEDED_BYTES = 50_000_000
AXES = ("--x", "--y")


def submit_pictures(words: Sequence[str], name: str, *, owner: str | None = None, priority: int = 0) -> Job:
    """Puts a request for pictures into the line and returns at once.

    Args:
        words: as after `workbench create`.
        name: the adapter that draws, or another name for the list.

    Raises:
        StorageError: the disk is nearly full, or the queue cannot be written.
    """
    need_space(home(), NEEDED_BYTES, "pictures")
    job = submit("generation", name, {"words": list(words)}, owner=owner, priority=priority)
    wake(at_once=True)
    return job


def words_of(request: Request, base: str, *more: str, wishes: Mapping[str, str] | None = None) -> list[str]:
    """A request as the words after `workbench create`; what it begins from must be kept already (`keep_start`).

    Args:
        base: to draw on.
        more: other flags.
        wishes: the preferences that wrote the prompt, said in its place.
    """
    start, variation = request.start, request.variation
    words: list[object] = [*more, "--base", base, "--seed", request.seed, "--count", request.count]
    for name, strength in request.adapters:
        words += ["--adapter", f"{name}:{strength:g}"]
    for flag, value in (
        ("--steps", request.steps), ("--guidance", request.guidance), ("--size", request.size),
        ("--enlarge", request.enlarge if request.enlarge > 1 else 0),
        ("--towards", f"{variation.seed}:{variation.strength:g}" if variation else ""),
        ("--from", start.picture if start else ""), ("--change", f"{start.noise:g}" if start else ""),
        ("--mask", start.mask if start else ""),
    ):  # fmt: skip
        words += [flag, value] if value else []
    if request.negative:
        words.append(f"--negative={request.negative}")  # in one word, since it may begin with a dash
    if wishes is not None:
        return [*map(str, words), *(f"--{name.replace('_', '-')}={word}" for name, word in wishes.items() if word)]
    # Behind two dashes a prompt may begin with one.
    return [*map(str, words), "--", request.prompt]


def words_of_grid(
    request: Request, base: str, x: Axis, y: Axis | None = None, wishes: Mapping[str, str] | None = None
) -> list[str]:
    """A grid as the words after `workbench create`: its cells and its sheet go into the gallery.

    Args:
        request: what its cells have in common.
        x, y: its axes.
        wishes: as of `grid_cells`; None when the prompt was written by hand.
    """
    from workbench.generation.grid import axis_text

    axes = [f"{flag}={axis_text(axis)}" for flag, axis in zip(AXES, (x, y), strict=True) if axis]
    return words_of(request, base, *axes, wishes=wishes)


def adapters_asked(job: Job) -> set[str]:
    """The adapters that a job's pictures are drawn with, those of a grid's axis as well; none of another kind's."""
    words = [str(word) for word in job.request.get("words", [])] if job.kind == "generation" else []
    said: list[str] = []
    for flag, value in [*pairwise(words), *(word.split("=", 1) for word in words if "=" in word)]:
        if flag in ("--adapter", "-a"):
            said.append(value.rpartition(":")[0] or value)
        elif flag in AXES and value.startswith("adapter="):
            said += value.removeprefix("adapter=").split(",")
    return {name.strip() for name in said}


def keep_table(content: bytes) -> Path:
    """Keeps a table whose rows are going to wait in the line; it is gone when they have been drawn.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    path = make_folder(_tables()) / f"{secrets.token_hex(8)}.csv"
    atomic_write(path, content)
    return path


def _tables() -> Path:
    return home() / "cache" / "tables"


class Pictures:
    """`workbench create` with the words that are asked for; the pictures go into the gallery one by one."""

    def begin(self, job: Job) -> Begin:
        need_space(home(), NEEDED_BYTES, "pictures")
        words = [str(word) for word in job.request["words"]]
        return Begin(
            [sys.executable, "-m", "workbench", "create", *words], make_folder(queue_folder()) / f"{job.id}.txt"
        )

    def begun(self, job: Job, process: Mapping[str, Any]) -> None:
        pass

    def alive(self, job: Job) -> bool:
        return job.alive

    def stop(self, job: Job, force: bool) -> None:
        signal_group(job, signal.SIGKILL if force else signal.SIGINT)

    def outcome(self, job: Job, code: int | None) -> tuple[str, str]:
        output = queue_folder() / f"{job.id}.txt"
        try:
            lines = output.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            lines = []
        output.unlink(missing_ok=True)  # the prompt may be in it
        for word in job.request["words"]:
            if Path(word).parent == _tables():
                Path(word).unlink(missing_ok=True)
        if code == 0:
            return "done", ""
        if code in (130, -signal.SIGINT):
            return "stopped", "stopped by hand; the pictures that were finished are in the gallery"
        said = [line for line in lines if line.startswith("workbench: ")]
        return "failed", said[-1].removeprefix("workbench: ") if said else how_it_ended(job, code)
