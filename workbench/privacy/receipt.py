"""Proof that someone was forgotten: what was removed, signed with this installation's key (Ed25519, RFC 8032).

The full receipt names files and so the person; it is handed out and not kept. What stays in `receipts/` is its hash,
the time, and how much was removed of each kind.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.config import atomic_write, home
from workbench.errors import VaultError
from workbench.privacy.keys import create_once, keys_folder

FORM = 1


def make_receipt(
    name: str, removed: Sequence[Mapping[str, Any]], shared: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A signed receipt; what may be kept of it is written to `receipts/`.

    Args:
        name: the person's.
        removed: for each file its `path`, `kind` and `bytes`.
        shared: adapters that left this computer and are to be called back, see `shared.py`.

    Raises:
        StorageError: the key or the note cannot be written.
        VaultError: the signing key is broken.
    """
    body: dict[str, Any] = {
        "form": FORM,
        "forgotten": name,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "removed": [dict(each) for each in removed],
        "looked again": "nothing of this person was found in workspace and shelf",
        "to be called back": [dict(each) for each in shared],
    }
    receipt = _signed(body)
    counts = Counter(str(each["kind"]) for each in removed)
    digest = hashlib.sha256(_text(receipt)).hexdigest()
    note = {"form": FORM, "when": body["when"], "removed": dict(counts), "receipt sha256": digest}
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    atomic_write(home() / "receipts" / f"{stamp}-{digest[:8]}.json", json.dumps(_signed(note), indent=1) + "\n")
    return receipt


def verify_receipt(receipt: Mapping[str, Any]) -> bool:
    """Whether a receipt was signed by this installation and says what it said then.

    Raises:
        VaultError: there is no signing key here to compare with.
    """
    from cryptography.exceptions import InvalidSignature

    body = {key: value for key, value in receipt.items() if key != "signature"}
    signature = receipt.get("signature")
    if not isinstance(signature, Mapping) or signature.get("key") != public_key():
        return False
    try:
        _signing_key(make=False).public_key().verify(base64.b64decode(str(signature.get("value", ""))), _text(body))
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key() -> str:
    """The public half of the signing key, in base64.

    Raises:
        VaultError: there is none yet, or it is broken.
    """
    return _public(_signing_key(make=False))


def _signed(body: Mapping[str, Any]) -> dict[str, Any]:
    key = _signing_key()
    signature = {"algorithm": "Ed25519", "key": _public(key), "value": base64.b64encode(key.sign(_text(body))).decode()}
    return dict(body) | {"signature": signature}


def _public(key: Any) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def _signing_key(make: bool = True) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    file = _key_file()
    if make and not file.exists():
        create_once(file, base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(file.read_text(encoding="ascii")))
    except FileNotFoundError:
        raise VaultError(
            "The receipt", "this installation has never signed one", "Verify it where it was made"
        ) from None
    except (OSError, ValueError) as error:
        raise VaultError(str(file), "the signing key cannot be read", "Bring it back from a backup") from error


def _key_file() -> Path:
    return keys_folder() / "signing.ed25519"


def _text(body: Mapping[str, Any]) -> bytes:
    """The one form of a record that is signed: sorted keys, no spaces."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
