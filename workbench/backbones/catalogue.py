"""The bases that have a short name, and what is known of each."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from workbench.backbones.families import FAMILIES
from workbench.config import home
from workbench.errors import BackboneError

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Entry:
    """What the catalogue knows about a base.

    Attributes:
        id: its short name.
        words: one line for people who choose.
        source: a folder beside the catalogue, a folder or file of this machine, a hub id, or a hub id with a file's
            name behind it.
        family: see `Backbone`; a base that turns out to be of another is refused. Empty says nothing.
        licence: SPDX name, or what the makers call it.
        resolution: side of the pictures it was trained on, in pixels; 0 takes what its own files say.
        memory: GB of GPU memory that training with the recommended settings takes, by the sizes of its weights and
            activations; 0 is not known.
        settings: the file in `recipes/configs` that suits it.
        rest: a folder or hub id with the parts that a single file lacks.
        steps, guidance, guidance_rescale: how it is sampled best; see `Backbone`. 0 takes the family's.
        reads: `world` for a base that knows the words of the chibi world only; empty for one that reads any English.
    """

    id: str
    words: str = ""
    source: str = ""
    family: str = ""
    licence: str = "unknown"
    resolution: int = 0
    memory: float = 0.0
    settings: str = ""
    rest: str = ""
    steps: int = 0
    guidance: float = 0.0
    guidance_rescale: float = 0.0
    reads: str = ""


def catalogue() -> dict[str, Entry]:
    """All bases that have a short name, by that name: those that come with the workbench, and the person's own.

    Raises:
        BackboneError: the person's file (`own_catalogue`) cannot be read.
    """
    return shipped() | _own(own_catalogue())


def own_catalogue() -> Path:
    """The file in which a person names bases: `bases.yaml` in the workspace, written as `catalogue.yaml` here."""
    return home() / "bases.yaml"


@cache
def shipped() -> dict[str, Entry]:
    """The bases that come with the workbench."""
    content = yaml.safe_load((HERE / "catalogue.yaml").read_text(encoding="utf-8"))
    return {name: Entry(id=name, **values) for name, values in content.items()}


def _own(file: Path) -> dict[str, Entry]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BackboneError(file.name, "it cannot be read as YAML", "Correct it, or move it away") from error
    if not isinstance(content, dict):
        raise BackboneError(file.name, "it does not list bases by name", f"Write it as {HERE.name}/catalogue.yaml is")
    return {str(name): _own_entry(file, str(name), values) for name, values in content.items()}


def _own_entry(file: Path, name: str, values: Any) -> Entry:
    kinds = {each.name: type(each.default) for each in fields(Entry) if each.name != "id"}
    place = f"{file.name}, {name}"
    if name in shipped():
        raise BackboneError(place, "a base of this name comes with the workbench", "Choose another name")
    if not isinstance(values, dict) or not values.get("source"):
        raise BackboneError(place, "it does not say where the base is", "Add source: a folder, a file or a hub id")
    for key, value in values.items():
        if key not in kinds:
            near = difflib.get_close_matches(str(key), kinds, n=1)
            raise BackboneError(
                place,
                f"{key!r} is nothing that is known of a base",
                f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(kinds)}",
            )
        if not isinstance(value, kinds[key]) and not (kinds[key] is float and type(value) is int):
            raise BackboneError(place, f"{key} cannot be {value!r}", f"Write it as {kinds[key].__name__}")
    if values.get("family", "") not in ("", *FAMILIES):
        raise BackboneError(place, f"there is no family {values['family']!r}", f"Choose among {', '.join(FAMILIES)}")
    source = str(values["source"])
    beside = file.parent / source
    return Entry(id=name, **{**values, "source": str(beside) if beside.exists() else source})


def reads_world_words(base: str) -> bool:
    """Whether a base, by its name, knows the words of the chibi world only."""
    entry = catalogue().get(base)
    return entry is not None and entry.reads == "world"
