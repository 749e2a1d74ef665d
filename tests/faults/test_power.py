"""A few of the power cuts that `make faults` does by hundreds, and proof that the check can fail."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from power import cut
from work import POWER, WORK, Work

from workbench.config import home


@pytest.mark.parametrize("name", [name for name in POWER if not WORK[name].ends])
def test_what_was_said_to_be_saved_survives_a_power_cut(name: str) -> None:
    tally = cut(WORK[name], cuts=5, seed=3)
    assert tally.kills == 5 and tally.wrong == []


@pytest.mark.parametrize("name", [name for name in POWER if WORK[name].ends])
def test_what_was_said_to_be_erased_does_not_come_back(name: str) -> None:
    """The whole of the work, with the disk at its worst afterwards: nothing that was not flushed has happened."""
    tally = cut(WORK[name], cuts=1, first=10**6)
    assert tally.finished == 1 and tally.wrong == []


@pytest.mark.parametrize("flushed", ["nothing", "file", "folder"])
def test_a_writer_that_does_not_flush_is_found_out(flushed: str) -> None:
    def careless(say: object, rng: object) -> None:
        folder = home() / "out"
        for number in range(10):
            temporary = folder / f".{number}"
            with temporary.open("wb") as file:
                file.write(b"PK\5\6" + bytes(18))
                file.flush()
                if flushed == "file":
                    os.fsync(file.fileno())
            temporary.replace(folder / f"{number}.zip")
            if flushed == "folder":
                handle = os.open(folder, os.O_RDONLY)
                os.fsync(handle)
            say(f"{number}.zip")  # type: ignore[operator]

    work = Work("carelessly", lambda: (home() / "out").mkdir(parents=True), careless, WORK["pack"].check)
    assert cut(work, cuts=1, first=10**6).wrong
