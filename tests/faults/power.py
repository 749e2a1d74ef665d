"""Power cuts: only what was flushed survives. `python tests/faults/power.py --cuts 60`, a part of `make faults`.

The work runs in a process of its own in which every flush, rename and removal is noted and counted. Before the n-th of
them the power goes: the process is killed, and then everything that the disk did not yet have to hold is taken back:

- a file keeps as many bytes as it had when it was last flushed; one that never was is empty;
- a rename or a removal whose folder was not flushed afterwards has happened, has not, or by halves: a disk may write
  it sooner.

SQLite's own files are left alone: it flushes what it must by itself (`synchronous = full`, asserted in
`tests/jobs/test_queue.py`), and its durability is tested by its makers.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from killing import Tally, _own_places, _say, in_a_child
from work import POWER, WORK, Work, judged, new_process


@dataclass
class Journal:
    """What happened to the disk, written to a pipe that outlives the process.

    Args:
        pipe: where to.
        backup: a folder on the same disk, outside the workspace, for what is overwritten or removed.
        last: the number of the operation before which the power goes; 0 for never.
    """

    pipe: int
    backup: Path
    last: int
    count: int = 0
    kept: int = 0
    real: dict[str, Callable[..., Any]] = field(default_factory=dict)

    def install(self) -> None:
        """Puts itself between the program and the system."""
        for name in ("fsync", "replace", "rename", "unlink", "remove"):
            self.real[name] = getattr(os, name)
        os.fsync = self._fsync  # type: ignore[assignment]
        os.replace = os.rename = self._rename  # type: ignore[assignment]
        os.unlink = os.remove = self._unlink  # type: ignore[assignment]

    def _note(self, **what: Any) -> None:
        os.write(self.pipe, (json.dumps(what) + "\n").encode())

    def _tick(self) -> None:
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def _fsync(self, file: Any) -> None:
        self._tick()
        number = file if isinstance(file, int) else file.fileno()
        self.real["fsync"](number)
        about = os.fstat(number)
        self._note(do="flush", inode=about.st_ino, size=about.st_size)

    def _rename(self, source: Any, target: Any, **how: Any) -> None:
        self._tick()
        inode = os.lstat(source).st_ino
        kept = self._keep(target)
        self.real["replace"](source, target, **how)
        self._note(do="rename", to=os.fspath(target), source=os.fspath(source), inode=inode, kept=kept)

    def _unlink(self, path: Any, **how: Any) -> None:
        self._tick()
        where = os.fspath(path)
        if how.get("dir_fd") is not None:
            where = os.path.join(os.readlink(f"/proc/self/fd/{how['dir_fd']}"), where)  # noqa: PTH118, PTH115
        kept = self._keep(where)
        self.real["unlink"](path, **how)
        self._note(do="unlink", to=where, kept=kept)

    def _keep(self, path: Any) -> str:
        """A second name for a file, so that it can come back, and so that its number is given to no other."""
        self.kept += 1
        name = self.backup / str(self.kept)
        try:
            os.link(path, name, follow_symlinks=False)
        except OSError:
            return ""
        return str(name)


def cut(work: Work, cuts: int, seed: int = 0, first: int = 1) -> Tally:
    """Cuts the power before different operations, beginning with the first, and looks at what is left each time."""
    tally, rng = Tally(), random.Random(seed)
    judged()
    for number in range(cuts):
        with _own_places() as places, tempfile.TemporaryDirectory(dir=places) as backup:
            new_process()
            work.prepare()
            before = {path.stat().st_ino: path.stat().st_size for path in _files(places)}
            last = first + number if number < 40 else rng.randrange(40, 400)
            said, journal, ended = _until_the_cut(work, last, Path(backup), rng)
            # When it has come to its end, all that it said must last: the disk is at its worst then.
            _take_back(places, before, journal, rng, undone=1.0 if ended else rng.choice((0.0, 0.5, 1.0)))
            tally.kills, tally.finished, tally.said = tally.kills + 1, tally.finished + ended, tally.said + len(said)
            new_process()
            try:
                tally.wrong += work.check(said)
            except Exception:
                tally.wrong.append(traceback.format_exc(limit=-2))
            if ended:
                break  # later cuts would find it at its end too
    return tally


def _until_the_cut(
    work: Work, last: int, backup: Path, rng: random.Random
) -> tuple[set[str], list[dict[str, Any]], bool]:
    said_out, said_in = os.pipe()
    done_out, done_in = os.pipe()
    number = rng.randrange(2**32)

    def do() -> None:
        os.close(said_out), os.close(done_out)
        Journal(done_in, backup, last).install()
        work.do(lambda word: _say(said_in, word), random.Random(number))

    pid = in_a_child(do)
    os.close(said_in), os.close(done_in)
    texts = _read_all(said_out, done_out)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code > 0:
        raise RuntimeError(f"{work.what}: it fell over by itself")
    lines = texts[1].split("\n")[:-1]
    return set(texts[0].split("\n")[:-1]), [json.loads(line) for line in lines], code == 0


def _read_all(*pipes: int) -> list[str]:
    """Both at once, or a full one would block the work for ever."""
    import selectors

    parts: dict[int, bytes] = dict.fromkeys(pipes, b"")
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                content = os.read(key.fd, 65_536)
                parts[key.fd] += content
                if not content:
                    selector.unregister(key.fd)
                    os.close(key.fd)
    return [parts[pipe].decode() for pipe in pipes]


def _take_back(
    places: Path, flushed: dict[int, int], journal: list[dict[str, Any]], rng: random.Random, undone: float
) -> None:
    """Makes the disk what it may be after the cut; `undone` is the share of unflushed changes that did not happen."""
    open_changes: list[dict[str, Any]] = []
    folders = {path.stat().st_ino: path for path in places.rglob("*") if path.is_dir()}
    for line in journal:
        if line["do"] == "flush":
            flushed[line["inode"]] = line["size"]
            folder = str(folders.get(line["inode"], ""))
            open_changes = [each for each in open_changes if os.path.dirname(each["to"]) != folder]  # noqa: PTH120
        else:
            open_changes.append(line)
    for change in reversed(open_changes):
        if _is_database(Path(change["to"])) or rng.random() >= undone or not Path(change["to"]).parent.is_dir():
            continue
        if change["do"] == "rename" and os.path.lexists(change["to"]):
            Path(change["to"]).unlink() if Path(change["to"]).is_file() else None
        if change["kept"]:
            os.replace(change["kept"], change["to"])  # noqa: PTH105
    for path in _files(places):
        size = flushed.get(path.stat().st_ino, 0)
        if not _is_database(path) and path.stat().st_size > size:
            os.truncate(path, size)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _is_database(path: Path) -> bool:
    return ".sqlite" in path.name


def main() -> int:
    parser = argparse.ArgumentParser(description="Cuts the power before each flush, rename and removal.")
    parser.add_argument("work", nargs="*", default=list(POWER), help=f"of {', '.join(POWER)}")
    parser.add_argument("--cuts", type=int, default=100, help="for each kind of work")
    args = parser.parse_args()
    print("| work | power cuts | in the midst of it | said to be saved | lost or half there |")
    print("| --- | --- | --- | --- | --- |")
    failed = 0
    for name in args.work:
        tally = cut(WORK[name], args.cuts)
        midst = tally.kills - tally.finished
        print(f"| {WORK[name].what} | {tally.kills} | {midst} | {tally.said} | {len(tally.wrong)} |", flush=True)
        for line in tally.wrong[:10]:
            print(f"{name}: {line}", file=sys.stderr)
        failed += len(tally.wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
