"""Faces in good hands: photos encrypted at rest, who agreed to what, how long it is kept, and proof that it is gone.

keys.py       where the master key is: keyring, file or passphrase
seal.py       private files: sealed when written, opened in memory when read
locking.py    a whole workspace locked and unlocked
"""

from __future__ import annotations

from workbench.privacy.keys import Vault, is_open, open_with, read_vault, vault
from workbench.privacy.locking import VaultStatus, lock, private_files, unlock, vault_status
from workbench.privacy.seal import erase_key, is_sealed, key_id, owner_of, read_private, sealed_by, write_private

__all__ = [
    "Vault",
    "VaultStatus",
    "erase_key",
    "is_open",
    "is_sealed",
    "key_id",
    "lock",
    "open_with",
    "owner_of",
    "private_files",
    "read_private",
    "read_vault",
    "sealed_by",
    "unlock",
    "vault",
    "vault_status",
    "write_private",
]
