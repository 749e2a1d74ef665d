"""Many pictures at once: with and without the adapter, a grid of settings, the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from ui.create_start import keep_what_is_begun_from
from ui.picture import LABELS
from ui.words import count, later, plain, telling, telling_later
from workbench import jobs
from workbench.adapters import find_adapter
from workbench.generation import Request
from workbench.generation.batch import EXAMPLE, read_table
from workbench.generation.grid import Axis, axis_names, axis_text, example, grid_cells, parse_axis
from workbench.generation.sheet import SheetRecipe
from workbench.language import mark, told, tr

COMPARE, GRID, TABLE = mark("With and without"), mark("Grid"), mark("Table")
NONE = "–"
LINE_HELP = mark("Drawn by a process of its own, in its turn: it goes on when this page is closed.")


def many(request: Request | None, base: str, wishes: dict[str, str] | None) -> None:
    """The part of the form for many pictures.

    Args:
        request: what the form says; None while it makes no sense.
        base: to draw on.
        wishes: the preferences that wrote the prompt; None when it was written by hand.
    """
    st.session_state.setdefault("many-way", COMPARE)
    way = st.segmented_control(
        tr("Many"), [COMPARE, GRID, TABLE], key="many-way", required=True, label_visibility="collapsed",
        persist_state="session", width="stretch", format_func=tr,
    )  # fmt: skip
    if request is None:
        st.caption(tr("Say what to draw first."))
    elif way == TABLE:
        with telling():
            _table(request, base)
    else:
        with telling():
            _compare(request, base, wishes) if way == COMPARE else _grid(request, base, wishes)


def _compare(request: Request, base: str, wishes: dict[str, str] | None) -> None:
    if not request.adapters:
        st.caption(tr("Choose an adapter above: it is drawn without and with it, from the same seed."))
        return
    strength = request.adapters[0][1] or 1.0
    sweep = st.toggle(tr("And the strengths between"), key="compare-sweep")
    values = (0.0, *(round(strength * part, 2) for part in ((0.25, 0.5, 0.75) if sweep else ())), strength)
    _draw_button(request, base, Axis("strength", tuple(values)), None, wishes)


def _grid(request: Request, base: str, wishes: dict[str, str] | None) -> None:
    names = [name for name in axis_names() if wishes is not None or name in _by_hand(axis_names())]
    x = _axis("x", tr("Across"), names, "strength" if request.adapters else "guidance")
    y = _axis("y", tr("Down"), [NONE, *names], "seed")
    if x is None:
        return
    _draw_button(request, base, x, y, wishes)


def _by_hand(names: Sequence[str]) -> list[str]:
    """Axes that a prompt written by hand allows."""
    return [*names[: names.index("words") + 1]]


def _axis(which: str, label: str, names: list[str], usual: str) -> Axis | None:
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"axis-{which}-row"):
        if st.session_state.setdefault(f"axis-{which}", usual) not in names:
            st.session_state[f"axis-{which}"] = usual  # the prompt is written in another way by now
        name = st.selectbox(
            label, names, key=f"axis-{which}", persist_state="session",
            format_func=lambda each: tr(LABELS.get(each, each.replace("_", " "))),
        )  # fmt: skip
        if name == NONE:
            return None
        st.session_state.setdefault(f"values-{which}-{name}", example(str(name)).partition("=")[2])
        values = st.text_input(
            tr("Values"), key=f"values-{which}-{name}",
            help=tr("After commas; 1..4 counts, 0..1.2/4 takes four evenly spaced ones."),
        )  # fmt: skip
    return parse_axis(f"{name}={values}")


def _draw_button(request: Request, base: str, x: Axis, y: Axis | None, wishes: dict[str, str] | None) -> None:
    cells = grid_cells(replace(request, count=1), x, y, wishes, lambda name: find_adapter(name).card)
    number = sum(map(len, cells))
    with st.container(horizontal=True):
        st.button(
            tr("Draw {number}", number=count(number, "picture")), key="draw-grid", icon=":material/grid_view:",
            on_click=_set, args=("asked-sheet", (cells, x, y, base, wishes)),
        )  # fmt: skip
        st.button(
            tr("Put in the line"), key="line-grid", icon=":material/schedule:",
            on_click=_put_grid_in_line, args=(request, base, x, y, wishes), help=tr(LINE_HELP),
        )  # fmt: skip


def _table(request: Request, base: str) -> None:
    file = st.file_uploader(tr("A CSV file: one row, one picture"), ["csv", "tsv", "txt"], key="table-file")
    if file is None:
        st.caption(
            tr("Columns: name, prompt, adapter, style, seed, all the lists above. What rows leave out, the form says.")
        )
        st.download_button(
            tr("An example"), EXAMPLE, "npc.csv", "text/csv", key="table-example", icon=":material/download:",
            type="tertiary", on_click="ignore",
        )  # fmt: skip
        return
    rows = read_table(file.getvalue(), request, lambda name: find_adapter(name).card)
    wrong = [row for row in rows if row.problem]
    good = count(len(rows) - len(wrong), "row")
    words = tr("{rows} to draw, {wrong} that cannot be:", rows=good, wrong=len(wrong)) if wrong else ""
    st.caption(words or tr("{rows} to draw", rows=good))
    for row in wrong[:8]:
        where = tr("line {line}", line=row.line)
        st.caption(f":material/error: {where}, **{plain(row.name)}**: {plain(told(row.problem))}")
    if len(wrong) > 8:
        st.caption(tr("and {number} more", number=len(wrong) - 8))
    with st.container(horizontal=True):
        st.button(
            tr("Draw now"), key="draw-table", type="primary", icon=":material/brush:", disabled=len(wrong) == len(rows),
            on_click=_set, args=("asked-rows", (rows, base)),
        )  # fmt: skip
        st.button(
            tr("Put in the line"), key="line-table", icon=":material/schedule:", disabled=len(wrong) == len(rows),
            on_click=_put_in_line, args=(file.getvalue(), request, base), help=tr(LINE_HELP),
        )  # fmt: skip


def _set(what: str, value: Any) -> None:
    st.session_state[what] = value


def take_sheet(recipe: SheetRecipe) -> None:
    """Fills the part for grids from a sheet that was made before; the form takes the rest from its first picture."""
    state = st.session_state
    state["many-way"], state["sheet-open"] = GRID, True
    state["axis-y"] = NONE
    for which, axis in (("x", recipe.x), ("y", recipe.y)):
        if axis:
            state[f"axis-{which}"] = axis.name
            state[f"values-{which}-{axis.name}"] = axis_text(axis).partition("=")[2]


def put_in_line(request: Request, base: str) -> None:
    """Has a request drawn in its turn, by a process that outlives the page; what it begins from is kept already."""
    with telling_later():
        jobs.submit_pictures(jobs.words_of(request, base), _whose(request))
        later(tr("It is in the line; the pictures come into the gallery"), ":material/schedule:")


def _put_in_line(content: bytes, request: Request, base: str) -> None:
    with telling_later():
        keep_what_is_begun_from()
        table = str(jobs.keep_table(content))
        jobs.submit_pictures(jobs.words_of(request, base, "--csv", table), _whose(request))
        later(tr("The table is in the line; the pictures come into the gallery"), ":material/schedule:")


def _put_grid_in_line(request: Request, base: str, x: Axis, y: Axis | None, wishes: dict[str, str] | None) -> None:
    with telling_later():
        keep_what_is_begun_from()
        jobs.submit_pictures(jobs.words_of_grid(request, base, x, y, wishes), _whose(request))
        later(tr("The grid is in the line; its pictures and the sheet come into the gallery"), ":material/schedule:")


def _whose(request: Request) -> str:
    return request.adapters[0][0] if request.adapters else "anyone"
