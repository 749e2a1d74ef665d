"""Finds a base model by name, folder or hub id, says clearly when it cannot be used, and opens it."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from workbench.config import find_path
from workbench.errors import BackboneError

if TYPE_CHECKING:
    import torch

    from workbench.backbones.protocol import Backbone

HERE = Path(__file__).resolve().parent
FAMILIES = {"StableDiffusionPipeline": "sd1"}


@dataclass(frozen=True)
class Entry:
    """What the catalogue knows about a base.

    Attributes:
        id: its short name.
        words: one line for people who choose.
        source: a folder beside the catalogue, or a hub id.
        family: see `Backbone`.
        licence: SPDX name, or what the makers call it.
        steps, guidance, guidance_rescale: how it is sampled best; see `Backbone`.
        reads: `world` for a base that knows the words of the chibi world only; empty for one that reads any English.
    """

    id: str
    words: str = ""
    source: str = ""
    family: str = "sd1"
    licence: str = "unknown"
    steps: int = 25
    guidance: float = 7.5
    guidance_rescale: float = 0.0
    reads: str = ""


@cache
def catalogue() -> dict[str, Entry]:
    """All bases that have a short name, by that name."""
    content = yaml.safe_load((HERE / "catalogue.yaml").read_text(encoding="utf-8"))
    return {name: Entry(id=name, **values) for name, values in content.items()}


def reads_world_words(base: str) -> bool:
    """Whether a base, by its name, knows the words of the chibi world only."""
    entry = catalogue().get(base)
    return entry is not None and entry.reads == "world"


def quiet_libraries() -> None:
    """Silences notes to programmers (of parts that are not installed and not needed) and bars of milliseconds.

    Call it before what it silences is imported.
    """
    import logging

    import diffusers.utils.logging
    import transformers.utils.logging

    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def open_backbone(
    name: str | Path, device: torch.device | str | None = None, dtype: torch.dtype | None = None
) -> Backbone:
    """Opens a base model.

    Args:
        name: a name in the catalogue, a folder in diffusers' format, or a hub id.
        device: where its networks go; None picks the best there is.
        dtype: of its weights; None picks what suits the device.

    Raises:
        BackboneError: if there is no such base, it is broken, it cannot be fetched, or its family is not known.
    """
    folder, entry = locate(str(name))
    _check_format(folder)

    import torch

    quiet_libraries()
    from workbench.backbones.unet import open_unet
    from workbench.device import pick_device, pick_dtype

    chosen = pick_device(device)
    try:
        return open_unet(folder, entry, chosen, dtype or pick_dtype(chosen))
    except torch.OutOfMemoryError as error:
        raise BackboneError(
            entry.id, f"it does not fit into the memory of {chosen}", "Close other programs, or choose a smaller base"
        ) from error
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise _broken(entry.id, error) from error
    except Exception as error:
        # safetensors' own class, which derives from nothing more special.
        if type(error).__name__ == "SafetensorError":
            raise _broken(entry.id, error) from error
        raise


def locate(name: str) -> tuple[Path, Entry]:
    """Finds a base's folder, fetching it from the hub when it is not on this machine.

    Args:
        name: a name in the catalogue, a folder in diffusers' format, or a hub id.

    Raises:
        BackboneError: if it is nowhere.
    """
    entry = catalogue().get(name)
    source = entry.source if entry else name
    beside = HERE / source
    if entry and (beside / "model_index.json").is_file():
        return beside, entry
    if entry and "/" not in source:
        raise BackboneError(name, "its weights are missing from this installation", "Install the workbench again")
    folder = find_path(name)
    if folder.is_dir():
        return folder, Entry(id=folder.resolve().name, licence="unknown")
    if folder.is_file():
        raise BackboneError(
            name, "it is a single file, not a folder in diffusers' format", "Give a folder with model_index.json in it"
        )
    if not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", source):
        near = difflib.get_close_matches(name, catalogue(), n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known names: {', '.join(catalogue())}"
        raise BackboneError(name, "there is no base of this name and no such folder", hint)
    return _fetch(source), entry or Entry(id=source)


def _fetch(hub_id: str) -> Path:
    """The hub's copy on this machine, downloaded if it is not there yet."""
    from diffusers import DiffusionPipeline
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        return Path(DiffusionPipeline.download(hub_id, use_safetensors=True, safety_checker=None))
    except RepositoryNotFoundError as error:
        raise BackboneError(
            hub_id, "the hub has no base of this name, or it needs a login", "Check the name, or run `hf auth login`"
        ) from error
    except (LocalEntryNotFoundError, OSError, ValueError) as error:
        raise BackboneError(
            hub_id,
            "it is not on this machine and cannot be fetched from the hub",
            "Check the connection, give a folder in diffusers' format, or use chibi-mini",
        ) from error


def _check_format(folder: Path) -> None:
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        kind = str(index["_class_name"])
    except FileNotFoundError:
        raise BackboneError(
            folder.name, "there is no model_index.json in it", "Give a folder in diffusers' format"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(folder.name, error) from error
    if kind not in FAMILIES:
        raise BackboneError(
            folder.name,
            f"its family ({kind}) is not supported",
            f"Use a base in the format of {', '.join(FAMILIES)}, for example chibi-mini",
        )
    for part in ("unet", "text_encoder", "vae"):
        if not list((folder / part).glob("*.safetensors")):
            raise BackboneError(
                folder.name,
                f"there is no safetensors file in {part}/",
                "Fetch it again; weights in other formats can run code and are not opened",
            )


def _broken(name: str, error: Exception) -> BackboneError:
    first = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return BackboneError(name, f"its files are broken ({first})", "Fetch or install it again")
