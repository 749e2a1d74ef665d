"""Adapters: the shelf; each adapter with its card, to use, download, share or delete, and a place to bring others."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui import theme
from ui.downloads import shared
from ui.picture import go_on
from ui.words import ago, count, escaped, later, megabytes, plain, telling_later
from workbench.adapters import (
    ShelfEntry,
    delete_adapter,
    import_adapter,
    list_shelf,
    thumbnail_bytes,
)
from workbench.privacy import scope_words


def show() -> None:
    """The screen, from top to bottom."""
    go_on()
    theme.header(
        "The shelf",
        "Finished adapters: small files that hold one person. Use them here, or take them to other programs.",
        ("kofi", "suit"), ("lena", "cat"), ("omar", "wave"),
    )  # fmt: skip
    entries = list_shelf()
    if not entries:
        with st.container(key="panel-nothing"):
            theme.empty("The shelf is empty", "Train one from photos, or bring an adapter below.", "rose", "oh")
            with st.container(horizontal=True, horizontal_alignment="center"):
                if st.button("Train an adapter", type="primary", icon=":material/model_training:"):
                    st.switch_page("screens/train.py")
    else:
        theme.section(count(len(entries), "adapter"), "Newest first.")
        with st.container(key="grid-wide"):
            for entry in sorted(entries, key=lambda entry: bool(entry.broken)):
                with st.container(key=f"card-adapter-{entry.name}"):
                    if entry.broken:
                        _broken(entry)
                    else:
                        _card(entry)
    with st.container(key="panel-bring"):
        bring()
    if name := st.session_state.get("dropping"):
        delete_dialog(name)


def _card(entry: ShelfEntry) -> None:
    card = entry.card
    picture = thumbnail_bytes(card)
    if picture:
        st.image(picture, alt=entry.name, width="stretch")
    else:
        st.html(f'<div class="waiting still"><img src="{theme.chibi("yuki", "star")}" alt=""></div>')
    labels = theme.badge(card.base or "unknown base", "good" if card.base else "warn")
    if card.trigger:
        labels += " " + theme.badge(f"trigger: {card.trigger}")
    st.html(f'<div class="title">{escaped(entry.name)}</div>{labels}')
    ranks = ", ".join(map(str, entry.info.ranks)) if entry.info else ""
    scores = " · ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in card.scores.items())
    traits = ", ".join(str(word) for word in card.traits.values() if isinstance(word, str) and word != "none")
    st.html(
        theme.facts(
            [
                ("Looks", traits[:160]),
                ("Scores", scores[:160]),
                ("Learned", f"{card.steps} steps, rank {ranks}" if card.steps else f"rank {ranks}"),
                ("Size", megabytes(entry.size)),
                ("Made", ago(card.created or entry.modified)),
                ("Licence", card.licence[:120]),
                ("Agreed use", scope_words(card.scope)[:160]),
            ]
        )
    )
    for note in entry.notes:
        st.caption(plain(note))
    with st.container(horizontal=True, key=f"row-{entry.name}"):
        st.button("Use", key=f"use-{entry.name}", type="primary", icon=":material/auto_awesome:",
                  on_click=_use, args=(entry.name,))  # fmt: skip
        with st.popover("Download", icon=":material/download:", key=f"get-{entry.name}"):
            (st.caption if card.scope in ("share", "commercial") else st.warning)(
                f"Agreed use: {plain(scope_words(card.scope))}."
            )
            # Functions, not bytes: a file is read when it is asked for, not with each look at the shelf.
            st.download_button(
                "For diffusers", lambda: shared(entry, "diffusers"), f"{entry.name}.safetensors",
                key=f"diffusers-{entry.name}", on_click="ignore", width="stretch",
            )  # fmt: skip
            st.download_button(
                "For ComfyUI and A1111", lambda: shared(entry, "kohya"), f"{entry.name}.kohya.safetensors",
                key=f"kohya-{entry.name}", on_click="ignore", width="stretch",
            )  # fmt: skip
            st.caption("The card inside names no photo, folder or file of yours.")
        _delete_button(entry)


def _broken(entry: ShelfEntry) -> None:
    st.html(
        f'<div class="nophoto flat"><img src="{theme.chibi("ravi", "sad")}" alt=""></div>'
        f'<div class="title" style="margin-top:.6rem">{escaped(entry.path.name)}</div>{theme.badge("Broken", "bad")}'
        f'<p class="small">{escaped(entry.broken)}</p>'
    )
    _delete_button(entry)


def _delete_button(entry: ShelfEntry) -> None:
    st.button("", key=f"drop-{entry.name}", icon=":material/delete:", type="tertiary",
              help=f"Delete {plain(entry.name)}", on_click=_set, args=(entry.name,))  # fmt: skip


@st.dialog("Delete this adapter?", icon=":material/delete:", on_dismiss=lambda: _set(""))
def delete_dialog(name: str) -> None:
    """Asks once."""
    if not st.session_state.get("dropping"):
        st.rerun()
    st.markdown(
        f"**{plain(name)}** and its export are erased from the shelf. Photos, the run and pictures stay. "
        "This cannot be undone."
    )
    st.button("Delete it", key="sure-drop", type="primary", width="stretch", on_click=_delete, args=(name,))


def _delete(name: str) -> None:
    with telling_later():
        delete_adapter(name)
        later(f"{name} is deleted", ":material/delete:")
    _set("")


def bring() -> None:
    """Where somebody else's adapter is dropped."""
    theme.section(
        "Bring an adapter",
        "A .safetensors file, as diffusers, ComfyUI or A1111 use it. Other formats can run code and are refused.",
    )
    turn = st.session_state.setdefault("brought", 0)
    file = st.file_uploader("Adapter file", key=f"bring-{turn}", label_visibility="collapsed")
    if file is None:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name on the shelf", _name(file.name), key=f"bring-name-{turn}-{file.file_id}")
        replace = st.toggle("Replace one of that name", key=f"bring-replace-{turn}")
        st.button("Put on the shelf", key="bring-put", type="primary", icon=":material/add:",
                  on_click=_bring, args=(file.getvalue(), file.name, name, replace))  # fmt: skip


def _name(file: str) -> str:
    """A file's name without what a name on the shelf cannot hold."""
    stem = file.removesuffix(".safetensors")
    return "".join(char if char.isalnum() or char in "_-" else "-" for char in stem).strip("-.")[:40]


def _bring(content: bytes, file: str, name: str, replace: bool) -> None:
    with telling_later():
        # The file's own ending decides whether it is opened at all, whatever it is to be called.
        suffix = Path(file).suffix if not file.endswith(".safetensors") else ""
        entry = import_adapter(content, name + suffix, replace=replace)
        later(f"{entry.name} is on the shelf")
        st.session_state["brought"] += 1


def _use(name: str) -> None:
    st.session_state["adapter-wanted"] = name
    st.session_state["go"] = "screens/create.py"


def _set(name: str) -> None:
    st.session_state["dropping"] = name


show()
