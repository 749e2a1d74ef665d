"""Drawing on the page: pictures appear while they are drawn, are kept as soon as they are done, and can be stopped."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from ui import theme
from ui.bases import engine
from ui.in_view import bring_into_view
from ui.picture import gallery, png
from workbench.adapters import find_adapter
from workbench.errors import AdapterError
from workbench.generation import Request
from workbench.generation.batch import Outcome, Row, draw_table
from workbench.generation.grid import Axis, Cell, draw_grid
from workbench.generation.record import Picture
from workbench.generation.sheet import sheet_png
from workbench.identity.candidates import rank_candidates
from workbench.language import told, tr


def draw(request: Request, base: str) -> None:
    """Draws candidates; each appears when it is finished, and is in the gallery by then."""
    state = st.session_state
    state["made"], state["sheet"], state["problems"] = [], None, []
    note = _stop_row()
    with st.container(key="grid-four-drawing"):
        slots = []
        for index in range(request.count):
            with st.container(key=f"card-slot-{index}"):
                slots.append((st.empty(), st.empty()))
                slots[-1][0].html(_waiting(index > 0))
    note.caption(tr("Opening the base… the first time takes some seconds."))
    warm = engine(base)
    kept = gallery()

    def on_step(candidate: int, step: int, steps: int) -> None:
        if step == 1:
            note.caption(tr("Drawing {number} of {count}", number=candidate + 1, count=request.count))
            slots[candidate][0].html(_waiting(False))
        slots[candidate][1].progress(step / steps, tr("Step {step} of {steps}", step=step, steps=steps))

    def on_look(candidate: int, image: Any) -> None:
        if image is not None:
            slots[candidate][0].image(image, width="stretch")

    def on_picture(candidate: int, picture: Picture) -> None:
        name = kept.add(picture)
        state["made"].append(name)
        slots[candidate][0].image(png(kept.get(name)) or b"", output_format="PNG", width="stretch")
        slots[candidate][1].empty()

    drawn = warm.generate(request, on_step=on_step, on_picture=on_picture, on_look=on_look)
    state["warm"] = base
    note.caption(tr("Comparing with the photos…"))
    _compare(request, drawn)


def draw_sheet(
    cells: Sequence[Sequence[Cell]], x: Axis, y: Axis | None, base: str, wishes: Mapping[str, str] | None
) -> None:
    """Draws a grid; the cells and the sheet go into the gallery, the sheet is shown."""
    state, count = st.session_state, sum(map(len, cells))
    state["made"], state["sheet"], state["likeness"], state["problems"] = [], None, {}, []
    note, bar, shown = _stop_row(), st.progress(0.0), st.empty()
    note.caption(tr("Opening the base… the first time takes some seconds."))
    warm, kept = engine(base), gallery()

    def on_step(number: int, step: int, steps: int) -> None:
        bar.progress((number + step / steps) / count, tr("Picture {number} of {count}", number=number + 1, count=count))

    def on_picture(number: int, picture: Picture) -> None:
        state["made"].append(kept.add(picture))
        shown.image(picture.image, width=160)

    drawn = draw_grid(warm, cells, on_step, on_picture=on_picture)
    state["warm"] = base
    state["sheet"] = sheet_png(drawn, x, y, cells[0][0].request.prompt, wishes)
    kept.add_sheet(state["sheet"])


def draw_rows(rows: Sequence[Row], base: str) -> None:
    """Draws a table's rows; those that could not be drawn are told afterwards."""
    state = st.session_state
    state["made"], state["sheet"], state["likeness"], state["problems"] = [], None, {}, []
    note, bar, shown = _stop_row(), st.progress(0.0), st.empty()
    note.caption(tr("Opening the base… the first time takes some seconds."))
    warm, kept = engine(base), gallery()

    def on_step(number: int, step: int, steps: int) -> None:
        bar.progress(
            (number + step / steps) / len(rows),
            tr("Row {number} of {rows}: {name}", number=number + 1, rows=len(rows), name=rows[number].name),
        )

    def on_outcome(_: int, outcome: Outcome) -> None:
        if outcome.picture:
            state["made"].append(kept.add(outcome.picture))
            shown.image(outcome.picture.image, width=160)
        else:
            state["problems"].append(
                f"{tr('Line {line}', line=outcome.row.line)}, {outcome.row.name}: {told(outcome.problem)}"
            )

    draw_table(warm, rows, on_step, on_outcome=on_outcome)
    state["warm"] = base


def _stop_row() -> Any:
    with st.container(horizontal=True, vertical_alignment="center", key="drawing-now"):
        note = st.empty()
        # Any click ends this run of the page, and with it the drawing; what is finished is kept.
        st.button(tr("Stop"), key="stop-drawing", icon=":material/stop_circle:")
    bring_into_view("drawing-now", str(time.time()))
    return note


def _compare(request: Request, drawn: list[Picture]) -> None:
    """Puts the candidates in the order of their likeness to the first adapter's person."""
    state = st.session_state
    state["likeness"] = {}
    if not request.adapters or len(drawn) != len(state["made"]):
        return
    name = request.adapters[0][0]
    try:
        traits = find_adapter(name).card.traits
    except AdapterError:
        return  # it was taken off the shelf meanwhile
    ranking = rank_candidates(name, [picture.image for picture in drawn], traits)
    names = list(state["made"])
    state["likeness"] = {names[index]: found for index, found in enumerate(ranking.found)}
    state["made"] = [names[index] for index in ranking.order]


def _waiting(still: bool) -> str:
    who, scene = ("yuki", "star")
    return f'<div class="waiting{" still" if still else ""}"><img src="{theme.chibi(who, scene)}" alt=""></div>'
