"""Who is to run when: a small durable table of jobs. What a run did is in its run folder, not here.

    submitted → running → done, failed (and why) or stopped

Each call is a transaction of its own on one SQLite file, flushed before it returns (WAL, `synchronous = full`), so a
page, a second page, the command line and the workers share it, and a job that was taken in survives a power cut. On a
shared server all owners share one table, and each call sees its own owner's jobs unless it asks for everybody's.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.config import SHARED, home
from workbench.errors import JobError, RunBusyError
from workbench.jobs.order import in_order
from workbench.jobs.places import owners_places
from workbench.jobs.table import flush_log, queue_file, reading, transaction
from workbench.processes import is_alive

LOCAL = "local"
EVERYBODY = "*"
STATES = ("submitted", "running", "stopped", "failed", "done")
PRIORITIES = {"low": -1, "normal": 0, "high": 1}
# The rows of jobs that have ended are history, which nobody needs for ever.
KEPT = 500


@dataclass(frozen=True)
class Job:
    """A job of the queue.

    Args:
        id: its number, never used again.
        kind: what it does, see `workbench.jobs.kinds`.
        name: of the run, or of the adapter that draws.
        owner: whose it is; `local` where there are no accounts.
        priority: -1 after everybody's others, 0 usual, 1 before the owner's own others.
        state: one of `STATES`.
        reason: why it failed or stopped, else empty.
        request: what is asked for, as the kind understands it; empty once it has ended.
        places: on a shared server the variables that name the owner's folders.
        submitted, started, ended, heartbeat: seconds since 1970 by the clock of then; for people, nothing is decided
            by them.
        seconds: how long it ran.
        lane: the accelerator it runs on.
        pid, birth, boot: its process, see `workbench.processes.mark`.
    """

    id: int
    kind: str
    name: str
    owner: str
    priority: int
    state: str
    reason: str
    request: dict[str, Any]
    places: dict[str, str]
    submitted: float
    started: float | None
    ended: float | None
    heartbeat: float | None
    seconds: float | None
    served: int
    lane: str
    pid: int | None
    birth: float | None
    boot: str

    @property
    def alive(self) -> bool:
        """Whether its process lives."""
        return is_alive({"pid": self.pid, "birth": self.birth, "boot": self.boot})

    @property
    def open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("submitted", "running")


def this_owner() -> str:
    """Whose jobs this process submits and sees: on a shared server the account its workspace belongs to."""
    shared = os.environ.get(SHARED)
    people = Path(shared).absolute() / "people" if shared else None
    if people is not None and home().is_relative_to(people):
        return home().relative_to(people).parts[0]
    return LOCAL


def submit(
    kind: str, name: str, request: Mapping[str, Any], *, owner: str | None = None, priority: int = 0
) -> Job:  # fmt: skip
    """Puts a job into the queue. It is on the disk when this returns.

    Raises:
        RunBusyError: a training of this name waits or runs already.
        StorageError: the queue cannot be written.
    """
    whose = owner or this_owner()
    values = (kind, name, whose, max(-1, min(1, priority)), json.dumps(dict(request), ensure_ascii=False))
    with transaction() as table:
        try:
            cursor = table.execute(
                "insert into jobs (kind, name, owner, priority, request, places, state, reason, submitted)"
                " values (?, ?, ?, ?, ?, ?, 'submitted', '', ?)",
                (*values, json.dumps(owners_places()), time.time()),
            )
        except sqlite3.IntegrityError:
            raise RunBusyError(
                f"Run {name}", "it is being trained already, or waits for it", "Wait, stop it, or choose another name"
            ) from None
        return _one(table, int(cursor.lastrowid or 0), EVERYBODY)


def jobs(*states: str, owner: str | None = None) -> list[Job]:
    """Jobs in the order they were submitted.

    Args:
        states: only these.
        owner: whose; this process's owner when None, `EVERYBODY` for all.
    """
    with reading() as table:
        if table is None:
            return []
        rows = table.execute("select * from jobs order by id").fetchall()
    whose = owner or this_owner()
    found = map(_job, rows)
    return [job for job in found if whose in (EVERYBODY, job.owner) and (not states or job.state in states)]


def find(job_id: int, owner: str | None = None) -> Job:
    """A job by its number.

    Raises:
        JobError: the owner has no such job.
    """
    with reading() as table:
        if table is None:
            raise _unknown(job_id)
        return _one(table, job_id, owner or this_owner())


def latest(kind: str = "training") -> dict[str, Job]:
    """The owner's last job of each name."""
    return {job.name: job for job in jobs() if job.kind == kind}


def line() -> list[Job]:
    """Everybody's waiting jobs, the next one first."""
    everybody = jobs(owner=EVERYBODY)
    served: dict[str, int] = {}
    for job in everybody:
        served[job.owner] = max(served.get(job.owner, 0), job.served)
    return in_order([job for job in everybody if job.state == "submitted"], served)


