"""Follows a run in the terminal until it ends; Ctrl-C lets it save first."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import BinaryIO

from workbench import jobs
from workbench.jobs import JobState
from workbench.language import tr

LOOKS_PER_SECOND = 5
# Saving an adapter and proving it takes some seconds; more than this means it hangs.
PATIENCE = 120.0


def follow(name: str, quiet: bool = False) -> JobState:
    """Says what a run waits for, then prints what it prints until its process is gone.

    Args:
        quiet: prints nothing, for scripts.

    Raises:
        KeyboardInterrupt: on Ctrl-C, after the run has saved and stopped; one that waited is cancelled.
    """
    shown = _Shown(jobs.run_folder(name) / "output.txt", quiet)
    try:
        return _follow(name, shown, end=None)
    except KeyboardInterrupt:
        print("\n" + tr("saving; Ctrl-C again ends it at once"), file=sys.stderr)
        try:
            if jobs.job_state(name).active:
                jobs.stop(name)
            _follow(name, shown, end=time.monotonic() + PATIENCE)
        except KeyboardInterrupt:
            jobs.stop(name, force=True)
        raise


class _Shown:
    """What was shown of a run so far. Its output is another file after each start."""

    def __init__(self, file: Path, quiet: bool) -> None:
        self._path = file
        self._quiet = quiet
        self._open: BinaryIO | None = None
        self._said = ""

    def line(self, text: str) -> None:
        """Says something once."""
        if text and text != self._said and not self._quiet:
            print(text, flush=True)
        self._said = text

    def output(self) -> None:
        """Prints what the run has printed since."""
        if self._open is None and self._path.exists():
            self._open = self._path.open("rb")
        text = self._open.read() if self._open else b""
        if text and not self._quiet:
            sys.stdout.write(text.decode("utf-8", errors="replace"))
            sys.stdout.flush()


def _follow(name: str, shown: _Shown, end: float | None) -> JobState:
    while True:
        # The state first: what was printed before the end is in the file then.
        state = jobs.job_state(name)
        if state.waiting:
            # In its first moment it is next, and about to begin.
            shown.line(
                tr("It waits: number {place} in the line.", place=state.place) if state.place > 1 or _busy() else ""
            )
            jobs.wake()
        elif state.alive or not state.active:  # between the two the output is still the last process's
            shown.output()
        if not state.active or (end is not None and time.monotonic() > end):
            return state
        time.sleep(1 / LOOKS_PER_SECOND)


def _busy() -> bool:
    return any(state.alive for state in jobs.list_jobs())
