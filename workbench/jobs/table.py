"""The queue's file: one SQLite table, made when the first job is submitted, and how it is opened."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.config import SHARED, flush_folder, free_space, home, make_folder, storage_errors
from workbench.errors import StorageError

FORM = 1  # counted up when the table changes
_TABLE = """
create table if not exists jobs (
    id integer primary key autoincrement, kind text not null, name text not null, owner text not null,
    priority integer not null, state text not null, reason text not null, request text not null, places text not null,
    submitted real not null, started real, ended real, heartbeat real, seconds real, served integer not null default 0,
    lane text not null default '', pid integer, birth real, boot text not null default ''
);
create index if not exists by_state on jobs (state);
create unique index if not exists one_training_of_a_name on jobs (owner, name)
    where kind = 'training' and state in ('submitted', 'running');
"""


def queue_folder() -> Path:
    """The folder of the queue: below the workspace, on a shared server below the server's own."""
    return Path(os.environ.get(SHARED) or home()).absolute() / "queue"


def queue_file() -> Path:
    """The table's file, which need not exist."""
    return queue_folder() / "jobs.sqlite"


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """A transaction on the table, made when it is not there; undone when the block fails.

    Raises:
        StorageError: it cannot be written, or another process holds it for longer than 30 s.
    """
    with _translated(), _open() as table:
        table.execute("begin immediate")
        try:
            yield table
        except BaseException:
            table.execute("rollback")
            raise
        table.execute("commit")


@contextmanager
def reading() -> Iterator[sqlite3.Connection | None]:
    """The table for reading, None when there is none; nothing is made, and a folder that cannot be written is fine.

    Raises:
        StorageError: it cannot be read.
    """
    file = queue_file()
    if not file.exists():
        yield None
        return
    with _translated():
        table = _for_reading(file)
        try:
            yield table if table.execute("pragma user_version").fetchone()[0] else None
        finally:
            table.close()


def _for_reading(file: Path) -> sqlite3.Connection:
    """Opens the table; where the folder is read-only, without the lock files that SQLite would make in it."""
    try:
        logged = file.with_name(f"{file.name}-wal").stat().st_size
    except FileNotFoundError:  # perhaps since a moment ago: who closes the table last takes its log away
        logged = 0
    # What is still in the log of changes would not be seen in an immutable file.
    ways = ["mode=rw", "mode=ro", *([] if logged else ["mode=ro&immutable=1"])]
    for way in ways[:-1]:
        try:
            table = _connect(f"{file.as_uri()}?{way}")
            table.execute("select count(*) from sqlite_master").fetchone()
            return table
        except sqlite3.OperationalError:
            continue  # the next way asks for less; the last one's error is told
    return _connect(f"{file.as_uri()}?{ways[-1]}")


@contextmanager
def _open() -> Iterator[sqlite3.Connection]:
    file = queue_file()
    fresh = not file.exists()
    if fresh:
        make_folder(file.parent)
        with storage_errors(file):  # SQLite would make it readable for everyone
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
    table = _connect(f"{file.as_uri()}?mode=rw")
    try:
        if _form(table) != FORM:
            _make(table, file)
        yield table
    finally:
        table.close()


def _make(table: sqlite3.Connection, file: Path) -> None:
    # SQLite does not wait when two processes change the way it keeps its log at once.
    with (file.parent / "making.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _form(table) > FORM:
            raise StorageError(
                str(file), "the queue was made by a newer workbench", "Use that version, or choose another workspace"
            )
        if _form(table) < FORM:
            table.execute("pragma journal_mode = wal")
            table.executescript(_TABLE)
            table.execute(f"pragma user_version = {FORM}")
            flush_folder(file.parent)


def _form(table: sqlite3.Connection) -> int:
    return int(table.execute("pragma user_version").fetchone()[0])


def _connect(address: str) -> sqlite3.Connection:
    table = sqlite3.connect(address, uri=True, timeout=30, isolation_level=None)
    table.row_factory = sqlite3.Row
    table.execute("pragma synchronous = full")
    table.execute("pragma secure_delete = on")
    return table


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # SQLite tells of a full disk as an error of reading and writing when it cannot enlarge its lock file.
        full = "full" in str(error) or ("disk I/O" in str(error) and free_space(queue_folder()) < 2**17)
        raise StorageError(
            str(queue_file()),
            "the disk is full" if full else f"the queue cannot be used ({error})",
            "Free some space and try again"
            if full
            else "See whether you may write there; `workbench doctor --repair`"
            " sets a broken queue aside, and no run is lost with it",
        ) from error


def flush_log() -> None:
    """Writes the log of changes into the table and empties it: what was erased could be read in it.

    Raises:
        StorageError: it cannot be written.
    """
    with _translated(), _open() as table:
        table.execute("pragma wal_checkpoint(truncate)")


def set_broken_aside() -> Path | None:
    """Gives a table that SQLite cannot read another name, so that a new one can be made; None when it can be read.

    What it held, the jobs that waited, is lost to the queue; runs are in their folders.

    Raises:
        StorageError: it cannot be renamed.
    """
    file = queue_file()
    try:
        with reading() as table:
            if table is None or table.execute("pragma quick_check").fetchone()[0] == "ok":
                return None
    except StorageError as error:
        if not isinstance(error.__cause__, sqlite3.DatabaseError) or "locked" in str(error):
            raise
    number = 1
    while (aside := file.with_name(f"broken-{number}.sqlite")).exists():
        number += 1
    with storage_errors(file):
        file.replace(aside)
        for suffix in ("-wal", "-shm"):  # they belong to the broken one
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        flush_folder(file.parent)
    return aside
