"""How the page looks: style sheet, chibis as decoration, headers, empty states and badges.

All drawings come from our own world, so the page shows what the workbench makes.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from PIL import Image

from ui.words import escaped, say_later
from workbench.language import language, tr
from workbench.world.character import Character, Scene
from workbench.world.chibi import chibi_svg
from workbench.world.draw import raster

STYLE = Path(__file__).resolve().parent / "style.css"

CAST = {
    "mia": Character(hair_style="ponytail", hair_colour="ginger", eye_colour="blue", freckles=True, variation=4),
    "kofi": Character(skin="dark", hair_style="buzzed", hair_colour="black", glasses="round", variation=7),
    "yuki": Character(skin="pale", hair_style="bob", hair_colour="black", eye_colour="brown", variation=11),
    "omar": Character(skin="tan", hair_style="curly", hair_colour="brown", facial_hair="stubble", variation=5),
    "rose": Character(age="old", hair_style="bun", hair_colour="white", glasses="square", skin="light", variation=9),
    "lena": Character(hair_style="pigtails", hair_colour="blonde", eye_colour="green", variation=3),
    "ravi": Character(skin="brown", hair_style="spiky", hair_colour="black", eye_colour="amber", variation=8),
}  # fmt: skip
SCENES = {
    "wave": Scene(expression="smiling", clothing="hoodie", clothing_colour="red", pose="waving"),
    "cheer": Scene(expression="laughing", clothing="overalls", clothing_colour="blue", pose="cheering"),
    "star": Scene(expression="smiling", clothing="t-shirt", clothing_colour="yellow", pose="standing"),
    "wink": Scene(expression="winking", clothing="sweater", clothing_colour="green", pose="waving"),
    "cat": Scene(expression="smiling", clothing="dress", clothing_colour="pink", headwear="cat ears"),
    "music": Scene(expression="smiling", clothing="jacket", clothing_colour="orange", headwear="headphones"),
    "suit": Scene(expression="smiling", clothing="suit", clothing_colour="purple", pose="standing"),
    "oh": Scene(expression="surprised", clothing="shirt", clothing_colour="blue", pose="standing"),
    "sleepy": Scene(expression="sleepy", clothing="sweater", clothing_colour="purple", headwear="beanie"),
    "sad": Scene(expression="sad", clothing="hoodie", clothing_colour="blue", pose="standing"),
}


@st.cache_data(show_spinner=False)
def chibi(who: str, scene: str) -> str:
    """A chibi of the cast without background, as a data URI that stays sharp at every size."""
    svg = chibi_svg(CAST[who], SCENES[scene], transparent=True)
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


@st.cache_data(show_spinner=False)
def icon() -> Image.Image:
    """The page's icon: a waving chibi, its head and shoulders."""
    return raster(chibi_svg(CAST["mia"], SCENES["wave"], transparent=True), 128)


def apply() -> None:
    """Puts the style sheet and the mark on the page."""
    st.html(STYLE)
    own = STYLE.with_name(f"style.{language()}.css")
    if own.is_file():
        st.html(own)
    buffer = io.BytesIO()
    icon().save(buffer, "PNG")
    st.logo(Image.open(buffer), size="large")


def account() -> None:
    """On a shared server: who is logged in, and the way out. On one's own computer there is nothing to show."""
    name = os.environ.get("WORKBENCH_ACCOUNT", "")
    if name:
        title = escaped(tr("Account, log out"))
        st.html(
            f'<a class="account" href="/account?lang={language()}" target="_self" title="{title}">{escaped(name)}</a>'
        )


def tabs(screens: Sequence[Any]) -> None:
    """The bar at the bottom of a phone; wide windows have the same in the top line."""
    with st.container(horizontal=True, key="tabs", wrap=False):
        for screen in screens:
            st.page_link(screen)


def header(title: str, lead: str, *cast: tuple[str, str], tall: bool = False) -> None:
    """The band at the top of a screen.

    Args:
        title: what the screen is for.
        lead: one sentence that says how.
        cast: (who, scene) of the chibis beside it.
        tall: the first screen's, with more room.
    """
    people = "".join(f'<img src="{chibi(*each)}" alt="">' for each in cast)
    kind = "band tall" if tall else "band"
    words = f"<h1>{escaped(title)}</h1><p>{escaped(lead)}</p>"
    st.html(f'<header class="{kind}"><div class="words">{words}</div><div class="cast">{people}</div></header>')
    say_later()


def empty(title: str, words: str, who: str = "mia", scene: str = "oh") -> None:
    """What a screen shows when there is nothing yet: a chibi, what is missing, and what to do."""
    drawing = f'<img src="{chibi(who, scene)}" alt="">'
    st.html(f'<div class="empty">{drawing}<h3>{escaped(title)}</h3><p>{escaped(words)}</p></div>')


def section(title: str, note: str = "") -> None:
    """The heading of a part of a screen."""
    small = f"<small>{escaped(note)}</small>" if note else ""
    st.html(f'<h2 class="section">{escaped(title)}{small}</h2>')


def badge(words: str, kind: str = "plain") -> str:
    """HTML of a small label; kind is plain, good, warn, bad or live."""
    return f'<span class="badge {kind}">{escaped(words)}</span>'


def facts(pairs: list[tuple[str, object]]) -> str:
    """HTML of a list of facts, name and value; those without a value are left out."""
    rows = "".join(f"<dt>{escaped(k)}</dt><dd>{escaped(v)}</dd>" for k, v in pairs if v not in ("", None))
    return f'<dl class="facts">{rows}</dl>'
