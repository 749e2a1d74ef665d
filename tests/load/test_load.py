"""The load's short form, its clean-up, and proof that its checks can fail."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.load.memory import KINDS, Memory
from benchmarks.load.report import in_words, percentile
from benchmarks.load.server import Person, new_marker
from benchmarks.load.visitor import Book, Visitor
from workbench.accounts import Owner
from workbench.config import ROOT

COMMAND = [sys.executable, "-m", "benchmarks.load"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_short_form_finds_no_error_and_no_wrong_owner(tmp_path: Path) -> None:
    out = tmp_path / "load.json"
    done = subprocess.run([*COMMAND, "--quick", "--out", str(out)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    report = json.loads(out.read_text())
    assert report["errors"] == report["wrong"] == []
    counts = report["counts"]
    for probe in (
        "own markers looked for",
        "others' markers looked for",
        "others' addresses asked for",
        "markers read",
    ):
        assert counts[probe] > 0, f"a check that did not check: {probe}"
    assert counts["requests drawn"] > 0 and report["latency"]["Gallery: open in a new window"]["p99"] > 0
    assert report["memory"]["peak"]["gate"] > 0 and report["memory"]["peak"]["pages"] > 0
    assert "**0 errors, 0 times" in in_words(report) and "Gallery: next page" in done.stdout + in_words(report)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ctrl_c_ends_every_process_and_erases_everything(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--sessions", "2", "--people", "1", "--pictures", "10", "--painters", "0", "--no-training"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    end = time.monotonic() + 240
    while not (pages := _of(tmp_path, "workbench.gate.page")):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 130 and "cleaned up" in said, said
    assert not any(page.is_running() for page in pages) and not _of(tmp_path, "")
    assert list(tmp_path.iterdir()) == []


def _of(folder: Path, word: str) -> list[psutil.Process]:
    """The processes whose workspace is below a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            below = process.environ().get("WORKBENCH_HOME", "").startswith(str(folder))
            if below and word in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def visitor(book: Book) -> Visitor:
    ann, ben = (Person(name, Owner(Path("/nowhere"), name[0] * 16, Path("/nowhere"))) for name in ("ann", "ben"))
    return Visitor(0, ann, [ben], "http://127.0.0.1", 1.0, book)


def test_a_marker_of_somebody_else_is_noticed_wherever_it_is_in_what_came() -> None:
    book = Book()
    one = visitor(book)
    one.person.markers.add(mine := new_marker())
    one._read(f"<p>{one.person.marker} and {mine}</p>".encode())
    assert book.wrong == [] and book.counts["markers read"] == 2
    one._read(b"\x89PNG" + b"x" * 100_000 + one.others[0].marker.encode() + b"x" * 100)
    assert len(book.wrong) == 1 and one.others[0].marker in book.wrong[0]


@pytest.mark.parametrize(("grows", "flat"), [(0.0, True), (1.0, False)])
def test_memory_that_grows_is_not_called_flat(grows: float, flat: bool) -> None:
    memory = Memory()
    for at in range(0, 1800, 5):
        warm = min(at, 400)  # bases are opened in the first minutes
        memory.samples.append((float(at), 100.0, 400.0 + 2 * warm + grows * at, 900.0, 0.0))
    said = memory.said()
    assert said["flat"] is flat and said["peak"]["training"] == 900.0 and len(memory.samples[0]) == 1 + len(KINDS)
    memory.samples = memory.samples[:20]
    assert memory.said()["flat"] is None, "a minute says nothing"


def test_percentiles_are_nearest_ranks() -> None:
    values = [float(each) for each in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50.0, 95.0, 99.0, 100.0]
    assert percentile([3.0], 0.5) == percentile([3.0], 0.99) == 3.0
