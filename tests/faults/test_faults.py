"""A few of the kills that `make faults` does by hundreds, a full disk, and proof that the checks can fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from disks import on_a_read_only_disk, on_a_small_disk
from killing import kill
from work import WORK, Work, new_process

from workbench.config import home


@pytest.mark.parametrize("name", WORK)
def test_nothing_that_was_said_to_be_saved_is_lost(name: str) -> None:
    tally = kill(WORK[name], kills=3, seed=7)
    assert tally.kills == 3 and tally.wrong == []


def test_a_writer_that_cuts_corners_is_found_out() -> None:
    def careless(say: object, rng: object) -> None:
        (home() / "out").mkdir(parents=True, exist_ok=True)
        for _ in range(10**6):
            with (home() / "out" / "0.zip").open("wb") as file:
                for _ in range(1000):
                    file.write(b"PK")
                    file.flush()

    tally = kill(Work("carelessly", lambda: None, careless, WORK["pack"].check), kills=2)
    assert tally.wrong


FILL = """
import sys; sys.path.insert(0, "tests/faults")
from work import WORK, new_process, _one_person
from workbench.errors import StorageError
from workbench.config import home
work, said = WORK[sys.argv[1]], []
reserve = home() / "reserve"
home().mkdir(parents=True)
reserve.write_bytes(b"x" * 500_000)
work.prepare()
try:
    work.do(said.append, None)
except StorageError as error:
    assert "disk is full" in str(error), error
    reserve.unlink()  # the way out that was told: free some space
    new_process()
    print(len(said), work.check(said))
"""


@pytest.mark.parametrize("name", ["upload", "shelf", "gallery"])
def test_a_full_disk_is_told_and_loses_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a disk of 6 MB, in a namespace of its own."""
    small = tmp_path / "small"
    small.mkdir()
    monkeypatch.setenv("WORKBENCH_HOME", str(small / "workspace"))
    monkeypatch.setenv("WORKBENCH_LORAS", str(small / "loras"))
    monkeypatch.setenv("WORKBENCH_VAULT", "file")
    done = on_a_small_disk(small, 6, [sys.executable, "-c", FILL, name])
    assert done.returncode == 0, done.stderr[-2000:]
    count, wrong = done.stdout.strip().split(" ", 1)
    assert int(count) > 0 and wrong == "[]", done.stdout


FULL = """
import sys; sys.path.insert(0, "tests/faults")
from work import WORK
from workbench.errors import StorageError
from workbench.config import home
work, said = WORK[sys.argv[1]], []
work.prepare()
class Enough(Exception): pass
def say(word):
    said.append(word)
    if len(said) >= 3: raise Enough
try: work.do(say, None)
except Enough: pass
filler = home() / "filler"
try:
    with filler.open("wb") as file:
        while True: file.write(bytes(4096)); file.flush()
except OSError: pass
try: work.do(said.append, None)
except StorageError as error: assert "disk is full" in str(error), error
filler.unlink()
print(len(said), work.check(said))
"""


@pytest.mark.parametrize("name", ["checkpoint", "line"])
def test_a_disk_that_is_filled_by_others_loses_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes up no more room as time goes by meets a full disk when somebody else has filled it."""
    small = tmp_path / "small"
    small.mkdir()
    monkeypatch.setenv("WORKBENCH_HOME", str(small / "workspace"))
    done = on_a_small_disk(small, 6, [sys.executable, "-c", FULL, name])
    assert done.returncode == 0 and done.stdout.strip().split(" ", 1)[1] == "[]", done.stdout + done.stderr[-2000:]


LOOK = """
import sys; sys.path.insert(0, "tests/faults")
from work import WORK
from workbench.errors import StorageError
try:
    WORK[sys.argv[1]].do(lambda word: sys.exit("it says that it saved"), None)
except StorageError as error:
    assert "this user may not use it" in str(error) or "attempt to write a readonly database" in str(error), error
print("told")
"""


@pytest.mark.parametrize("name", ["upload", "shelf", "gallery", "run", "checkpoint"])
def test_a_folder_that_has_become_read_only_is_told_and_loses_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a disk after an error is: mounted read-only, in a namespace of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    monkeypatch.setenv("WORKBENCH_HOME", str(disk / "workspace"))
    monkeypatch.setenv("WORKBENCH_LORAS", str(disk / "loras"))
    monkeypatch.setenv("WORKBENCH_VAULT", "file")
    WORK[name].prepare()
    said: list[str] = []

    class Enough(Exception):
        pass

    def say(word: str) -> None:
        said.append(word)
        if len(said) == 2:
            raise Enough

    with pytest.raises(Enough):
        WORK[name].do(say, None)  # type: ignore[arg-type]
    done = on_a_read_only_disk(disk, [sys.executable, "-c", LOOK, name])
    assert done.returncode == 0 and done.stdout.strip() == "told", done.stdout + done.stderr[-2000:]
    new_process()
    assert WORK[name].check(said) == [], "once it can be written again"
