"""More of one picture: variations, a remix, a part drawn anew, a larger one."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st
from PIL import Image

from ui import theme
from ui.bases import base_of
from ui.create_many import put_in_line
from ui.create_start import BRUSH, part_and_change
from ui.in_view import bring_into_view
from ui.picture import gallery, png
from ui.words import later, plain, telling, telling_later
from workbench.errors import GalleryError
from workbench.gallery import Kept
from workbench.generation import Picture, Request
from workbench.generation.again import enlarged_picture, larger, redrawn, remixed, second_pass_suits, varied
from workbench.language import mark, tr

VARY, REMIX, REDRAW, LARGER = mark("Variations"), mark("Remix"), mark("Redraw a part"), mark("Larger")
WAYS = {
    VARY: ":material/shuffle:",
    REMIX: ":material/edit:",
    REDRAW: ":material/brush:",
    LARGER: ":material/zoom_out_map:",
}


def more_button(kept: Kept) -> None:
    """The button under a picture that opens `more`."""
    chosen = st.session_state.get("more-of") == kept.id
    st.button(
        tr("Make more of it"), key=f"more-{kept.id}", icon=":material/auto_awesome:", width="stretch", disabled=chosen,
        on_click=choose, args=(kept.id,),
    )  # fmt: skip


def choose(name: str) -> None:
    """Opens `more` for a picture of the gallery; empty closes it."""
    st.session_state["more-of"] = name


def more() -> None:
    """The panel of the chosen picture, if any. What is asked for there is drawn in the page's next run."""
    name = st.session_state.get("more-of")
    if not name:
        return
    try:
        kept = gallery().get(name)
    except GalleryError:
        choose("")
        return
    content = png(kept)
    if content is None or not kept.prompt:
        return
    bring_into_view("panel-more", name)
    with st.container(key="panel-more"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            theme.section(tr("More of this picture"))
            st.button("", icon=":material/close:", type="tertiary", key="more-close", on_click=choose, args=("",))
        way = st.pills(
            tr("Way"), list(WAYS), key="more-way", default=VARY, required=True, label_visibility="collapsed",
            format_func=lambda each: f"{WAYS[each]} {tr(each)}",
        )  # fmt: skip
        image = Image.open(io.BytesIO(content)).convert("RGB")
        with telling():
            {VARY: _vary, REMIX: _remix, REDRAW: _redraw, LARGER: _larger}[str(way)](kept, content, image)


def _vary(kept: Kept, content: bytes, _: Image.Image) -> None:
    left, right = st.columns([1, 2])
    left.image(content, output_format="PNG", width="stretch")
    with right:
        strength = st.slider(
            tr("How far"), 0.0, 1.0, 0.3, 0.05, key="vary-strength",
            help=tr(
                "The noise the picture began with is turned towards another: 0 is the same picture, "
                "1 another one."
            ),
        )  # fmt: skip
        count = st.segmented_control(tr("How many"), [2, 4, 8], key="vary-count", default=4, required=True)
        seed = random.randint(0, 2**31 - 1)
        request = varied(kept.record, float(strength), seed, int(count or 4))
        _go(tr("Draw variations"), lambda: request, kept.record)


def _remix(kept: Kept, content: bytes, _: Image.Image) -> None:
    left, right = st.columns([1, 2])
    left.image(content, output_format="PNG", width="stretch")
    with right:
        words = st.text_area(tr("Words"), kept.prompt, key=f"remix-{kept.id}", height=110, max_chars=2000)
        st.caption(tr("The same seed and settings; change a word or two and the picture stays near."))
        request = remixed(kept.record, str(words or " "))
        _go(tr("Draw the remix"), lambda: request, kept.record)


def _redraw(kept: Kept, _: bytes, image: Image.Image) -> None:
    mask, noise = part_and_change("more", image, 0.6)
    words = st.text_area(tr("Words"), kept.prompt, key=f"redraw-{kept.id}", height=80, max_chars=2000)
    count = st.segmented_control(tr("How many"), [1, 2, 4], key="redraw-count", default=2, required=True)
    unpainted = mask is None and st.session_state.get("part-more") == BRUSH
    # Kept only when it is asked for: looking at a part writes nothing.
    _go(
        tr("Draw it anew"), lambda: redrawn(kept.record, image, noise, mask, str(words or ""), int(count or 2)),
        kept.record, disabled=unpainted,
    )  # fmt: skip


def _larger(kept: Kept, content: bytes, image: Image.Image) -> None:
    record = kept.record
    suits = second_pass_suits(str(record.get("base", "")))
    factor = st.segmented_control(tr("Times"), [2, 4], key="larger-factor", default=2, required=True)
    st.caption(tr("{before} px become {after} px.", before=image.width, after=image.width * int(factor or 2)))
    by_base = st.toggle(
        tr("Let the base draw finer lines"), suits, key="larger-base", disabled=not suits,
        help=tr("A second pass at the higher resolution. Without it the picture is enlarged as it is."),
    )  # fmt: skip
    if not suits:
        st.caption(tr("This base knows one size only, so the picture is enlarged as it is."))
    if by_base and suits:
        _go(
            tr("Make it larger"),
            lambda: larger(record, image, int(factor or 2)),
            record,
            icon=":material/zoom_out_map:",
        )
        return
    st.button(
        tr("Make it larger"), key="more-draw", type="primary", icon=":material/zoom_out_map:", width="stretch",
        on_click=_enlarge, args=(dict(record), image, int(factor or 2)),
    )  # fmt: skip


def _go(
    label: str, make: Callable[[], Request], record: Mapping[str, Any], disabled: bool = False,
    icon: str = ":material/brush:",
) -> None:  # fmt: skip
    """Buttons that draw now, or in the line.

    Args:
        make: the request; called when a button is pressed.
        record: of the picture it comes from, which knows the base.
    """
    base = base_of(str(record.get("base", "")))
    st.button(
        label, key="more-draw", type="primary", icon=icon, width="stretch", disabled=disabled,
        on_click=_ask, args=(make, base),
    )  # fmt: skip
    st.button(
        tr("Draw later"), key="more-line", type="tertiary", icon=":material/schedule:", disabled=disabled,
        on_click=_ask_later, args=(make, base), help=tr("Put in the line and drawn in its turn"),
    )  # fmt: skip


def ask(request: Request, base: str) -> None:
    """Has the page draw a request in its next run."""
    st.session_state["asked"] = (request, base)


def _ask(make: Callable[[], Request], base: str) -> None:
    with telling_later():
        ask(make(), base)


def _ask_later(make: Callable[[], Request], base: str) -> None:
    with telling_later():
        put_in_line(make(), base)


def _enlarge(record: dict[str, Any], image: Image.Image, factor: int) -> None:
    with telling_later():
        name = gallery().add(enlarged_picture(Picture(image, record), factor))
        st.session_state["made"], st.session_state["likeness"], st.session_state["sheet"] = [name], {}, None
        later(
            tr("{width} px, in the gallery: {name}", width=image.width * factor, name=plain(name[:10])),
            ":material/zoom_out_map:",
        )
