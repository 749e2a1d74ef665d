"""One answer to "is this process alive and the same", with real processes and records of other times."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.processes import is_alive, is_running, launcher_pid, mark, worker_pid


@pytest.fixture
def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])


def test_a_process_is_alive_until_it_ends_and_a_zombie_is_not(sleeper: subprocess.Popen[bytes]) -> None:
    record = json.loads(json.dumps(mark(sleeper.pid)))
    assert is_alive(record)
    sleeper.kill()
    # Not waited for yet: it is a zombie now.
    end = time.monotonic() + 20
    while is_alive(record) and time.monotonic() < end:
        time.sleep(0.01)
    assert Path(f"/proc/{sleeper.pid}").exists() and not is_alive(record)
    sleeper.wait()
    assert not is_alive(record) and mark(sleeper.pid)["birth"] is None


def test_a_stranger_with_the_number_is_not_the_process() -> None:
    mine = mark()
    assert is_alive(mine)
    assert not is_alive(mine | {"birth": mine["birth"] - 1}), "born at another time"
    assert not is_alive(mine | {"boot": "another start of the computer"})


@pytest.mark.parametrize("pid", [None, "x", True, 0, -1, 2**22 + 1])
def test_what_is_no_process_is_not_alive(pid: object) -> None:
    assert not is_alive({"pid": pid, "birth": 1.0, "boot": ""}, seen=time.time())
    assert not is_alive({"pid": pid}, seen=time.time())


def test_a_record_without_birth_goes_by_the_last_time_it_was_seen() -> None:
    assert is_alive({"pid": os.getpid()}, seen=time.time())
    assert not is_alive({"pid": os.getpid()}, seen=time.time() - 10**6)
    assert not is_alive({"pid": os.getpid()})


@pytest.mark.parametrize("years", [-20, 20])
def test_a_clock_that_was_set_changes_nothing(years: float, tmp_path: Path) -> None:
    """The heartbeat and the start were written by a clock that is years away from today's."""
    then = time.time() + years * 365 * 86_400
    (tmp_path / "status.json").write_text(json.dumps(mark() | {"state": "running", "updated": then}))
    (tmp_path / "job.json").write_text(json.dumps(mark() | {"started": then}))
    os.utime(tmp_path / "status.json", (then, then))
    assert (worker_pid(tmp_path), launcher_pid(tmp_path), is_running(tmp_path)) == (os.getpid(), os.getpid(), True)
    (tmp_path / "status.json").write_text(json.dumps(mark(2**22 + 1) | {"state": "running", "updated": then}))
    (tmp_path / "job.json").unlink()
    assert worker_pid(tmp_path) is None and not is_running(tmp_path)


def test_a_run_that_is_silent_for_long_is_running_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text(json.dumps(mark() | {"state": "preparing", "updated": time.time() - 10**5}))
    os.utime(tmp_path / "status.json", (1, 1))
    assert is_running(tmp_path), "loading a large base can take long; its photos must not expire meanwhile"
