"""What a run folder tells about its run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.config import home, safe_name
from workbench.errors import JobError
from workbench.jobs.queue import Job, jobs, latest, places_in_line
from workbench.processes import boot_id, is_running, launcher_pid, number, read_object, worker_pid

LIVE_STATES = ("preparing", "running", "saving")
SILENT_DEATH = "the process ended without a word"
TAIL_BYTES = 65_536


@dataclass(frozen=True)
class JobState:
    """Where a run stands.

    Args:
        state: submitted (it waits for its turn), preparing, running, saving, stopped, failed or done.
        stage: what it is doing, in words.
        loss: the last step's loss, None before the first step.
        seconds_left: estimated seconds to the end, None before the first step.
        reason: why it failed or stopped, empty otherwise.
        pid: the living process, None if there is none.
        updated: time of the last heartbeat, in seconds since 1970.
        can_resume: whether `resume` can take it up again.
        job: its number in the queue; None for a run that was started on a launch line.
        place: its place in the line, 1 is next; 0 when it does not wait.
    """

    name: str
    state: str
    stage: str
    step: int
    steps: int
    loss: float | None
    seconds_left: float | None
    reason: str
    pid: int | None
    updated: float
    can_resume: bool
    job: int | None = None
    place: int = 0

    @property
    def alive(self) -> bool:
        """Whether a process is working on it."""
        return self.pid is not None

    @property
    def waiting(self) -> bool:
        """Whether it waits for its turn."""
        return self.state == "submitted"

    @property
    def active(self) -> bool:
        """Whether it waits, is being started or runs; then it cannot be started again."""
        return self.alive or self.waiting or self.state in LIVE_STATES


def run_folder(name: str) -> Path:
    """The folder of a run, which need not exist."""
    return home() / "runs" / safe_name(name)


def job_state(name: str) -> JobState:
    """Where a run stands now. A run whose process has died is shown as failed, whatever it last wrote.

    Raises:
        JobError: if there is no such run.
    """
    folder = run_folder(name)
    job = latest().get(folder.name)
    if not is_run(folder) and not _is_shown(job):
        raise JobError(f"Run {folder.name}", "there is no such run", "`workbench train` starts one")
    return _joined(folder, job, places_in_line() if job and job.state == "submitted" else {})


def list_jobs() -> list[JobState]:
    """All runs, the latest first, and what waits to become one."""
    runs, asked = home() / "runs", latest()
    names = {folder.name for folder in runs.iterdir() if is_run(folder)} if runs.is_dir() else set()
    names |= {name for name, job in asked.items() if _is_shown(job)}
    line = places_in_line() if any(job.state == "submitted" for job in asked.values()) else {}
    states = [_joined(runs / name, asked.get(name), line) for name in sorted(names)]
    return sorted(states, key=lambda state: state.updated, reverse=True)


def by_hand() -> bool:
    """Whether a run goes on that the queue did not start."""
    runs = home() / "runs"
    known = {job.name for job in jobs("running")}
    return runs.is_dir() and any(is_running(folder) for folder in runs.iterdir() if folder.name not in known)


def folder_state(folder: Path) -> JobState:
    """Where a run stands, by its folder alone."""
    status, job = read_object(folder / "status.json"), read_object(folder / "job.json")
    worker, launcher = worker_pid(folder), launcher_pid(folder)
    state, stage, reason = (str(status.get(key) or "") for key in ("state", "stage", "reason"))
    updated, started = number(status.get("updated")) or 0.0, number(job.get("started")) or 0.0
    spoken = has_spoken(status, job)
    if launcher is not None and worker is None and not (spoken and state not in LIVE_STATES):
        state, stage, reason, updated = "preparing", "starting", "", max(updated, started)
    elif launcher is None and worker is None and (not spoken or state in LIVE_STATES):
        state, reason, updated = "failed", _last_words(folder), max(updated, started)
    last = _last_metrics(folder)
    return JobState(
        name=folder.name,
        state=state,
        stage=stage,
        step=int(number(status.get("step")) or 0),
        steps=int(number(status.get("steps")) or 0),
        loss=number(last.get("loss")),
        seconds_left=number(last.get("left")) if state in LIVE_STATES else None,
        reason=reason,
        pid=worker or launcher,
        updated=updated,
        can_resume=not (worker or launcher) and state in ("stopped", "failed") and settings_file(folder) is not None,
    )


def has_spoken(status: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    """Whether a heartbeat is of the process that was started last: an older one is the last run's, not this one's.

    The births of processes tell, which no clock changes; records of earlier versions have only times.
    """
    if not status.get("state"):
        return False
    born, begun = number(status.get("birth")), number(job.get("birth"))
    if born is not None and begun is not None:
        if status.get("boot") == job.get("boot"):
            return born >= begun
        if boot_id() in (status.get("boot"), job.get("boot")):
            return status.get("boot") == boot_id()
    return (number(status.get("updated")) or 0.0) >= (number(job.get("started")) or 0.0)


def read_metrics(name: str) -> list[dict[str, Any]]:
    """Every step a run has reported, in order; a line that is still being written is left out."""
    try:
        lines = (run_folder(name) / "metrics.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [record for line in lines if (record := _record(line))]


def output_tail(name: str, lines: int = 20) -> list[str]:
    """The last lines a run printed."""
    # Progress bars rewrite their line with carriage returns; only what stands in the end is of interest.
    text = [line.rsplit("\r", 1)[-1].rstrip() for line in _tail(run_folder(name) / "output.txt")]
    return [line for line in text if line][-lines:]


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run, finished or only asked for."""
    return any((folder / file).exists() for file in ("status.json", "job.json", "settings.yaml"))


