"""What is done with several pictures of the gallery: compare, collect, download, delete and undo."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from ui import theme
from ui.picture import gallery, png, recipe, throw_away
from ui.words import ago, count, dialog, later, plain, telling_later
from workbench.gallery import Gallery, Query
from workbench.gallery.archive import MOST_PICTURES, zip_pictures
from workbench.gallery.gallery import Kept
from workbench.language import mark, tr


def chosen() -> list[str]:
    """The ids of the pictures that are selected, in the order they were; on other pages too."""
    return list(st.session_state.setdefault("chosen", []))


def toggle(name: str) -> None:
    """Selects a picture, or takes it out of the selection."""
    state = st.session_state
    state["chosen"] = [each for each in chosen() if each != name] if name in chosen() else [*chosen(), name]
    state["selecting"] = True


def choice_bar(kept: Gallery, query: Query, page: list[str], total: int) -> None:
    """The bar of what can be done with selected pictures."""
    there = [each.id for each in kept.several(chosen())]
    st.session_state["chosen"] = there
    with st.container(horizontal=True, vertical_alignment="center", key="panel-choosing"):
        st.html(theme.badge(tr("{number} selected", number=len(there))), width="content")
        st.button(
            tr("Page"),
            icon=":material/select_all:",
            on_click=_choose,
            args=([*there, *page],),
            key="choose-page",
            help=tr("Select this page"),
        )
        if total > len(page):
            st.button(tr("All {total}", total=total), on_click=_choose_all, args=(query,), key="choose-all",
                      help=tr("Select everything that was found"))  # fmt: skip
        st.button(tr("None"), on_click=_choose, args=([],), disabled=not there, key="choose-none")
        st.button(
            tr("Compare"), icon=":material/compare:", disabled=len(there) != 2, on_click=_set, args=("comparing", True),
            help=tr("Select two"),
        )  # fmt: skip
        _collect(kept, query, there)
        st.download_button(
            tr("Zip"),
            lambda: zip_bytes(kept.folder, there),
            f"chibi-{len(there)}-pictures.zip",
            "application/zip",
            key="zip-chosen",
            icon=":material/folder_zip:",
            on_click="ignore",
            disabled=not 0 < len(there) <= MOST_PICTURES,
            help=tr("Download up to {most_pictures}, recipes inside", most_pictures=MOST_PICTURES),
        )
        st.button(
            tr("Delete"), icon=":material/delete:", disabled=not there, on_click=throw_away, args=(there,),
            key="delete-chosen", help=tr("Can be undone for 30 days"),
        )  # fmt: skip
    if st.session_state.get("comparing"):
        compare(kept.several(there))


def _choose(names: list[str]) -> None:
    st.session_state["chosen"] = list(dict.fromkeys(names))


def _choose_all(query: Query) -> None:
    _choose(gallery().ids(query))


def zip_bytes(folder: Path, names: list[str]) -> bytes:
    """A zip of pictures; made when it is downloaded, outside the session, so the folder is given."""
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "pictures.zip"
        zip_pictures(Gallery(folder), names, target)
        return target.read_bytes()


def _collect(kept: Gallery, query: Query, there: list[str]) -> None:
    """Puts what is selected into a collection, new or not, or takes it out of the one that is shown."""
    with st.popover(tr("Collect"), icon=":material/bookmark_add:", disabled=not there, key="collect"):
        name = st.selectbox(
            tr("Collection"), list(kept.filled_collections()), index=None, key="collect-into", accept_new_options=True,
            placeholder=tr("Choose one, or type a new name"),
        )  # fmt: skip
        st.button(
            tr("Put {there} in", there=count(len(there), "picture")),
            key="collect-put",
            type="primary",
            width="stretch",
            disabled=not name,
            on_click=_put,
            args=(name or "", there),
        )
        if query.collection:
            st.button(
                tr("Take out of {collection}", collection=plain(query.collection)),
                key="collect-take",
                width="stretch",
                on_click=_take,
                args=(query.collection, there),
            )


def _put(name: str, names: list[str]) -> None:
    with telling_later():
        name = gallery().collections.put(name, names)
        later(tr("{names} in {name}", names=count(len(names), "picture"), name=plain(name)), ":material/bookmark:")
        st.session_state["collect-into"] = None


def _take(name: str, names: list[str]) -> None:
    with telling_later():
        gallery().collections.take(name, names)
        later(
            tr("{names} taken out of {name}", names=count(len(names), "picture"), name=plain(name)),
            ":material/bookmark_remove:",
        )


def collection_tools(name: str) -> None:
    """Beside a collection that is shown: rename it, or remove it; its pictures stay."""
    with st.popover(tr("Collection"), icon=":material/bookmark:", key="collection-tools"):
        st.text_input(tr("Name"), name, key=f"collection-name-{name}", max_chars=60)
        st.button(tr("Rename"), key="collection-rename", on_click=_rename, args=(name,), width="stretch")
        st.button(tr("Remove the collection"), key="collection-drop", on_click=_drop, args=(name,), width="stretch",
                  icon=":material/bookmark_remove:", help=tr("Its pictures stay in the gallery"))  # fmt: skip


def _rename(name: str) -> None:
    with telling_later():
        st.session_state["within"] = gallery().collections.rename(name, st.session_state[f"collection-name-{name}"])


def _drop(name: str) -> None:
    with telling_later():
        gallery().collections.drop(name)
        later(tr("The collection {name} is removed; its pictures are still here", name=plain(name)))


@dialog(mark("Compare"), width="large", on_dismiss=lambda: _set("comparing", False))
def compare(pair: list[Kept]) -> None:
    """Two pictures side by side, and where their recipes differ."""
    if len(pair) != 2:
        st.caption(tr("Select two pictures to compare."))
        return
    facts = [dict(recipe(each)) | {tr("Prompt"): each.prompt} for each in pair]
    for column, each, own, other in zip(st.columns(2), pair, facts, reversed(facts), strict=True):
        with column:
            if content := png(each):
                st.image(content, output_format="PNG", width="stretch", alt=each.prompt)
            differs = [(name, value) for name, value in own.items() if value != other.get(name) and name != tr("Made")]
            st.html(theme.facts([*differs, (tr("Made"), ago(each.record.get("created", "")))]))
    same = all(facts[0][name] == facts[1].get(name) for name in facts[0] if name != tr("Made"))
    st.caption(tr("The recipes are equal.") if same else tr("Shown is what differs between the recipes."))


def _set(what: str, value: bool) -> None:
    st.session_state[what] = value
