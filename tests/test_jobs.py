"""Jobs are real processes here: `accelerate launch` runs a small recipe that keeps a run folder like the real one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from workbench.config import home
from workbench.errors import ConfigError, JobError, RunBusyError, StorageError, SubjectError
from workbench.jobs import JobState, job_state, list_jobs, output_tail, read_metrics, resume, run_folder, start_training
from workbench.jobs import start as starting
from workbench.jobs import stop as stop_job
from workbench.jobs.queue import jobs

pytestmark = pytest.mark.slow

RECIPE = """
import json, os, sys, time
from pathlib import Path
import yaml
settings = yaml.safe_load(Path(sys.argv[sys.argv.index("--config") + 1]).read_text())
folder = Path(os.environ["WORKBENCH_HOME"]) / "runs" / settings["name"]
def say(state, step, stage="learning", reason=""):
    status = dict(state=state, stage=stage, step=step, steps=settings["train"]["steps"], pid=os.getpid(),
                  updated=time.time(), reason=reason)
    (folder / "status.new").write_text(json.dumps(status)); os.replace(folder / "status.new", folder / "status.json")
done = folder / "done.txt"
step = int(done.read_text()) if done.exists() else 0
print("hello from", os.getpid(), "threads", os.environ["WORKBENCH_THREADS"])
if settings["trigger"] == "crash":
    say("running", 0); raise ValueError("it fell over")
while step < settings["train"]["steps"]:
    step += 1
    with (folder / "metrics.jsonl").open("a") as file:
        print(json.dumps(dict(step=step, loss=1 / step, left=9.5, lr=0.1, grad_norm=1.0, seconds=0.01)), file=file)
    say("running", step)
    if (folder / "stop").exists():
        done.write_text(str(step)); say("stopped", step, reason="stopped by hand"); sys.exit(0)
    time.sleep(0.02)
say("done", step)
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.py"
    path.write_text(RECIPE)
    return path


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    yield
    # What waits first: it would begin when the others end.
    for state in sorted(list_jobs(), key=lambda state: not state.waiting):
        if state.active:
            stop_job(state.name, force=True)


def wait(name: str, until: Callable[[JobState], bool], seconds: float = 300) -> JobState:
    end = time.monotonic() + seconds
    while True:
        state = job_state(name)
        if until(state):
            return state
        assert time.monotonic() < end, f"{state}\n{output_tail(name)}"
        time.sleep(0.05)


def ended(state: JobState) -> bool:
    return not state.active


