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
from workbench.generation.portray import SEED, portrait_prompt, portray
from workbench.language import mark, told, tr

METHODS = {
    "svd": mark("Sum, cut to a rank"),
    "cat": mark("Exact sum, larger file"),
    "linear": mark("Quick sum of halves"),
    "ties": mark("Settle what disagrees (TIES)"),
    "dare": mark("Drop at random, then sum (DARE)"),
}
TAKE = {"": mark("All of it"), "identity": mark("Only the person"), "style": mark("Only the drawing style")}


def mixing(entries: list[ShelfEntry]) -> None:
    """The panel."""
    theme.section(
        tr("Mix adapters"), tr("Two to four become a new one. Try strengths first; the new card names its parents.")
    )
    names = [entry.name for entry in entries]
    state = st.session_state
    state["mix-who"] = [name for name in state.get("mix-who", []) if name in names]
    chosen = st.multiselect(
        tr("Adapters"), names, key="mix-who", max_selections=MOST, placeholder=tr("Choose two to four"),
        label_visibility="collapsed",
    )  # fmt: skip
    if len(chosen) < 2:
        return
    by_name = {entry.name: entry for entry in entries}
    parts = [_part(name, 1.2 / len(chosen)) for name in chosen]
    with st.container(horizontal=True, vertical_alignment="bottom", key="mix-how"):
        method = st.selectbox(tr("Method"), list(METHODS), key="mix-method", format_func=lambda each: tr(METHODS[each]))
        rank = st.number_input(tr("Rank"), 0, 256, key="mix-rank", help=tr("0 takes the largest there is."))
        density = 0.5
        if method in ("ties", "dare"):
            density = st.slider(tr("Kept of each"), 0.05, 1.0, 0.5, 0.05, key="mix-density")
    name = st.text_input(tr("Name of the new adapter"), "-".join(chosen)[:40], key="mix-name-" + "-".join(chosen))
    with st.container(horizontal=True):
        tried = st.button(
            tr("Try it"), key="mix-try", icon=":material/visibility:", help=tr("Draws one picture; saves nothing.")
        )
        made = st.button(tr("Make it"), key="mix-make", type="primary", icon=":material/blender:")
    base = base_of(by_name[chosen[0]].card.base)
    try:
        if tried:
            _try(parts, by_name, base)
        if made:
            with st.spinner(tr("Mixing, and proving the result in a fresh base…")):
                blend = mix_adapters(parts, name, str(method), int(rank), density, 0, engine(base).backbone)
                portray(engine(base), blend.entry.name, portrait_prompt([by_name[part.name].card for part in parts]))
            later(
                tr(
                    "{name} is on the shelf, {kept} % of the change kept",
                    name=blend.entry.name,
                    kept=f"{100 * blend.kept:.0f}",
                )
            )
            state["mix-said"] = list(blend.notes)
            st.rerun()
    except WorkbenchError as error:
        tell(error)
    for note in state.pop("mix-said", []):
        st.info(plain(told(note)))


def _part(name: str, usual: float) -> Ingredient:
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"mix-row-{name}"):
        strength = st.slider(plain(name), 0.0, 1.5, round(min(1.0, usual), 2), 0.05, key=f"mix-strength-{name}")
        only = st.selectbox(
            tr("Take of {name}", name=name),
            list(TAKE),
            key=f"mix-only-{name}",
            format_func=lambda each: tr(TAKE[each]),
            label_visibility="collapsed",
        )
    return Ingredient(name, float(strength), {}, str(only or ""))


def _try(parts: list[Ingredient], by_name: dict[str, ShelfEntry], base: str) -> None:
    """One picture with all of them on the warm base at their strengths; what of each is taken is not tried."""
    prompt = portrait_prompt([by_name[part.name].card for part in parts])
    with st.spinner(tr("Drawing…")):
        adapters = tuple((part.name, part.strength) for part in parts)
        picture = engine(base).generate(Request(prompt=prompt, seed=SEED, count=1, adapters=adapters))[0]
    st.image(picture.image, width=256, output_format="PNG", alt=tr("The mix"))
    if any(part.only for part in parts):
        st.caption(tr("Drawn with all of each adapter; what is left out shows in the finished mix."))
