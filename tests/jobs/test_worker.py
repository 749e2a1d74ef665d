"""Workers and jobs as real processes, killed at every place: each job ends in a true state, nothing saved is lost."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from quick import order, settled, state, train, wait

from workbench.config import ROOT, home
from workbench.errors import JobError, RunBusyError
from workbench.jobs import cancel, job_state, list_jobs, queue, resume, run_folder, submit_pictures, training, wake
from workbench.jobs.follow import read_metrics
from workbench.jobs.lanes import ONLY, lane_environment, lanes
from workbench.jobs.log import FACTS, read_log
from workbench.jobs.table import queue_folder
from workbench.jobs.worker import GATE, work
from workbench.privacy.keys import PASSPHRASE, _unlocked, new_vault, save_vault
from workbench.processes import mark

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("nothing_left_behind")]


def workers() -> list[psutil.Process]:
    """The workers of this test's workspace."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cmdline()[1:3] == ["-m", "workbench.jobs.worker"] and (
                process.environ().get("WORKBENCH_HOME") == str(home())
            ):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


def kill_workers() -> None:
    for process in workers():
        process.kill()
        process.wait(20)


def kill_job(name: str) -> None:
    """SIGKILL to a run's launcher and recipe."""
    pids = {job_state(name).pid, *(job.pid for job in queue.jobs("running") if job.name == name)}
    for pid in pids - {None}:
        with suppress(psutil.NoSuchProcess):
            for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
                process.kill()
                process.wait(20)


def running(name: str) -> bool:
    return job_state(name).state == "running" and job_state(name).step > 2


def test_one_at_a_time_in_a_fair_order_and_the_worker_ends_with_the_line(script: Path) -> None:
    for name, owner in (("a1", "ann"), ("a2", "ann"), ("a3", "ann"), ("b1", "ben")):
        train(name, script, steps=5, owner=owner)
    wait(settled)
    assert order() == [f"{word} {name}" for name in ("a1", "b1", "a2", "a3") for word in ("begins", "ends")]
    wait(lambda: not workers())
    assert {job.state for job in queue.jobs(owner=queue.EVERYBODY)} == {"done"}


def test_a_worker_that_is_killed_takes_no_job_along(script: Path) -> None:
    train("mia", script, steps=60)
    train("leo", script, steps=3)
    wait(lambda: running("mia"))
    kill_workers()
    assert job_state("mia").state == "running" and job_state("leo").place == 1
    wait(lambda: job_state("mia").state == "done")
    assert [job.state for job in queue.jobs()] == ["running", "submitted"], "nobody has looked yet"
    # A look starts a worker every ten seconds at the most, and this process started one a moment ago.
    assert wake() == 0 and wake(at_once=True) == 1
    wait(settled)
    assert order() == ["begins mia", "ends mia", "begins leo", "ends leo"]
    assert [job.state for job in queue.jobs()] == ["done", "done"]


def test_a_second_worker_waits_for_the_job_of_the_first(script: Path) -> None:
    train("mia", script, steps=80)
    train("leo", script, steps=3)
    wait(lambda: running("mia"))
    kill_workers()
    wake(at_once=True)
    time.sleep(0.5)
    assert job_state("mia").alive and job_state("leo").waiting
    wait(settled)
    assert order() == ["begins mia", "ends mia", "begins leo", "ends leo"]


def test_everything_killed_at_once_is_told_truly_and_resumed(script: Path) -> None:
    train("mia", script, steps=100_000)
    train("leo", script, steps=3)
    wait(lambda: running("mia"))
    kill_workers()
    kill_job("mia")
    dead = job_state("mia")
    assert (dead.state, dead.alive, dead.can_resume) == ("failed", False, True) and job_state("leo").waiting
    saved = int((run_folder("mia") / "done.txt").read_text())
    wake(at_once=True)
    wait(settled)
    first, second = queue.jobs()
    assert (first.state, first.reason) == ("failed", "the process ended without a word") and second.state == "done"
    file = run_folder("mia") / "request.yaml"
    file.write_text(file.read_text().replace("100000", str(saved + 3)))
    resume("mia", recipe=script)
    wait(settled)
    assert state("mia") == ("done", saved + 3, "")
    assert [line for line in order() if "mia" in line] == ["begins mia", "begins mia", "ends mia"]


