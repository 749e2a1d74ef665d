"""Locks and unlocks a whole workspace: every private file of every person is sealed, or laid open again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.config import atomic_write, home
from workbench.errors import VaultError
from workbench.privacy import keys
from workbench.privacy.seal import erase_key, is_sealed, read_private, write_private


@dataclass(frozen=True)
class VaultStatus:
    """What `workbench vault status` tells.

    Args:
        mode: `encrypted` or `plain`: how new photos are written.
        key: where the key is, see `keys.KEY_PLACES`.
        open: whether photos can be read now.
        sealed, plain: how many private files are encrypted, and how many are not.
        protection: what that protects against, in words.
    """

    mode: str
    key: str
    open: bool
    sealed: int
    plain: int
    protection: str


def private_files() -> Iterator[Path]:
    """The files that the vault encrypts: photos, crops, what was said of them, data sets' photos, their latents.

    Pictures that others were begun from are among them: they may be photos; and the small copies of the gallery.
    """
    for pattern in (
        "subjects/*/photos/*.png",
        "subjects/*/crops/*.png",
        "subjects/*/judgements.json",
        "subjects/*/captions.json",
        "datasets/*/photo-*.png",
        "datasets/*/metadata.jsonl",
        "starts/*/*.png",
        "gallery/thumbs/*.webp",
    ):
        yield from sorted(path for path in home().glob(pattern) if not path.name.startswith("."))
    # Of the latents, those of pictures that the base drew are nobody's and stay plain; a name does not tell them apart.
    yield from sorted(path for path in home().glob("cache/latents/*.safetensors") if is_sealed(path))


def vault_status() -> VaultStatus:
    """How photos are kept here, counted; a workspace without a vault is not changed.

    Raises:
        VaultError: vault.json is broken.
    """
    state = keys.read_vault() or keys.Vault("plain")
    files = [is_sealed(path) for path in private_files()]
    words = keys.PROTECTION[state.key if state.mode == "encrypted" else ""]
    return VaultStatus(state.mode, state.key, keys.is_open(state), sum(files), len(files) - sum(files), words)


def lock(key: str = "", passphrase: str = "") -> int:
    """Encrypts the workspace. When it is interrupted, calling it again goes on.

    Args:
        key: see `keys.new_vault`; an encrypted workspace keeps the key it has.

    Returns:
        How many files were sealed.

    Raises:
        VaultError: the key cannot be made or had, or another place of the key is asked for than it has.
        StorageError: a file cannot be written.
    """
    state = keys.read_vault()
    if state is not None and not state.id:
        keys.vault_file().unlink()
        state = None
    if state is None:
        # Latents of photos that were made in the open cannot be told from others; they are made again in seconds.
        for path in home().glob("cache/latents/*.safetensors"):
            path.unlink(missing_ok=True)
        state = keys.new_vault(key, passphrase)
    elif key and key != state.key:
        raise VaultError("The vault", f"its key is a {state.key}", f"Unlock it first, then lock it with --key {key}")
    if state.mode != "encrypted":
        state = replace(state, mode="encrypted")
        keys.save_vault(state)
    keys.master_key(state)
    done = 0
    for path in private_files():
        if not is_sealed(path):
            write_private(path, path.read_bytes())
            done += 1
    return done


def unlock() -> int:
    """Lays all private files open and erases the keys. When it is interrupted, calling it again goes on.

    Returns:
        How many files were laid open.

    Raises:
        VaultError: a file cannot be decrypted; it and the keys stay.
        StorageError: a file cannot be written.
    """
    state = keys.read_vault()
    if state is None:
        keys.save_vault(keys.Vault("plain"))
        return 0
    # From here on new files are plain, while sealed ones can still be read.
    keys.save_vault(replace(state, mode="plain"))
    done = 0
    for path in private_files():
        if is_sealed(path):
            atomic_write(path, read_private(path))
            done += 1
    for file in home().glob("keys/*.key"):
        erase_key(file.stem)
    keys.save_vault(keys.Vault("plain"))
    if state.id:
        keys.discard_key(state)
    return done
