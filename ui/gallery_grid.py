"""The pictures of one page of the gallery, and the way to the other pages."""

from __future__ import annotations

import base64

import streamlit as st

from ui import theme
from ui.gallery_choice import chosen, toggle
from ui.picture import said, tools
from ui.words import count, escaped
from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.gallery.gallery import Kept
from workbench.language import told, tr

PAGE = 24


def grid(kept: Gallery, pictures: list[Kept], selecting: bool) -> None:
    """The cards; while selecting, each has a box to tick instead of its buttons."""
    picked = set(chosen())
    with st.container(key="grid-gallery"):
        for picture in pictures:
            _card(kept, picture, selecting, picture.id in picked)


def _card(kept: Gallery, picture: Kept, selecting: bool, picked: bool) -> None:
    words = escaped(said(picture))
    star = f'<span class="star" title="{escaped(tr("Starred"))}">★</span>' if picture.starred else ""
    name = escaped(picture.id)
    with st.container(key=f"card-picture-{picture.id}"):
        try:
            # Inside the page, not as a file of its own: one request less for each, and nothing at an address
            # that needs no login.
            data = base64.b64encode(kept.thumbnail(picture.id)).decode()
            shot = f'<img src="data:image/webp;base64,{data}" alt="{words}">'
        except GalleryError as error:
            drawing = f'<span class="nophoto"><img src="{theme.chibi("lena", "sad")}" alt=""></span>'
            shot = f'{drawing}<span class="small">{escaped(told(error.reason))}</span>'
        marks = "shot picked" if selecting and picked else "shot"
        st.html(
            f'<div class="{marks}" data-shot="{name}">{shot}{star}</div>'
            f'<div class="prompt" title="{words}">{words}</div>'
        )
        if selecting:
            st.session_state[f"pick-{picture.id}"] = picked
            st.checkbox(tr("Select"), key=f"pick-{picture.id}", on_change=toggle, args=(picture.id,))
        else:
            tools(picture, "gallery")


def page_of(total: int, filters: object) -> int:
    """The page that is shown, from 0; a new search begins on the first."""
    state = st.session_state
    if state.get("filters") != filters:
        state["filters"], state["page"] = filters, 0
    return int(max(0, min(state.get("page", 0), (total - 1) // PAGE)))


def pages(total: int, page: int) -> None:
    """Where one is, and the way to the other pages."""
    last = max(0, (total - 1) // PAGE)
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center", key="pages"):
        if last:
            st.button(tr("Newer"), icon=":material/chevron_left:", disabled=page == 0, on_click=_turn, args=(page - 1,),
                      key="page-newer")  # fmt: skip
        st.html(f'<span class="badge">{escaped(_where(total, page))}</span>', width="content")
        if last:
            st.button(
                tr("Older"), icon=":material/chevron_right:", icon_position="right", disabled=page == last,
                on_click=_turn, args=(page + 1,), key="page-older",
            )  # fmt: skip
        if last > 2:
            st.session_state["page-number"] = page + 1
            st.number_input(
                tr("Page"), 1, last + 1, key="page-number", on_change=_turn_to, width=110, label_visibility="collapsed",
                help=tr("Page 1 to {last}", last=last + 1),
            )  # fmt: skip


def _where(total: int, page: int) -> str:
    if total <= PAGE:
        return count(total, "picture")
    return tr(
        "{first}–{last} of {total} pictures",
        first=f"{page * PAGE + 1:,}",
        last=f"{min(total, (page + 1) * PAGE):,}",
        total=f"{total:,}",
    )


def _turn(page: int) -> None:
    st.session_state["page"] = page


def _turn_to() -> None:
    _turn(int(st.session_state["page-number"]) - 1)