def _joined(folder: Path, job: Job | None, line: Mapping[int, int]) -> JobState:
    """What the folder and the queue say together: the folder what was done, the queue what is going to be."""
    state = folder_state(folder)
    if job is None:
        return state
    state = replace(state, job=job.id)
    if job.state == "submitted" and not state.alive:
        state = replace(state, state="submitted", stage="waiting", reason="", seconds_left=None, can_resume=False)
        return replace(state, place=line.get(job.id, 0), updated=job.submitted)
    if job.state == "running" and not state.alive and (job.pid is None or job.alive):
        return replace(state, state="preparing", stage="starting", reason="", seconds_left=None, can_resume=False)
    if job.state == "failed" and job.pid is None:
        return replace(state, state="failed", reason=job.reason, updated=job.ended or 0.0, can_resume=not state.alive)
    if job.state in ("failed", "stopped") and state.reason == SILENT_DEATH and job.reason:
        return replace(state, reason=job.reason)
    return state


def _is_shown(job: Job | None) -> bool:
    """Whether a job is told of although it has no folder: it waits, runs, or could not be begun."""
    return job is not None and (job.open or (job.state == "failed" and job.pid is None))


def existing_run(name: str) -> Path:
    """The folder of a run that must exist.

    Raises:
        JobError: if there is no such run.
    """
    folder = run_folder(name)
    if not is_run(folder):
        raise JobError(f"Run {folder.name}", "there is no such run", "`workbench train` starts one")
    return folder


def settings_file(folder: Path) -> Path | None:
    """What a run was asked to do. One that was started on a launch line has only what the recipe wrote down."""
    found = [folder / file for file in ("request.yaml", "settings.yaml") if (folder / file).exists()]
    return found[0] if found else None


def _last_metrics(folder: Path) -> dict[str, Any]:
    return next((record for line in reversed(_tail(folder / "metrics.jsonl")) if (record := _record(line))), {})


def _record(line: str) -> dict[str, Any]:
    with suppress(ValueError):
        content = json.loads(line)
        return content if isinstance(content, dict) else {}
    return {}


def _last_words(folder: Path) -> str:
    """What a dead process said last, if that was an error; else that it said nothing."""
    for line in reversed(output_tail(folder.name, lines=5)):
        if "Error" in line or "error:" in line:
            return line.strip()
    return SILENT_DEATH


def _tail(path: Path) -> list[str]:
    """The last lines of a file that may be large and may be in the middle of being written."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            return file.read().decode("utf-8", errors="replace").split("\n")
    except OSError:
        return []
