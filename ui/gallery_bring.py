"""A picture or a sheet that was downloaded and is dragged back in: its recipe opens in Create."""

from __future__ import annotations

import streamlit as st

from ui import theme
from ui.picture import use_again, use_sheet_again
from ui.words import later, telling_later
from workbench.generation import read_record
from workbench.generation.sheet import is_sheet, read_sheet_recipe
from workbench.language import tr


def bring_back(where: str) -> None:
    """The place where a picture is dropped.

    Args:
        where: so that keys differ between screens.
    """
    theme.section(
        tr("Open a picture's recipe"),
        tr("Drop a PNG that was downloaded here, a picture or a sheet: its words, seed and adapters open in Create."),
    )
    turn = st.session_state.setdefault("recipe-turn", 0)
    key = f"recipe-{where}-{turn}"
    st.file_uploader(
        tr("A picture made here"), type=["png"], key=key, label_visibility="collapsed", on_change=_dropped, args=(key,)
    )


def _dropped(key: str) -> None:
    file = st.session_state.get(key)
    if file is None:
        return
    st.session_state["recipe-turn"] += 1  # an empty place for the next one, whatever came of this one
    with telling_later():
        content = file.getvalue()
        if is_sheet(content):
            use_sheet_again(read_sheet_recipe(content))
            later(tr("The sheet's recipe is open, under Many at once"), ":material/grid_view:")
        else:
            use_again(read_record(content))
            later(tr("The picture's recipe is open"), ":material/receipt_long:")
