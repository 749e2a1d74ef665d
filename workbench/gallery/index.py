"""The gallery's index: tables that make searching quick, and that can be thrown away at any time.

The files are the truth; the index is rebuilt from them when it is missing or damaged, and carried over when it is of an
older form. What is searched (`pictures`) stands apart from the records, which are ten times as long: looking through
the words of 10,000 pictures then takes some milliseconds, finds parts of words and languages without spaces, and leaves
nothing behind of what is erased, as the segments of a full-text index would.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.config import storage_errors
from workbench.errors import DamagedIndexError, StorageError
from workbench.gallery.query import Query, where

FORM = 2  # counted up when the tables change
_TABLES = """
create table if not exists pictures (
    id text primary key, created text not null, starred integer not null, words text not null
) without rowid;
create table if not exists records (id text primary key, record text not null);
create table if not exists used (id text not null, adapter text not null, primary key (id, adapter)) without rowid;
create table if not exists members (
    collection text not null, id text not null, primary key (collection, id)
) without rowid;
create table if not exists facts (name text primary key, value text not null) without rowid;
create index if not exists by_created on pictures (created desc, id desc);
create index if not exists by_star on pictures (created desc, id desc) where starred = 1;
create index if not exists by_adapter on used (adapter, id);
create index if not exists by_member on members (id, collection);
"""
_NEWEST = "order by created desc, id desc"
# SQLite before 3.32 takes 999 values in one statement.
_AT_ONCE = 500

Row = tuple[str, dict[str, Any], bool]


class Index:
    """The tables of a gallery's pictures. Each call opens its own connection, so threads and processes may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> bool:
        """Makes the tables, or carries over those of an older form.

        Returns:
            Whether they are empty because they are new, or because what was there could not be used.
        """
        fresh = not self.path.exists()
        try:
            with self._connect(damage=True) as base:
                form = 0 if fresh else base.execute("pragma user_version").fetchone()[0]
                if form == FORM:
                    base.execute("select id, created, starred, words from pictures limit 1").fetchone()
                    base.execute("select id, record from records limit 1").fetchone()
                    return False
                if form not in (0, 1) or (form == 0 and not fresh):
                    raise sqlite3.DatabaseError("of another form")
                base.execute("pragma journal_mode = wal")
            with self.writing(damage=True) as base:
                # Another process may have done it while this one waited.
                now = base.execute("pragma user_version").fetchone()[0]
                if now != FORM:
                    _carry_over(base) if now == 1 else _make(base)
                    base.execute(f"pragma user_version = {FORM}")
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or fresh:
                raise
            return self.start_over()
        except (sqlite3.DatabaseError, ValueError, AttributeError, TypeError):
            return self.start_over()
        return fresh

    def start_over(self) -> bool:
        """Throws the tables away and makes empty ones: pictures are files, and what is known of them is read again."""
        for suffix in ("", "-wal", "-shm"):
            with storage_errors(self.path):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        return self.prepare()

    def put(self, rows: Iterable[Row]) -> None:
        """Adds pictures, or replaces what was said of them: (id, record, starred) each."""
        with self._connect() as base:
            for row in rows:
                _put(base, row)

    def remove(self, names: Sequence[str]) -> None:
        """Forgets pictures so that no trace of their prompts stays in the file."""
        with self._connect() as base:
            for table in ("pictures", "records", "used", "members"):
                base.executemany(f"delete from {table} where id = ?", [(name,) for name in names])
        with self._connect() as base:
            base.execute("pragma wal_checkpoint(truncate)")

    def star(self, name: str, starred: bool) -> None:
        with self._connect() as base:
            base.execute("update pictures set starred = ? where id = ?", (int(starred), name))

    def names(self) -> set[str]:
        with self._connect() as base:
            return {name for (name,) in base.execute("select id from pictures")}

    def get(self, name: str) -> Row | None:
        return next(iter(self.several([name])), None)

    def several(self, names: Sequence[str]) -> list[Row]:
        """Those of these pictures that there are, in the order they are named."""
        found: dict[str, Row] = {}
        with self._connect() as base:
            for start in range(0, len(names), _AT_ONCE):
                part = names[start : start + _AT_ONCE]
                marks = ",".join("?" * len(part))
                for row in base.execute(
                    f"select id, record, starred from pictures join records using (id) where id in ({marks})", part
                ):
                    found[row[0]] = (row[0], self._record(row[1]), bool(row[2]))
        return [found[name] for name in names if name in found]

    def find(self, query: Query, adapters: Sequence[str], limit: int, offset: int) -> list[Row]:
        """Pictures that match all that is asked, newest first.

        Args:
            adapters: those of the query's subject.
        """
        condition, values = where(query, adapters)
        with self._connect() as base:
            # The records of what is skipped are not even looked for.
            rows = base.execute(
                f"select id, record, starred from (select * from pictures where {condition} {_NEWEST} limit ? offset ?)"
                f" join records using (id) {_NEWEST}",
                [*values, limit, offset],
            ).fetchall()
        return [(name, self._record(record), bool(star)) for name, record, star in rows]

    def ids(self, query: Query, adapters: Sequence[str]) -> list[str]:
        """The ids of all that match, newest first."""
        condition, values = where(query, adapters)
        with self._connect() as base:
            return [name for (name,) in base.execute(f"select id from pictures where {condition} {_NEWEST}", values)]

    def count(self, query: Query, adapters: Sequence[str]) -> int:
        """How many match."""
        condition, values = where(query, adapters)
        with self._connect() as base:
            return int(base.execute(f"select count(*) from pictures where {condition}", values).fetchone()[0])

    def adapters(self) -> Mapping[str, int]:
        """How many pictures each adapter was used in, most used first."""
        with self._connect() as base:
            rows = base.execute("select adapter, count(*) from used group by adapter order by 2 desc, 1").fetchall()
        return {str(adapter): int(count) for adapter, count in rows}

    def collections(self) -> Mapping[str, int]:
        """How many pictures that are there each collection holds; collections without any are left out."""
        with self._connect() as base:
            rows = base.execute(
                "select collection, count(*) from members join pictures using (id) group by collection"
            ).fetchall()
        return {str(collection): int(count) for collection, count in rows}

    def collections_of(self, name: str) -> list[str]:
        """The collections that a picture is in."""
        with self._connect() as base:
            rows = base.execute("select collection from members where id = ? order by 1", (name,)).fetchall()
        return [str(collection) for (collection,) in rows]

    def set_members(self, base: sqlite3.Connection, collection: str, names: Sequence[str]) -> None:
        """Says anew which pictures a collection holds; inside `writing`."""
        base.execute("delete from members where collection = ?", (collection,))
        base.executemany("insert or ignore into members values (?, ?)", [(collection, name) for name in names])

    def fact(self, name: str) -> str:
        """Something that was noted, empty when it was not."""
        with self._connect() as base:
            row = base.execute("select value from facts where name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def note(self, name: str, value: str) -> None:
        """Notes something for `fact`."""
        with self._connect() as base:
            base.execute("insert or replace into facts values (?, ?)", (name, value))

    @contextmanager
    def writing(self, damage: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection that is the only one to write until the block ends: other threads and processes wait.

        Args:
            damage: SQLite's own errors for a damaged file pass, for who makes it anew.
        """
        with self._connect(damage) as base:
            base.execute("begin immediate")
            yield base

    def _record(self, text: str) -> dict[str, Any]:
        try:
            return dict(json.loads(text))
        except (ValueError, TypeError) as error:
            raise self._damaged() from error

    def _damaged(self) -> DamagedIndexError:
        return DamagedIndexError(
            str(self.path), "it is damaged; no picture is lost", "Run `workbench doctor --repair`, which makes it anew"
        )

    @contextmanager
    def _connect(self, damage: bool = False) -> Iterator[sqlite3.Connection]:
        base = sqlite3.connect(self.path, timeout=20)
        try:
            base.execute("pragma secure_delete = on")  # what is deleted is overwritten
            base.execute("pragma synchronous = normal")
            with base:
                yield base
        except sqlite3.OperationalError as error:
            if "full" in str(error):
                raise StorageError(str(self.path), "the disk is full", "Free some space and try again") from error
            if "readonly" in str(error) or "unable to open" in str(error):
                raise StorageError(
                    str(self.path), "this user may not use it", "Give yourself permission to the folder"
                ) from error
            if damage or not any(words in str(error) for words in ("decode", "malformed", "no such", "disk I/O")):
                raise  # such as a lock that was not let go
            raise self._damaged() from error
        except sqlite3.DatabaseError as error:
            if damage or isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise
            raise self._damaged() from error
        finally:
            base.close()


def _make(base: sqlite3.Connection) -> None:
    # Not `executescript`: that would end the transaction.
    for statement in filter(str.strip, _TABLES.split(";")):
        base.execute(statement)


def _carry_over(base: sqlite3.Connection) -> None:
    """Takes the pictures of form 1 over, where records and words stood in one table; all or nothing."""
    rows = base.execute("select id, record, starred from pictures").fetchall()
    for name in ("by_created", "by_adapter"):
        base.execute(f"drop index if exists {name}")
    for name in ("pictures", "used"):
        base.execute(f"drop table {name}")
    _make(base)
    for name, record, starred in rows:
        _put(base, (name, json.loads(record), bool(starred)))


def _put(base: sqlite3.Connection, row: Row) -> None:
    name, record, starred = row
    adapters = [str(adapter["name"]) for adapter in record.get("adapters", [])]
    # `said` is what the person wrote, where the base was told something else.
    said = [str(record.get(key, "")) for key in ("prompt", "said", "base", "seed")]
    words = " ".join([*said, *adapters]).casefold()
    base.execute("delete from used where id = ?", (name,))
    base.execute(
        "insert or replace into pictures values (?, ?, ?, ?)",
        (name, in_utc(str(record.get("created", ""))), int(starred), words),
    )
    base.execute("insert or replace into records values (?, ?)", (name, json.dumps(record, ensure_ascii=False)))
    base.executemany("insert or ignore into used values (?, ?)", [(name, adapter) for adapter in adapters])


def in_utc(when: str) -> str:
    """A record's time in the form that sorts: UTC, whole seconds. What cannot be read stays as it is."""
    try:
        return datetime.fromisoformat(when).astimezone(UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return when
