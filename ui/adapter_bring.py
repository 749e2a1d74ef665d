"""Where somebody else's adapter is dropped: a file, or a zip that was made to be given away."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui import theme
from ui.adapter_card import private_box
from ui.words import later, plain, telling_later
from workbench.adapters import find_adapter, import_adapter
from workbench.adapters.share import unpack_adapter
from workbench.errors import AdapterError
from workbench.language import told, tr


def bring() -> None:
    """The place, and what was found in the last one that was brought."""
    theme.section(
        tr("Bring an adapter"),
        tr(
            "A .safetensors file, as diffusers, ComfyUI or A1111 use it, or a zip with one. Other "
            "formats can run code and are refused. One that is too large to upload can be copied "
            "into the folder loras/."
        ),
    )
    _last()
    turn = st.session_state.setdefault("brought", 0)
    file = st.file_uploader(tr("Adapter file"), key=f"bring-{turn}", label_visibility="collapsed")
    if file is None:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(tr("Name on the shelf"), _name(file.name), key=f"bring-name-{turn}-{file.file_id}")
        replace = st.toggle(tr("Replace one of that name"), key=f"bring-replace-{turn}")
        partial = st.toggle(tr("Leave out what is not understood"), key=f"bring-partial-{turn}")
        st.button(tr("Put on the shelf"), key="bring-put", type="primary", icon=":material/add:",
                  on_click=_bring, args=(file.getvalue(), file.name, name, replace, partial))  # fmt: skip


def _name(file: str) -> str:
    """A file's name without what a name on the shelf cannot hold."""
    stem = file.removesuffix(".safetensors").removesuffix(".zip")
    return "".join(char if char.isalnum() or char in "_-" else "-" for char in stem).strip("-.")[:40]


def _bring(content: bytes, file: str, name: str, replace: bool, partial: bool) -> None:
    with telling_later():
        came: dict[str, object] = {}
        if file.lower().endswith(".zip"):
            unpacked = unpack_adapter(content, name, replace=replace, partial=partial)
            entry = unpacked.entry
            came = {
                "licence": unpacked.licence, "consent": unpacked.consent, "pictures": unpacked.pictures,
                "left out": ", ".join(unpacked.left_out[:8]),
            }  # fmt: skip
        else:
            # The file's own ending decides whether it is opened at all, whatever it is to be called.
            suffix = Path(file).suffix if not file.endswith(".safetensors") else ""
            entry = import_adapter(content, name + suffix, replace=replace, partial=partial)
        later(tr("{name} is on the shelf", name=entry.name))
        st.session_state["brought"] += 1
        st.session_state["brought-last"] = {"name": entry.name} | came


def _last() -> None:
    """What came with the last one: notes, what it gives away, licence, consent and samples."""
    last = st.session_state.get("brought-last")
    if not last:
        return
    try:
        entry = find_adapter(last["name"])
    except AdapterError:  # deleted since
        return
    if entry.private:
        st.caption(tr("**{name}** was brought.", name=plain(entry.name)))
        private_box(entry.private)
    for note in entry.notes:
        st.warning(plain(told(note)), icon=":material/warning:")
    for key in ("licence", "consent", "left out"):
        if last.get(key):
            st.caption(f"{tr(key.capitalize())}{tr(': ')}{plain(told(str(last[key])[:600]))}")
    if pictures := last.get("pictures"):
        with st.container(horizontal=True):
            for picture in pictures[:4]:
                st.image(picture, width=120)