def test_after_a_restart_of_the_computer_nothing_runs_and_the_reason_is_told(script: Path) -> None:
    """The process numbers of before may belong to living strangers now; here to this very test."""
    train("mia", script, steps=100_000)
    wait(lambda: running("mia"))
    kill_workers()
    kill_job("mia")
    then = {"pid": os.getpid(), "birth": mark()["birth"], "boot": "the start before this one"}
    with queue.transaction() as table:
        table.execute("update jobs set pid = :pid, birth = :birth, boot = :boot", then)
    for file in ("status.json", "job.json"):
        path = run_folder("mia") / file
        path.write_text(json.dumps(json.loads(path.read_text()) | then))
    assert (job_state("mia").state, job_state("mia").alive) == ("failed", False)
    wake(at_once=True)
    wait(settled)
    assert queue.jobs()[0].reason == job_state("mia").reason == "the computer was restarted while it ran"
    resume("mia", recipe=script)
    wait(lambda: running("mia"))


def test_a_job_that_was_taken_by_a_worker_that_died_waits_again(script: Path) -> None:
    job = queue.submit("training", "mia", {"settings": "name: mia\ntrain:\n  steps: 3\n", "recipe": str(script)})
    assert queue.claim(job, ONLY)
    assert job_state("mia").state == "preparing" and not job_state("mia").alive
    wake(at_once=True)
    wait(settled)
    assert queue.find(job.id).state == "done" and order() == ["begins mia", "ends mia"]


