"""Starts, resumes and stops runs as processes of their own."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.config import (
    ROOT,
    Settings,
    atomic_write,
    find_path,
    free_space,
    home,
    load_settings,
    make_folder,
    safe_name,
    settings_to_yaml,
    shelf,
    storage_errors,
)
from workbench.device import cpu_computes_half, thread_count
from workbench.errors import JobError, RunBusyError, StorageError
from workbench.jobs.follow import existing_run, job_state, run_folder, settings_file
from workbench.jobs.processes import signal_all, wait_for_end
from workbench.processes import launcher_pid, mark, number, read_object, worker_pid

RECIPE = ROOT / "recipes" / "train_lora.py"
ACCELERATE_CONFIG = ROOT / "accelerate_config.yaml"
# Checkpoints of adapter and optimizer, cached latents and previews of a chibi-mini run stay below 200 MB.
NEEDED_BYTES = 500_000_000


@dataclass(frozen=True)
class Job:
    """A started process. `pid` is the launcher's; the recipe's own pid is in its heartbeat."""

    name: str
    folder: Path
    pid: int
    started: float


def start_training(
    settings_overrides: Mapping[str, Any],
    name: str,
    *,
    config: Path | None = None,
    recipe: Path = RECIPE,
) -> Job:
    """Starts training in the background and returns at once.

    Args:
        settings_overrides: settings by dotted name, for example {"photos": "me/", "train.steps": 300}.
        name: the run's name, which is the subject's and the adapter's too.
        config: a settings file that the overrides refine.
        recipe: the script that `accelerate launch` runs; it is given `--config request.yaml`.

    Raises:
        ConfigError: if the settings are wrong; nothing has been started then.
        RunBusyError: if this run is being trained already.
        StorageError: if the disk is nearly full or the run's folder cannot be written.
    """
    name = safe_name(name)
    words = [f"{key}={as_word(value)}" for key, value in settings_overrides.items()]
    settings = _from_anywhere(load_settings(config, [*words, f"name={name}"]))
    folder = run_folder(name)
    _check_space(folder)
    with _starting(folder):
        atomic_write(folder / "request.yaml", settings_to_yaml(settings))
        return _launch(folder, folder / "request.yaml", recipe)


def resume(name: str, *, recipe: Path = RECIPE) -> Job:
    """Continues a stopped or failed run from its last checkpoint, with the settings it was started with.

    Raises:
        JobError: if there is no such run, it is finished, or its settings are gone.
        RunBusyError: if it is being trained already.
        StorageError: if the disk is nearly full or the run's folder cannot be written.
    """
    folder = existing_run(name)
    _check_space(folder)
    with _starting(folder):
        if job_state(folder.name).state == "done":
            raise JobError(f"Run {folder.name}", "it is finished", "Start a new one: this one is kept beside it")
        asked = settings_file(folder)
        if asked is None:
            raise JobError(f"Run {folder.name}", "its settings are gone", "Start a new run")
        # The run may have been started with the wish to begin afresh; that was then.
        settings = load_settings(asked, ["follow.resume=auto"])
        atomic_write(folder / "request.yaml", settings_to_yaml(settings))
        return _launch(folder, folder / "request.yaml", recipe)


def stop(name: str, *, force: bool = False) -> None:
    """Asks a run to save and stop; it does so at the end of the step it is in.

    Args:
        force: end the process now. What came after the last checkpoint is lost.

    Raises:
        JobError: if there is no such run or it is not running.
    """
    folder = existing_run(name)
    launcher, worker = launcher_pid(folder), worker_pid(folder)
    if launcher is None and worker is None:
        raise JobError(f"Run {folder.name}", "it is not running", "There is nothing to stop")
    atomic_write(folder / "stop", "")
    if force:
        signal_all(folder, signal.SIGKILL)
    elif worker is None:
        # The recipe is still being loaded: it cannot see the file yet and has nothing to save.
        signal_all(folder, signal.SIGTERM)
    else:
        return
    if wait_for_end(folder, seconds=5):
        _note_stopped(folder)


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


def launch_command(settings: Path, recipe: Path = RECIPE) -> list[str]:
    """The command line that trains: `accelerate launch` with `accelerate_config.yaml`.

    Where its precision is as we ship it (`no`), a CPU with units for bfloat16 is told to use them.
    """
    # --quiet: when the recipe fails it has said why; the launcher's own traceback only hides that.
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--quiet", "--config_file", str(ACCELERATE_CONFIG)]
    as_shipped = 'mixed_precision: "no"' in ACCELERATE_CONFIG.read_text(encoding="utf-8")
    has_gpu = Path("/proc/driver/nvidia").exists()
    if as_shipped and cpu_computes_half() and not has_gpu:
        launcher += ["--mixed_precision", "bf16"]
    return [*launcher, str(recipe), "--config", str(settings)]


@contextmanager
def _starting(folder: Path) -> Iterator[None]:
    """Lets one starter at a time through, and none while the run is alive: two tabs may press the button at once."""
    make_folder(folder)
    with storage_errors(folder), (folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if worker_pid(folder) is not None or launcher_pid(folder) is not None:
            way_out = "Wait for it, stop it, or choose another name"
            raise RunBusyError(f"Run {folder.name}", "it is being trained already", way_out)
        yield


def _launch(folder: Path, settings: Path, recipe: Path) -> Job:
    (folder / "stop").unlink(missing_ok=True)
    # The page follows the output through a file, so it must not wait in a buffer until the end.
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    environment |= {"WORKBENCH_HOME": str(home()), "WORKBENCH_LORAS": str(shelf())}
    # accelerate would give the run one thread.
    environment |= {"WORKBENCH_THREADS": str(thread_count())}
    started = time.time()
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            launch_command(settings, recipe),
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    atomic_write(folder / "job.json", json.dumps(mark(process.pid) | {"started": started}))
    return Job(folder.name, folder, process.pid, started)


def _from_anywhere(settings: Settings) -> Settings:
    """The same settings with absolute folders: the run works in the repository's root, not where the person is.

    What is no folder stays as it is: the word `subject`, a base's short name, a hub id.
    """
    photos, base = (
        str(path.absolute()) if (path := find_path(text)).is_dir() else text
        for text in (settings.photos, settings.base)
    )
    return replace(settings, photos=photos, base=base)


def as_word(value: Any) -> str:
    """A setting's value as the command line takes it: numbers, booleans and lists as JSON, which the reader knows."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _check_space(folder: Path) -> None:
    free = free_space(folder)
    if free < NEEDED_BYTES:
        raise StorageError(
            str(home()),
            f"only {free // 1_000_000} MB are free and a run may need {NEEDED_BYTES // 1_000_000} MB",
            "Free some space, or set WORKBENCH_HOME to a folder on another disk",
        )


def _note_stopped(folder: Path) -> None:
    """Says that it was stopped by hand, unless the run has said how it ended itself."""
    status, job = read_object(folder / "status.json"), read_object(folder / "job.json")
    own_word = (number(status.get("updated")) or 0) >= (number(job.get("started")) or 0)
    if own_word and status.get("state") in ("stopped", "failed", "done"):
        return
    note = {"state": "stopped", "stage": "stopped", "reason": "stopped by hand", "updated": time.time()}
    atomic_write(folder / "status.json", json.dumps(status | note))
