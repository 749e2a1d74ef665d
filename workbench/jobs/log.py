"""The log of jobs: one line of JSON for each thing that happened, without anything personal.

A job is named by its number. Names of people, prompts, captions, paths and reasons are never written, so nobody's
forgetting has to look here.

    queue/log.jsonl      {"time": "2026-01-02T03:04:05+00:00", "event": "ended", "job": 17, "kind": "training", …}
    queue/log.1.jsonl    the one before, once it was full; `KEPT` of them
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.jobs.queue import Job
from workbench.jobs.table import queue_folder

LARGEST = 1_000_000
KEPT = 4
# What an event may tell besides: numbers and the states of a job, no text that a person has written.
FACTS = ("waited", "code", "seconds", "alive", "state", "place", "priority")


def log_file() -> Path:
    """The file that is written now."""
    return queue_folder() / "log.jsonl"


def note(event: str, job: Job, **facts: Any) -> None:
    """Adds a line. A log that cannot be written stops no job.

    Raises:
        ValueError: a fact is not one of `FACTS`.
    """
    if unknown := set(facts) - set(FACTS):
        raise ValueError(f"{', '.join(sorted(unknown))} is not written to the log")
    line = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "event": event,
        "job": job.id,
        "kind": job.kind,
        "lane": job.lane,
        "process": os.getpid(),
        **facts,
    }
    with suppress(OSError):
        file = log_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        with (file.parent / "log.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if file.exists() and file.stat().st_size > LARGEST:
                _turn_over(file)
            with file.open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")


def read_log(most: int = 50) -> list[dict[str, Any]]:
    """The last lines, oldest first; a line that was cut by a full disk is left out."""
    found: list[dict[str, Any]] = []
    with suppress(OSError):
        for line in log_file().read_text(encoding="utf-8", errors="replace").splitlines()[-most:]:
            with suppress(ValueError):
                record = json.loads(line)
                found += [record] if isinstance(record, dict) else []
    return found


def _turn_over(file: Path) -> None:
    for number in range(KEPT - 1, 0, -1):
        older = file.with_name(f"log.{number}.jsonl")
        if older.exists():
            older.replace(file.with_name(f"log.{number + 1}.jsonl"))
    file.replace(file.with_name("log.1.jsonl"))