def places_in_line() -> dict[int, int]:
    """The place of each waiting job; 1 is next."""
    return {job.id: place for place, job in enumerate(line(), 1)}


def claim(job: Job, lane: str) -> Job | None:
    """Takes a waiting job for a lane; None when it has been cancelled or taken meanwhile."""
    with transaction() as table:
        changed = table.execute(
            "update jobs set state = 'running', lane = ?, started = ?, heartbeat = ?, pid = null, birth = null,"
            " boot = '', served = 1 + (select max(served) from jobs) where id = ? and state = 'submitted'",
            (lane, time.time(), time.time(), job.id),
        ).rowcount
        return _one(table, job.id, EVERYBODY) if changed else None


def remember(kind: str, name: str, state: str, reason: str, when: float) -> None:
    """Enters what ended before there was a queue, as history.

    Args:
        when: it ended, in seconds since 1970.
    """
    with transaction() as table:
        table.execute(
            "insert into jobs (kind, name, owner, priority, request, places, state, reason, submitted, ended, pid)"
            " values (?, ?, ?, 0, '{}', '{}', ?, ?, ?, ?, 0)",
            (kind, name, this_owner(), state, reason, when, when),
        )


def put_back(job: Job) -> None:
    """A job that was taken and whose process was never let go waits again, in its old place."""
    _change(job.id, "state = 'submitted', lane = '', started = null", "state = 'running' and pid is null")


def note_process(job: Job, process: Mapping[str, Any]) -> bool:
    """Writes down a running job's process, before it may begin; False when the job is no longer meant to run."""
    fields = "pid = ?, birth = ?, boot = ?"
    return bool(_change(job.id, fields, "state = 'running'", process["pid"], process["birth"], process["boot"]))


def beat(job: Job) -> None:
    """Says that somebody looks after a running job."""
    _change(job.id, "heartbeat = ?", "state = 'running'", time.time())


def end(job: Job, state: str, reason: str = "", seconds: float | None = None) -> bool:
    """Writes down how a job ended. What was asked for is kept no longer, unless it could not even be begun.

    Returns:
        Whether it had not ended before.
    """
    fields = "state = ?, reason = ?, ended = ?, seconds = ?, request = iif(pid is null, request, '{}')"
    values = (state, reason, time.time(), seconds, job.id)
    with transaction() as table:
        changed = table.execute(
            f"update jobs set {fields} where id = ? and state in ('submitted', 'running')", values
        ).rowcount
        table.execute(
            "delete from jobs where state not in ('submitted', 'running') and id not in"
            " (select id from jobs where state not in ('submitted', 'running') order by id desc limit ?)",
            (KEPT,),
        )
    return bool(changed)


def withdraw(job: Job, reason: str = "cancelled before it began") -> bool:
    """Cancels a job that waits; False when it does not wait any more."""
    fields = "state = 'stopped', reason = ?, ended = ?, request = '{}'"
    return bool(_change(job.id, fields, "state = 'submitted'", reason, time.time()))


def set_priority(job: Job, priority: int) -> bool:
    """Changes a waiting job's priority, see `PRIORITIES`; False when it does not wait any more."""
    return bool(_change(job.id, "priority = ?", "state = 'submitted'", max(-1, min(1, priority))))


def drop(names: Iterable[str] | None = None, owner: str | None = None, also: Collection[int] = ()) -> int:
    """Erases the rows of people, or of an owner altogether; SQLite overwrites what it frees.

    Args:
        names: of runs and adapters; None for all.
        owner: this process's when None.
        also: ids of others of that owner's jobs.

    Returns:
        How many.
    """
    if not queue_file().exists():
        return 0
    whose, wanted = owner or this_owner(), None if names is None else set(names)
    with transaction() as table:
        rows = table.execute("select id, name from jobs where owner = ?", (whose,)).fetchall()
        gone = [row[0] for row in rows if wanted is None or row[1] in wanted or row[0] in also]
        table.executemany("delete from jobs where id = ?", [(number,) for number in gone])
    flush_log()
    return len(gone)


def _change(job_id: int, fields: str, where: str, *values: Any) -> int:
    with transaction() as table:
        return table.execute(f"update jobs set {fields} where id = ? and {where}", (*values, job_id)).rowcount


def _one(table: sqlite3.Connection, job_id: int, owner: str) -> Job:
    row = table.execute("select * from jobs where id = ?", (job_id,)).fetchone()
    if row is None or owner not in (EVERYBODY, row["owner"]):
        raise _unknown(job_id)
    return _job(row)


def _unknown(job_id: int) -> JobError:
    return JobError(f"Job {job_id}", "there is no such job", "`workbench queue` lists what waits and runs")


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    return Job(**values | {name: json.loads(values[name] or "{}") for name in ("request", "places")})
