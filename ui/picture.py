"""A picture of the gallery on the page: its small buttons, and the dialog with all that made it."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from PIL import Image

from ui import theme
from ui.words import ago, dialog, plain, telling, telling_later
from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.gallery.gallery import Kept
from workbench.generation.sheet import SheetRecipe, read_sheet_recipe
from workbench.language import mark, tr

# What an axis of a grid is called where its own name would not be understood.
LABELS = {
    "words": mark("other words"),
    "change": mark("change of the start"),
    "variation": mark("distance of variations"),
}


def gallery(on_new: Callable[[int, int], object] | None = None) -> Gallery:
    """The gallery of the workspace. It is opened afresh: opening is quick, and the folder may have changed."""
    return Gallery(on_new=on_new)


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
            help=tr("Take the star away") if kept.starred else tr("Give it a star"),
        )  # fmt: skip
        if more:
            st.button(
                "", key=f"look-{where}-{kept.id}", type="tertiary", icon=":material/zoom_in:",
                help=tr("Look at it and its recipe"), on_click=look_at, args=(kept.id,),
            )  # fmt: skip
        download(kept, f"save-{where}-{kept.id}")
        st.button(
            "", key=f"again-{where}-{kept.id}", type="tertiary", icon=":material/replay:",
            help=tr("Make again: takes its recipe to Create"), on_click=_again, args=(kept,),
            disabled=not (kept.prompt or kept.is_sheet),
        )  # fmt: skip


def download(kept: Kept, key: str, label: str = "") -> None:
    """Downloads the PNG with its recipe inside."""
    # A function, not bytes: a file is read when it is asked for, not with each look at the gallery.
    st.download_button(
        label, kept.path.read_bytes, f"chibi-{kept.id}.png", "image/png", key=key, on_click="ignore",
        icon=":material/download:", type="secondary" if label else "tertiary", disabled=not kept.path.exists(),
        help=tr("Download the PNG; its recipe is inside"),
    )  # fmt: skip


def star(name: str, starred: bool) -> None:
    with telling_later():
        gallery().star(name, starred)


def look_at(name: str) -> None:
    st.session_state["looking"] = name


def said(kept: Kept) -> str:
    """What stands under a picture: its prompt; of a sheet, what changes along it."""
    if kept.is_sheet:
        axes = " × ".join(tr(LABELS.get(name, name.replace("_", " "))) for name in kept.record["sheet"])
        return tr("Sheet: {axes}", axes=axes)
    return kept.prompt or tr("No recipe inside")


def _again(kept: Kept) -> None:
    with telling_later():
        if kept.is_sheet:
            use_sheet_again(read_sheet_recipe(kept.path))
        else:
            use_again(kept.record)


def use_again(record: dict[str, Any]) -> None:
    """Takes a picture's recipe to the Create screen."""
    st.session_state["reuse"] = record
    st.session_state["looking"] = ""
    st.session_state["go"] = "screens/create.py"


def more_of(name: str) -> None:
    """Takes a picture to the part of the Create screen that makes more of it."""
    st.session_state["more-of"] = name
    st.session_state["looking"] = ""
    st.session_state["go"] = "screens/create.py"


def use_sheet_again(recipe: SheetRecipe) -> None:
    """Takes a sheet's recipe to the Create screen."""
    st.session_state["reuse-sheet"] = recipe
    st.session_state["looking"] = ""
    st.session_state["go"] = "screens/create.py"


def go_on() -> None:
    """Changes the screen when a callback asked for it; callbacks themselves cannot."""
    if target := st.session_state.pop("go", None):
        st.switch_page(target)


def throw_away(names: Sequence[str]) -> None:
    """Deletes pictures so that it can be undone; the gallery offers that."""
    state = st.session_state
    with telling_later():
        deleted = gallery().throw_away(*names)
        state["undo"] = {"id": deleted.id, "count": len(deleted.pictures)}
        state["chosen"] = [each for each in state.get("chosen", []) if each not in names]


def compare_with_others(name: str) -> None:
    """Takes a picture to the screen that shows what would have come of it without its adapter."""
    st.session_state["compared"] = name
    st.session_state["looking"] = ""
    st.session_state["go"] = "screens/compare.py"


def picture_dialog(row: Sequence[str] = ()) -> None:
    """Opens the dialog of the picture that was asked for, if any.

    Args:
        row: the ids of the pictures beside it; the arrow keys lead through them.
    """
    name = st.session_state.get("looking")
    if not name:
        return
    try:
        gallery().get(name)
    except GalleryError:
        st.session_state["looking"] = ""
        return
    _dialog(tuple(row))


