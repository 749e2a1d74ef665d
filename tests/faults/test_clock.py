"""A clock that is set while things go on: nothing living looks dead, nothing is lost, and nothing expires too late.

The clock of this machine cannot be set for a test, so the process under test reads a clock that is years away.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workbench.config import ROOT, home
from workbench.gallery import Gallery
from workbench.jobs import job_state, queue
from workbench.jobs.follow import folder_state, has_spoken
from workbench.photos import create_subject, load_subject
from workbench.privacy import enforce_retention, write_private
from workbench.processes import is_running, mark
from workbench.training import RunFolder

YEARS = (-10, 10)
OTHER_CLOCK = "import time; real = time.time; time.time = lambda: real() + float(__import__('sys').argv[1])\n"


def under(shift: float, code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OTHER_CLOCK + code, str(shift)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("years", YEARS)
def test_a_run_whose_clock_is_years_away_is_alive_until_it_ends(years: int) -> None:
    code = (
        "from workbench.training import RunFolder; from workbench.config import home, make_folder; import sys\n"
        "run = RunFolder(make_folder(home() / 'runs' / 'mia'))\n"
        "run.status('running', step=3, steps=9); print('x', flush=True); sys.stdin.read(1)\n"
        "run.status('done', step=9)"
    )
    child = under(years * 365 * 86_400.0, code)
    assert child.stdout is not None and child.stdin is not None and child.stdout.readline() == "x\n"
    folder = home() / "runs" / "mia"
    started = mark(child.pid) | {"started": time.time()}
    (folder / "job.json").write_text(json.dumps(started))
    assert is_running(folder) and job_state("mia").state == "running" and job_state("mia").alive
    child.stdin.write("1")
    child.stdin.close()
    assert child.wait(60) == 0
    assert (job_state("mia").state, job_state("mia").step) == ("done", 9), "its last word is older than its start"
    assert not is_running(folder)


def test_the_word_of_an_earlier_process_is_not_taken_for_this_ones() -> None:
    own, earlier = mark(), mark() | {"birth": mark()["birth"] - 100}
    late, soon = time.time() + 10**6, time.time() - 10**6
    assert has_spoken(own | {"state": "done", "updated": soon}, earlier | {"started": late})
    assert not has_spoken(earlier | {"state": "done", "updated": late}, own | {"started": soon})
    before = {"pid": 5, "birth": 10.0**9, "boot": "the start before this one"}
    assert has_spoken(own | {"state": "done", "updated": soon}, before | {"started": late})
    assert not has_spoken(before | {"state": "done", "updated": late}, own | {"started": soon})


@pytest.mark.parametrize("years", YEARS)
def test_the_line_does_not_go_by_the_clock(years: int) -> None:
    first = queue.submit("generation", "first", {})
    child = under(years * 365 * 86_400.0, "from workbench.jobs.queue import submit; submit('generation', 'second', {})")
    assert child.wait(60) == 0
    queue.submit("generation", "third", {})
    assert [job.name for job in queue.line()] == ["first", "second", "third"]
    taken = queue.claim(first, "all")
    assert taken and queue.note_process(taken, mark())
    with queue.transaction() as table:
        table.execute("update jobs set heartbeat = 5, started = 1e12")
    assert queue.find(first.id).alive


@pytest.mark.parametrize("years", YEARS)
def test_pictures_of_another_time_are_all_there(years: int) -> None:
    code = (
        "sys = __import__('sys'); sys.path.insert(0, 'tests/faults'); import work\n"
        "class Stop(Exception): pass\n"
        "def say(said, count=[0]):\n"
        "    count[0] += 1\n"
        "    if count[0] == 3: raise Stop\n"
        "try: work._keep_pictures(say, None)\nexcept Stop: pass"
    )
    assert under(0, code).wait(120) == 0 and under(years * 365 * 86_400.0, code).wait(120) == 0
    assert len(Gallery().search(limit=100)) == 3


def test_photos_follow_the_clock_and_no_other() -> None:
    """What is documented: a clock that goes back makes photos stay longer, and they are erased once it is right."""
    mia = create_subject("mia", keep_days=30)
    write_private(mia.folder / "photos" / "a.png", b"x")
    now = datetime.now(UTC)
    assert enforce_retention(now - timedelta(days=4000)) == []
    assert enforce_retention(now + timedelta(days=29)) == [] and load_subject("mia").expires
    [over] = enforce_retention(now + timedelta(days=31))
    assert over.name == "mia"


def test_a_run_folder_does_not_go_by_the_clock(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "mia")
    run.folder.mkdir()
    for number in (1, 2, 3):
        run.checkpoints.mkdir()
        run.status("done", step=number)
        kept = run.set_aside()
        assert kept is not None and kept.name == str(number), "earlier runs are counted, not dated"
    assert folder_state(run.folder).state == "failed"
