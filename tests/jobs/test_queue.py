"""The table of jobs: durable, shared by processes, fair, and silent about what is over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from disks import on_a_read_only_disk

from workbench.config import home
from workbench.errors import JobError, RunBusyError, StorageError
from workbench.jobs import queue
from workbench.jobs.order import in_order
from workbench.jobs.table import queue_file, queue_folder, set_broken_aside, transaction

SUBMIT = "from workbench.jobs.queue import submit; import sys, os\n"


def python(code: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", SUBMIT + code], stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload,no-any-return]


def test_a_job_that_was_taken_in_survives_the_death_of_who_asked() -> None:
    child = python("print(submit('generation', 'mia', {'words': ['x']}).id, flush=True); os.kill(os.getpid(), 9)")
    said, _ = child.communicate()
    assert child.returncode == -signal.SIGKILL
    job = queue.find(int(said))
    assert (job.state, job.kind, job.name, job.owner, job.request) == (
        "submitted", "generation", "mia", "local", {"words": ["x"]},
    )  # fmt: skip
    with transaction() as table:
        assert table.execute("pragma journal_mode").fetchone()[0] == "wal"
        assert table.execute("pragma synchronous").fetchone()[0] == 2, "each commit is flushed"


def test_many_processes_submit_at_once_and_none_is_lost() -> None:
    code = "print([submit('generation', f'{sys.argv[0]}', {}).id for _ in range(20)])"
    children = [python(code) for _ in range(4)]
    said = [number for child in children for number in eval(child.communicate()[0])]
    assert [child.returncode for child in children] == [0] * 4
    assert sorted(said) == list(range(1, 81)) == [job.id for job in queue.jobs()]


def test_one_training_of_a_name_and_owner_at_a_time() -> None:
    first = queue.submit("training", "mia", {"settings": ""})
    with pytest.raises(RunBusyError):
        queue.submit("training", "mia", {"settings": ""})
    queue.submit("training", "mia", {"settings": ""}, owner="ben")
    queue.submit("generation", "mia", {})
    assert queue.withdraw(first) and not queue.withdraw(first)
    assert queue.submit("training", "mia", {"settings": ""}).id > first.id


@dataclass
class Waits:
    id: int
    owner: str
    priority: int = 0


@pytest.mark.parametrize(
    ("waiting", "served", "order"),
    [
        ("a a a b", {}, "1a 4b 2a 3a"),
        ("a a b b c", {"a": 3, "b": 2, "c": 1}, "5c 3b 1a 4b 2a"),
        ("a a b", {"b": 9}, "1a 3b 2a"),
        ("a a+ b", {}, "2a 3b 1a"),
        ("a b+ b+", {"b": 5}, "1a 2b 3b"),
        ("a- a b b b", {}, "2a 3b 4b 5b 1a"),
        ("", {}, ""),
    ],
)
def test_owners_take_turns(waiting: str, served: dict[str, int], order: str) -> None:
    """`a+` is a job of a with a high priority, `a-` one with a low one."""
    jobs = [
        Waits(number, word[0], {"+": 1, "-": -1}.get(word[1:], 0)) for number, word in enumerate(waiting.split(), 1)
    ]
    assert " ".join(f"{job.id}{job.owner}" for job in in_order(jobs, served)) == order


def test_the_line_that_is_shown_is_the_line_that_is_served() -> None:
    for name, owner, priority in (("1", "a", 0), ("2", "a", 0), ("3", "b", 0), ("4", "a", 1), ("5", "c", -1)):
        queue.submit("generation", name, {}, owner=owner, priority=priority)
    shown, served = [], []
    while line := queue.line():
        shown.append(line[0].name)
        job = queue.claim(line[0], "all")
        assert job is not None
        served.append(job.name)
        queue.end(job, "done")
    assert served == shown == ["4", "3", "1", "2", "5"]


def test_a_priority_can_be_changed_while_it_waits() -> None:
    first, second = (queue.submit("generation", name, {}) for name in ("one", "two"))
    assert queue.set_priority(second, 1) and [job.name for job in queue.line()] == ["two", "one"]
    taken = queue.claim(second, "all")
    assert taken and not queue.set_priority(taken, -1) and not queue.claim(second, "all")
    assert queue.places_in_line() == {first.id: 1}


def test_of_others_one_sees_only_the_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORKBENCH_SHARED", str(tmp_path))
    for owner in ("a" * 16, "b" * 16):
        monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "people" / owner / "workspace"))
        queue.submit("generation", "mia", {"words": []})
    assert queue.this_owner() == "b" * 16 and queue_folder() == tmp_path / "queue"
    [mine] = queue.jobs()
    assert mine.owner == "b" * 16 and mine.places["WORKBENCH_HOME"] == str(home())
    assert len(queue.line()) == 2
    with pytest.raises(JobError, match="no such job"):
        queue.find(1)
    assert queue.find(1, queue.EVERYBODY).owner == "a" * 16
    assert queue.drop() == 1 and len(queue.jobs(owner=queue.EVERYBODY)) == 1, "an owner's rows, and no other's"


def test_what_was_asked_for_is_not_kept_and_a_dropped_row_leaves_no_byte() -> None:
    for marker in ("MARKER-ONE", "MARKER-TWO"):
        queue.submit("generation", "zkqzkq", {"words": [marker]})
    job = queue.claim(queue.line()[0], "all")
    assert job is not None and queue.note_process(job, {"pid": 1, "birth": 1.0, "boot": ""})
    queue.end(job, "done")
    assert queue.find(job.id).request == {}
    assert queue.drop({"zkqzkq"}) == 2 and queue.jobs() == []
    left = b"".join(path.read_bytes() for path in queue_folder().iterdir())
    assert b"zkqzkq" not in left and b"MARKER" not in left


def test_history_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "KEPT", 3)
    for _ in range(5):
        queue.end(queue.submit("generation", "mia", {}), "done")
    assert [job.id for job in queue.jobs()] == [3, 4, 5]


def test_looking_makes_nothing() -> None:
    assert queue.jobs() == queue.line() == [] and queue.drop({"mia"}) == 0
    with pytest.raises(JobError):
        queue.find(1)
    assert not home().exists()


def test_a_read_only_queue_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a disk that is mounted read-only, as after an error of the disk; in a namespace of its own."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "disk" / "workspace"))
    queue.submit("generation", "mia", {})
    look = (
        "from workbench.jobs import queue, list_jobs, wake\nfrom workbench.errors import StorageError\n"
        "print([job.name for job in queue.line()], wake(), list_jobs())\n"
        "try: queue.submit('generation', 'leo', {})\nexcept StorageError as error: print('refused')"
    )
    done = on_a_read_only_disk(tmp_path / "disk", [sys.executable, "-c", look])
    assert done.stdout.split("\n")[:2] == ["['mia'] 0 []", "refused"], done.stdout + done.stderr


def test_it_is_read_while_others_open_and_close_it() -> None:
    """Who closes the table last takes its log of changes away, at any moment of somebody else's look."""
    queue.submit("generation", "mia", {})

    def look(_: int) -> list[int]:
        return [job.id for _ in range(600) for job in queue.line()]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(look, range(4))) == [[1] * 600] * 4


def test_a_broken_table_is_told_and_set_aside() -> None:
    queue.submit("generation", "mia", {})
    assert set_broken_aside() is None
    content = bytearray(queue_file().read_bytes())
    content[:200] = os.urandom(200)
    queue_file().write_bytes(content)
    with pytest.raises(StorageError, match="doctor --repair"):
        queue.submit("generation", "leo", {})
    aside = set_broken_aside()
    assert aside is not None and aside.read_bytes() == bytes(content)
    assert queue.submit("generation", "leo", {}).id == 1


def test_a_queue_of_a_newer_version_is_refused() -> None:
    queue.submit("generation", "mia", {})
    with transaction() as table:
        table.execute("pragma user_version = 99")
    with pytest.raises(StorageError, match="newer workbench"):
        queue.submit("generation", "leo", {})
