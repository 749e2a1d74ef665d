"""Accounts of a shared server: who may come in, as what, for how long, and where each one's things are.

passwords.py  Argon2id, and passwords made by us
attempts.py   lock-out and rate limit, kept on disk
book.py       accounts and their sessions in one SQLite file
tickets.py    the way in from an OIDC provider
owner.py      the handle that ties a process to one owner's folders
"""

from __future__ import annotations

from workbench.accounts.attempts import Attempts
from workbench.accounts.book import ABSOLUTE, IDLE, ROLES, Account, Accounts
from workbench.accounts.owner import Owner
from workbench.accounts.passwords import SHORTEST, check_password, hash_password, new_password
from workbench.accounts.tickets import Tickets

__all__ = [
    "ABSOLUTE",
    "IDLE",
    "ROLES",
    "SHORTEST",
    "Account",
    "Accounts",
    "Attempts",
    "Owner",
    "Tickets",
    "check_password",
    "hash_password",
    "new_password",
]
