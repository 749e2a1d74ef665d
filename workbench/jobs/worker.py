"""`python -m workbench.jobs.worker LANE`: runs what waits, one job after the other, and ends when nothing does.

Whatever kills it leaves a true state behind. A job's process is written down before it may begin, so none runs that
the queue does not know; the process leads a session of its own and goes on without the worker; the next worker waits
for its end and writes down what came of it.
"""

from __future__ import annotations

import subprocess
import sys
import time
import traceback
from contextlib import suppress

from workbench.config import ROOT
from workbench.device import prepare_environment
from workbench.errors import WorkbenchError
from workbench.jobs import queue
from workbench.jobs.follow import by_hand
from workbench.jobs.kind import Begin, environment, remember_kills
from workbench.jobs.kinds import KINDS
from workbench.jobs.lanes import ONLY, held, lane_environment, lanes
from workbench.jobs.log import note
from workbench.jobs.places import at_places
from workbench.jobs.processes import wait_for
from workbench.jobs.queue import EVERYBODY, Job
from workbench.privacy import is_open, read_vault
from workbench.processes import mark

BEAT = 5.0
# A process that waits to be let go. Should the worker die now, it reads the end of the pipe and goes away unseen.
GATE = (
    "import os, sys\n"
    "if os.read(0, 1) != b'1': sys.exit(1)\n"
    "os.dup2(os.open(os.devnull, os.O_RDONLY), 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)


def work(lane: str) -> int:
    """Takes up what an earlier worker of the lane left, then runs what waits.

    Returns:
        How many jobs were run.
    """
    count = 0
    while True:
        with held(lane) as mine:
            if not mine:
                return count
            for left in queue.jobs("running", owner=EVERYBODY):
                if left.lane == lane:
                    _take_up(left)
            while job := _next(lane):
                _run(job)
                count += 1
        # What was submitted between the last look and the end of the lock found the lane held.
        if not any(map(_may_begin, queue.line())) or lane not in lanes():
            return count


def _next(lane: str) -> Job | None:
    """Takes the next job that can be begun; waits while somebody trains on a launch line of their own."""
    if lane not in lanes():
        return None  # the accelerator is gone
    while waiting := [job for job in queue.line() if _may_begin(job)]:
        if lane in (ONLY, lanes()[0]) and by_hand():
            time.sleep(1.0)
        elif job := queue.claim(waiting[0], lane):
            return job
    return None


def _may_begin(job: Job) -> bool:
    """Whether the photos can be opened: a vault's passphrase is in the environment of its owner's processes only."""
    with at_places(job.places):
        vault = read_vault()
        return vault is None or is_open(vault)


def _run(job: Job) -> None:
    kind, start = KINDS[job.kind], time.monotonic()
    note("begun", job, waited=round(time.time() - job.submitted, 1))
    process: subprocess.Popen[bytes] | None = None
    with at_places({**job.places, **lane_environment(job.lane)}):
        try:
            begin = kind.begin(job)
            remember_kills(job)
            process = _behind_the_gate(begin)
            born = mark(process.pid)
            wanted = queue.note_process(job, born)
            kind.begun(job, born)
            _let_go(process, wanted)
            job = queue.find(job.id, EVERYBODY)
            _watch(job, process)
            state, reason = kind.outcome(job, process.returncode)
        except Exception as error:  # whatever is wrong with this job, the next one shall have its turn
            if not isinstance(error, WorkbenchError):
                # Where, not what: the words of an error may hold names and paths.
                print(type(error).__name__, *traceback.format_tb(error.__traceback__), file=sys.stderr)
            if process is not None:
                _let_go(process, False)
            state, reason = "failed", str(error) or type(error).__name__
    queue.end(job, state, reason, time.monotonic() - start)
    code = process.returncode if process is not None else None
    note("ended", job, state=state, code=code, seconds=round(time.monotonic() - start, 1))


def _behind_the_gate(begin: Begin) -> subprocess.Popen[bytes]:
    with begin.output.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-S", "-c", GATE, *begin.command],
            cwd=ROOT,
            env=environment(begin.environment),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _let_go(process: subprocess.Popen[bytes], go: bool) -> None:
    gate = process.stdin
    if gate is not None and not gate.closed:
        with suppress(BrokenPipeError), gate:
            if go:
                gate.write(b"1")


def _watch(job: Job, process: subprocess.Popen[bytes] | None) -> None:
    """Waits until nothing works on the job any more; says every few seconds that somebody looks after it."""
    while process is not None and process.poll() is None:
        if not wait_for(process.pid, BEAT):
            time.sleep(0.2)
        _beat(job)
    kind = KINDS[job.kind]
    while kind.alive(job):
        if not (job.pid and job.alive and wait_for(job.pid, BEAT)):
            time.sleep(0.2)
        _beat(job)


def _beat(job: Job) -> None:
    # On a full disk this cannot be written; the job may come to its end all the same.
    with suppress(WorkbenchError):
        queue.beat(job)


def _take_up(job: Job) -> None:
    """What became of a job whose worker was killed."""
    kind = KINDS[job.kind]
    with at_places(job.places):
        if job.pid is None:
            queue.put_back(job)
            note("put back", job)
            return
        note("taken up", job, alive=kind.alive(job))
        _watch(job, None)
        state, reason = kind.outcome(job, None)
    queue.end(job, state, reason)
    note("ended", job, state=state)


def main() -> int:
    prepare_environment()
    work(sys.argv[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
