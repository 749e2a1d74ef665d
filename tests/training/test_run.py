"""The run folder tells the truth, also about runs that ended badly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.errors import PhotoError, RunBusyError, TrainingError
from workbench.training import RunFolder, StopAsked, Stopping

HOLD = """
import sys, time
from pathlib import Path
from workbench.training import RunFolder
run = RunFolder(Path(sys.argv[1]))
with run.hold():
    run.status("running", step=3)
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "mia")
    run.folder.mkdir()
    return run


def test_two_runs_of_one_name_refuse_until_the_first_ends(run: RunFolder) -> None:
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(run.folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(RunBusyError, match=f"Run mia: another process .number {other.pid}."), run.hold():
            pass
    finally:
        other.kill()
        other.wait()
    with run.hold():  # a killed process holds nothing
        run.status("running")


def test_the_heartbeat_says_who_and_when(run: RunFolder) -> None:
    run.status("running", stage="training", step=3, steps=9)
    status = json.loads((run.folder / "status.json").read_text())
    assert status["pid"] == os.getpid() and abs(status["updated"] - time.time()) < 60
    assert {key: status[key] for key in ("state", "stage", "step", "steps", "reason")} == {
        "state": "running", "stage": "training", "step": 3, "steps": 9, "reason": "",
    }  # fmt: skip


def test_beats_from_a_loop_are_written_once_a_second(run: RunFolder) -> None:
    run.status("running", step=0)
    run.status(beat=True, step=1)
    assert run.read_status()["step"] == 0
    run._last_beat -= 2
    run.status(beat=True, step=2)
    assert run.read_status()["step"] == 2


def test_a_broken_heartbeat_is_no_heartbeat(run: RunFolder) -> None:
    assert run.read_status() == {}
    (run.folder / "status.json").write_text("{")
    assert run.read_status() == {}


def test_metrics_of_steps_that_are_done_again_are_dropped(run: RunFolder) -> None:
    run.add_metrics({"step": step, "loss": 0.5} for step in range(1, 8))
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 8, "lo')  # the process was killed here
    assert [record["step"] for record in run.metrics()] == [1, 2, 3, 4, 5, 6, 7]
    run.forget_metrics_after(4)
    run.add_metrics([{"step": 5, "loss": 0.4}])
    assert [record["step"] for record in run.metrics()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (StopAsked("stopped by hand"), "stopped", "stopped by hand"),
        (PhotoError("a.jpg", "it is cut off", "Bring it again"), "failed", "a.jpg: it is cut off. Bring it again."),
        (ZeroDivisionError("oh"), "failed", "ZeroDivisionError: oh"),
        (SystemExit(1), "failed", "ended by SystemExit"),
    ],
)
def test_however_a_run_ends_its_folder_says_so(run: RunFolder, error: BaseException, state: str, reason: str) -> None:
    try:
        with run.attempt():
            raise error
    except BaseException as caught:
        assert caught is error and state == "failed"
    status = run.read_status()
    assert (status["state"], status["reason"]) == (state, reason)
    assert reason in (run.folder / "log.txt").read_text()


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")]
)
def test_memory_that_ran_out_has_a_way_out(run: RunFolder, error: Exception) -> None:
    with pytest.raises(TrainingError, match=r"Lower data\.resolution"), run.attempt():
        raise error
    assert "the memory ran out" in run.read_status()["reason"]


def test_a_finished_run_is_set_aside_whole(run: RunFolder) -> None:
    run.status("done")
    run.add_metrics([{"step": 1}])
    (run.folder / "adapter.safetensors").write_bytes(b"weights")
    (run.folder / "request.yaml").write_text("the next run's")
    kept = run.set_aside()
    assert kept == run.folder / "earlier" / "1"
    assert {path.name for path in kept.iterdir()} == {"status.json", "metrics.jsonl", "adapter.safetensors"}
    assert {path.name for path in run.folder.iterdir()} == {"earlier", "request.yaml"}
    (run.folder / "adapter.safetensors").write_bytes(b"weights")
    assert run.set_aside() == run.folder / "earlier" / "2"


def test_a_run_that_made_nothing_is_not_kept(run: RunFolder) -> None:
    run.status("failed")
    run.add_metrics([{"step": 1}])
    assert run.set_aside() is None
    assert list(run.folder.iterdir()) == []


def test_a_file_named_stop_stops(run: RunFolder) -> None:
    stopping = Stopping(run)
    assert not stopping.asked()
    stopping.check()
    (run.folder / "stop").touch()
    assert stopping.asked()
    with pytest.raises(StopAsked, match="stopped by hand"):
        stopping.check()
    run.clear_stop()
    assert not Stopping(run).asked()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_wish_first_and_an_order_the_second_time(run: RunFolder, number: signal.Signals) -> None:
    stopping, orders = Stopping(run), []
    before = signal.signal(number, lambda *_: orders.append(1))
    try:
        with stopping.listening():
            os.kill(os.getpid(), number)
            assert stopping.asked() and not orders
            os.kill(os.getpid(), number)
            assert orders == [1]
        assert signal.getsignal(number) is not None
    finally:
        signal.signal(number, before)


def test_the_page_can_read_a_run_without_torch() -> None:
    code = "import sys, workbench.training, workbench.dataset; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
