"""Beginning from a picture: a photo, a sketch, or one of the gallery; all of it or a part."""

from __future__ import annotations

import io
from typing import Any

import streamlit as st
from PIL import Image

from ui.brush import brush, middle_square
from ui.words import telling
from workbench.generation import Start, keep_start
from workbench.generation.regions import REGIONS, rectangle_mask, region_mask
from workbench.generation.starts import start_name
from workbench.language import mark, tr
from workbench.photos import open_photo

PARTS = {
    "hair": mark("Hair"), "face": mark("Face"), "clothes": mark("Clothes"), "headwear": mark("Head"),
    "around": mark("All but the face"),
}  # fmt: skip
ALL, BRUSH, RECTANGLE, FILE = (
    mark("All of it"),
    mark("What I paint over"),
    mark("A rectangle"),
    mark("A mask from a file"),
)
TYPES = ["png", "jpg", "jpeg", "webp", "heic", "heif", "avif"]
_SHADE = (207, 63, 102)


def begin_from(owner: str) -> Start | None:
    """The part of the form that takes a photo or a sketch.

    Args:
        owner: the first adapter's name, or empty.
    """
    st.session_state.pop("start-pending", None)
    file = st.file_uploader(
        tr("A photo or a sketch"),
        TYPES,
        key="start-file",
        help=tr("It stays on this computer and is in no picture's recipe."),
    )
    if file is None:
        st.caption(tr("The base draws on over your picture instead of from nothing."))
        return None
    with telling():
        image = open_photo(file.getvalue(), file.name).image
        mask, noise = part_and_change("start", image, 0.6)
        if mask is None and st.session_state.get("part-start") == BRUSH:
            st.caption(":material/info: " + tr("As it stands, all of it would be drawn anew."))
        # Kept when it is drawn from, not when it is looked at.
        st.session_state["start-pending"] = (owner, [each for each in (image, mask) if each])
        return Start(start_name(image), noise, start_name(mask) if mask else "")
    return None


def keep_what_is_begun_from() -> None:
    """Keeps the photo or sketch of the form, since a picture is going to be begun from it."""
    owner, images = st.session_state.pop("start-pending", ("", []))
    for each in images:
        keep_start(each, owner)


def part_and_change(where: str, image: Image.Image, usual: float) -> tuple[Image.Image | None, float]:
    """Asks which part of a picture may change, and how much; shows both.

    Args:
        where: so that keys differ.
        image: the picture.
        usual: the change that is proposed.

    Returns:
        The mask, white where it may change, and the change; the mask is None for all of it, and while nothing is
        painted yet.
    """
    if st.session_state.get(f"part-{where}") == BRUSH:
        # A finger needs room: the picture takes the whole width.
        _choose_part(where)
        mask = brush(where, image)
        if mask is None:
            st.caption(":material/info: " + tr("Nothing is painted yet."))
        return mask, _change(where, BRUSH, usual)
    left, right = st.columns([1, 2], vertical_alignment="top")
    with right:
        part = _choose_part(where)
        mask = _mask(where, part)
        noise = _change(where, part, usual)
    left.image(_shaded(image, mask), width="stretch")
    return mask, noise


def _choose_part(where: str) -> str:
    part = st.selectbox(
        tr("What may change"), [ALL, BRUSH, *REGIONS, RECTANGLE, FILE], key=f"part-{where}",
        format_func=lambda each: tr(PARTS.get(each, each)),
        help=tr("Hair, face and clothes are where chibis have them; in other pictures paint over the place."),
    )  # fmt: skip
    return str(part)


def _change(where: str, part: str, usual: float) -> float:
    noise = st.slider(
        tr("How much"), 0.05, 1.0, usual if part == ALL else 0.95, 0.05, key=f"noise-{where}-{part == ALL}",
        help=tr("A little keeps lines and colours; all of it draws that place anew."),
    )  # fmt: skip
    return float(noise)


def _mask(where: str, part: str) -> Image.Image | None:
    if part in REGIONS:
        return region_mask(part)
    if part == RECTANGLE:
        across = st.slider(tr("From left to right"), 0, 100, (20, 80), 5, key=f"across-{where}", format="%d %%")
        down = st.slider(tr("From top to bottom"), 0, 100, (60, 100), 5, key=f"down-{where}", format="%d %%")
        with telling():
            return rectangle_mask(across[0] / 100, down[0] / 100, across[1] / 100, down[1] / 100)
    if part == FILE:
        file = st.file_uploader(
            tr("A picture, white where it may change"), TYPES, key=f"mask-{where}",
            help=tr("Paint over a copy in any program: white may change, black stays."),
        )  # fmt: skip
        if file is not None:
            with telling():
                return open_photo(file.getvalue(), file.name).image.convert("L")
    return None


def _shaded(image: Image.Image, mask: Image.Image | None) -> Any:
    """The picture with what may change in colour."""
    square = middle_square(image, 256)
    if mask is not None:
        coloured = Image.blend(square, Image.new("RGB", square.size, _SHADE), 0.5)
        square = Image.composite(coloured, square, mask.resize(square.size))
    buffer = io.BytesIO()
    square.save(buffer, "PNG")
    return buffer.getvalue()
