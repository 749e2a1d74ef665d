"""A brush: what may change in a picture is painted over with the mouse, a pen, a finger or keys."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import streamlit as st
from PIL import Image, ImageOps

from ui.words import telling_later
from workbench.generation.painted import SIDE, painted_mask
from workbench.generation.starts import start_name
from workbench.language import tr

_HTML = """
<div class="brush">
  <div class="paper">
    <img data-part="picture" alt="">
    <canvas data-part="board" tabindex="0" role="img"></canvas>
    <span class="ring" data-part="ring"></span>
  </div>
  <div class="row">
    <label><span data-part="size-word"></span><input data-part="size" type="range" min="6" max="90" value="30"></label>
    <button data-part="erase" type="button" aria-pressed="false"></button>
    <button data-part="undo" type="button"></button>
    <button data-part="clear" type="button"></button>
  </div>
  <p data-part="hint"></p>
</div>
"""
_FILE = Path(__file__)
_BRUSH = st.components.v2.component(
    "chibi_brush",
    html=_HTML,
    css=_FILE.with_suffix(".css").read_text(encoding="utf-8"),
    js=_FILE.with_suffix(".js").read_text(encoding="utf-8"),
)
_SHOWN = 512  # px of the copy that is painted over


def brush(where: str, image: Image.Image) -> Image.Image | None:
    """Shows a picture to paint on.

    Args:
        where: so that keys differ.
        image: the picture; painted on is the middle square, which is what is drawn from.

    Returns:
        The mask, mode "L", white where it was painted; None while nothing is painted.
    """
    of = start_name(image)[:16]
    key, kept = f"brush-{where}-{of}", f"painted-{where}-{of}"
    state = st.session_state

    def painted() -> None:
        with telling_later():
            runs = state[key].get("runs")
            painted_mask(runs)
            state[kept] = runs

    words = {
        "board": tr("The picture: arrow keys move the brush, space paints, + and - change its size"),
        "size": tr("Brush"), "erase": tr("Erase"), "undo": tr("Undo"), "clear": tr("Clear"),
        "hint": tr("Paint over what may change: with the mouse, a finger, or arrow keys and space."),
    }  # fmt: skip
    _BRUSH(
        key=key,
        data={"of": of, "side": SIDE, "picture": _address(image), "runs": state.get(kept), "words": words},
        on_runs_change=painted,
    )
    return painted_mask(state.get(kept))


def middle_square(image: Image.Image, side: int) -> Image.Image:
    """The part of a picture that is drawn from."""
    return ImageOps.fit(image.convert("RGB"), (side, side), Image.Resampling.LANCZOS)


def _address(image: Image.Image) -> str:
    """The picture inside its own address: nothing that anybody else could ask the page for."""
    buffer = io.BytesIO()
    middle_square(image, _SHOWN).save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
