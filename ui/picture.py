"""A picture of the gallery on the page: its small buttons, and the dialog with all that made it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import streamlit as st
from PIL import Image

from ui import theme
from ui.words import ago, later, plain, telling, telling_later
from workbench.errors import GalleryError, StorageError
from workbench.gallery import Gallery
from workbench.gallery.gallery import Kept


def gallery() -> Gallery:
    """The gallery of the workspace. It is opened afresh: opening is quick, and the folder may have changed."""
    return Gallery()


def png(kept: Kept) -> bytes | None:
    """The picture's file, None when it is gone or broken. PNG bytes, since arrays would go out as JPEG."""
    return read_png(kept.path)


def read_png(path: Path) -> bytes | None:
    """A PNG file that can be shown; None when it is gone, half written or no picture."""
    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return content


def tools(kept: Kept, where: str, more: bool = True) -> None:
    """Star, look, download, use again: a row of small buttons.

    Args:
        where: the screen, so that keys differ.
        more: whether to offer the dialog.
    """
    with st.container(horizontal=True, key=f"tools-{where}-{kept.id}", wrap=False):
        st.button(
            "", key=f"star-{where}-{kept.id}", type="tertiary", on_click=star, args=(kept.id, not kept.starred),
            icon=":material/star:" if kept.starred else ":material/star_outline:",
            help="Take the star away" if kept.starred else "Give it a star",
        )  # fmt: skip
        if more:
            st.button(
                "", key=f"look-{where}-{kept.id}", type="tertiary", icon=":material/zoom_in:",
                help="Look at it and its recipe", on_click=look_at, args=(kept.id,),
            )  # fmt: skip
        download(kept, f"save-{where}-{kept.id}")
        st.button(
            "", key=f"again-{where}-{kept.id}", type="tertiary", icon=":material/replay:",
            help="Make again: takes its recipe to Create", on_click=use_again, args=(kept.record,),
            disabled=not kept.prompt,
        )  # fmt: skip


def download(kept: Kept, key: str, label: str = "") -> None:
    """Downloads the PNG with its recipe inside."""
    # A function, not bytes: a file is read when it is asked for, not with each look at the gallery.
    st.download_button(
        label, kept.path.read_bytes, f"chibi-{kept.id}.png", "image/png", key=key, on_click="ignore",
        icon=":material/download:", type="secondary" if label else "tertiary", disabled=not kept.path.exists(),
        help="Download the PNG; its recipe is inside",
    )  # fmt: skip


def star(name: str, starred: bool) -> None:
    with telling_later():
        gallery().star(name, starred)


def look_at(name: str) -> None:
    st.session_state["looking"] = name


def use_again(record: dict[str, Any]) -> None:
    """Takes a picture's recipe to the Create screen."""
    st.session_state["reuse"] = record
    st.session_state["looking"] = ""
    st.session_state["go"] = "screens/create.py"


def go_on() -> None:
    """Changes the screen when a callback asked for it; callbacks themselves cannot."""
    if target := st.session_state.pop("go", None):
        st.switch_page(target)


def picture_dialog() -> None:
    """Opens the dialog of the picture that was asked for, if any."""
    name = st.session_state.get("looking")
    if not name:
        return
    try:
        kept = gallery().get(name)
    except GalleryError:
        st.session_state["looking"] = ""
        return
    _dialog(kept)


@st.dialog("Picture", width="large", on_dismiss=lambda: look_at(""))
def _dialog(kept: Kept) -> None:
    go_on()
    if st.session_state.get("looking") != kept.id:
        st.rerun()
    with telling():
        _content(gallery().get(kept.id))


def _content(kept: Kept) -> None:
    left, right = st.columns([1.15, 1], gap="medium")
    content = png(kept)
    if content:
        left.image(content, output_format="PNG", width="stretch", alt=kept.prompt or kept.id)
    else:
        left.warning("The file cannot be read. Delete it from the gallery.")
    with right:
        if kept.prompt:
            st.markdown(f"**{plain(kept.prompt)}**")
        st.html(theme.facts(recipe(kept)))
        for note in kept.record.get("notes", []):
            st.caption(plain(note))
        with st.container(horizontal=True):
            st.button(
                "Starred" if kept.starred else "Star", key="dialog-star", on_click=star,
                icon=":material/star:" if kept.starred else ":material/star_outline:",
                args=(kept.id, not kept.starred),
            )  # fmt: skip
            download(kept, "dialog-save", "Download PNG")
            st.button(
                "Make again", key="dialog-again", icon=":material/replay:", on_click=use_again, args=(kept.record,),
                disabled=not kept.prompt,
            )  # fmt: skip
            if st.session_state.get("sure") == kept.id:
                st.button(
                    "Yes, delete it", key="dialog-sure", type="primary", icon=":material/delete:",
                    on_click=_delete, args=(kept.id,),
                )  # fmt: skip
            else:
                st.button("Delete", key="dialog-delete", icon=":material/delete:", on_click=_ask, args=(kept.id,))


def recipe(kept: Kept) -> list[tuple[str, object]]:
    """What made a picture, as facts."""
    record = kept.record
    adapters = ", ".join(f"{each['name']} × {each['strength']:g}" for each in record.get("adapters", []))
    return [
        ("Without", record.get("negative", "")),
        ("Adapters", adapters),
        ("Seed", record.get("seed", "")),
        ("Steps", record.get("steps", "")),
        ("Guidance", f"{record['guidance']:g}" if "guidance" in record else ""),
        ("Size", f"{record['size']} px" if "size" in record else ""),
        ("Base", record.get("base", "")),
        ("Made", ago(record.get("created", ""))),
    ]


def _ask(name: str) -> None:
    st.session_state["sure"] = name


def _delete(name: str) -> None:
    try:
        gallery().delete(name)
        later("Deleted", ":material/delete:")
    except (GalleryError, StorageError) as error:
        st.session_state.setdefault("told", []).append(error)
    st.session_state["looking"] = ""
