"""Gallery: all pictures that were made; search, star, compare, collect, delete, download."""

from __future__ import annotations

import streamlit as st

from ui import gallery_keys, theme
from ui.gallery_bring import bring_back
from ui.gallery_choice import choice_bar, collection_tools, toggle
from ui.gallery_filters import filters
from ui.gallery_grid import PAGE, grid, page_of, pages
from ui.gallery_trash import deleted_button, put_back, undo_bar
from ui.picture import gallery, go_on, look_at, picture_dialog, star, throw_away
from ui.words import escaped
from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.language import tr


def show() -> None:
    """The screen, from top to bottom."""
    go_on()
    theme.header(
        tr("Gallery"),
        tr("Every picture you made, with the recipe that makes it again."),
        ("yuki", "wink"), ("omar", "music"), ("rose", "cheer"),
    )  # fmt: skip
    kept = _opened()
    undo_bar()
    if not kept.count():
        _nothing_yet(kept)
        return
    query = filters(kept)
    total = kept.how_many(query)
    page = page_of(total, query)
    pictures = kept.find(query, PAGE, page * PAGE)
    row = [picture.id for picture in pictures]
    selecting = bool(st.session_state.get("selecting"))
    if selecting:
        choice_bar(kept, query, row, total)
    if not pictures:
        theme.empty(tr("Nothing found"), tr("Try fewer words, or take the filters away."), "ravi", "oh")
    grid(kept, pictures, selecting)
    pages(total, page)
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center", key="gallery-foot"):
        st.html(f'<span class="keys-help">{escaped(tr(gallery_keys.HELP))}</span>', width="content")
        if query.collection:
            collection_tools(query.collection)
        deleted_button(kept)
    bring_back("gallery")
    gallery_keys.listen(act, row, selecting, bool(st.session_state.get("undo")))
    picture_dialog(row)


def _opened() -> Gallery:
    """The gallery; when many new files are there, such as after an update, reading them shows how far it is."""
    place = st.empty()
    kept = gallery(lambda done, new: place.progress(done / new, tr("Reading {new} new pictures…", new=f"{new:,}")))
    place.empty()
    return kept


def _nothing_yet(kept: Gallery) -> None:
    with st.container(key="panel-nothing"):
        theme.empty(tr("No pictures yet"), tr("Draw some: they come here by themselves."), "mia", "star")
        with st.container(horizontal=True, horizontal_alignment="center"):
            if st.button(tr("Draw avatars"), type="primary", icon=":material/auto_awesome:"):
                st.switch_page("screens/create.py")
            deleted_button(kept)
    bring_back("gallery")


def act(what: str, name: str) -> None:
    """Does what a key or a click asks for; a picture that is gone by now is left alone."""
    state = st.session_state
    if what == "undo":
        if undo := state.get("undo"):
            put_back(undo["id"])
        return
    try:
        picture = gallery().get(name)
    except GalleryError:
        return
    if what == "look":
        look_at(picture.id)
    elif what == "star":
        star(picture.id, not picture.starred)
    elif what == "select":
        toggle(picture.id)
    elif what == "delete":
        throw_away([picture.id])


show()
