"""A smaller copy of an adapter: cut to a rank, with what that keeps of it shown before."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path

import streamlit as st

from ui import theme
from ui.bases import base_of, engine
from ui.words import megabytes, plain, tell
from workbench.adapters import ShelfEntry
from workbench.adapters.blend import Blend, resize_adapter
from workbench.adapters.mix import kept_by_rank
from workbench.adapters.weights import read_weights
from workbench.errors import AdapterError, BackboneError, WorkbenchError
from workbench.language import told, tr


def resizing(entry: ShelfEntry) -> None:
    """The part of an adapter's dialog; nothing for one that cannot be smaller."""
    if entry.info is None or max(entry.info.ranks, default=0) < 2:
        return
    theme.section(tr("A smaller copy"), tr("Keeps the strongest of what it changes. This one stays as it is."))
    # Every layer is taken apart for it, which takes seconds with a large base's: not for each look at the card.
    if not st.toggle(tr("Choose a rank"), key=f"resize-{entry.name}"):
        return
    state = st.session_state
    try:
        table = _table(entry.path, entry.modified)
    except AdapterError as error:  # only its header was read until now
        tell(error)
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="resize-how"):
        rank = st.slider(tr("Rank"), 1, len(table), len(table) // 2, key=f"resize-rank-{entry.name}")
        name = st.text_input(tr("Name of the copy"), f"{entry.name}-r{rank}", key=f"resize-name-{entry.name}-{rank}")
    (kept, numbers), (_, most) = table[rank - 1], table[-1]
    st.caption(
        tr(
            "Keeps {kept} % of its change, in about {size} instead of {whole}.",
            kept=f"{100 * kept:.1f}", size=megabytes(int(entry.size * numbers / most)), whole=megabytes(entry.size),
        )
    )  # fmt: skip
    st.button(
        tr("Save the copy"), key="resize-save", icon=":material/compress:", on_click=_wish,
        args=(entry.name, name, rank),
    )  # fmt: skip
    wish = state.pop("resizing", None)
    if wish and wish[0] == entry.name:
        with st.spinner(tr("Cutting it, and proving the copy in a fresh base…")):
            state["resized"] = (entry.name, _resized(entry, wish[1], wish[2]))
    whose, result = state.get("resized", ("", None))
    if whose != entry.name:
        return
    if isinstance(result, WorkbenchError):
        tell(result)
    elif isinstance(result, Blend):
        st.success(
            tr("{name} is on the shelf, {kept} % of the change kept", name=plain(result.entry.name),
               kept=f"{100 * result.kept:.0f}"),
            icon=":material/verified:",
        )  # fmt: skip
        if result.proof is None:
            st.caption(tr("Not proven, since its base is not here."))
        for note in result.notes:
            st.caption(plain(told(note)))


@st.cache_data(max_entries=16, show_spinner=False)
def _table(path: Path, changed: datetime) -> list[tuple[float, int]]:
    return kept_by_rank(read_weights(path))


def _resized(entry: ShelfEntry, name: str, rank: int) -> Blend | WorkbenchError:
    backbone = None
    with suppress(BackboneError):  # it is not here, which is told beside the result
        backbone = engine(base_of(entry.card.base)).backbone
    try:
        return resize_adapter(entry.name, name, rank, backbone=backbone)
    except WorkbenchError as error:
        return error


def _wish(name: str, copy: str, rank: int) -> None:
    st.session_state["resizing"] = (name, copy.strip(), rank)
