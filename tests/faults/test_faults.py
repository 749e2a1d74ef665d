"""A few of the kills that `make faults` does by hundreds, a full disk, and proof that the checks can fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from killing import kill
from work import WORK, Work

from workbench.config import ROOT, home


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
    command = f"mount -t tmpfs -o size=6m tmpfs {small} && exec {sys.executable} -c '{FILL}' {name}"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no small disk may be mounted here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr[-2000:]
    count, wrong = done.stdout.strip().split(" ", 1)
    assert int(count) > 0 and wrong == "[]", done.stdout
