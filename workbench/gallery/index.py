"""The gallery's index: a table that makes searching quick, and that can be thrown away at any time.

The PNG files are the truth; the index is rebuilt from them when it is missing, damaged or of an older form.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.config import storage_errors
from workbench.errors import StorageError

FORM = 1  # counted up when the table changes
_TABLE = """
create table if not exists pictures (
    id text primary key, created text not null, starred integer not null, words text not null, record text not null
);
create table if not exists used (id text not null, adapter text not null, primary key (id, adapter)) without rowid;
create index if not exists by_created on pictures (created desc, id desc);
create index if not exists by_adapter on used (adapter);
"""

Row = tuple[str, dict[str, Any], bool]


class Index:
    """The table of a gallery's pictures. Each call opens its own connection, so threads and processes may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> bool:
        """Makes the table.

        Returns:
            Whether it is empty because it is new, or because what was there could not be used.
        """
        fresh = not self.path.exists()
        try:
            with self._connect() as base:
                if not fresh and base.execute("pragma user_version").fetchone()[0] != FORM:
                    raise sqlite3.DatabaseError("of another form")
                if not fresh:
                    base.execute("select id, created, starred, words, record from pictures limit 1").fetchone()
                base.execute("pragma journal_mode = wal")
                base.executescript(_TABLE)
                base.execute(f"pragma user_version = {FORM}")
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or fresh:
                raise
            return self._start_over()
        except sqlite3.DatabaseError:
            return self._start_over()
        return fresh

    def _start_over(self) -> bool:
        for suffix in ("", "-wal", "-shm"):
            with storage_errors(self.path):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        return self.prepare()

    def put(self, rows: Iterable[Row]) -> None:
        """Adds pictures, or replaces what was said of them: (id, record, starred) each."""
        with self._connect() as base:
            for name, record, starred in rows:
                adapters = [str(adapter["name"]) for adapter in record.get("adapters", [])]
                # `said` is what the person wrote, where the base was told something else.
                said = [str(record.get(name, "")) for name in ("prompt", "said", "base", "seed")]
                words = " ".join([*said, *adapters])
                text = json.dumps(record, ensure_ascii=False)
                base.execute("delete from used where id = ?", (name,))
                base.execute(
                    "insert or replace into pictures values (?, ?, ?, ?, ?)",
                    (name, record.get("created", ""), int(starred), words.casefold(), text),
                )
                base.executemany("insert or ignore into used values (?, ?)", [(name, adapter) for adapter in adapters])

    def remove(self, names: Sequence[str]) -> None:
        """Forgets pictures so that no trace of their prompts stays in the file."""
        with self._connect() as base:
            for table in ("pictures", "used"):
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
        with self._connect() as base:
            row = base.execute("select id, record, starred from pictures where id = ?", (name,)).fetchone()
        return (row[0], json.loads(row[1]), bool(row[2])) if row else None

    def find(
        self, words: str, adapter: str, starred: bool, since: str, until: str, limit: int, offset: int
    ) -> tuple[list[Row], int]:
        """Pictures that match all that is asked, newest first, and how many there are in all."""
        where, values = self._where(words, adapter, starred, since, until)
        with self._connect() as base:
            (total,) = base.execute(f"select count(*) from pictures where {where}", values).fetchone()
            rows = base.execute(
                f"select id, record, starred from pictures where {where}"
                " order by created desc, id desc limit ? offset ?",
                [*values, limit, offset],
            ).fetchall()
        return [(name, json.loads(record), bool(star)) for name, record, star in rows], int(total)

    @staticmethod
    def _where(words: str, adapter: str, starred: bool, since: str, until: str) -> tuple[str, list[Any]]:
        conditions, values = ["1"], []
        # Scanning 10,000 prompts takes a few milliseconds, so no full-text index is kept; and unlike one, this finds
        # parts of words and languages without spaces.
        for word in words.casefold().split():
            conditions.append("instr(words, ?) > 0")
            values.append(word)
        if adapter:
            conditions.append("id in (select id from used where adapter = ?)")
            values.append(adapter)
        if starred:
            conditions.append("starred = 1")
        if since:
            conditions.append("created >= ?")
            values.append(since)
        if until:
            conditions.append("created < ?")
            values.append(until)
        return " and ".join(conditions), values

    def adapters(self) -> Mapping[str, int]:
        """How many pictures each adapter was used in, most used first."""
        with self._connect() as base:
            rows = base.execute("select adapter, count(*) from used group by adapter order by 2 desc, 1").fetchall()
        return {str(adapter): int(count) for adapter, count in rows}

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
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
            raise
        finally:
            base.close()
