"""The way in from an OIDC provider: an account by its email, and tickets that a gate takes once."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from workbench.accounts.book import FIELDS, Account, hashed, to_account
from workbench.accounts.database import transaction
from workbench.errors import AccountError

TICKET = 60.0  # s


class Tickets:
    """Tickets of a shared server.

    Args:
        file: the accounts' SQLite file.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def by_email(self, email: str, subject: str) -> Account:
        """The account of somebody whom the OIDC provider has shown in.

        Args:
            email: as the provider verified it.
            subject: who it is at which provider, for ever; kept at the first time, so that an address that is given to
                somebody else later does not open the account.

        Raises:
            AccountError: an admin has made no account for it, it is locked, or the address was given away.
        """
        refused = AccountError("Logging in", "there is no account for this person", "Ask an admin for one")
        with transaction(self.file) as database:
            row = database.execute(
                f"SELECT {FIELDS}, subject FROM accounts WHERE email = ? AND email != ''", (email.strip().casefold(),)
            ).fetchone()
            if row is None or row[4] or not subject or row[-1] not in ("", subject):
                raise refused
            database.execute("UPDATE accounts SET subject = ? WHERE id = ?", (subject, row[0]))
        return to_account(row[:-1])

    def make(self, account: Account, browser: str, now: float | None = None) -> str:
        """A ticket from the OIDC door to the gate: good once, for a minute, in the browser it was made for."""
        now = time.time() if now is None else now
        token = secrets.token_urlsafe(32)
        with transaction(self.file) as database:
            database.execute(
                "INSERT INTO tickets VALUES (?, ?, ?, ?)", (hashed(token), account.id, hashed(browser), now)
            )
        return token

    def take(self, token: str, browser: str, now: float | None = None) -> Account:
        """Whose ticket it is; it is worth nothing afterwards.

        Raises:
            AccountError: it is none, too old, used, or of another browser.
        """
        now = time.time() if now is None else now
        with transaction(self.file) as database:
            row = database.execute(
                f"SELECT {', '.join('a.' + each for each in FIELDS.split(', '))}, t.browser, t.at FROM tickets t "
                "JOIN accounts a ON a.id = t.account WHERE t.token = ? AND a.locked = 0",
                (hashed(token),),
            ).fetchone()
            database.execute("DELETE FROM tickets WHERE token = ? OR at < ?", (hashed(token), now - TICKET))
        if row is None or not browser or row[-2] != hashed(browser) or not 0 <= now - row[-1] <= TICKET:
            raise AccountError("Logging in", "this way in is over", "Log in again")
        return to_account(row[:-2])
