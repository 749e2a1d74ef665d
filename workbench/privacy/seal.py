"""Private files: encrypted when they are written, decrypted only in memory when they are read.

A sealed file is `CHIBISV1`, the id of the person's key (8 bytes), a nonce (12 bytes), and the content under AES-256-GCM
(NIST SP 800-38D), which also refuses a file that was altered, cut or put in the place of another name. Each person has
a key of their own, `keys/NAME.key`, encrypted with the master key: once it is erased, whatever is left of the person's
sealed files on a disk, in a backup or in a snapshot cannot be read.
"""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path

from workbench.config import atomic_write, home, storage_errors
from workbench.errors import VaultError
from workbench.privacy.keys import Vault, create_once, master_key, read_vault, vault

MAGIC = b"CHIBISV1"
_ID, _NONCE, _TAG = 8, 12, 16
# Below these folders of the workspace, the next name is a person's.
_PERSONAL = ("subjects", "datasets", "starts", "search")
# Whose key seals the gallery's small copies, which are of many. No person can be called so; see `config.safe_name`.
GALLERY = ".gallery"

_known: dict[tuple[str, bytes], bytes] = {}


def read_private(path: Path) -> bytes:
    """A private file's content, whether it is sealed or plain.

    Raises:
        OSError: it cannot be read.
        VaultError: it is sealed, and its key is missing or wrong, or the file was altered.
    """
    return unseal(path.read_bytes(), path.name)


def write_private(path: Path, content: bytes | str, owner: str = "") -> None:
    """Writes a private file in one step, sealed when the vault is encrypted and a person owns it.

    Args:
        owner: the person's name; empty takes it from the path, see `owner_of`.

    Raises:
        StorageError: the disk is full or the folder may not be written.
        VaultError: the key cannot be had.
    """
    data = content.encode() if isinstance(content, str) else content
    owner = owner or owner_of(path)
    state = vault() if owner else Vault("plain")
    atomic_write(path, seal(data, path.name, owner, state) if state.mode == "encrypted" else data)


def owner_of(path: Path) -> str:
    """The person below whose folder a file lies: NAME for `subjects/NAME/…` and the like, else empty."""
    try:
        parts = path.absolute().relative_to(home()).parts
    except ValueError:
        return ""
    if parts[:2] == ("gallery", "thumbs") and len(parts) == 3:
        return GALLERY
    if len(parts) < 3 or parts[0] not in _PERSONAL:
        return ""
    return parts[1].removeprefix(".building-").removeprefix(".replaced-")


def is_sealed(path: Path) -> bool:
    """Whether a file is sealed; False when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def sealed_by(path: Path) -> bytes:
    """The id of the key that a file is sealed with, empty when it is not."""
    try:
        with path.open("rb") as file:
            start = file.read(len(MAGIC) + _ID)
    except OSError:
        return b""
    return start[len(MAGIC) :] if start.startswith(MAGIC) and len(start) == len(MAGIC) + _ID else b""


def seal(content: bytes, name: str, owner: str, state: Vault) -> bytes:
    """The sealed form of a file's content.

    Args:
        name: of the file; it opens under this name only.
        owner: whose key is used; made when the person has none yet.

    Raises:
        VaultError: the key cannot be had.
        StorageError: a new key cannot be kept.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    identity, key = _key_of(owner, state)
    nonce = secrets.token_bytes(_NONCE)
    return MAGIC + identity + nonce + AESGCM(key).encrypt(nonce, content, MAGIC + identity + name.encode())


def unseal(data: bytes, name: str) -> bytes:
    """The content of a sealed file; plain content is given back as it is.

    Raises:
        VaultError: the key is missing or wrong, or the file was altered.
    """
    if not data.startswith(MAGIC):
        return data
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    start = len(MAGIC)
    identity, nonce = data[start : start + _ID], data[start + _ID : start + _ID + _NONCE]
    try:
        if len(data) < start + _ID + _NONCE + _TAG:
            raise InvalidTag
        return AESGCM(_key_by_id(identity, name)).decrypt(
            nonce, data[start + _ID + _NONCE :], MAGIC + identity + name.encode()
        )
    except InvalidTag as error:
        raise VaultError(name, "the encrypted file was cut or altered", "Bring the photo again") from error


def key_file(name: str) -> Path:
    """Where a person's key is kept, encrypted with the master key."""
    return home() / "keys" / f"{name}.key"


def key_id(name: str) -> bytes:
    """The id of a person's key, empty when they have none."""
    try:
        return bytes.fromhex(json.loads(key_file(name).read_text(encoding="utf-8"))["id"])
    except (OSError, ValueError, KeyError, TypeError):
        return b""


def erase_key(name: str) -> list[Path]:
    """Erases a person's key, which makes every sealed file of theirs unreadable.

    Returns:
        The file that was removed; empty when there was none.

    Raises:
        StorageError: it may not be removed.
    """
    file, identity = key_file(name), key_id(name)
    for known in [known for known in _known if known[1] == identity]:
        del _known[known]
    with storage_errors(file):
        if not file.exists():
            return []
        file.unlink()
    return [file]


def _key_of(name: str, state: Vault) -> tuple[bytes, bytes]:
    file = key_file(name)
    if not file.exists():
        identity = secrets.token_bytes(_ID)
        create_once(file, json.dumps({"id": identity.hex(), "key": _wrap(secrets.token_bytes(32), identity, state)}))
    identity = key_id(name)
    if not identity:
        raise VaultError(file.name, "this key file is broken", "Bring it back from a backup, or forget the person")
    return identity, _key_by_id(identity, file.name)


def _key_by_id(identity: bytes, name: str) -> bytes:
    state = read_vault()
    if state is None:
        raise VaultError(name, "it is encrypted and vault.json is not there", "Bring vault.json back from a backup")
    if (state.id, identity) not in _known:
        folder = home() / "keys"
        for file in sorted(folder.glob("*.key")):
            if key_id(file.stem) == identity:
                _known[state.id, identity] = _unwrap(file, identity, state)
                break
        else:
            raise VaultError(name, "it is encrypted and the key of its person is gone", "Bring the photos again")
    return _known[state.id, identity]


def _wrap(key: bytes, identity: bytes, state: Vault) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE)
    return base64.b64encode(nonce + AESGCM(master_key(state)).encrypt(nonce, key, identity)).decode()


def _unwrap(file: Path, identity: bytes, state: Vault) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    master = master_key(state)
    try:
        wrapped = base64.b64decode(json.loads(file.read_text(encoding="utf-8"))["key"])
        return AESGCM(master).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], identity)
    except (OSError, ValueError, KeyError, TypeError, InvalidTag) as error:
        way_out = "Bring it back from a backup, or forget the person"
        raise VaultError(file.name, "this key file is broken or belongs to another vault", way_out) from error
