"""Fifty sessions browse galleries of ten thousand pictures on the shared page, while one trains and four draw.

    make load                                   30 minutes, after a few to fill the galleries
    SOAK_MINUTES=120 make load ARGS=--page      longer, and the table goes into docs/reliability.md
    python -m benchmarks.load --quick           a minute, to see that it works

Everything lives in a folder of its own that is gone afterwards, with every process that was started; Ctrl-C too.
Sessions share accounts, since each account is a process of 150 MB and more. Exit code 1 when there was an error, when
anybody saw what is somebody else's, or when memory grew. Results: `benchmarks/results/load-MACHINE.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.load.memory import Memory
from benchmarks.load.report import PAGE, in_words, latencies, latency_table
from benchmarks.load.server import Person, Server
from benchmarks.load.visitor import Book, Visitor
from benchmarks.tables import put
from workbench.config import atomic_write
from workbench.device import prepare_environment

RESULTS = Path(__file__).parents[1] / "results"
QUICK = {"sessions": 6, "people": 2, "pictures": 60, "minutes": 0.5, "think": 0.3, "painters": 1, "no_training": True}
COME = 0.7  # s between two who log in: a password costs a fifth of a second of a core
EVERY = 5.0  # s between two looks at the memory
ENDLESS = 100_000  # steps: the training goes on until the end


def main(words: Sequence[str] | None = None) -> int:
    """Measures, prints a table, and writes the results."""
    args = _parsed(words)
    prepare_environment()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="chibi-load-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder), args.people)
        try:
            report = measure(server, args)
        except KeyboardInterrupt:
            print("\nStopped; everything is cleaned up.", file=sys.stderr)
            return 130
        finally:
            server.stop()
    print(f"\n{latency_table(report)}\n")
    for each in [*report["errors"][:20], *report["wrong"][:20]]:
        print(each, file=sys.stderr)
    print(in_words(report).partition("\n\n|")[0].partition("\n\n")[2])
    atomic_write(args.out or RESULTS / f"load-{_here(report)}.json", json.dumps(report, indent=1) + "\n")
    if args.page:
        put("load", in_words(report), PAGE)
    return 1 if report["errors"] or report["wrong"] or report["memory"]["flat"] is False else 0


def measure(server: Server, args: argparse.Namespace) -> dict[str, Any]:
    """Fills, serves, lets them all come, and looks on.

    Args:
        args: see `--help`.
    """
    from workbench.training.report import machine

    for number, person in enumerate(server.people, 1):
        _say(f"{args.pictures:,} pictures for {number} of {len(server.people)} people")
        size = server.furnish(person, args.pictures)
    server.start()
    if not args.no_training:
        server.train(server.people[0], ENDLESS)
    book, memory = Book(), Memory()
    asyncio.run(_soak(server, args, book, memory))
    steps = 0 if args.no_training else server.steps_trained(server.people[0])
    if not args.no_training and not steps:
        book.errors.append("the training did no step")
    book.errors += server.log_of_errors()
    asked = {name: getattr(args, name) for name in ("sessions", "people", "pictures", "minutes", "think")}
    return {
        "asked": asked | {"megabytes": round(size / 1e6)},
        "painters": args.painters,
        "trains": int(not args.no_training),
        "errors": book.errors,
        "wrong": book.wrong,
        "counts": dict(sorted(book.counts.items())),
        "latency": latencies(book.seconds),
        "memory": memory.said(),
        "steps_trained": steps,
        "load": [round(each, 1) for each in os.getloadavg()],
        "machine": machine("cpu"),
        "measured": time.strftime("%Y-%m-%d"),
        "versions": {each: version(each) for each in ("streamlit", "starlette", "uvicorn", "chibi-workbench")},
    }


async def _soak(server: Server, args: argparse.Namespace, book: Book, memory: Memory) -> None:
    book.begins = time.monotonic() + args.sessions * COME
    end = book.begins + args.minutes * 60
    people = server.people
    tasks = []

    async def come(number: int, person: Person, paints: bool) -> None:
        await asyncio.sleep(number * COME)
        others = [each for each in people if each is not person]
        await Visitor(number, person, others, server.url, args.think, book).visit(end, paints)

    for number in range(args.sessions):
        # Those who draw are not the one who trains, as far as there are others.
        paints = number < args.painters
        person = people[(number + 1 if paints else number) % len(people)]
        tasks.append(asyncio.create_task(come(number, person, paints)))
    watching = asyncio.create_task(_watch(server, args, book, memory, end))
    try:
        for done in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(done, Exception):
                book.errors.append(f"a session fell over: {done!r}")
    finally:
        for task in (*tasks, watching):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _watch(server: Server, args: argparse.Namespace, book: Book, memory: Memory, end: float) -> None:
    began = time.monotonic()
    while True:
        total = await asyncio.to_thread(memory.look, server)
        now = time.monotonic()
        done = min(1.0, (now - began) / (end - began))
        bar = "#" * round(done * 24)
        _say(
            f"[{bar:<24}] {(now - began) / 60:4.1f} of {(end - began) / 60:.1f} min  "
            f"{book.counts.get('looks', 0):,} looks  {book.counts.get('requests drawn', 0)} drawn  "
            f"{total / 1000:.1f} GB  {len(book.errors)} errors  {len(book.wrong)} wrong"
        )
        await asyncio.sleep(EVERY)


def _say(words: str) -> None:
    """One line that replaces the one before; elsewhere than on a terminal, lines."""
    print(f"\r\033[K{words}" if sys.stdout.isatty() else words, end="" if sys.stdout.isatty() else "\n", flush=True)


def _here(report: dict[str, Any]) -> str:
    return f"{platform.system().lower()}-{report['machine']['cores']}-cores"


def _parsed(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load", description="How much does the shared page carry?"
    )
    parser.add_argument("--sessions", type=int, default=50, help="browser windows (50)")
    parser.add_argument("--people", type=int, default=5, help="accounts they share; a page's process each (5)")
    parser.add_argument("--pictures", type=int, default=10_000, help="in the gallery of each person (10,000)")
    parser.add_argument("--painters", type=int, default=4, help="sessions that draw all the time (4)")
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("SOAK_MINUTES") or 30),
                        help="how long, when all are there ($SOAK_MINUTES, else 30)")  # fmt: skip
    parser.add_argument(
        "--think", type=float, default=15.0, help="seconds between two looks of a session, on average (15)"
    )
    parser.add_argument("--no-training", action="store_true", help="nobody trains meanwhile")
    parser.add_argument("--quick", action="store_true", help=f"a minute: {QUICK}")
    parser.add_argument("--page", action="store_true", help=f"write the table into docs/{PAGE.name}")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the results go")
    args = parser.parse_args(words)
    if args.quick:
        vars(args).update(QUICK)
    return args


if __name__ == "__main__":
    sys.exit(main())