@dialog(mark("Picture"), width="large", on_dismiss=lambda: look_at(""))
def _dialog(row: tuple[str, ...]) -> None:
    go_on()
    name = st.session_state.get("looking")
    if not name:
        st.rerun()
    with telling():
        _content(gallery().get(str(name)), row)


def _content(kept: Kept, row: tuple[str, ...]) -> None:
    left, right = st.columns([1.15, 1], gap="medium")
    content = png(kept)
    if content:
        left.image(content, output_format="PNG", width="stretch", alt=said(kept))
    else:
        left.warning(tr("The file cannot be read. Delete it from the gallery."))
    with left:
        _neighbours(kept.id, row)
    with right:
        if kept.prompt or kept.is_sheet:
            st.markdown(f"**{plain(said(kept))}**")
        collections = ", ".join(gallery().collections_of(kept.id))
        st.html(theme.facts([*recipe(kept), (tr("Collections"), collections)]))
        for note in kept.record.get("notes", []):
            st.caption(plain(note))
        with st.container(horizontal=True, key="dialog-tools"):
            st.button(
                tr("Starred") if kept.starred else tr("Star"), key="dialog-star", on_click=star, shortcut="s",
                icon=":material/star:" if kept.starred else ":material/star_outline:",
                args=(kept.id, not kept.starred),
            )  # fmt: skip
            download(kept, "dialog-save", tr("Download PNG"))
            st.button(
                tr("Make again"), key="dialog-again", icon=":material/replay:", on_click=_again, args=(kept,),
                disabled=not (kept.prompt or kept.is_sheet),
            )  # fmt: skip
            st.button(
                tr("More of it"), key="dialog-more", icon=":material/auto_awesome:", on_click=more_of, args=(kept.id,),
                disabled=not kept.prompt, help=tr("Variations, a remix, a part drawn anew, a larger one"),
            )  # fmt: skip
            if kept.prompt and kept.record.get("adapters"):
                st.button(
                    tr("Without its adapter?"), key="dialog-others", icon=":material/compare:", args=(kept.id,),
                    on_click=compare_with_others, help=tr("Draws the same from words alone, beside this one"),
                )  # fmt: skip
            st.button(tr("Delete"), key="dialog-delete", icon=":material/delete:", on_click=_delete,
                      args=(kept.id,), shortcut="Delete")  # fmt: skip


def _neighbours(name: str, row: tuple[str, ...]) -> None:
    """Buttons that lead to the picture before and after this one."""
    if name not in row or len(row) < 2:
        return
    place = row.index(name)
    before, after = row[place - 1] if place else "", row[place + 1] if place + 1 < len(row) else ""
    with st.container(horizontal=True, horizontal_alignment="distribute", key="dialog-neighbours"):
        st.button(
            tr("Newer"),
            key="dialog-before",
            type="tertiary",
            icon=":material/chevron_left:",
            disabled=not before,
            on_click=look_at,
            args=(before,),
            shortcut="Left",
        )
        st.button(
            tr("Older"),
            key="dialog-after",
            type="tertiary",
            icon=":material/chevron_right:",
            icon_position="right",
            disabled=not after,
            on_click=look_at,
            args=(after,),
            shortcut="Right",
        )


def recipe(kept: Kept) -> list[tuple[str, object]]:
    """What made a picture, as facts."""
    record = kept.record
    adapters = ", ".join(f"{each['name']} × {each['strength']:g}" for each in record.get("adapters", []))
    variation, start, larger = (record.get(name) or {} for name in ("variation", "start", "enlarge"))
    towards = begun = ""
    if variation:
        strength = f"{variation['strength']:g}"
        towards = tr("{strength} towards seed {seed}", strength=strength, seed=variation["seed"])
    if start:
        noise = f"{start['noise']:.0%}"
        whole, part = tr("a picture, {noise} noise", noise=noise), tr("a part of a picture, {noise} noise", noise=noise)
        begun = part if start.get("mask") else whole
    return [
        (tr("Label"), "" if kept.is_sheet else record.get("label", "")),
        (tr("Without"), record.get("negative", "")),
        (tr("Adapters"), adapters),
        (tr("Seed"), record.get("seed", "")),
        (tr("Variation"), towards),
        (tr("Begun from"), begun),
        (tr("Enlarged"), tr("{larger} times", larger=larger) if larger else ""),
        (tr("Steps"), record.get("steps", "")),
        (tr("Guidance"), f"{record['guidance']:g}" if "guidance" in record else ""),
        (tr("Size"), f"{record['size']} px" if "size" in record else ""),
        (tr("Base"), record.get("base", "")),
        (tr("Made"), ago(record.get("created", ""))),
    ]


def _delete(name: str) -> None:
    throw_away([name])
    look_at("")
