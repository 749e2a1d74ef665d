"""The long run: `make fuzz`, or `python tests/fuzz/fuzzing.py --count 100000 photo header card zip`.

Each input gets a few seconds and a bounded memory, in a process of its own kind, so that a crash of a decoder costs
nothing but is seen. What is found is written to `tests/fuzz/corpus/` and from then on part of the test suite.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import resource
import signal
import sys
import time
import traceback
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent))

from targets import TARGETS, make_input, try_input

CORPUS = Path(__file__).resolve().parent / "corpus"
SECONDS, MEMORY = 10.0, 2 * 2**30
AT_ONCE = 5_000


def main() -> int:
    """Prints one line for each target; 1 when anything was found."""
    parser = argparse.ArgumentParser(description="Feeds broken files to everything that reads a stranger's file.")
    parser.add_argument("targets", nargs="*", default=list(TARGETS), help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--count", type=int, default=100_000, help="inputs for each")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    args = parser.parse_args()
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    print(f"{machine}; an input may take {SECONDS:g} s and {MEMORY >> 30} GB\n")
    print("| reader | inputs | taken | refused in words | found | slowest | memory | inputs/s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    found = 0
    for name in args.targets:
        found += fuzz(name, args.first, args.count)
    return 1 if found else 0


def fuzz(name: str, first: int, count: int) -> int:
    """Runs a target and prints its line.

    Returns:
        How many cases were found.
    """
    began, place, taken, slowest, memory = time.perf_counter(), first, 0, 0.0, 0.0
    cases: list[str] = []
    fork = multiprocessing.get_context("fork")
    while place < first + count:
        end = min(first + count, place + AT_ONCE)
        at, results = fork.Value("q", place), fork.SimpleQueue()
        worker = fork.Process(target=_work, args=(name, place, end, at, results))
        worker.start()
        worker.join()
        if not results.empty():
            some_taken, slow, used, troubles = results.get()
            taken, slowest, memory = taken + some_taken, max(slowest, slow), max(memory, used)
            cases += [_keep(name, number, why) for number, why in troubles]
            place = end
        else:  # it died: the input it was at is the case
            cases.append(_keep(name, at.value, f"the process ended with {worker.exitcode}"))
            place = at.value + 1
    rate = count / (time.perf_counter() - began)
    cells = (name, f"{count:,}", f"{taken:,}", f"{count - taken - len(cases):,}", len(cases), f"{slowest:.2f} s")
    print(f"| {' | '.join(map(str, cells))} | {memory:.0f} MB | {rate:.0f} |", flush=True)
    return len(cases)


def _work(name: str, first: int, end: int, at: Synchronized[int], results: multiprocessing.SimpleQueue) -> None:  # type: ignore[type-arg]
    make_input(TARGETS[name], 0)
    try_input(name, make_input(TARGETS[name], 0))  # imports and tables are not the input's memory
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY, resource.RLIM_INFINITY))
    signal.signal(signal.SIGALRM, _too_long)
    taken, slowest, troubles = 0, 0.0, []
    for number in range(first, end):
        at.value = number
        data = make_input(TARGETS[name], number)
        start = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            taken += try_input(name, data)
        except Exception:
            troubles.append((number, traceback.format_exc(limit=-3)))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        slowest = max(slowest, time.perf_counter() - start)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    results.put((taken, slowest, grown, troubles))


def _too_long(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"longer than {SECONDS:g} s")


def _keep(name: str, number: int, why: str) -> str:
    CORPUS.mkdir(exist_ok=True)
    (CORPUS / f"{name}-{number}.bin").write_bytes(make_input(TARGETS[name], number))
    print(f"{name} {number}: {why}", file=sys.stderr)
    return why


if __name__ == "__main__":
    sys.exit(main())
