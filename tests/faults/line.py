"""The line of jobs as a piece of work that is killed: jobs are submitted and run until a SIGKILL comes.

Afterwards a new worker works off what is left. Each job that was said to be taken in must have come to its end, once;
none may have been run by a process that the line does not know.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from workbench.config import home, make_folder
from workbench.jobs import queue
from workbench.jobs.kind import Begin, how_it_ended
from workbench.jobs.kinds import KINDS
from workbench.jobs.lanes import ONLY
from workbench.jobs.queue import Job
from workbench.jobs.table import queue_folder
from workbench.jobs.worker import work

# Appends its number, flushes it, and ends.
NAP = (
    "import os, sys; file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND);"
    "os.write(file, f'{sys.argv[2]}\\n'.encode()); os.fsync(file)"
)


class Nap:
    """A job that takes a few milliseconds."""

    def begin(self, job: Job) -> Begin:
        make_folder(queue_folder())
        command = [sys.executable, "-S", "-c", NAP, str(_ran()), str(job.id)]
        return Begin(command, queue_folder() / "nap.txt")

    def begun(self, job: Job, process: Mapping[str, Any]) -> None:
        pass

    def alive(self, job: Job) -> bool:
        return job.alive

    def stop(self, job: Job, force: bool) -> None:
        pass

    def outcome(self, job: Job, code: int | None) -> tuple[str, str]:
        done = job.id in _counted()
        return ("done", "") if done else ("failed", how_it_ended(job, code))


def submit_and_run(say: Callable[[str], None], rng: random.Random) -> None:
    """Endless."""
    KINDS["nap"] = Nap()
    for number in range(10**6):
        for owner in ("ann", "ben")[: 1 + number % 2]:
            say(str(queue.submit("nap", f"job-{number}", {}, owner=owner).id))
        work(ONLY)


def all_came_to_an_end(said: Collection[str]) -> list[str]:
    """Works off what is left, and compares what the line says with what was run."""
    KINDS["nap"] = Nap()
    work(ONLY)
    jobs = {job.id: job for job in queue.jobs(owner=queue.EVERYBODY)}
    ran = _counted()
    wrong = [f"job {number} is lost" for number in said if int(number) not in jobs]
    wrong += [f"job {job.id} is {job.state} for ever" for job in jobs.values() if job.open]
    wrong += [f"job {number} ran {times} times" for number, times in ran.items() if times > 1]
    wrong += [f"job {number} ran and nobody asked" for number in ran if number not in jobs]
    wrong += [f"job {job.id} is said to be done" for job in jobs.values() if job.state == "done" and job.id not in ran]
    failed = [job for job in jobs.values() if job.state == "failed"]
    wrong += [f"job {job.id} failed without a reason" for job in failed if not job.reason]
    # Only the one that was being let go when the worker died may have been lost to it, and it says so.
    return wrong + ([f"{len(failed)} jobs failed"] if len(failed) > 1 else [])


def _ran() -> Path:
    return home() / "ran.txt"


def _counted() -> Counter[int]:
    """How often each job was run."""
    lines = _ran().read_text().split() if _ran().exists() else []
    return Counter(map(int, lines))


def nothing_yet() -> None:
    os.makedirs(home(), exist_ok=True)  # noqa: PTH103
