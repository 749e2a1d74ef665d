"""Follows a run in the terminal until it ends; Ctrl-C lets it save first."""

from __future__ import annotations

import sys
import time
from typing import BinaryIO

from workbench import jobs
from workbench.jobs import JobState

LOOKS_PER_SECOND = 5
# Saving an adapter and proving it takes some seconds; more than this means it hangs.
PATIENCE = 120.0


def follow(name: str, quiet: bool = False) -> JobState:
    """Prints what a run prints until its process is gone.

    Args:
        quiet: prints nothing, for scripts.

    Raises:
        KeyboardInterrupt: on Ctrl-C, after the run has saved and stopped.
    """
    output = jobs.run_folder(name) / "output.txt"
    with output.open("rb") as file:
        try:
            return _follow(name, file, quiet, end=None)
        except KeyboardInterrupt:
            print("\nsaving; Ctrl-C again ends it at once", file=sys.stderr)
            try:
                if jobs.job_state(name).alive:
                    jobs.stop(name)
                _follow(name, file, quiet, end=time.monotonic() + PATIENCE)
            except KeyboardInterrupt:
                jobs.stop(name, force=True)
            raise


def _follow(name: str, file: BinaryIO, quiet: bool, end: float | None) -> JobState:
    while True:
        # The state first: what was printed before the end is in the file then.
        state = jobs.job_state(name)
        text = file.read()
        if text and not quiet:
            sys.stdout.write(text.decode("utf-8", errors="replace"))
            sys.stdout.flush()
        if not state.alive or (end is not None and time.monotonic() > end):
            return state
        time.sleep(1 / LOOKS_PER_SECOND)
