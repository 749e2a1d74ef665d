"""Finds where a base lies: a name in the catalogue, a folder, a single file, or the hub."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path
from typing import Any

from workbench.backbones.catalogue import HERE, Entry, catalogue, own_catalogue, shipped
from workbench.backbones.detect import CONVERT, refuse_pickle
from workbench.backbones.families import BY_PIPELINE, known_families
from workbench.config import find_path
from workbench.errors import BackboneError

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")
HUB_FILE = re.compile(r"([\w-][\w.-]*/[\w.-]+)/(.+\.safetensors)")
OFFLINE = "Check the connection, give a folder or a .safetensors file of this machine, or use chibi-mini"


def locate(name: str) -> tuple[Path, Entry]:
    """Finds a base's folder or file, fetching it from the hub when it is not on this machine.

    Args:
        name: a name in the catalogue, a folder in diffusers' format, a single file, a hub id, or a hub id with the
            name of a file behind it.

    Raises:
        BackboneError: if it is nowhere, or the hub does not give it.
    """
    entry = catalogue().get(name)
    source = entry.source if entry else name
    beside = HERE / source
    if entry and (beside / "model_index.json").is_file():
        return beside, entry
    if entry and "/" not in source and name in shipped():
        raise BackboneError(name, "its weights are missing from this installation", "Install the workbench again")
    found = find_path(source)
    if found.is_dir():
        return found, entry or Entry(id=found.resolve().name)
    if found.is_file():
        return found, entry or Entry(id=found.stem)
    refuse_pickle(source)  # OWNER/NAME/FILE.ckpt of the hub
    if match := HUB_FILE.fullmatch(source):
        return _fetch_file(match[1], match[2]), entry or Entry(id=Path(match[2]).stem)
    if entry and not HUB_ID.fullmatch(source):
        raise BackboneError(name, f"{source} is not there", f"Correct its source in {own_catalogue()}")
    if not HUB_ID.fullmatch(source):
        near = difflib.get_close_matches(name, catalogue(), n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known names: {', '.join(catalogue())}"
        raise BackboneError(name, "there is no base of this name and no such folder", hint)
    return fetch_folder(source), entry or Entry(id=source)


def fetch_folder(hub_id: str) -> Path:
    """The hub's copy on this machine, downloaded if it is not there yet.

    Raises:
        BackboneError: no such base, no access, no network, or a family that cannot be opened; told before gigabytes
            are fetched.
    """
    index = _fetch_file(hub_id, "model_index.json")
    check_class(hub_id, read_index(index))

    from diffusers import DiffusionPipeline

    try:
        return Path(DiffusionPipeline.download(hub_id, use_safetensors=True, safety_checker=None))
    except Exception as error:
        raise _not_fetched(hub_id, error) from error


def read_index(file: Path) -> dict[str, Any]:
    """What `model_index.json` says.

    Raises:
        BackboneError: it is not there or broken.
    """
    name = file.parent.name
    try:
        index = json.loads(file.read_text(encoding="utf-8"))
        index["_class_name"]
    except FileNotFoundError:
        raise BackboneError(name, "there is no model_index.json in it", "Give a folder in diffusers' format") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackboneError(
            name, "its files are broken (model_index.json cannot be read)", "Fetch or install it again"
        ) from error
    found: dict[str, Any] = index
    return found


def check_class(name: str, index: dict[str, Any]) -> None:
    """Raises BackboneError when an index names a kind of pipeline that cannot be opened."""
    kind = str(index["_class_name"])
    if kind not in BY_PIPELINE:
        raise BackboneError(
            name,
            f"its family ({kind}) is not supported",
            f"Use a base of one of these families: {known_families()}; chibi-mini, for example",
        )


def _fetch_file(hub_id: str, name: str) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(hub_id, name))
    except Exception as error:
        raise _not_fetched(hub_id, error) from error


def _not_fetched(hub_id: str, error: Exception) -> BackboneError:
    """What the hub's client raised, in words; errors of other kinds are raised as they are."""
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    if isinstance(error, BackboneError):
        return error
    if isinstance(error, GatedRepoError):
        return BackboneError(
            hub_id,
            "its makers give it only to people who accepted their terms",
            f"Accept them at https://huggingface.co/{hub_id}, then run `hf auth login` and try again",
        )
    if isinstance(error, RepositoryNotFoundError):
        return BackboneError(
            hub_id, "the hub has no base of this name, or it needs a login", "Check the name, or run `hf auth login`"
        )
    if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
        return BackboneError(
            hub_id,
            "there is no diffusers pipeline in it",
            "Add the name of a .safetensors file behind it, as in OWNER/NAME/FILE.safetensors",
        )
    if isinstance(error, OSError) and "necessary `safetensors` weights" in str(error):
        return BackboneError(
            hub_id,
            "its weights are there only in files that can run code when they are opened",
            f"Choose another copy of it. {CONVERT}",
        )
    if isinstance(error, LocalEntryNotFoundError | HfHubHTTPError | OSError | ValueError):
        return BackboneError(hub_id, "it is not on this machine and cannot be fetched from the hub", OFFLINE)
    raise error
