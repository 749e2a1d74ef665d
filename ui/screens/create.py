"""Create: choose or write what to draw, get four candidates; each one is kept in the gallery as soon as it is done."""

from __future__ import annotations

import random
from typing import Any

import streamlit as st

from ui import theme
from ui.bases import engine
from ui.create_form import Wish, form
from ui.picture import gallery, go_on, picture_dialog, png, tools
from ui.words import escaped, plain, telling
from workbench import jobs
from workbench.adapters import find_adapter
from workbench.errors import GalleryError
from workbench.generation.record import Picture
from workbench.identity.candidates import in_words, rank_candidates
from workbench.identity.likeness import Likeness

LARGEST_SEED = 2**31 - 1


def show() -> None:
    """The screen, from top to bottom."""
    go_on()
    theme.header(
        "Draw avatars",
        "Choose a mood, clothes and a place, or write your own words. Every picture goes to the gallery by itself.",
        ("lena", "cheer"), ("kofi", "music"), ("mia", "wink"),
    )  # fmt: skip
    left, right = st.columns([1, 1.25], gap="medium")
    with left, st.container(key="panel-wish"):
        wish = form(_draw_button)
        drawing = st.session_state.pop("draw", False)
    with right:
        if drawing:
            with telling():
                draw(wish)
                st.rerun()
        made()
    picture_dialog()


def _draw_button() -> None:
    number = st.session_state.get("count") or 4
    st.button(
        f"Draw {number}", key="draw-button", type="primary", icon=":material/brush:", width="stretch", on_click=_start
    )
    if any(state.alive for state in jobs.list_jobs()):
        st.caption("A training is going on; drawing takes longer meanwhile.")


def _start() -> None:
    state = st.session_state
    if not state.get("lock"):
        state["seed"] = random.randint(0, LARGEST_SEED)
    state["draw"] = True


def draw(wish: Wish) -> None:
    """Draws the candidates; each appears when it is finished and is in the gallery by then."""
    request = wish.request()
    st.session_state["made"] = []
    with st.container(horizontal=True, vertical_alignment="center"):
        note = st.empty()
        # Any click ends this run of the page, and with it the drawing; what is finished is kept.
        st.button("Stop", key="stop-drawing", icon=":material/stop_circle:")
    with st.container(key="grid-four-drawing"):
        slots = []
        for index in range(request.count):
            with st.container(key=f"card-slot-{index}"):
                slots.append((st.empty(), st.empty()))
                slots[-1][0].html(_waiting(index > 0))
    note.caption("Opening the base… the first time takes some seconds.")
    warm = engine(wish.base)
    kept = gallery()

    def on_step(candidate: int, step: int, steps: int) -> None:
        note.caption(f"Drawing {candidate + 1} of {request.count}")
        slots[candidate][0].html(_waiting(False))
        slots[candidate][1].progress(step / steps, f"Step {step} of {steps}")

    def on_picture(candidate: int, picture: Picture) -> None:
        name = kept.add(picture)
        st.session_state["made"].append(name)
        slots[candidate][0].image(png(kept.get(name)) or b"", output_format="PNG", width="stretch")
        slots[candidate][1].empty()

    drawn = warm.generate(request, on_step=on_step, on_picture=on_picture)
    note.caption("Comparing with the photos…")
    _compare(wish, drawn)


def _compare(wish: Wish, drawn: list[Picture]) -> None:
    """Puts the candidates in the order of their likeness to the first adapter's person."""
    state = st.session_state
    state["likeness"] = {}
    if not wish.adapters or len(drawn) != len(state["made"]):
        return
    name = wish.adapters[0][0]
    ranking = rank_candidates(name, [picture.image for picture in drawn], find_adapter(name).card.traits)
    names = list(state["made"])
    state["likeness"] = {names[index]: found for index, found in enumerate(ranking.found)}
    state["made"] = [names[index] for index in ranking.order]


def _waiting(still: bool) -> str:
    who, scene = ("yuki", "star")
    return f'<div class="waiting{" still" if still else ""}"><img src="{theme.chibi(who, scene)}" alt=""></div>'


def made() -> None:
    """The last candidates, with what can be done with each."""
    names: list[str] = st.session_state.get("made", [])
    kept: list[Any] = []
    for name in names:
        try:
            kept.append(gallery().get(name))
        except GalleryError:
            continue  # it was deleted meanwhile
    if not kept:
        with st.container(key="panel-made"):
            theme.empty("Your avatars appear here", "Choose what to draw, then press Draw.", "omar", "star")
        return
    notes = {note for each in kept for note in each.record.get("notes", [])}
    for note in sorted(notes):
        st.info(plain(note), icon=":material/info:")
    with st.container(key="grid-four"):
        for each in kept:
            with st.container(key=f"card-made-{each.id}"):
                content = png(each)
                if content:
                    st.image(content, output_format="PNG", alt=each.prompt, width="stretch")
                _said(each)
                tools(each, "made")
    order = " · the most alike first" if st.session_state.get("likeness") else ""
    st.caption(f"{plain(kept[0].prompt)} · kept in the gallery{order}")


VERDICTS = {"likely": "good", "unsure": "warn", "unlikely": "bad", "unknown": "plain"}


def _said(kept: Any) -> None:
    """A candidate's likeness, where it could be judged, and its seed."""
    found: Likeness | None = st.session_state.get("likeness", {}).get(kept.id)
    seed = escaped(kept.record.get("seed", ""))
    if found is None:
        st.html(f'<div class="small">seed {seed}</div>')
        return
    chance = f" {found.probability:.0%}" if found.probability is not None else ""
    title = escaped(in_words(found))
    badge = theme.badge(f"{found.verdict}{chance}", VERDICTS[found.verdict])
    marks = ", ".join(f"{name.replace('_', ' ')} {mark}" for name, mark in found.traits.items() if mark != "?")
    st.html(f'<div class="small" title="{title}">{badge} seed {seed}<br>{escaped(marks)}</div>')


show()
