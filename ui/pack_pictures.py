"""Small pictures of stickers and loops for the page, kept while the server runs."""

from __future__ import annotations

import base64
import io

import streamlit as st

from workbench.packs import EXPRESSIONS, Look, Pack, make_loop, sticker
from workbench.packs.compose import bounds_of
from workbench.packs.moving import Kind

SHOWN = 220  # px


# The file's time stands for its content; the pack itself need not be compared.
@st.cache_data(show_spinner=False, max_entries=400)
def sticker_uri(path: str, modified: int, _pack: Pack, name: str, look: Look) -> str:
    """A sticker as a data URI.

    Raises:
        PackError: it cannot be cut out.
    """
    del path, modified
    made = sticker(_pack.cut(name), (SHOWN, SHOWN), look, words_of(name, look))
    buffer = io.BytesIO()
    made.save(buffer, "WEBP", quality=88, method=2)
    return _uri(buffer.getvalue())


@st.cache_data(show_spinner=False, max_entries=60)
def loop_uri(path: str, modified: int, _pack: Pack, name: str, look: Look, move: Kind) -> str:
    """A moving sticker as a data URI.

    Raises:
        PackError: a picture cannot be cut out.
    """
    del path, modified
    helpers = {each: _pack.cut(each) for each in (name, "smile", "sleepy", "surprise") if each in _pack.drawn}
    loop = make_loop(move, name, helpers, _pack.known_layout)
    bounds = bounds_of(*loop.frames)
    frames = [sticker(frame, (SHOWN, SHOWN), look, words_of(name, look), bounds=bounds) for frame in loop.frames]
    buffer = io.BytesIO()
    frames[0].save(
        buffer, "WEBP", save_all=True, append_images=frames[1:], duration=list(loop.ms), loop=0, quality=75, method=1
    )
    return _uri(buffer.getvalue())


def words_of(name: str, look: Look) -> str:
    """What is written on a sticker in a look's language."""
    known = EXPRESSIONS[name]
    return {"": "", "en": known.says, "zh": known.says_zh}[look.words]


def _uri(content: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(content).decode()
