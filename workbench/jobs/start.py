"""Puts runs into the line, resumes, stops and cancels them."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.config import Settings, atomic_write, find_path, load_settings, safe_name, settings_to_yaml
from workbench.errors import JobError, RunBusyError
from workbench.jobs import queue
from workbench.jobs.follow import existing_run, job_state, run_folder, settings_file
from workbench.jobs.kind import need_space, signal_group
from workbench.jobs.kinds import KINDS
from workbench.jobs.lanes import wake
from workbench.jobs.log import note
from workbench.jobs.queue import Job
from workbench.jobs.training import NEEDED_BYTES, RECIPE
from workbench.processes import is_running, launcher_pid, worker_pid

# A worker writes down its process within some hundredths of a second.
PATIENCE = 10.0


def start_training(
    settings_overrides: Mapping[str, Any],
    name: str,
    *,
    config: Path | None = None,
    recipe: Path = RECIPE,
    owner: str | None = None,
    priority: int = 0,
) -> Job:
    """Puts a training into the line and returns at once; it begins as soon as the accelerator is free.

    Args:
        settings_overrides: settings by dotted name, for example {"photos": "me/", "train.steps": 300}.
        name: the run's name, which is the subject's and the adapter's too.
        config: a settings file that the overrides refine.
        recipe: the script that `accelerate launch` runs; it is given `--config request.yaml`.
        owner: whose it is; this process's owner when None.
        priority: see `workbench.jobs.queue.PRIORITIES`.

    Raises:
        ConfigError: if the settings are wrong; nothing waits then.
        RunBusyError: if this run is being trained already, or waits for it.
        StorageError: if the disk is nearly full or the queue cannot be written.
    """
    name = safe_name(name)
    words = [f"{key}={as_word(value)}" for key, value in settings_overrides.items()]
    settings = _from_anywhere(load_settings(config, [*words, f"name={name}"]))
    return _submit(name, settings, recipe, owner, priority)


def resume(name: str, *, recipe: Path | None = None, owner: str | None = None, priority: int = 0) -> Job:
    """Lets a stopped or failed run continue from its last checkpoint, with the settings it was started with.

    Raises:
        JobError: if there is no such run, it is finished, or its settings are gone.
        RunBusyError: if it is being trained already, or waits for it.
        StorageError: if the disk is nearly full or the queue cannot be written.
    """
    state = job_state(name)
    folder, asked = run_folder(name), queue.latest().get(state.name)
    if state.state == "done":
        raise JobError(f"Run {state.name}", "it is finished", "Start a new one: this one is kept beside it")
    # A job that could not be begun has its request still; else the run folder says what it was asked to do.
    kept = asked.request if asked and asked.state == "failed" and asked.pid is None else {}
    file = settings_file(folder)
    if not kept and file is None:
        raise JobError(f"Run {state.name}", "its settings are gone", "Start a new run")
    if kept:
        atomic_write(folder / "request.yaml", str(kept["settings"]))
    # The run may have been started with the wish to begin afresh; that was then.
    settings = load_settings(settings_file(folder), [] if kept else ["follow.resume=auto"])
    return _submit(state.name, settings, recipe or Path(str(kept.get("recipe") or RECIPE)), owner, priority)


def stop(name: str, *, force: bool = False) -> None:
    """Asks a run to save and stop, which it does at the end of the step it is in; one that waits is cancelled.

    Args:
        force: end the process now. What came after the last checkpoint is lost.

    Raises:
        JobError: if there is no such run or it is not running.
    """
    state = job_state(name)
    job = queue.latest().get(state.name)
    if job is not None and job.open:
        return cancel(job.id, force=force)
    folder = existing_run(name)
    if launcher_pid(folder) is None and worker_pid(folder) is None:
        raise JobError(f"Run {folder.name}", "it is not running", "There is nothing to stop")
    # Started on a launch line: the queue knows nothing of it.
    KINDS["training"].stop(_unknown(folder.name), force)


def cancel(job_id: int, *, force: bool = False, owner: str | None = None) -> None:
    """Cancels a job that waits, or asks one that runs to save and stop.

    Args:
        force: end its process now.
        owner: whose job it may be; this process's owner when None, `queue.EVERYBODY` for an administrator.

    Raises:
        JobError: the owner has no such job, or it has ended.
    """
    end = time.monotonic() + PATIENCE
    while True:
        job = queue.find(job_id, owner)
        if queue.withdraw(job):
            note("cancelled", job)
            return
        if not job.open:
            raise JobError(f"Job {job.id}", f"it is not running: it is {job.state}", "There is nothing to stop")
        if job.pid is not None and (job.alive or KINDS[job.kind].alive(job)):
            if job.owner == queue.this_owner():
                KINDS[job.kind].stop(job, force)
            else:  # whose folders are not this process's; a run takes the polite signal for the wish to save
                signal_group(job, signal.SIGKILL if force else signal.SIGTERM)
            note("asked to stop", job)
            return
        if time.monotonic() > end:
            raise JobError(f"Job {job.id}", "it is just being started or ended", "Try again in a moment")
        # Between being taken and being written down, or its end was not written down yet.
        wake()
        time.sleep(0.05)


def ask(name: str, wish: str) -> None:
    """Asks a run that is training for something beside the stop; it does it at the end of the step and goes on.

    Args:
        wish: `save` or `preview`.

    Raises:
        JobError: if there is no such run or it is not running.
    """
    folder = existing_run(name)
    if worker_pid(folder) is None:
        raise JobError(f"Run {folder.name}", "it is not training", "Ask again when it is")
    atomic_write(folder / wish, "")


def as_word(value: Any) -> str:
    """A setting's value as the command line takes it: numbers, booleans and lists as JSON, which the reader knows."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _submit(name: str, settings: Settings, recipe: Path, owner: str | None, priority: int) -> Job:
    folder = run_folder(name)
    need_space(folder, NEEDED_BYTES, "a run")
    if is_running(folder):
        way_out = "Wait for it, stop it, or choose another name"
        raise RunBusyError(f"Run {name}", "it is being trained already", way_out)
    _await_last_words(name)
    request = {"settings": settings_to_yaml(settings), "recipe": str(recipe)}
    job = queue.submit("training", name, request, owner=owner, priority=priority)
    note("submitted", job, place=queue.places_in_line().get(job.id, 0), priority=job.priority)
    wake(at_once=True)
    return job


def _await_last_words(name: str) -> None:
    """A run that has just ended is written down as ended within some hundredths of a second."""
    end = time.monotonic() + PATIENCE
    while (job := queue.latest().get(name)) and job.state == "running" and job.pid is not None:
        if KINDS[job.kind].alive(job) or time.monotonic() > end:
            return
        wake()  # its worker may be dead too
        time.sleep(0.05)


def _from_anywhere(settings: Settings) -> Settings:
    """The same settings with absolute folders: the run works in the repository's root, not where the person is.

    What is no folder stays as it is: the word `subject`, a base's short name, a hub id.
    """
    photos, base = (
        str(path.absolute()) if (path := find_path(text)).is_dir() else text
        for text in (settings.photos, settings.base)
    )
    return replace(settings, photos=photos, base=base)


def _unknown(name: str) -> Job:
    return Job(
        0, "training", name, queue.this_owner(), 0, "running", "", {}, {}, 0.0, None, None, None, None, 0, "", None,
        None, "",
    )  # fmt: skip
