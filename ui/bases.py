"""Which base a picture or a run uses, and the one warm engine that all sessions of the page share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from workbench.backbones import Entry, catalogue
from workbench.backbones.catalogue import shipped
from workbench.config import home, load_settings
from workbench.errors import BackboneError, ConfigError
from workbench.language import told_error

if TYPE_CHECKING:
    from workbench.generation import Engine

DEFAULT = "chibi-mini"


def base_names() -> list[str]:
    """Bases to choose from: the catalogue's, and folders that runs of this workspace were trained on."""
    known = _known()
    return [*known, *(base for base in _trained_on() if base not in known)]


def _known() -> dict[str, Entry]:
    """The catalogue; without the person's own bases, and with a word about it, when their file cannot be read."""
    try:
        return catalogue()
    except BackboneError as error:
        st.error(told_error(error.thing, error.reason, error.way_out))
        return shipped()


def base_of(card_base: str) -> str:
    """What to open for an adapter: its card names a base, but never a folder of this machine.

    Args:
        card_base: the base as the card tells it, or empty.
    """
    if not card_base or card_base in _known():
        return card_base or DEFAULT
    return next((base for base in _trained_on() if Path(base).name == card_base), card_base)


def _trained_on() -> list[str]:
    """The bases of the runs there are, each once."""
    found: dict[str, None] = {}
    runs = home() / "runs"
    for file in sorted(runs.glob("*/settings.yaml")) if runs.is_dir() else []:
        try:
            found[load_settings(file).base] = None
        except ConfigError:
            continue  # a run of an older version, or a broken file: it names no base
    return list(found)


# One base at a time: two would fill the memory of a laptop. `Engine` has a lock of its own, so sessions take turns.
@st.cache_resource(show_spinner=False, max_entries=1)
def engine(base: str) -> Engine:
    """The open base, warm until another one is asked for.

    Raises:
        BackboneError: it is missing, broken, or of an unknown family.
    """
    from workbench.device import prepare_environment

    prepare_environment()
    from workbench.generation import Engine

    return Engine(base)
