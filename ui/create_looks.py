"""Preferences as pictures to click: each word of each list, drawn by the world."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from workbench.generation import choices
from workbench.language import mark, tr
from workbench.world.character import CHARACTER_WORDS, Character, Scene
from workbench.world.draw import draw

LABELS = {
    "expression": mark("Mood"),
    "clothing": mark("Clothes"),
    "clothing_colour": mark("Colour"),
    "headwear": mark("Head"),
    "background": mark("Place"),
    "pose": mark("Pose"),
    "hair_style": mark("Hair"),
    "hair_colour": mark("Hair colour"),
    "eye_colour": mark("Eyes"),
    "skin": mark("Skin"),
    "glasses": mark("Glasses"),
    "facial_hair": mark("Beard"),
    "age": mark("Age"),
}
_HEAD, _WHOLE = (36, 12, 220, 196), (0, 0, 256, 256)
_SIDE = 112  # px; shown at half of that, sharp on phones too
_MODEL = Character(hair_style="bob", hair_colour="brown", eye_colour="brown", variation=6)
_CALM = Scene(expression="smiling", clothing="t-shirt", clothing_colour="yellow", background="white")


def pick_looks(names: Sequence[str]) -> dict[str, str]:
    """One list at a time, as pictures; a second click on a picture takes it back.

    Args:
        names: the preferences to offer.

    Returns:
        The chosen word of each, empty where anything goes.
    """
    state, tables = st.session_state, choices()
    if state.get("list") not in names:
        state["list"] = names[0]
    name = st.pills(
        tr("Choose"), names, key="list", required=True, persist_state="session", label_visibility="collapsed",
        format_func=lambda each: tr(LABELS[each]),
    )  # fmt: skip
    name = str(name or names[0])
    said = str(state.get(f"wish-{name}", ""))
    key = f"choose-{name}"
    state[key] = said if said in tables[name] else None
    with st.container(key=f"looks-{name}"):
        st.pills(
            tr(LABELS[name]), tables[name], key=key, on_change=_take, args=(name, key), label_visibility="collapsed",
            format_func=lambda word: f"![{tr(word)}]({look(name, word)}) {tr(word)}",
        )  # fmt: skip
    return {each: word for each in names if (word := str(state.get(f"wish-{each}", ""))) in tables[each]}


def _take(name: str, key: str) -> None:
    st.session_state[f"wish-{name}"] = st.session_state.get(key) or ""


@st.cache_data(show_spinner=False, max_entries=200)
def look(name: str, word: str) -> str:
    """A word of a preference, drawn, as a data URI."""
    changed: Mapping[str, str] = {name: word}
    who = replace(_MODEL, **changed) if name in CHARACTER_WORDS else _MODEL  # type: ignore[arg-type]
    scene = _CALM if name in CHARACTER_WORDS else replace(_CALM, **changed)  # type: ignore[arg-type]
    if name == "facial_hair":
        who = replace(who, hair_style="short", hair_colour="black")
    head = name in CHARACTER_WORDS or name in ("expression",)
    picture = draw(who, scene, "chibi", 256).crop(_HEAD if head else _WHOLE).resize((_SIDE, _SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=78, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
