"""Quick trainings for tests of the line: a recipe that notes when it began and ended, and counts its steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.config import home
from workbench.jobs import cancel, job_state, output_tail, start_training, wake
from workbench.jobs.queue import EVERYBODY, Job, jobs
from workbench.jobs.table import queue_folder

RECIPE = """
import json, os, sys, time
from pathlib import Path
import yaml
settings = yaml.safe_load(Path(sys.argv[sys.argv.index("--config") + 1]).read_text())
home, name = Path(os.environ["WORKBENCH_HOME"]), settings["name"]
folder = home / "runs" / name
from workbench.processes import mark
def say(state, step, reason=""):
    status = dict(mark(), state=state, stage="learning", step=step, steps=settings["train"]["steps"],
                  updated=time.time(), reason=reason)
    (folder / "status.new").write_text(json.dumps(status)); os.replace(folder / "status.new", folder / "status.json")
def note(word):
    with (home / "order.txt").open("a") as file: file.write(f"{word} {name}\\n")
done = folder / "done.txt"
step = int(done.read_text()) if done.exists() else 0
note("begins")
while step < settings["train"]["steps"]:
    step += 1
    (folder / "done.new").write_text(str(step)); os.replace(folder / "done.new", done)
    say("running", step)
    if (folder / "stop").exists():
        say("stopped", step, "stopped by hand"); note("ends"); sys.exit(0)
    time.sleep(0.02)
say("done", step); note("ends")
"""


def recipe(folder: Path) -> Path:
    """The recipe as a file."""
    path = folder / "recipe.py"
    path.write_text(RECIPE)
    return path


def train(name: str, script: Path, steps: int = 10, **about: object) -> Job:
    return start_training({"train.steps": steps}, name, recipe=script, **about)  # type: ignore[arg-type]


def order() -> list[str]:
    """What began and ended, in order."""
    file = home() / "order.txt"
    return file.read_text().split("\n")[:-1] if file.exists() else []


def wait(happened: Callable[[], bool], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not happened():
        told = [(job.id, job.name, job.state, job.reason) for job in jobs(owner=EVERYBODY)]
        outputs = {name: output_tail(name) for _, name, _, _ in told}
        said = (queue_folder() / "worker.txt").read_text() if (queue_folder() / "worker.txt").exists() else ""
        assert time.monotonic() < end, f"{told}\n{outputs}\n{said}"
        time.sleep(0.05)


def settled() -> bool:
    """Whether nothing waits and nothing runs."""
    return not jobs("submitted", "running", owner=EVERYBODY)


@contextmanager
def cleaned_up() -> Iterator[None]:
    """Ends what a test has left running."""
    yield
    for job in reversed(jobs("submitted", "running", owner=EVERYBODY)):
        wake(at_once=True)
        cancel(job.id, force=True, owner=EVERYBODY)
    wait(settled)


def state(name: str) -> tuple[str, int, str]:
    found = job_state(name)
    return found.state, found.step, found.reason
