"""One lane for each accelerator, one worker in a lane, one job at a time.

Nobody has to start a worker, and none runs when there is nothing to do: whoever submits a job starts the worker of a
free lane, detached, and it ends when nothing waits. A service would have to be installed, watched and ended by a
person, and would hold a laptop's memory all day; a thread of the page would end with the page. Should a worker be
killed, its job goes on, and the next look at the runs (page or command) starts another one that takes up where it was.
The lock of a lane belongs to the worker's process, so the system itself sees to it that there is one.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.config import ROOT, make_folder, storage_errors
from workbench.errors import StorageError
from workbench.jobs.queue import EVERYBODY, jobs
from workbench.jobs.table import queue_file, queue_folder

ACCELERATE_CONFIG = ROOT / "accelerate_config.yaml"
ONLY = "all"
# A look at a lock holds it for an instant; a worker that begins then tries again.
PATIENCE = 2.0
# What waits for the passphrase of its owner's vault would else start a worker at every look.
SECONDS_BETWEEN_STARTS = 10.0
_last_start: dict[str, float] = {}


def lanes() -> tuple[str, ...]:
    """The accelerators of this computer: `cuda:0`, `cuda:1`, …, or `all` where there is one lane for everything.

    `CUDA_VISIBLE_DEVICES` is respected. One lane there is without an NVIDIA GPU, and when `accelerate_config.yaml`
    gives all of them to one run.
    """
    config = ACCELERATE_CONFIG.read_text(encoding="utf-8")
    several = re.search(r"^num_processes:\s*(\d+)", config, re.MULTILINE)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        # The nodes that a container was given; asking the driver would take a second, torch four.
        visible = ",".join(sorted(path.name[6:] for path in Path("/dev").glob("nvidia[0-9]*")))
    numbers = [each.strip() for each in visible.split(",") if re.fullmatch(r"[\w/-]+", each.strip())]
    if len(numbers) < 2 or (several and int(several[1]) > 1):
        return (ONLY,)
    return tuple(f"cuda:{number}" for number in numbers)


def lane_environment(lane: str) -> dict[str, str]:
    """What a process of the lane is started with: its GPU and no other."""
    return {"CUDA_VISIBLE_DEVICES": lane.removeprefix("cuda:")} if lane != ONLY else {}


@contextmanager
def held(lane: str, patience: float = PATIENCE) -> Iterator[bool]:
    """Holds a lane as its worker; false in the block when another process does. The system frees it at any death.

    Raises:
        StorageError: the queue's folder cannot be written.
    """
    file = make_folder(queue_folder()) / f"{re.sub(r'[^0-9a-z]', '-', lane.lower())}.lock"
    with storage_errors(file), file.open("w") as lock:
        end = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < end:
                    time.sleep(0.02)
                    continue
                yield False
                return
            yield True
            return


def wake(at_once: bool = False) -> int:
    """Starts workers for what waits, and for jobs whose worker was killed; cheap when there is nothing to do.

    Called by whoever submits a job, and by every look at the runs.

    Args:
        at_once: also when this process started one in the same lane a moment ago.

    Returns:
        How many were started.
    """
    if not queue_file().exists():
        return 0
    there = jobs("submitted", "running", owner=EVERYBODY)
    waiting = sum(job.state == "submitted" for job in there)
    started = 0
    for lane in dict.fromkeys([*(job.lane for job in there if job.state == "running"), *lanes()]):
        needed = started < waiting or any(job.lane == lane for job in there)
        try:
            last = _last_start.get(f"{queue_folder()} {lane}", -SECONDS_BETWEEN_STARTS)
            early = time.monotonic() - last < SECONDS_BETWEEN_STARTS
            if needed and not (early and not at_once) and _is_free(lane):
                _last_start[f"{queue_folder()} {lane}"] = time.monotonic()
                _start(lane)
                started += 1
        except StorageError:
            # A look at a workspace that may only be read must not fail for want of a worker.
            return started
    return started


def _is_free(lane: str) -> bool:
    with held(lane, patience=0) as free:
        return free


def _start(lane: str) -> None:
    said = queue_folder() / "worker.txt"
    long = said.exists() and said.stat().st_size > 1_000_000
    with storage_errors(said), said.open("wb" if long else "ab") as output:
        subprocess.Popen(
            [sys.executable, "-m", "workbench.jobs.worker", lane],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
