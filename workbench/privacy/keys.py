"""The vault's state and its master key.

    vault.json (workspace)         whether photos are encrypted, and where the key is; no secret
    the key                        in the system's keyring, in a file outside the workspace, or made from a passphrase

The master key encrypts one key for each person (`seal.py`), never a photo itself. What each place protects against is
told by `PROTECTION` and on the privacy page.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.config import atomic_write, home, make_folder, storage_errors
from workbench.errors import VaultError

FORM = 1
SERVICE = "chibi-workbench"
KEY_PLACES = ("keyring", "file", "passphrase")
PASSPHRASE = "WORKBENCH_PASSPHRASE"
SHORTEST_PASSPHRASE = 8
# scrypt (RFC 7914) with 128 MiB: about 0.4 s here for each guess, and as much memory for each guess made at once.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1
PROTECTION = {
    "keyring": "the key is in the system's keyring: a copied workspace or a stolen disk shows no photo; "
    "programs that run as you while you are logged in can read them",
    "file": "the key is in a file of yours outside the workspace: a copied or shared workspace shows no photo; "
    "whoever has the whole disk or your account can read them",
    "passphrase": "the key is made from your passphrase: whoever has the whole disk must guess it; while the "
    "workbench is open, programs that run as you can read them",
    "": "photos are ordinary files: whoever may read the folder sees them",
}

_unlocked: dict[str, bytes] = {}


@dataclass(frozen=True)
class Vault:
    """How photos of this workspace are kept.

    Args:
        mode: what is written now: `encrypted` or `plain`.
        key: where the master key is, see `KEY_PLACES`; empty when there is none.
        id: names the key in keyring and key folder; it says nothing.
        salt: for the passphrase, in base64.
        check: proves a key to be the right one: a known text, encrypted with it, in base64.
    """

    mode: str
    key: str = ""
    id: str = ""
    salt: str = ""
    check: str = ""


def keys_folder() -> Path:
    """Where key files are: `$WORKBENCH_KEYS`, else the user's configuration folder. Never in the workspace."""
    chosen = os.environ.get("WORKBENCH_KEYS")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser().absolute() / SERVICE


def vault_file() -> Path:
    return home() / "vault.json"


def vault() -> Vault:
    """How photos are kept here. A new workspace becomes encrypted; one with people from before stays as it is.

    `$WORKBENCH_VAULT` decides for new workspaces: `plain`, `keyring` or `file`.

    Raises:
        VaultError: vault.json is broken, or a new key cannot be kept.
        StorageError: the workspace may not be written.
    """
    known = read_vault()
    if known is not None:
        return known
    wish = os.environ.get("WORKBENCH_VAULT", "")
    from_before = (home().glob(pattern) for pattern in ("subjects/*/photos/*", "datasets/*/photo-*"))
    if wish == "plain" or any(any(found) for found in from_before):
        return Vault("plain")
    return new_vault(wish if wish in ("keyring", "file") else "")


def read_vault() -> Vault | None:
    """What vault.json says, or None when there is none.

    Raises:
        VaultError: it is there and cannot be understood.
    """
    try:
        fields: Any = json.loads(vault_file().read_text(encoding="utf-8"))
        found = Vault(**{key: str(fields[key]) for key in ("mode", "key", "id", "salt", "check")})
        if found.mode not in ("encrypted", "plain") or found.key not in ("", *KEY_PLACES) or not _harmless(found.id):
            raise ValueError(found.mode)
        return found
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VaultError(str(vault_file()), "it cannot be understood", "Restore it from a backup") from error


def new_vault(key: str = "", passphrase: str = "") -> Vault:
    """Makes a master key and says in vault.json where it is.

    Args:
        key: one of `KEY_PLACES`; empty takes the keyring where there is one that works, else a file.
        passphrase: for the key of that name.

    Raises:
        VaultError: the keyring refuses, or the passphrase is too short.
        StorageError: a file cannot be written.
    """
    key = key or ("keyring" if _keyring() is not None else "file")
    identity, salt = secrets.token_hex(8), secrets.token_bytes(16)
    if key == "passphrase":
        master = _derive(passphrase, salt)
    else:
        master = secrets.token_bytes(32)
        _keep(key, identity, master)
    made = Vault("encrypted", key, identity, _text(salt) if key == "passphrase" else "", _check(master, identity))
    # Two processes may meet at a new workspace; the first one's key counts.
    if not create_once(vault_file(), _json(made)):
        if key != "passphrase":
            discard_key(made)
        return vault()
    _unlocked[identity] = master
    return made


def save_vault(state: Vault) -> None:
    """Writes vault.json anew.

    Raises:
        StorageError: it cannot be written.
    """
    atomic_write(vault_file(), _json(state))


