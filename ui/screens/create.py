"""Create: choose or write what to draw, get four candidates; each one is kept in the gallery as soon as it is done."""

from __future__ import annotations

import random
from typing import Any

import streamlit as st

from ui import theme
from ui.create_draw import draw, draw_rows, draw_sheet
from ui.create_form import Wish, form
from ui.create_many import many, put_in_line
from ui.create_more import more, more_button
from ui.create_start import keep_what_is_begun_from
from ui.picture import gallery, go_on, picture_dialog, png, tools
from ui.words import count, escaped, plain, telling, telling_later
from workbench import jobs
from workbench.errors import GalleryError, GenerationError
from workbench.generation import Request
from workbench.identity.candidates import in_words
from workbench.identity.likeness import Likeness
from workbench.jobs import queue
from workbench.language import told, tr

LARGEST_SEED = 2**31 - 1


def show() -> None:
    """The screen, from top to bottom."""
    go_on()
    theme.header(
        tr("Draw avatars"),
        tr(
            "Choose a mood, clothes and a place, or write your own words. Every picture goes to the gallery "
            "by itself."
        ),
        ("lena", "cheer"), ("kofi", "music"), ("mia", "wink"),
    )  # fmt: skip
    left, right = st.columns([1, 1.25], gap="medium")
    with left, st.container(key="panel-wish"):
        wish = form(_draw_button)
        drawing = st.session_state.pop("draw", False)
        opened = bool(st.session_state.get("sheet-open"))  # by a sheet that was dropped on the gallery
        with st.expander(tr("Many at once"), opened, icon=":material/grid_view:", key=f"open-many-{opened}"):
            many(_request(wish), wish.base, wish.wishes)
        _line_button(wish)
    with right:
        with telling():
            if drawing:
                keep_what_is_begun_from()
                draw(wish.request(), wish.base)
                st.rerun()
            if _drawn_what_was_asked():
                st.rerun()
        _in_the_line()
        more()
        made()
    picture_dialog()


def _drawn_what_was_asked() -> bool:
    """Draws what a callback asked for: more of a picture, a grid, or a table."""
    state = st.session_state
    if asked := state.pop("asked", None):
        draw(*asked)
    elif asked := state.pop("asked-sheet", None):
        keep_what_is_begun_from()
        draw_sheet(*asked)
    elif asked := state.pop("asked-rows", None):
        keep_what_is_begun_from()
        draw_rows(*asked)
    return bool(asked)


def _request(wish: Wish) -> Request | None:
    try:
        return wish.request()
    except GenerationError:
        return None  # it is told when Draw is pressed


def _line_button(wish: Wish) -> None:
    """Draws later, in a process of its own."""
    request = _request(wish)
    if request is None:
        return
    st.button(
        tr("Draw later"), key="line", icon=":material/schedule:", type="tertiary", on_click=_later,
        args=(request, wish.base), help=tr("Put in the line and drawn in its turn, also when this page is closed."),
    )  # fmt: skip


def _later(request: Request, base: str) -> None:
    with telling_later():
        keep_what_is_begun_from()
        put_in_line(request, base)


def _in_the_line() -> None:
    """Pictures that wait for their turn or are being drawn by the line; they survive a refresh of the page."""
    waiting = [job for job in queue.jobs("submitted", "running") if job.kind == "generation"]
    if not waiting:
        return
    running = sum(job.state == "running" for job in waiting)
    with st.container(horizontal=True, vertical_alignment="center", key="panel-line"):
        st.html(
            theme.badge(tr("{requests} in the line", requests=count(len(waiting), "request")), "live"), width="content"
        )
        st.caption(tr("{running} being drawn. They come into the gallery.", running=running))
        st.button(tr("Look again"), icon=":material/refresh:", key="line-look", type="tertiary")
        st.button(
            tr("Cancel"), icon=":material/close:", key="line-cancel", type="tertiary", on_click=_cancel, args=(waiting,)
        )


def _cancel(waiting: list[Any]) -> None:
    with telling_later():
        for job in waiting:
            jobs.cancel(job.id)


def _draw_button() -> None:
    number = st.session_state.get("count") or 4
    st.button(
        tr("Draw {number}", number=number),
        key="draw-button",
        type="primary",
        icon=":material/brush:",
        width="stretch",
        on_click=_start,
    )
    if any(state.alive for state in jobs.list_jobs()):
        st.caption(tr("A training is going on; drawing takes longer meanwhile."))


def _start() -> None:
    state = st.session_state
    if not state.get("lock"):
        state["seed"] = random.randint(0, LARGEST_SEED)
    state["draw"] = True


def made() -> None:
    """The last candidates, with what can be done with each."""
    names: list[str] = st.session_state.get("made", [])
    _sheet()
    kept: list[Any] = []
    for name in names:
        try:
            kept.append(gallery().get(name))
        except GalleryError:
            continue  # it was deleted meanwhile
    if not kept and not st.session_state.get("more-of"):
        with st.container(key="panel-made"):
            theme.empty(tr("Your avatars appear here"), tr("Choose what to draw, then press Draw."), "omar", "star")
    if not kept:
        return
    notes = {note for each in kept for note in each.record.get("notes", [])}
    for note in sorted(notes):
        st.info(plain(told(note)), icon=":material/info:")
    with st.container(key="grid-four"):
        for each in kept:
            with st.container(key=f"card-made-{each.id}"):
                content = png(each)
                if content:
                    st.image(content, output_format="PNG", alt=each.prompt, width="stretch")
                _said(each)
                tools(each, "made")
                more_button(each)
    order = (
        tr("kept in the gallery, the most alike first")
        if st.session_state.get("likeness")
        else tr("kept in the gallery")
    )
    st.caption(f"{plain(kept[0].prompt)} · {order}")


def _sheet() -> None:
    """The last grid as one picture, and the rows of the last table that were not drawn."""
    for problem in st.session_state.get("problems") or []:
        st.warning(plain(told(problem)), icon=":material/error:")
    content = st.session_state.get("sheet")
    if not content:
        return
    with st.container(key="panel-sheet"):
        st.image(content, output_format="PNG", width="stretch", alt=tr("A grid of pictures"))
        st.download_button(
            tr("Download the sheet"), content, "chibi-sheet.png", "image/png", key="sheet-save", on_click="ignore",
            icon=":material/download:", help=tr("The recipe of each of its pictures is inside"),
        )  # fmt: skip


VERDICTS = {"likely": "good", "unsure": "warn", "unlikely": "bad", "unknown": "plain"}


def _said(kept: Any) -> None:
    """A candidate's likeness, where it could be judged, and its seed."""
    found: Likeness | None = st.session_state.get("likeness", {}).get(kept.id)
    seed = escaped(tr("seed {seed}", seed=kept.record.get("seed", "")))
    if found is None:
        st.html(f'<div class="small">{seed}</div>')
        return
    chance = f" {found.probability:.0%}" if found.probability is not None else ""
    title = escaped(told(in_words(found)))
    badge = theme.badge(f"{tr(found.verdict)}{chance}", VERDICTS[found.verdict])
    marks = ", ".join(f"{tr(name.replace('_', ' '))} {mark}" for name, mark in found.traits.items() if mark != "?")
    st.html(f'<div class="small" title="{title}">{badge} {seed}<br>{escaped(marks)}</div>')


show()
