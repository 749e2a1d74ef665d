"""Lock-out and rate limit: attempts are counted on disk before a password is looked at.

A restart forgets nothing, and a hundred attempts at the same moment count as a hundred. One that was right is taken off
again, so fifty people behind one address can all come in. It takes no other off: nobody tries thirty wrong passwords,
comes in as themselves, and tries thirty more.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from workbench.accounts.database import transaction
from workbench.errors import AccountError

# Within the window: five for one name, whoever asks; thirty from one address, whatever names it tries.
WINDOW = 15 * 60.0
FOR_A_NAME, FROM_AN_ADDRESS = 5, 30


class Attempts:
    """Counts of failed logins.

    Args:
        file: the accounts' SQLite file.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def begin(self, name: str, address: str, now: float | None = None) -> float:
        """Counts an attempt, or refuses it. A name that does not exist is treated alike, so nobody learns which do.

        Returns:
            When it was, for `was_right`.

        Raises:
            AccountError: there were too many.
        """
        now = time.time() if now is None else now
        with transaction(self.file) as database:
            # What is older is of no use and would tell who came when. A clock that went back must not lock for ever.
            database.execute("DELETE FROM attempts WHERE at < ? OR at > ?", (now - WINDOW, now + WINDOW))
            for key, limit in ((_name(name), FOR_A_NAME), (_address(address), FROM_AN_ADDRESS)):
                found = database.execute(
                    "SELECT COUNT(*), MIN(at) FROM (SELECT at FROM attempts WHERE key = ? ORDER BY at DESC LIMIT ?)",
                    (key, limit),
                ).fetchone()
                if found[0] >= limit:
                    minutes = max(1, round((found[1] + WINDOW - now) / 60))
                    reason = "there were too many attempts"
                    raise AccountError("Logging in", reason, f"Wait {minutes} min, or ask an admin for a new password")
            rows = [(_name(name), now), (_address(address), now)]
            database.executemany("INSERT INTO attempts (key, at) VALUES (?, ?)", rows)
        return now

    def was_right(self, name: str, address: str, at: float) -> None:
        """After a right password: the name may be tried again at once, and this attempt was none on the address."""
        with transaction(self.file) as database:
            database.execute("DELETE FROM attempts WHERE key = ?", (_name(name),))
            database.execute(
                "DELETE FROM attempts WHERE rowid = (SELECT rowid FROM attempts WHERE key = ? AND at = ? LIMIT 1)",
                (_address(address), at),
            )

    def forgive(self, name: str) -> None:
        """By an admin: the name may be tried again at once."""
        with transaction(self.file) as database:
            database.execute("DELETE FROM attempts WHERE key = ?", (_name(name),))


def _name(name: str) -> str:
    return "name:" + _short(name.strip().casefold())


def _address(address: str) -> str:
    return "from:" + _short(address)


def _short(text: str) -> str:
    """People type passwords into the field for the name: the file shall not hold what was typed."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
