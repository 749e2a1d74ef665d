"""Keys in the gallery: arrows choose a picture, Enter opens it, s stars, x selects, Del deletes, u undoes.

Streamlit gives shortcuts to single buttons; a grid needs one current picture, which a small component of ours keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from workbench.language import mark

HELP = mark("Keys: arrows choose · Enter opens · s star · x select · d download · Del deletes · u undoes · / searches")
ACTS = ("look", "star", "select", "delete", "undo")
_KEYS = st.components.v2.component(
    "chibi_gallery_keys", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def listen(act: Callable[[str, str], None], row: list[str], selecting: bool, undo: bool) -> None:
    """Listens to the keyboard, and to clicks on pictures.

    Args:
        act: called as (what to do, the picture's id) before the page is drawn again; `ACTS` are all that come.
        row: the ids of the pictures that are shown.
        selecting: whether a click selects instead of opening.
        undo: whether there is something to undo.
    """

    def pressed() -> None:
        said = st.session_state["gallery-keys"].get("pressed")
        # It comes from a browser: only what is known is done.
        if isinstance(said, dict) and said.get("act") in ACTS:
            act(said["act"], str(said.get("id", "")))

    with st.container(key="keys"):
        _KEYS(key="gallery-keys", data={"row": row, "selecting": selecting, "undo": undo}, on_pressed_change=pressed)
