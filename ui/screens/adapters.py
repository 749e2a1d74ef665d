"""Adapters: the shelf; each adapter with its card, to use, download, share or delete; mixing; bringing others."""

from __future__ import annotations

import streamlit as st

from ui import theme
from ui.adapter_bring import bring
from ui.adapter_card import broken, card
from ui.adapter_details import details_dialog
from ui.adapter_mix import mixing
from ui.picture import go_on
from ui.words import count, dialog, later, plain, telling_later
from workbench.adapters import ShelfEntry, list_shelf
from workbench.adapters.browse import all_tags, search_shelf, versions
from workbench.adapters.trash import DAYS, empty_trash, list_trash, restore_adapter, trash_adapter
from workbench.language import mark, tr

FEW = 3  # so many are seen at a glance; with more there is a search
AT_ONCE = 24


def show() -> None:
    """The screen, from top to bottom."""
    go_on()
    theme.header(
        tr("The shelf"),
        tr("Finished adapters: small files that hold one person. Use them here, or take them to other programs."),
        ("kofi", "suit"), ("lena", "cat"), ("omar", "wave"),
    )  # fmt: skip
    _undo()
    entries = list_shelf()
    if not entries:
        with st.container(key="panel-nothing"):
            theme.empty(tr("The shelf is empty"), tr("Train one from photos, or bring an adapter below."), "rose", "oh")
            with st.container(horizontal=True, horizontal_alignment="center"):
                if st.button(tr("Train an adapter"), type="primary", icon=":material/model_training:"):
                    st.switch_page("screens/train.py")
    else:
        theme.section(count(len(entries), "adapter"), tr("Newest first."))
        _cards(_wanted(entries), entries)
    usable = [entry for entry in entries if not entry.broken]
    if len(usable) > 1:
        with st.container(key="panel-mix"):
            mixing(usable)
    with st.container(key="panel-bring"):
        bring()
    _trash()
    if name := st.session_state.get("dropping"):
        delete_dialog(name)
    elif managed := next((each for each in usable if each.name == st.session_state.get("managing")), None):
        details_dialog(managed)


def _wanted(entries: list[ShelfEntry]) -> list[ShelfEntry]:
    """Search and tags; the tags that are chosen narrow the shelf together."""
    tags = all_tags(entries)
    if len(entries) <= FEW and not tags:
        return entries
    words = st.text_input(
        tr("Search"),
        key="shelf-search",
        placeholder=tr("Search: name, tag, trigger, looks"),
        label_visibility="collapsed",
        icon=":material/search:",
        persist_state="session",
    )
    if not tags:
        st.session_state.pop("shelf-tags", None)
    elif set(st.session_state.get("shelf-tags") or []) - set(tags):
        st.session_state["shelf-tags"] = [tag for tag in st.session_state["shelf-tags"] if tag in tags]
    chosen = (
        st.pills(tr("Tags"), tags, selection_mode="multi", key="shelf-tags", label_visibility="collapsed")
        if tags
        else []
    )
    return search_shelf(entries, words or "", list(chosen or []))


def _cards(found: list[ShelfEntry], entries: list[ShelfEntry]) -> None:
    if not found:
        theme.empty(tr("Nothing found"), tr("No adapter has all of these words and tags."), "yuki", "oh")
        return
    families = {each.name: several for several in versions(entries).values() for each in several}
    shown = st.session_state.setdefault("shelf-shown", AT_ONCE)
    with st.container(key="grid-wide"):
        for entry in sorted(found, key=lambda entry: bool(entry.broken))[:shown]:
            with st.container(key=f"card-adapter-{entry.name}"):
                if entry.broken:
                    broken(entry)
                else:
                    card(entry, families[entry.name])
    if len(found) > shown:
        st.button(tr("Show more ({shown})", shown=len(found) - shown), key="shelf-more", on_click=_more)


def _more() -> None:
    st.session_state["shelf-shown"] += AT_ONCE


def _undo() -> None:
    """What was deleted last, with the way back."""
    deleted = next((each for each in list_trash() if each.id == st.session_state.get("undo")), None)
    if deleted is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="undo-row"):
        st.caption(tr("**{name}** is in the trash for {days} days.", name=plain(deleted.name), days=DAYS))
        st.button(tr("Undo"), key="undo-drop", icon=":material/undo:", on_click=_restore, args=(deleted.id,))


@dialog(mark("Delete this adapter?"), icon=":material/delete:", on_dismiss=lambda: _set(""))
def delete_dialog(name: str) -> None:
    """Asks once."""
    if not st.session_state.get("dropping"):
        st.rerun()
    st.markdown(
        tr(
            "**{name}** and its export go to the trash, where they stay for {days} days. Photos, "
            "the run and pictures stay.",
            name=plain(name),
            days=DAYS,
        )
    )
    st.button(tr("Delete it"), key="sure-drop", type="primary", width="stretch", on_click=_delete, args=(name,))


def _delete(name: str) -> None:
    with telling_later():
        st.session_state["undo"] = trash_adapter(name).id
        later(tr("{name} is in the trash", name=name), ":material/delete:")
    _set("")


def _trash() -> None:
    deleted = list_trash()
    if not deleted:
        return
    with st.expander(tr("Trash ({deleted})", deleted=len(deleted)), icon=":material/delete:"):
        for each in deleted:
            with st.container(horizontal=True, vertical_alignment="center", key=f"trash-{each.id}"):
                st.caption(
                    tr("**{name}**, {days_left} left", name=plain(each.name), days_left=count(each.days_left, "day"))
                )
                st.button(tr("Bring back"), key=f"restore-{each.id}", type="tertiary", icon=":material/undo:",
                          on_click=_restore, args=(each.id,))  # fmt: skip
        st.button(tr("Erase all of it now"), key="empty-trash", on_click=_empty)


def _restore(which: str) -> None:
    with telling_later():
        later(tr("{name} is on the shelf again", name=restore_adapter(which).name))
        st.session_state.pop("undo", None)


def _empty() -> None:
    with telling_later():
        empty_trash()
        later(tr("The trash is empty"), ":material/delete:")


def _set(name: str) -> None:
    st.session_state["dropping"] = name


show()
