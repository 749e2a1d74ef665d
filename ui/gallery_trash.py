"""Pictures that were deleted: undo at once, or bring them back for thirty days."""

from __future__ import annotations

import streamlit as st

from ui import theme
from ui.picture import gallery
from ui.words import ago, count, dialog, escaped, later, telling_later
from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.gallery.thumbnails import thumbnail_of
from workbench.language import mark, tr

SHOWN = 8


def undo_bar() -> None:
    """Right after something was deleted: what, and a button that brings it back."""
    undo = st.session_state.get("undo")
    if not undo:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="panel-undo"):
        st.html(
            f"<b>{escaped(tr('{pictures} deleted', pictures=count(undo['count'], 'picture')))}</b>", width="content"
        )
        st.button(tr("Undo"), key="undo-delete", type="primary", icon=":material/undo:", on_click=put_back,
                  args=(undo["id"],))  # fmt: skip
        st.button("", key="undo-over", type="tertiary", icon=":material/close:", on_click=_over, help=tr("Close"))


def put_back(which: str) -> None:
    """Brings deleted pictures back."""
    with telling_later():
        names = gallery().put_back(which)
        later(tr("{names} brought back", names=count(len(names), "picture")), ":material/undo:")
    if st.session_state.get("undo", {}).get("id") == which:
        _over()


def _over() -> None:
    st.session_state["undo"] = {}


def deleted_button(kept: Gallery) -> None:
    """Leads to what was deleted, where there is any."""
    if kept.trash.folder.is_dir():
        st.button(tr("Deleted pictures"), key="show-deleted", type="tertiary", icon=":material/delete_history:",
                  on_click=_show, args=(True,))  # fmt: skip
        if st.session_state.get("deleted-shown"):
            deleted_dialog()


def _show(shown: bool) -> None:
    st.session_state["deleted-shown"] = shown


@dialog(mark("Deleted pictures"), width="large", on_dismiss=lambda: _show(False))
def deleted_dialog() -> None:
    """All that can be brought back, latest first."""
    kept = gallery()
    batches = kept.trash.batches()
    if not batches:
        theme.empty(tr("Nothing here"), tr("What you delete can be brought back for 30 days."), "yuki", "star")
    for each in batches:
        with st.container(key=f"panel-deleted-{each.id}"):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.html(
                    f"<b>{count(len(each.pictures), 'picture')}</b> · {ago(each.deleted)} · "
                    f"{escaped(tr('erased in {days}', days=count(each.days_left, 'day')))}",
                    width="stretch",
                )
                st.button(tr("Bring back"), key=f"back-{each.id}", icon=":material/undo:", on_click=put_back,
                          args=(each.id,))  # fmt: skip
                st.button(tr("Erase"), key=f"erase-{each.id}", icon=":material/delete_forever:", type="tertiary",
                          on_click=_erase, args=(each.id,), help=tr("For good, now"))  # fmt: skip
            with st.container(horizontal=True):
                for path in each.pictures[:SHOWN]:
                    try:
                        st.image(thumbnail_of(path), width=72)
                    except GalleryError:
                        st.html(theme.badge(tr("cannot be read"), "bad"), width="content")


def _erase(which: str) -> None:
    with telling_later():
        kept = gallery()
        kept.trash.erase([path for each in kept.trash.batches() if each.id == which for path in each.pictures])
    if st.session_state.get("undo", {}).get("id") == which:
        _over()