def test_a_process_that_was_not_written_down_does_not_begin(tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = [sys.executable, "-S", "-c", GATE, sys.executable, "-c", f"open({str(told)!r}, 'w')"]
    shut = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert shut.stdin is not None
    shut.stdin.close()  # as the system does when the worker is killed
    assert shut.wait(60) == 1 and not told.exists()
    let = subprocess.run(command, input=b"1")
    assert let.returncode == 0 and told.exists()


def test_a_full_disk_is_told_before_anything_begins(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"])
    settings = "name: mia\ntrain:\n  steps: 3\n"
    queue.submit("training", "mia", {"settings": settings, "recipe": str(script)})
    with monkeypatch.context() as full:
        full.setattr(training, "NEEDED_BYTES", 10**18)
        assert work(ONLY) == 1
    failed = job_state("mia")
    assert failed.state == "failed" and "MB are free" in failed.reason and failed.can_resume
    assert not (run_folder("mia") / "request.yaml").exists() and [each.name for each in list_jobs()] == ["mia"]
    resume("mia")  # with the settings that it never could begin with
    wait(settled)
    assert state("mia") == ("done", 3, "")


def test_what_waits_is_cancelled_and_what_runs_saves_and_stops(script: Path) -> None:
    first, second = train("mia", script, steps=100_000), train("leo", script)
    with pytest.raises(RunBusyError):
        train("leo", script)
    wait(lambda: running("mia"))
    cancel(second.id)
    assert queue.find(second.id).reason == "cancelled before it began" and not run_folder("leo").exists()
    with pytest.raises(JobError, match="no such run"):
        job_state("leo")
    cancel(first.id)
    wait(settled)
    assert state("mia")[0::2] == ("stopped", "stopped by hand") and queue.find(first.id).state == "stopped"
    for number in (first.id, second.id):
        with pytest.raises(JobError, match="not running"):
            cancel(number)


def test_a_run_on_a_launch_line_of_its_own_has_the_accelerator(script: Path) -> None:
    (home() / "runs" / "own").mkdir(parents=True)
    (home() / "runs" / "own" / "request.yaml").write_text("name: own\ntrain:\n  steps: 60\n")
    command = [sys.executable, str(script), "--config", str(home() / "runs" / "own" / "request.yaml")]
    own = subprocess.Popen(command, cwd=ROOT)
    wait(lambda: (home() / "runs" / "own" / "status.json").exists())
    train("mia", script, steps=3)
    assert own.wait(60) == 0
    wait(settled)
    assert order() == ["begins own", "ends own", "begins mia", "ends mia"]


def test_pictures_wait_in_the_same_line(script: Path) -> None:
    train("mia", script, steps=3)
    job = submit_pictures(["--adapter", "nobody", "SECRET PROMPT"], "nobody")
    wait(settled)
    ended = queue.find(job.id)
    assert ended.state == "failed" and "nobody" in ended.reason and ended.request == {}
    left = [path for path in home().rglob("*") if path.is_file() and b"SECRET" in path.read_bytes()]
    assert left == [], "a prompt was kept"


def test_what_needs_a_passphrase_waits_for_it(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_vault(new_vault("passphrase", "open sesame"))
    _unlocked.clear()
    monkeypatch.delenv(PASSPHRASE, raising=False)
    train("mia", script, steps=3)
    wait(lambda: not workers())
    assert job_state("mia").waiting and order() == []
    monkeypatch.setenv(PASSPHRASE, "open sesame")
    wake(at_once=True)
    wait(settled)
    assert state("mia")[0] == "done"


def test_the_log_tells_what_happened_and_nothing_personal(script: Path) -> None:
    train("miamia", script, steps=3)
    wait(settled)
    events = [(line["event"], line["job"]) for line in read_log()]
    assert events == [("submitted", 1), ("begun", 1), ("ended", 1)]
    ended = read_log()[-1]
    assert ended["state"] == "done" and ended["code"] == 0 and ended["seconds"] > 0
    assert all(set(line) <= {"time", "event", "job", "kind", "lane", "process", *FACTS} for line in read_log())
    text = b"".join(path.read_bytes() for path in queue_folder().glob("log*"))
    assert b"miamia" not in text and str(home()).encode() not in text


@pytest.mark.parametrize(
    ("visible", "found"),
    [("", ("all",)), ("0", ("all",)), ("0,2", ("cuda:0", "cuda:2")), ("GPU-1f,GPU-2e", ("cuda:GPU-1f", "cuda:GPU-2e"))],
)
def test_a_lane_for_each_accelerator(visible: str, found: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert lanes() == found
    assert [lane_environment(lane).get("CUDA_VISIBLE_DEVICES") for lane in found] == (
        [None] if found == ("all",) else re.split(",", visible)
    )


def test_two_accelerators_train_two_at_once(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    for name in ("mia", "leo", "kim"):
        train(name, script, steps=60)
    wait(settled)
    lines = order()
    assert lines[0].startswith("begins") and lines[1].startswith("begins") and sorted(lines).count("ends kim") == 1
    assert {job.lane for job in queue.jobs()} == {"cuda:0", "cuda:1"}
    assert read_metrics("mia") == []


def test_signals_to_the_terminal_do_not_reach_a_job(script: Path) -> None:
    """A page that is closed, or a terminal that hangs up, ends its own group of processes."""
    code = (
        "import signal, sys, time; sys.path.insert(0, 'tests/jobs')\n"
        "from pathlib import Path; from quick import train\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # tests under nohup would hand their deafness down
        f"train('mia', Path({str(script)!r}), steps=40); print('x', flush=True); time.sleep(600)"
    )
    page = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True, cwd=ROOT)
    assert page.stdout is not None and page.stdout.readline() == b"x\n"
    os.killpg(page.pid, signal.SIGHUP)
    page.wait(60)
    wait(settled)
    assert state("mia") == ("done", 40, "")