def test_a_run_is_followed_to_its_end(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("me").mkdir()
    wishes = {"photos": "me", "train.steps": 30, "traits": {"glasses": "round"}, "flips": False}
    job = start_training(wishes, "mia", recipe=recipe)
    assert (job.state, job.kind, job.owner) == ("submitted", "training", "local")
    first = wait("mia", lambda state: state.alive)
    assert (first.state, first.stage, first.can_resume) == ("preparing", "starting", False)
    # Its own session: closing the terminal or stopping the page does not reach it.
    assert first.pid and os.getsid(first.pid) == first.pid != os.getsid(0)
    running = wait("mia", lambda state: state.state == "running")
    assert running.steps == 30 and running.alive and running.seconds_left == 9.5 and running.pid != first.pid
    done = wait("mia", ended)
    assert (done.state, done.step, done.reason, done.seconds_left, done.can_resume) == ("done", 30, "", None, False)
    assert done.loss == pytest.approx(1 / 30)
    assert [record["step"] for record in read_metrics("mia")] == list(range(1, 31))
    assert output_tail("mia")[0].startswith("hello from")
    asked = yaml.safe_load((run_folder("mia") / "request.yaml").read_text())
    assert asked["traits"] == {"glasses": "round"} and asked["train"]["techniques"]["flips"] == 0
    # The run works elsewhere; a base's short name is no folder.
    assert (asked["photos"], asked["base"]) == (str(tmp_path / "me"), "chibi-mini")
    with pytest.raises(JobError, match="finished"):
        resume("mia", recipe=recipe)


def test_a_run_is_stopped_and_resumed_and_never_doubled(recipe: Path) -> None:
    start_training({"steps": 100_000}, "mia", recipe=recipe)
    wait("mia", lambda state: state.step > 3)
    with pytest.raises(RunBusyError, match="being trained already"):
        start_training({"steps": 5}, "mia", recipe=recipe)
    with pytest.raises(RunBusyError):
        resume("mia", recipe=recipe)
    stop_job("mia")
    stopped = wait("mia", ended)
    assert (stopped.state, stopped.reason, stopped.can_resume) == ("stopped", "stopped by hand", True)
    with pytest.raises(JobError, match="not running"):
        stop_job("mia")
    resume("mia", recipe=recipe)
    assert job_state("mia").state in ("submitted", "preparing"), "the old heartbeat must not hide the new process"
    wait("mia", lambda state: state.step > stopped.step)


def test_a_killed_run_is_shown_truly_and_can_be_resumed(recipe: Path) -> None:
    start_training({"steps": 100_000}, "mia", recipe=recipe)
    running = wait("mia", lambda state: state.state == "running")
    assert running.pid is not None
    for process in psutil.Process(running.pid).parents():
        if "accelerate" in " ".join(process.cmdline()):
            process.kill()
    os.kill(running.pid, signal.SIGKILL)
    dead = wait("mia", lambda state: [job.state for job in jobs()] == ["failed"])
    assert (dead.state, dead.reason, dead.can_resume) == ("failed", "it was killed (SIGKILL)", True)
    assert json.loads((run_folder("mia") / "status.json").read_text())["state"] == "running"
    resume("mia", recipe=recipe)
    assert wait("mia", lambda state: state.state == "running").reason == ""


def test_a_run_outlives_the_program_that_started_it(recipe: Path) -> None:
    script = (
        "from pathlib import Path; from workbench.jobs import start_training;"
        f"start_training({{'steps': 60}}, '小雨', recipe=Path({str(recipe)!r}))"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    assert [state.name for state in list_jobs()] == ["小雨"]
    assert wait("小雨", ended).state == "done"


def test_a_recipe_that_falls_over_says_its_last_words(recipe: Path) -> None:
    start_training({"trigger": "crash"}, "mia", recipe=recipe)
    state = wait("mia", ended)
    assert (state.state, state.reason) == ("failed", "ValueError: it fell over")


def test_a_run_that_is_still_loading_can_be_stopped(recipe: Path) -> None:
    start_training({"steps": 100_000}, "mia", recipe=recipe)
    launcher = wait("mia", lambda state: state.alive).pid
    stop_job("mia")
    state = wait("mia", ended)
    assert (state.state, state.reason, state.can_resume) == ("stopped", "stopped by hand", True)
    assert launcher and (not psutil.pid_exists(launcher) or psutil.Process(launcher).status() == psutil.STATUS_ZOMBIE)
    wait("mia", lambda state: [job.state for job in jobs()] == ["stopped"])


def test_two_presses_of_the_button_start_one_run(recipe: Path) -> None:
    script = (
        "from pathlib import Path; from workbench.jobs import start_training;"
        f"start_training({{'steps': 100000}}, 'mia', recipe=Path({str(recipe)!r}))"
    )
    both = [subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate()[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    assert any("RunBusyError" in error for error in errors)


def test_a_stranger_with_the_same_process_number_is_not_our_run() -> None:
    folder = run_folder("old")
    folder.mkdir(parents=True)
    long_ago = psutil.Process().create_time() - 3600
    status = {"state": "running", "stage": "learning", "step": 5, "steps": 9, "pid": os.getpid(), "updated": long_ago}
    (folder / "status.json").write_text(json.dumps(status))
    assert (job_state("old").state, job_state("old").alive) == ("failed", False)
    with pytest.raises(JobError, match="not running"):
        stop_job("old", force=True)


def test_half_written_files_are_read_as_far_as_they_go() -> None:
    folder = run_folder("half")
    folder.mkdir(parents=True)
    (folder / "status.json").write_text('{"state": "run')
    (folder / "metrics.jsonl").write_text('{"step": 1, "loss": 0.5}\n[]\n{"step": 2, "lo')
    state = job_state("half")
    assert (state.state, state.loss, state.can_resume) == ("failed", 0.5, False)
    assert read_metrics("half") == [{"step": 1, "loss": 0.5}]
    with pytest.raises(JobError, match="settings are gone"):
        resume("half")


def test_nothing_is_started_on_bad_input(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="did you mean lora"):
        start_training({"rnk": 4}, "mia", recipe=recipe)
    with pytest.raises(SubjectError):
        start_training({}, "../mia", recipe=recipe)
    with pytest.raises(JobError, match="no such run"):
        job_state("nobody")
    # A run that would need more than any disk has.
    monkeypatch.setattr(starting, "NEEDED_BYTES", 10**18)
    with pytest.raises(StorageError, match="MB are free"):
        start_training({}, "mia", recipe=recipe)
    assert not (home() / "runs").exists()
    assert list_jobs() == []
