"""What a kind of job must be able to do: to begin, to stop, and to say what came of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from workbench.config import free_space, home, shelf
from workbench.device import thread_count
from workbench.errors import StorageError
from workbench.jobs.queue import Job
from workbench.processes import boot_id


@dataclass(frozen=True)
class Begin:
    """How a job's process is started.

    Args:
        command: words, the first one a program.
        output: where what it prints goes.
        environment: besides this process's own.
    """

    command: list[str]
    output: Path
    environment: dict[str, str] = field(default_factory=dict)


class Kind(Protocol):
    """One kind of job. All calls are made with the owner's folders in the environment."""

    def begin(self, job: Job) -> Begin:
        """Prepares the job; raises a WorkbenchError when it cannot be begun, for example on a full disk."""

    def begun(self, job: Job, process: Mapping[str, Any]) -> None:
        """Called with the process's `mark`, before the process is let go."""

    def alive(self, job: Job) -> bool:
        """Whether any process still works on it."""

    def stop(self, job: Job, force: bool) -> None:
        """Asks it to save and stop, or ends it now."""

    def outcome(self, job: Job, code: int | None) -> tuple[str, str]:
        """The state and reason it ended with; the exit code is None when the worker did not start it."""


def need_space(place: Path, bytes_: int, what: str) -> None:
    """Sees that there is room on the disk before anything begins.

    Raises:
        StorageError: there is not.
    """
    free = free_space(place)
    if free < bytes_:
        raise StorageError(
            str(home()),
            f"only {free // 1_000_000} MB are free and {what} may need {bytes_ // 1_000_000} MB",
            "Free some space, or set WORKBENCH_HOME to a folder on another disk",
        )


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a job's process: places and threads are this process's, the output is not buffered."""
    return {
        **os.environ,
        # The page follows the output through a file, so it must not wait in a buffer until the end.
        "PYTHONUNBUFFERED": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "WORKBENCH_HOME": str(home()),
        "WORKBENCH_LORAS": str(shelf()),
        # accelerate would give the run one thread.
        "WORKBENCH_THREADS": str(thread_count()),
        **extra,
    }


def signal_group(job: Job, kind: signal.Signals) -> None:
    """Sends a signal to the session that the job's process leads, if that lives."""
    if job.alive and job.pid:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(job.pid, kind)


def how_it_ended(job: Job, code: int | None) -> str:
    """Why a process ended that did not say so itself, as exactly as the system tells."""
    if job.boot and job.boot != boot_id():
        return "the computer was restarted while it ran"
    if out_of_memory_kills() > _kills_before.get(job.id, 10**9):
        return "the system killed it because the memory ran out"
    if code is not None and code < 0:
        return f"it was killed ({signal.Signals(-code).name})"
    return "the process ended without a word" + (f" (exit code {code})" if code else "")


_kills_before: dict[int, int] = {}


def remember_kills(job: Job) -> None:
    """Notes how often this system has killed for want of memory, to compare with afterwards."""
    _kills_before[job.id] = out_of_memory_kills()


def out_of_memory_kills() -> int:
    """How many processes this system has killed for want of memory since its start; 0 where it does not tell."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
