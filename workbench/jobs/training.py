"""Jobs of the kind `training`: a run, as a process of its own in its run folder."""

from __future__ import annotations

import fcntl
import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.config import ROOT, atomic_write, make_folder, storage_errors
from workbench.device import cpu_computes_half
from workbench.errors import RunBusyError
from workbench.jobs.follow import LIVE_STATES, SILENT_DEATH, folder_state, has_spoken, run_folder
from workbench.jobs.kind import Begin, how_it_ended, need_space, signal_group
from workbench.jobs.lanes import ACCELERATE_CONFIG
from workbench.jobs.processes import signal_all, wait_for_end
from workbench.jobs.queue import Job
from workbench.processes import launcher_pid, read_object, worker_pid

RECIPE = ROOT / "recipes" / "train_lora.py"
# Checkpoints of adapter and optimizer, cached latents and previews of a chibi-mini run stay below 200 MB.
NEEDED_BYTES = 500_000_000


class Training:
    """A run. Its request holds `settings`, as YAML, and `recipe`, the script that `accelerate launch` runs."""

    def begin(self, job: Job) -> Begin:
        folder = run_folder(job.name)
        need_space(folder, NEEDED_BYTES, "a run")
        with _starting(folder):
            atomic_write(folder / "request.yaml", str(job.request["settings"]))
            (folder / "stop").unlink(missing_ok=True)
            # A new file: who still reads what an earlier process of this run said sees its end.
            (folder / "output.txt").unlink(missing_ok=True)
        recipe = Path(str(job.request.get("recipe") or RECIPE))
        return Begin(launch_command(folder / "request.yaml", recipe), folder / "output.txt")

    def begun(self, job: Job, process: Mapping[str, Any]) -> None:
        atomic_write(run_folder(job.name) / "job.json", json.dumps({**process, "started": time.time(), "job": job.id}))

    def alive(self, job: Job) -> bool:
        # The launcher may have been killed without the recipe.
        return job.alive or worker_pid(run_folder(job.name)) is not None

    def stop(self, job: Job, force: bool) -> None:
        folder = run_folder(job.name)
        atomic_write(folder / "stop", "")
        if force:
            signal_all(folder, signal.SIGKILL)
        elif worker_pid(folder) is None:
            # The recipe is still being loaded: it cannot see the file yet and has nothing to save.
            signal_all(folder, signal.SIGTERM)
            signal_group(job, signal.SIGTERM)  # it may not be in the folder yet
        else:
            return
        if wait_for_end(folder, seconds=5):
            note_stopped(folder)

    def outcome(self, job: Job, code: int | None) -> tuple[str, str]:
        folder = run_folder(job.name)
        state = folder_state(folder)
        if state.state in LIVE_STATES or state.reason == SILENT_DEATH:
            if (folder / "stop").exists():  # it was ended before it could say so itself
                note_stopped(folder)
                return "stopped", "stopped by hand"
            return "failed", how_it_ended(job, code)
        return state.state, state.reason


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


def note_stopped(folder: Path) -> None:
    """Says that a run was stopped by hand, unless it has said how it ended itself."""
    status, job = read_object(folder / "status.json"), read_object(folder / "job.json")
    if has_spoken(status, job) and status.get("state") in ("stopped", "failed", "done"):
        return
    note = {"state": "stopped", "stage": "stopped", "reason": "stopped by hand", "updated": time.time()}
    # In the name of the process that was started last: what an older one said does not count.
    note |= {key: job[key] for key in ("pid", "birth", "boot") if key in job}
    atomic_write(folder / "status.json", json.dumps(status | note))


@contextmanager
def _starting(folder: Path) -> Iterator[None]:
    """Lets one starter at a time through, and none while the run is alive, on a launch line for example."""
    make_folder(folder)
    with storage_errors(folder), (folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if worker_pid(folder) is not None or launcher_pid(folder) is not None:
            way_out = "Wait for it, stop it, or choose another name"
            raise RunBusyError(f"Run {folder.name}", "it is being trained already", way_out)
        yield
