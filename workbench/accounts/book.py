"""Accounts and sessions of a shared server."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection, IntegrityError
from typing import Any

from workbench.accounts.attempts import Attempts
from workbench.accounts.database import transaction
from workbench.accounts.passwords import check_password, hash_password, new_password
from workbench.config import home, safe_name
from workbench.errors import AccountError
from workbench.language import mark

ROLES = {
    "owner": mark("brings photos, trains and draws; sees nothing but their own"),
    "admin": mark("manages accounts, disk and jobs; sees no faces, prompts or names of people"),
}
# Seconds: without a click, and at the most.
IDLE, ABSOLUTE = 3600.0, 12 * 3600.0
_TOUCH = 30.0
FIELDS = "id, name, role, email, locked, made, seen, reset"
_EMAIL = re.compile(r"[^@\s]{1,100}@[^@\s]{1,150}")


@dataclass(frozen=True)
class Account:
    """Who may come in.

    Args:
        id: of folders and rows; it never changes and says nothing.
        name: to log in with.
        role: one of `ROLES`.
        email: at the OIDC provider; empty when a password is used.
        locked: whether an admin has shut it.
        made, seen: when it was made and last used, in seconds since 1970; 0 for never.
        reset: when an admin last gave it a new password; 0 for never, or when the owner has changed it since.
    """

    id: str
    name: str
    role: str
    email: str
    locked: bool
    made: float
    seen: float
    reset: float


class Accounts:
    """The accounts of a shared server, in one SQLite file that only its user may read.

    Args:
        file: None takes `accounts.sqlite` in the workspace.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file or home() / "accounts.sqlite"
        self.attempts = Attempts(self.file)

    def add(self, name: str, role: str = "owner", password: str = "", email: str = "", by: str = "command") -> str:
        """Makes an account.

        Args:
            password: empty makes one, unless there is an email.
            email: who logs in at the OIDC provider with it needs no password.
            by: whose doing it is, for the record.

        Returns:
            The password; empty when the account has none.

        Raises:
            AccountError: the name or the email is taken, the role is unknown, the password is too short.
            SubjectError: the name is not allowed.
        """
        name, email = safe_name(name), email.strip().casefold()
        if role not in ROLES:
            raise AccountError("The role", f"{role!r} is none", f"Say one of {', '.join(ROLES)}")
        if email and not _EMAIL.fullmatch(email):
            raise AccountError("The email", f"{email!r} is none", "Write it as anna@example.org")
        password = password or ("" if email else new_password())
        kept = hash_password(password) if password else ""
        row = (secrets.token_hex(8), name, name.casefold(), role, kept, email, "", 0, time.time(), 0.0, 0.0)
        try:
            with transaction(self.file) as database:
                database.execute(f"INSERT INTO accounts VALUES ({', '.join('?' * len(row))})", row)
                _note(database, by, "added", name)
        except Exception as error:
            if isinstance(error.__cause__, IntegrityError):
                raise AccountError(name, "this name or email has an account", "Choose another") from error
            raise
        return password

    def everyone(self) -> list[Account]:
        """All accounts, by name."""
        with transaction(self.file) as database:
            return [to_account(row) for row in database.execute(f"SELECT {FIELDS} FROM accounts ORDER BY key")]

    def find(self, name: str) -> Account:
        """The account of a name.

        Raises:
            AccountError: there is none.
        """
        with transaction(self.file) as database:
            return _find(database, name)

    def lock(self, name: str, locked: bool = True, by: str = "command") -> None:
        """Shuts an account and ends its sessions, or opens it again.

        Raises:
            AccountError: there is none of that name.
        """
        with transaction(self.file) as database:
            account = _find(database, name)
            database.execute("UPDATE accounts SET locked = ? WHERE id = ?", (int(locked), account.id))
            if locked:
                database.execute("DELETE FROM sessions WHERE account = ?", (account.id,))
            _note(database, by, "locked" if locked else "unlocked", account.name)
        if not locked:
            self.attempts.forgive(account.name)

    def remove(self, name: str, by: str = "command") -> Account:
        """Takes an account out and ends its sessions. Its things are erased with `Owner.erase`.

        Raises:
            AccountError: there is none of that name.
        """
        with transaction(self.file) as database:
            account = _find(database, name)
            database.execute("DELETE FROM accounts WHERE id = ?", (account.id,))
            _note(database, by, "removed", account.name)
        return account

    def reset(self, name: str, password: str = "", by: str = "command") -> str:
        """Gives a new password and ends all sessions; the owner is told that it was done, and when.

        Raises:
            AccountError: there is none of that name, or the password is too short.
        """
        password = password or new_password()
        with transaction(self.file) as database:
            account = _find(database, name)
            _set_password(database, account.id, hash_password(password), time.time())
            _note(database, by, "gave a new password to", account.name)
        self.attempts.forgive(account.name)
        return password

    def change_password(self, account: Account, old: str, new: str, address: str = "") -> None:
        """An owner's own change; ends all sessions, this one too.

        Raises:
            AccountError: the old password is wrong, or the new one too short.
        """
        if self.log_in(account.name, old, address).id != account.id:
            raise AccountError("The account", "it is another by now", "Log in again")
        kept = hash_password(new)
        with transaction(self.file) as database:
            _set_password(database, account.id, kept, 0.0)

    def log_in(self, name: str, password: str, address: str = "") -> Account:
        """The account, if the password is right. Wrong name, wrong password and a locked account look alike.

        Args:
            address: where it is tried from, for the rate limit.

        Raises:
            AccountError: it is not right, or there were too many attempts.
        """
        at = self.attempts.begin(name, address)
        with transaction(self.file) as database:
            found = database.execute(
                f"SELECT {FIELDS}, password FROM accounts WHERE key = ?", (name.strip().casefold(),)
            ).fetchone()
        right = check_password(password, found[-1] if found else "")
        if not right or found[4]:
            raise AccountError("Logging in", "name or password are not right", "Type them again, or ask an admin")
        self.attempts.was_right(name, address, at)
        return to_account(found[:-1])

    def open_session(self, account: Account, now: float | None = None) -> str:
        """A new session's token, for the browser's cookie; only its SHA-256 is kept."""
        now = time.time() if now is None else now
        token = secrets.token_urlsafe(32)
        with transaction(self.file) as database:
            _drop_old(database, now)
            database.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", (hashed(token), account.id, now, now))
            database.execute("UPDATE accounts SET seen = ? WHERE id = ?", (now, account.id))
        return token

    def session(self, token: str, active: bool = True, now: float | None = None) -> Account | None:
        """Whose session it is; None when there is none, it is over, or the account is locked or gone.

        Args:
            active: whether a person did something; what a page does by itself does not keep a session alive.
        """
        now = time.time() if now is None else now
        if not token:
            return None
        with transaction(self.file) as database:
            _drop_old(database, now)
            row = database.execute(
                f"SELECT {', '.join('a.' + each for each in FIELDS.split(', '))}, s.seen FROM sessions s "
                "JOIN accounts a ON a.id = s.account WHERE s.token = ? AND a.locked = 0",
                (hashed(token),),
            ).fetchone()
            if row is not None and active and now - row[-1] > _TOUCH:
                database.execute("UPDATE sessions SET seen = ? WHERE token = ?", (now, hashed(token)))
        return to_account(row[:-1]) if row is not None else None

    def close_session(self, token: str) -> None:
        """Logging out."""
        with transaction(self.file) as database:
            database.execute("DELETE FROM sessions WHERE token = ?", (hashed(token),))

    def events(self, most: int = 50) -> list[tuple[float, str, str, str]]:
        """What was done to accounts, the latest first: when, by whom, what, to whom."""
        with transaction(self.file) as database:
            rows = database.execute("SELECT at, who, what, whom FROM events ORDER BY at DESC LIMIT ?", (most,))
            return [(float(at), str(who), str(what), str(whom)) for at, who, what, whom in rows]


