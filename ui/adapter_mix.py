"""Mixing on the page: two to four adapters with strengths, a picture to try them, and a new adapter from them."""

from __future__ import annotations

import streamlit as st

from ui import theme
from ui.bases import base_of, engine
from ui.words import later, plain, tell
from workbench.adapters import ShelfEntry
from workbench.adapters.blend import Ingredient, mix_adapters
from workbench.adapters.mix import MOST
from workbench.errors import WorkbenchError
from workbench.generation import Request

METHODS = {
    "svd": "Sum, cut to a rank",
    "cat": "Exact sum, larger file",
    "linear": "Quick sum of halves",
    "ties": "Settle what disagrees (TIES)",
    "dare": "Drop at random, then sum (DARE)",
}
TAKE = {"": "All of it", "identity": "Only the person", "style": "Only the drawing style"}


def mixing(entries: list[ShelfEntry]) -> None:
    """The panel."""
    theme.section("Mix adapters", "Two to four become a new one. Try strengths first; the new card names its parents.")
    names = [entry.name for entry in entries]
    state = st.session_state
    state["mix-who"] = [name for name in state.get("mix-who", []) if name in names]
    chosen = st.multiselect(
        "Adapters", names, key="mix-who", max_selections=MOST, placeholder="Choose two to four",
        label_visibility="collapsed",
    )  # fmt: skip
    if len(chosen) < 2:
        return
    by_name = {entry.name: entry for entry in entries}
    parts = [_part(name, 1.2 / len(chosen)) for name in chosen]
    with st.container(horizontal=True, vertical_alignment="bottom", key="mix-how"):
        method = st.selectbox("Method", list(METHODS), key="mix-method", format_func=METHODS.__getitem__)
        rank = st.number_input("Rank", 0, 256, key="mix-rank", help="0 takes the largest there is.")
        density = 0.5
        if method in ("ties", "dare"):
            density = st.slider("Kept of each", 0.05, 1.0, 0.5, 0.05, key="mix-density")
    name = st.text_input("Name of the new adapter", "-".join(chosen)[:40], key="mix-name-" + "-".join(chosen))
    with st.container(horizontal=True):
        tried = st.button(
            "Try it", key="mix-try", icon=":material/visibility:", help="Draws one picture; saves nothing."
        )
        made = st.button("Make it", key="mix-make", type="primary", icon=":material/blender:")
    base = base_of(by_name[chosen[0]].card.base)
    try:
        if tried:
            _try(parts, by_name, base)
        if made:
            with st.spinner("Mixing, and proving the result in a fresh base…"):
                blend = mix_adapters(parts, name, str(method), int(rank), density, 0, engine(base).backbone)
            later(f"{blend.entry.name} is on the shelf, {100 * blend.kept:.0f} % of the change kept")
            state["mix-said"] = list(blend.notes)
            st.rerun()
    except WorkbenchError as error:
        tell(error)
    for note in state.pop("mix-said", []):
        st.info(plain(note))


def _part(name: str, usual: float) -> Ingredient:
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"mix-row-{name}"):
        strength = st.slider(plain(name), 0.0, 1.5, round(min(1.0, usual), 2), 0.05, key=f"mix-strength-{name}")
        only = st.selectbox(
            f"Take of {name}", list(TAKE), key=f"mix-only-{name}", format_func=TAKE.__getitem__,
            label_visibility="collapsed",
        )  # fmt: skip
    return Ingredient(name, float(strength), {}, str(only or ""))


def _try(parts: list[Ingredient], by_name: dict[str, ShelfEntry], base: str) -> None:
    """One picture with all of them on the warm base at their strengths; what of each is taken is not tried."""
    triggers = dict.fromkeys(card.trigger for part in parts if (card := by_name[part.name].card).trigger)
    noun = by_name[parts[0].name].card.class_noun or "person"
    prompt = f"chibi of {' '.join(triggers)} {noun}, smiling".replace("  ", " ")
    with st.spinner("Drawing…"):
        adapters = tuple((part.name, part.strength) for part in parts)
        picture = engine(base).generate(Request(prompt=prompt, seed=7, count=1, adapters=adapters))[0]
    st.image(picture.image, width=256, output_format="PNG", alt="The mix")
    if any(part.only for part in parts):
        st.caption("Drawn with all of each adapter; what is left out shows in the finished mix.")
