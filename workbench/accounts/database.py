"""The SQLite file of a shared server: accounts, sessions, attempts, tickets and what was done by whom."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from workbench.config import make_folder, storage_errors
from workbench.errors import StorageError

FORM = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL UNIQUE, role TEXT NOT NULL, password TEXT NOT NULL,
    email TEXT NOT NULL, subject TEXT NOT NULL, locked INTEGER NOT NULL, made REAL NOT NULL, seen REAL NOT NULL,
    reset REAL NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS emails ON accounts (email) WHERE email != '';
CREATE TABLE IF NOT EXISTS sessions (
    token BLOB PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    made REAL NOT NULL, seen REAL NOT NULL);
CREATE TABLE IF NOT EXISTS attempts (key TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS attempts_of ON attempts (key, at);
CREATE TABLE IF NOT EXISTS tickets (
    token BLOB PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    browser BLOB NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS events (at REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, whom TEXT NOT NULL);
"""


@contextmanager
def transaction(file: Path) -> Iterator[sqlite3.Connection]:
    """A transaction that holds the file for writing; it is undone when the block fails.

    Raises:
        StorageError: the file cannot be used, or another process holds it for longer than 30 s.
    """
    try:
        with closing(_open(file)) as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")
    except sqlite3.Error as error:
        raise StorageError(str(file), f"it cannot be used ({error})", "Try again, or bring a backup back") from error


def _open(file: Path) -> sqlite3.Connection:
    make_folder(file.parent)
    if not file.exists():
        with storage_errors(file):  # SQLite would make it readable for everyone
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
    database = sqlite3.connect(file, timeout=30, isolation_level=None)
    try:
        database.execute("PRAGMA foreign_keys = ON")
        if database.execute("PRAGMA user_version").fetchone()[0] != FORM:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(_TABLES)
            database.execute(f"PRAGMA user_version = {FORM}")
    except BaseException:
        database.close()
        raise
    return database