def _find(database: Connection, name: str) -> Account:
    row = database.execute(f"SELECT {FIELDS} FROM accounts WHERE key = ?", (name.strip().casefold(),)).fetchone()
    if row is None:
        raise AccountError(name, "there is no account of this name", "`workbench accounts list` shows them")
    return to_account(row)


def to_account(row: Any) -> Account:
    """An account from its row, see `FIELDS`."""
    return Account(str(row[0]), str(row[1]), str(row[2]), str(row[3]), bool(row[4]), *map(float, row[5:8]))


def _set_password(database: Connection, account: str, kept: str, reset: float) -> None:
    database.execute("UPDATE accounts SET password = ?, reset = ? WHERE id = ?", (kept, reset, account))
    database.execute("DELETE FROM sessions WHERE account = ?", (account,))


def _drop_old(database: Connection, now: float) -> None:
    # A session of the future means that the clock was set back: nobody knows how old it is.
    database.execute(
        "DELETE FROM sessions WHERE seen < ? OR made < ? OR made > ?", (now - IDLE, now - ABSOLUTE, now + IDLE)
    )


def _note(database: Connection, who: str, what: str, whom: str) -> None:
    database.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (time.time(), who, what, whom))


def hashed(token: str) -> bytes:
    """What is kept of a secret that a browser bears."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
