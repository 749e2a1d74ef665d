"""What was read from the photos, as words that the person can correct."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from ui import theme
from ui.words import telling_later
from workbench.captions import TRAITS
from workbench.language import tr
from workbench.photos import Subject, open_crop, save_subject


def correct_traits(subject: Subject, crops: list[Path]) -> None:
    """One list for each trait that was read; what the person chooses there is kept and wins."""
    theme.section(tr("What the photos show"), tr("Read from the photos; correct what is wrong."))
    with st.spinner(tr("Reading the photos…")):
        read = read_from(tuple(crops))
    with st.container(key="grid-fields-traits"):
        for trait, table in TRAITS.items():
            if trait not in read and trait not in subject.traits:
                continue
            own = read.get(trait)
            words = list(table) or ["yes", "no"]
            said = _word(subject.traits.get(trait, own))
            words += [said] if said not in words else []
            key = f"trait-{subject.name}-{trait}-{own}"
            st.selectbox(
                tr(trait.replace("_", " ").capitalize()), words, words.index(said), key=key, format_func=tr,
                on_change=_correct, args=(subject, trait, own, key),
            )  # fmt: skip


@st.cache_data(show_spinner=False, max_entries=20)
def read_from(crops: tuple[Path, ...]) -> dict[str, Any]:
    """The traits that the crops show; a crop's name is its content's, so the answer may be remembered."""
    from workbench.captions import read_traits

    return {trait: reading.value for trait, reading in read_traits([open_crop(path) for path in crops]).items()}


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _correct(subject: Subject, trait: str, own: Any, key: str) -> None:
    """Keeps a correction; what equals the reading is no correction, so that a later reading counts again."""
    said = st.session_state[key]
    traits = dict(subject.traits)
    traits.pop(trait, None)
    if said != _word(own):
        traits[trait] = said if TRAITS[trait] else said == "yes"
    with telling_later():
        save_subject(replace(subject, traits=traits))
