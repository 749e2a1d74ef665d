"""Signals to a run's processes, and their end."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path

from workbench.processes import launcher_pid, worker_pid


def signal_all(folder: Path, kind: signal.Signals) -> None:
    """Sends a signal to the run's processes and to no other."""
    launcher, worker = launcher_pid(folder), worker_pid(folder)
    # One that has ended meanwhile is no trouble: that is what was wanted of it.
    with suppress(ProcessLookupError, PermissionError):
        if launcher is not None:
            # The launcher leads a session of its own, so its group is the job and nothing else.
            os.killpg(launcher, kind)
    with suppress(ProcessLookupError, PermissionError):
        if worker is not None:
            os.kill(worker, kind)


def wait_for_end(folder: Path, seconds: float) -> bool:
    """Waits until the run's processes are gone; False if they are still there after `seconds`."""
    end = time.monotonic() + seconds
    while worker_pid(folder) is not None or launcher_pid(folder) is not None:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def wait_for(pid: int, seconds: float) -> bool:
    """Waits for the end of a process, a child or not, for so long; false where the system cannot tell of an end."""
    if not hasattr(os, "pidfd_open"):
        return False
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False  # it is gone, or the kernel is older than 5.3
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll(seconds * 1000)
    finally:
        os.close(handle)
    return True
