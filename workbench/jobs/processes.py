"""Which process belongs to a run folder, and whether it lives."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

# The clock of process birth has a resolution of 10 ms and is corrected against the wall clock now and then.
CLOCK_TOLERANCE = 2.0


def worker_pid(folder: Path) -> int | None:
    """The living process that writes the heartbeat.

    It was there before its last heartbeat: if the process with this number was born later, the number has been
    given to a stranger.
    """
    status = read_object(folder / "status.json")
    return _living(status.get("pid"), born_before=number(status.get("updated")))


def launcher_pid(folder: Path) -> int | None:
    """The living `accelerate launch` that was started for this folder."""
    job = read_object(folder / "job.json")
    return _living(job.get("pid"), born_before=number(job.get("started")))


def signal_all(folder: Path, kind: signal.Signals) -> None:
    """Sends a signal to the run's processes and to no other."""
    launcher, worker = launcher_pid(folder), worker_pid(folder)
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


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty if there is none, since it may not have been written yet."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def number(value: Any) -> float | None:
    """The value if it is a number, for files that another program wrote."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _living(pid: Any, born_before: float | None) -> int | None:
    if not isinstance(pid, int) or born_before is None:
        return None
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        # A zombie has ended; only its parent has not asked how yet.
        if process.create_time() <= born_before + CLOCK_TOLERANCE and process.status() != psutil.STATUS_ZOMBIE:
            return pid
    return None
