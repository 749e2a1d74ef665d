"""Words of a prompt: ready-made ones, and how the base reads what was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from ui.bases import engine
from ui.words import plain, tell
from workbench.adapters import Card
from workbench.backbones.catalogue import reads_world_words
from workbench.errors import GenerationError
from workbench.generation.reading import read_prompt
from workbench.generation.styles import Style, styles
from workbench.generation.weights import count_tokens
from workbench.language import language, told, tr

# The preferences that change from picture to picture.
CHANGES = ("expression", "clothing", "clothing_colour", "headwear", "background", "pose")


def understood_as(prompt: str, base: str, cards: Sequence[Card]) -> None:
    """How the base reads the prompt, and how long it is for it."""
    try:
        for note in read_prompt(prompt, base, cards).notes():
            st.caption(plain(told(note)))
    except GenerationError as error:
        tell(error)
        return
    # Counted by the open base, so not before the first drawing: opening one for this would cost seconds.
    if prompt and st.session_state.get("warm") == base:
        used, room = count_tokens(engine(base).backbone, prompt)
        st.caption(tr("{used} of {room} tokens", used=used, room=room) if room else tr("{used} tokens", used=used))


def choose_style(base: str, lists: bool) -> Style | None:
    """Ready-made words: those made of preferences fill the lists, others are added to the prompt.

    Args:
        base: what it reads decides which styles are offered.
        lists: whether the prompt is written by lists.
    """
    try:
        known = styles()
    except GenerationError as error:
        tell(error)
        return None
    world = reads_world_words(base)
    offered = {
        name: each for name, each in known.items()
        if (each.wishes and lists) or ((each.prompt or each.negative) and not (world and each.reads == "any"))
    }  # fmt: skip
    if not offered:
        return None
    if st.session_state.get("style") not in offered:
        st.session_state["style"] = None
    name = st.selectbox(
        tr("Style"), list(offered), key="style", placeholder=tr("Ready-made words"),
        format_func=lambda each: _called(offered[each]), on_change=_fill, args=(offered,),
        label_visibility="collapsed",
    )  # fmt: skip
    return offered.get(name) if name else None


def _called(style: Style) -> str:
    """Styles, a person's own too, say themselves what they are called in Chinese."""
    return (style.words_zh if language() == "zh" else "") or style.words or style.name


def _fill(offered: Mapping[str, Style]) -> None:
    style = offered.get(str(st.session_state.get("style")))
    if style and style.wishes:
        for name in CHANGES:
            st.session_state[f"wish-{name}"] = style.wishes.get(name, "")
