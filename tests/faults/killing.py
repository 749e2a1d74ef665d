"""Kills work at random moments and counts what is lost: `make faults`, or `python tests/faults/killing.py --kills 200`.

Each kill is a SIGKILL to a process that works in a workspace of its own; then a new process's view of the workspace is
checked. What the work said to be saved before it died must be there, and nothing may be half there.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from work import WORK, Work, judged, left_behind, new_process


@dataclass
class Tally:
    """What came of the kills of one kind of work."""

    kills: int = 0
    finished: int = 0
    said: int = 0
    leftovers: int = 0
    wrong: list[str] = field(default_factory=list)


def main() -> int:
    """Prints one line for each kind of work; 1 when anything was lost."""
    parser = argparse.ArgumentParser(description="Kills work at random moments and counts what is lost.")
    parser.add_argument("work", nargs="*", default=list(WORK), help=f"of {', '.join(WORK)}")
    parser.add_argument("--kills", type=int, default=200, help="for each kind of work")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}, {platform.system()} {platform.release()}\n")
    print("| work | kills | in the midst of it | said to be saved | lost or half there | leftovers swept later |")
    print("| --- | --- | --- | --- | --- | --- |")
    failed = 0
    for name in args.work:
        work, tally = WORK[name], kill(WORK[name], args.kills, args.seed)
        midst = tally.kills - tally.finished
        print(
            f"| {work.what} | {tally.kills} | {midst} | {tally.said} | {len(tally.wrong)} | {tally.leftovers} |",
            flush=True,
        )
        for line in tally.wrong[:10]:
            print(f"{name}: {line}", file=sys.stderr)
        failed += len(tally.wrong)
    return 1 if failed else 0


def kill(work: Work, kills: int, seed: int = 0) -> Tally:
    """Does a piece of work so many times and kills it each time.

    Work that ends by itself is first done once without a kill, to know how long it takes.
    """
    tally, rng = Tally(), random.Random(seed)
    judged()
    longest = work.lasts
    for number in range(kills + work.ends):
        with _own_places() as places:
            new_process()
            work.prepare()
            if work.ends and number == 0:
                start = time.perf_counter()
                os.waitpid(in_a_child(lambda: work.do(lambda said: None, rng)), 0)
                longest = time.perf_counter() - start
                continue
            # Every other endless work may say something first: else slow work is only ever killed at its beginning.
            said, ended = _do_and_kill(work, rng, longest, listen=not work.ends and number % 2 == 1)
            tally.kills, tally.finished, tally.said = tally.kills + 1, tally.finished + ended, tally.said + len(said)
            tally.leftovers += left_behind(places)
            new_process()
            try:
                tally.wrong += work.check(said)
            except Exception:  # what cannot even be looked at is broken
                tally.wrong.append(traceback.format_exc(limit=-2))
    return tally


def _do_and_kill(work: Work, rng: random.Random, longest: float, listen: bool) -> tuple[set[str], bool]:
    """What the work had said when it was killed, and whether it had come to its end before."""
    reading, writing = os.pipe()
    number = rng.randrange(2**32)

    def do() -> None:
        os.close(reading)
        work.do(lambda said: _say(writing, said), random.Random(number))

    pid = in_a_child(do)
    os.close(writing)
    # Not for ever: it may have nothing to say.
    heard = os.read(reading, 1) if listen and select.select([reading], [], [], 5.0 + 5 * longest)[0] else b""
    time.sleep(rng.random() * longest)
    ended, status = os.waitpid(pid, os.WNOHANG)
    if not ended:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    elif os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"{work.what}: it fell over by itself")
    with os.fdopen(reading, "rb") as pipe:
        lines = (heard + pipe.read()).decode().split("\n")
    return set(lines[:-1]), bool(ended)


def in_a_child(do: Callable[[], object]) -> int:
    """Does something in a child process, which ends with code 1 when it falls over.

    Returns:
        Its number.
    """
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            do()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def _say(writing: int, said: str) -> None:
    os.write(writing, f"{said}\n".encode())


class _own_places:
    """A workspace, a shelf and a key folder that live as long as the block."""

    def __enter__(self) -> Path:
        self.folder = Path(tempfile.mkdtemp(prefix="faults-"))
        places = {"WORKBENCH_HOME": "workspace", "WORKBENCH_LORAS": "loras", "WORKBENCH_KEYS": "keys"}
        wanted = {key: str(self.folder / name) for key, name in places.items()}
        wanted |= {"WORKBENCH_VAULT": "file"}
        self.before = {key: os.environ.get(key) for key in wanted}
        os.environ.update(wanted)
        return self.folder

    def __exit__(self, *_: object) -> None:
        for key, value in self.before.items():
            os.environ.pop(key) if value is None else os.environ.__setitem__(key, value)
        shutil.rmtree(self.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
