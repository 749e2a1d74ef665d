"""Passwords: kept as Argon2id (RFC 9106), never as they are."""

from __future__ import annotations

import secrets
import threading
from functools import cache

from workbench.errors import AccountError

SHORTEST, LONGEST = 10, 200
# RFC 9106, second choice, with one lane: 64 MiB and three passes, about 0.1 s a guess and as much memory for each one
# made at once.
MEMORY, PASSES, LANES = 64 * 1024, 3, 1
# Who knocks a thousand times at once gets a queue, not 64 GiB.
_at_once = threading.BoundedSemaphore(2)


def hash_password(password: str) -> str:
    """The text to keep, in PHC form: it names method, cost and salt.

    Raises:
        AccountError: the password is shorter than `SHORTEST` characters, or longer than anyone types.
    """
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    if not SHORTEST <= len(password) <= LONGEST:
        reason = f"it has {len(password)} characters"
        raise AccountError("The password", reason, f"Take {SHORTEST} to {LONGEST}; four words are good")
    with _at_once:
        salt = secrets.token_bytes(16)
        return Argon2id(
            salt=salt, length=32, iterations=PASSES, lanes=LANES, memory_cost=MEMORY
        ).derive_phc_encoded(password.encode())  # fmt: skip


def check_password(password: str, kept: str) -> bool:
    """Whether it is the password. Takes as long when there is none to compare with, so that nobody learns who is here.

    Args:
        kept: from `hash_password`, or empty.
    """
    from cryptography.exceptions import InvalidKey
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    right = bool(kept) and len(password) <= LONGEST
    with _at_once:
        try:
            Argon2id.verify_phc_encoded(password[:LONGEST].encode(), kept or _of_nobody())
        except (InvalidKey, ValueError):
            return False
    return right


def new_password() -> str:
    """A password of 16 letters and digits that are not mistaken for each other: 79 bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


@cache
def _of_nobody() -> str:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    hasher = Argon2id(salt=b"nobody's salt...", length=32, iterations=PASSES, lanes=LANES, memory_cost=MEMORY)
    return hasher.derive_phc_encoded(secrets.token_bytes(16))
