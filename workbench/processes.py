"""Whether a process is alive and still the same one, and which one belongs to a run folder.

A process number alone says little: it is given to a stranger once its owner has ended, and after a restart of the
computer all numbers begin anew. So a process is written down with its birth, which the system counts from its own
start and not by the clock on the wall, and with the number of that start. Nobody who sets the clock makes a living
process look dead, or a dead one alive.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import psutil

BUSY_STATES = ("preparing", "running", "saving")
# For records without a birth: the clock of process birth has a resolution of 10 ms and is corrected now and then.
CLOCK_TOLERANCE = 2.0


def mark(pid: int | None = None) -> dict[str, Any]:
    """What identifies a process, to be kept as JSON.

    Args:
        pid: its number; None for this process.

    Returns:
        `pid`, `birth` and `boot`; birth is None when there is no such process.
    """
    number_ = os.getpid() if pid is None else pid
    return {"pid": number_, "birth": _birth(number_), "boot": boot_id()}


def is_alive(record: Mapping[str, Any], seen: float | None = None) -> bool:
    """Whether the process of a record lives and is the one that was meant.

    Args:
        record: see `mark`. One that has no birth was written by an earlier version.
        seen: for such a record, when the process was there at the latest, in seconds since 1970.
    """
    pid, birth = record.get("pid"), number(record.get("birth"))
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0:
        return False
    if birth is not None:
        return record.get("boot") == boot_id() and _birth(pid) == birth
    if seen is None or _birth(pid) is None:
        return False
    with suppress(psutil.Error):
        return bool(psutil.Process(pid).create_time() <= seen + CLOCK_TOLERANCE)
    return False


def worker_pid(run: Path) -> int | None:
    """The living process that writes a run's heartbeat, `status.json`."""
    status = read_object(run / "status.json")
    seen = number(status.get("updated")) or _written(run / "status.json")
    return status["pid"] if is_alive(status, seen) else None


def launcher_pid(run: Path) -> int | None:
    """The living `accelerate launch` that was started for a run, `job.json`."""
    job = read_object(run / "job.json")
    return job["pid"] if is_alive(job, number(job.get("started"))) else None


def is_running(run: Path) -> bool:
    """Whether a training goes on in a run folder, or is being started."""
    busy = read_object(run / "status.json").get("state") in BUSY_STATES
    return launcher_pid(run) is not None or (busy and worker_pid(run) is not None)


@cache
def boot_id() -> str:
    """Names this start of the computer; empty where the system has no such name."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty if there is none, since it may not have been written yet."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def strangers_json(text: str, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """What JSON that anyone may have written says.

    Args:
        text: the JSON.
        pairs: makes an object of its keys and values; a dict when None.

    Raises:
        ValueError: it is no JSON, or holds what is no text (see `is_text`).
        RecursionError: it is nested too deeply.
    """
    content = json.loads(text, object_pairs_hook=pairs)
    if not is_text(content):
        raise ValueError("half a surrogate pair is no text")
    return content


def is_text(content: Any) -> bool:
    """Whether everything in parsed JSON can be written down again.

    Half a surrogate pair (`"\\ud800"`) is allowed in JSON, but neither a file nor the page can take it.
    """
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def number(value: Any) -> float | None:
    """The value if it is a number, for files that another program wrote."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _birth(pid: int) -> float | None:
    """When a process began: clock ticks since the computer's start on Linux, else seconds; None for a dead one."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        with suppress(OSError, ValueError, IndexError):
            # The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            # A zombie has ended; only its parent has not asked how yet.
            return None if fields[0] in "ZX" else float(fields[19])
        return None
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    return None


def _written(path: Path) -> float | None:
    with suppress(OSError):
        return path.stat().st_mtime
    return None
