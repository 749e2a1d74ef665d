"""Gallery: all pictures that were made; search, star, compare, delete, download."""

from __future__ import annotations

import streamlit as st

from ui import theme
from ui.picture import gallery, go_on, picture_dialog, png, recipe, tools
from ui.words import ago, count, escaped, later, telling_later
from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.gallery.gallery import Kept

PAGE = 24
ALL = "All adapters"


def show() -> None:
    """The screen, from top to bottom."""
    go_on()
    theme.header(
        "Gallery",
        "Every picture you made, with the recipe that makes it again.",
        ("yuki", "wink"), ("omar", "music"), ("rose", "cheer"),
    )  # fmt: skip
    kept = gallery()
    if not kept.count():
        with st.container(key="panel-nothing"):
            theme.empty("No pictures yet", "Draw some: they come here by themselves.", "mia", "star")
            with st.container(horizontal=True, horizontal_alignment="center"):
                if st.button("Draw avatars", type="primary", icon=":material/auto_awesome:"):
                    st.switch_page("screens/create.py")
        return
    words, adapter, stars = _filters(kept)
    total = kept.count(words, adapter, stars)
    page = _page(total, (words, adapter, stars))
    pictures = kept.search(words, adapter, stars, limit=PAGE, offset=page * PAGE)
    chosen = _choosing(pictures)
    if not pictures:
        theme.empty("Nothing found", "Try fewer words, or take the filters away.", "ravi", "oh")
    with st.container(key="grid-gallery"):
        for picture in pictures:
            _card(kept, picture, chosen is not None)
    _pages(total, page)
    picture_dialog()
    if st.session_state.get("comparing"):
        compare([kept.get(name) for name in chosen or [] if _there(kept, name)])
    if st.session_state.get("deleting"):
        delete_dialog([name for name in chosen or [] if _there(kept, name)])


def _filters(kept: Gallery) -> tuple[str, str, bool]:
    with st.container(horizontal=True, vertical_alignment="center", key="filters"):
        words = st.text_input(
            "Search", key="search", placeholder="Search: hoodie, park, a name, a seed", icon=":material/search:",
            label_visibility="collapsed", persist_state="session",
        )  # fmt: skip
        adapters = [ALL, *kept.adapters()]
        if st.session_state.get("of") not in adapters:
            st.session_state["of"] = ALL
        adapter = st.selectbox(
            "Adapter", adapters, key="of", label_visibility="collapsed", persist_state="session", width=180
        )
        stars = st.toggle("Starred", key="stars", persist_state="session")
        st.toggle("Select", key="selecting", help="To compare two, or to delete several.")
    return words or "", "" if adapter == ALL else str(adapter), stars


def _page(total: int, filters: tuple[str, str, bool]) -> int:
    state = st.session_state
    if state.get("filters") != filters:
        state["filters"], state["page"] = filters, 0
    return int(min(state.get("page", 0), max(0, (total - 1) // PAGE)))


def _pages(total: int, page: int) -> None:
    last = max(0, (total - 1) // PAGE)
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center", key="pages"):
        if last:
            st.button("Newer", icon=":material/chevron_left:", disabled=page == 0, on_click=_turn, args=(page - 1,))
        st.html(f'<span class="badge">{escaped(_where(total, page))}</span>', width="content")
        if last:
            st.button(
                "Older", icon=":material/chevron_right:", icon_position="right", disabled=page == last,
                on_click=_turn, args=(page + 1,),
            )  # fmt: skip


def _where(total: int, page: int) -> str:
    if total <= PAGE:
        return count(total, "picture")
    return f"{page * PAGE + 1}–{min(total, (page + 1) * PAGE)} of {total} pictures"


def _turn(page: int) -> None:
    st.session_state["page"] = page


def _card(kept: Gallery, picture: Kept, selecting: bool) -> None:
    with st.container(key=f"card-picture-{picture.id}"):
        try:
            st.image(kept.thumbnail(picture.id), alt=picture.prompt or picture.id, width="stretch")
        except GalleryError as error:
            st.html(f'<div class="nophoto"><img src="{theme.chibi("lena", "sad")}" alt=""></div>')
            st.html(f'<p class="small">{escaped(error.reason)}</p>')
        words = picture.prompt or "No recipe inside"
        st.html(f'<div class="prompt" title="{escaped(words)}">{escaped(words)}</div>')
        if selecting:
            st.checkbox("Select", key=f"pick-{picture.id}")
        else:
            tools(picture, "gallery")


def _choosing(pictures: list[Kept]) -> list[str] | None:
    """The bar of what can be done with selected pictures, while selecting is on; the ids of those selected."""
    if not st.session_state.get("selecting"):
        return None
    chosen = [picture.id for picture in pictures if st.session_state.get(f"pick-{picture.id}")]
    with st.container(horizontal=True, vertical_alignment="center", key="panel-choosing"):
        st.html(f'<span class="badge">{len(chosen)} selected</span>', width="content")
        st.button(
            "Compare", icon=":material/compare:", disabled=len(chosen) != 2, on_click=_set, args=("comparing", True),
            help="Select two",
        )  # fmt: skip
        st.button(
            "Delete", icon=":material/delete:", disabled=not chosen, on_click=_set, args=("deleting", True),
            key="delete-chosen",
        )  # fmt: skip
    return chosen


@st.dialog("Compare", width="large", on_dismiss=lambda: _set("comparing", False))
def compare(pair: list[Kept]) -> None:
    """Two pictures side by side, and where their recipes differ."""
    if len(pair) != 2:
        st.caption("Select two pictures to compare.")
        return
    facts = [dict(recipe(each)) | {"Prompt": each.prompt} for each in pair]
    for column, each, own, other in zip(st.columns(2), pair, facts, reversed(facts), strict=True):
        with column:
            if content := png(each):
                st.image(content, output_format="PNG", width="stretch", alt=each.prompt)
            differs = [(name, value) for name, value in own.items() if value != other.get(name) and name != "Made"]
            st.html(theme.facts([*differs, ("Made", ago(each.record.get("created", "")))]))
    same = all(facts[0][name] == facts[1][name] for name in facts[0] if name != "Made")
    st.caption("The recipes are equal." if same else "Shown is what differs between the recipes.")


@st.dialog("Delete pictures?", icon=":material/delete:", on_dismiss=lambda: _set("deleting", False))
def delete_dialog(names: list[str]) -> None:
    """Asks once."""
    if not st.session_state.get("deleting"):
        st.rerun()
    st.markdown(f"{count(len(names), 'picture')} will be erased from this computer. This cannot be undone.")
    st.button(
        f"Delete {count(len(names), 'picture')}", key="sure", type="primary", width="stretch", on_click=_delete,
        args=(names,),
    )  # fmt: skip


def _delete(names: list[str]) -> None:
    with telling_later():
        gallery().delete(*names)
        later(f"{count(len(names), 'picture')} deleted", ":material/delete:")
    st.session_state["deleting"] = False


def _there(kept: Gallery, name: str) -> bool:
    try:
        return bool(kept.get(name))
    except GalleryError:
        return False


def _set(what: str, value: bool) -> None:
    st.session_state[what] = value


show()
