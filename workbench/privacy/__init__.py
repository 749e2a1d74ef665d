"""Faces in good hands: photos encrypted at rest, who agreed to what, how long it is kept, and proof that it is gone.

keys.py       where the master key is: keyring, file or passphrase
seal.py       private files: sealed when written, opened in memory when read
locking.py    a whole workspace locked and unlocked
kept.py       what is kept, where and how long: the one table
consent.py    whose face it is, and for what it may be used
retention.py  photos expire
shared.py     which adapters left this computer
receipt.py    a signed proof of forgetting
"""

from __future__ import annotations

from workbench.privacy.consent import SCOPES, WHOSE, Consent, scope_words, state_consent
from workbench.privacy.kept import KEPT, Kept, places_of, row_of
from workbench.privacy.keys import Vault, is_open, open_with, read_vault, vault
from workbench.privacy.locking import VaultStatus, lock, private_files, unlock, vault_status
from workbench.privacy.receipt import make_receipt, public_key, verify_receipt
from workbench.privacy.retention import (
    KEEP_DAYS,
    Expired,
    enforce_retention,
    erase,
    erase_photos,
    left_over,
    sweep,
)
from workbench.privacy.seal import erase_key, is_sealed, key_id, owner_of, read_private, sealed_by, write_private
from workbench.privacy.shared import drop_shared, list_shared, note_shared

__all__ = [
    "KEEP_DAYS",
    "KEPT",
    "SCOPES",
    "WHOSE",
    "Consent",
    "Expired",
    "Kept",
    "Vault",
    "VaultStatus",
    "drop_shared",
    "enforce_retention",
    "erase",
    "erase_key",
    "erase_photos",
    "is_open",
    "is_sealed",
    "key_id",
    "left_over",
    "list_shared",
    "lock",
    "make_receipt",
    "note_shared",
    "open_with",
    "owner_of",
    "places_of",
    "private_files",
    "public_key",
    "read_private",
    "read_vault",
    "row_of",
    "scope_words",
    "sealed_by",
    "state_consent",
    "sweep",
    "unlock",
    "vault",
    "vault_status",
    "verify_receipt",
    "write_private",
]