def master_key(state: Vault) -> bytes:
    """The 32 bytes that the people's keys are encrypted with.

    Raises:
        VaultError: the key is not there, the keyring is closed, or the passphrase is missing or wrong.
    """
    if state.id in _unlocked:
        return _unlocked[state.id]
    if state.key == "keyring":
        master = _from_keyring(state.id)
    elif state.key == "file":
        master = _from_file(state.id)
    elif state.key == "passphrase":
        said = os.environ.get(PASSPHRASE, "")
        if not said:
            raise VaultError("The vault", "it is locked with a passphrase", f"Give it on the page, or in ${PASSPHRASE}")
        master = _derive(said, base64.b64decode(state.salt))
    else:
        raise VaultError("The vault", "vault.json names no key", "Restore it from a backup")
    _prove(state, master)
    _unlocked[state.id] = master
    return master


def is_open(state: Vault) -> bool:
    """Whether kept photos can be read now without asking a person."""
    return state.key != "passphrase" or state.id in _unlocked or bool(os.environ.get(PASSPHRASE))


def open_with(passphrase: str) -> None:
    """Opens the vault for this process and those it starts.

    Raises:
        VaultError: the passphrase is wrong.
    """
    state = vault()
    master = _derive(passphrase, base64.b64decode(state.salt))
    _prove(state, master)
    _unlocked[state.id] = master
    # Trainings are processes of their own and get it from here.
    os.environ[PASSPHRASE] = passphrase


def discard_key(state: Vault) -> None:
    """Erases a master key; what it encrypted can never be read again."""
    _unlocked.pop(state.id, None)
    if state.key == "file":
        with storage_errors(_key_file(state.id)):
            _key_file(state.id).unlink(missing_ok=True)
    elif state.key == "keyring" and (ring := _keyring()) is not None:
        with suppress(Exception):  # a keyring that cannot erase what is not there
            ring.delete_password(SERVICE, state.id)


def create_once(path: Path, text: str) -> bool:
    """Writes a file that is not there yet, whole or not at all; False when another process was first.

    Raises:
        StorageError: it cannot be written.
    """
    make_folder(path.parent)
    waiting = path.with_name(f".writing-{secrets.token_hex(8)}")
    with storage_errors(path):
        try:
            handle = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(waiting, path)
            except FileExistsError:
                return False
            return True
        finally:
            waiting.unlink(missing_ok=True)


def _keep(key: str, identity: str, master: bytes) -> None:
    if key == "file":
        make_folder(keys_folder())
        with suppress(OSError):  # a disk without permissions; the key's file is made for its owner alone
            keys_folder().chmod(0o700)
        create_once(_key_file(identity), _text(master) + "\n")
        return
    ring = _keyring()
    try:
        if ring is None:
            raise RuntimeError("there is none")
        ring.set_password(SERVICE, identity, _text(master))
        if ring.get_password(SERVICE, identity) != _text(master):
            raise RuntimeError("it does not give back what it was given")
    except Exception as error:  # each backend has errors of its own
        way_out = "Use a key file: workbench vault lock --key file"
        raise VaultError("The keyring", f"it cannot keep a key ({error})", way_out) from error


def _keyring() -> Any:
    """The system's keyring, or None where none works, as on a server without a session."""
    try:
        import keyring

        backend = keyring.get_keyring()
        return keyring if backend.priority > 0 else None  # the null and fail backends have none or 0
    except Exception:  # a broken backend is no backend
        return None


def _from_keyring(identity: str) -> bytes:
    ring = _keyring()
    try:
        text = ring.get_password(SERVICE, identity) if ring else None
    except Exception as error:
        reason = f"the system's keyring does not give the key ({type(error).__name__})"
        raise VaultError("The vault", reason, "Log in to the desktop, or unlock the keyring") from error
    if not text:
        reason = "its key is not in the system's keyring"
        raise VaultError("The vault", reason, "Work as the user who made it, or forget the person and start anew")
    return base64.b64decode(text)


def _from_file(identity: str) -> bytes:
    file = _key_file(identity)
    try:
        return base64.b64decode(file.read_text(encoding="ascii").strip(), validate=True)
    except (OSError, ValueError) as error:
        way_out = "Bring the file back from a backup, or forget the person and start anew"
        raise VaultError("The vault", f"its key file {file} cannot be read", way_out) from error


def _key_file(identity: str) -> Path:
    return keys_folder() / f"{identity}.key"


def _derive(passphrase: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise VaultError(
            "The passphrase", f"it is shorter than {SHORTEST_PASSPHRASE} characters", "Take four words or more"
        )
    return Scrypt(salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase.encode())


def _check(master: bytes, identity: str) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(12)
    return _text(nonce + AESGCM(master).encrypt(nonce, b"", identity.encode()))


def _prove(state: Vault, master: bytes) -> None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        proof = base64.b64decode(state.check)
        AESGCM(master).decrypt(proof[:12], proof[12:], state.id.encode())
    except (InvalidTag, ValueError) as error:
        way_out = "Type it again" if state.key == "passphrase" else "Bring the right key back from a backup"
        raise VaultError("The vault", "this is not its key", way_out) from error


def _harmless(identity: str) -> bool:
    return len(identity) <= 32 and all(char in "0123456789abcdef" for char in identity)


def _json(state: Vault) -> str:
    return json.dumps({"form": FORM} | asdict(state), indent=1) + "\n"


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
