"""A run as the page shows it: where it stands, loss curve, previews; and the list of all runs.

Everything is read from the run folder, so a refreshed page and a second tab show the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from ui import run_likeness, theme
from ui.picture import read_png
from ui.words import ago, count, duration, escaped, plain, say_later, tell, telling, telling_later
from workbench import jobs
from workbench.errors import JobError, WorkbenchError
from workbench.identity.run_page import STAGES
from workbench.jobs import JobState
from workbench.language import mark, told, tr
from workbench.processes import read_object

STATES = {
    "submitted": (mark("Waiting"), "plain"),
    "preparing": (mark("Getting ready"), "live"),
    "running": (mark("Learning"), "live"),
    "saving": (mark("Saving"), "live"),
    "stopped": (mark("Stopped"), "warn"),
    "failed": (mark("Failed"), "bad"),
    "done": (mark("Done"), "good"),
}
LOSS = {
    "mark": {"type": "line", "strokeWidth": 2.2, "interpolate": "monotone"},
    "encoding": {
        "x": {"field": "step", "type": "quantitative", "title": None, "axis": {"grid": False, "tickCount": 6}},
        "y": {"field": "loss", "type": "quantitative", "title": None, "scale": {"zero": False}},
        "color": {
            "field": "line", "type": "nominal", "legend": None,
            "scale": {"domain": ["each step", "smoothed"], "range": ["#f6cdbd", "#cf3f66"]},
        },
    },
    "config": {"background": "transparent"},
}  # fmt: skip
NOW = (("preview", mark("Preview now"), ":material/image:"), ("save", mark("Save now"), ":material/save:"))
# The panel looks again this often; reading a few small files takes milliseconds.
SECONDS = 1.0
POINTS = 400


def follow(name: str) -> None:
    """Shows a run, live while its process is."""
    state = _state(name)
    if state is None:
        theme.empty(
            tr("Not trained yet"),
            tr("Progress, loss curve and previews of {name} will be here.", name=name),
            "ravi",
            "sleepy",
        )
    elif state.active:
        st.fragment(_live, run_every=SECONDS)(name, state.waiting)
    else:
        _run(state)


def _state(name: str) -> JobState | None:
    try:
        return jobs.job_state(name)
    except JobError:
        return None


def _live(name: str, waited: bool) -> None:
    # A fragment is drawn again by itself, without the page around it: what goes wrong must be told here.
    with telling():
        state = _state(name)
        if state is None or not state.active or state.waiting != waited:
            # The whole page: the button, the list and the shelf are not in this fragment.
            st.rerun()
        say_later()
        _run(state)


def _run(state: JobState) -> None:
    words, kind = STATES.get(state.state, (state.state, "plain"))
    when = f"<small>{escaped(ago(state.updated))}</small>" if not state.active else ""
    st.html(f'<h2 class="section">{escaped(state.name)} {theme.badge(tr(words), kind)}{when}</h2>')
    if state.waiting:
        _place(state)
    elif state.active:
        _progress(state)
    elif state.state == "failed":
        st.error(plain(told(state.reason) if state.reason else tr("It failed.")), icon=":material/error:")
        with st.expander(tr("What it printed last")):
            st.code("\n".join(jobs.output_tail(state.name)) or tr("nothing"), language=None, wrap_lines=True)
    elif state.state == "stopped":
        st.info(
            tr("Stopped at step {step} of {steps}. All of it is saved.", step=state.step, steps=state.steps),
            icon=":material/pause_circle:",
        )
    _buttons(state)
    _curve(state)
    run_likeness.curve(state.name, jobs.read_metrics(state.name))
    _previews(jobs.run_folder(state.name) / "previews")
    if state.state == "done":
        _report(state)


def _place(state: JobState) -> None:
    jobs.wake()
    before = state.place - 1
    if before > 0:
        words = tr(
            "Number {place} in the line: {before} before it. It begins by itself.",
            place=state.place,
            before=count(before, "job"),
        )
    elif jobs.queue.jobs("running", owner=jobs.queue.EVERYBODY):
        words = tr("Next in the line. It begins by itself when the one that runs has ended.")
    else:
        words = tr("It begins in a moment.")
    st.info(words, icon=":material/hourglass_top:")


def _progress(state: JobState) -> None:
    stage = tr(STAGES.get(state.stage, state.stage))
    # The bar is of the steps: what comes before and after is said in words.
    share = min(1.0, state.step / state.steps) if state.steps else 0.0
    order = list(STAGES)
    if state.state == "preparing" and state.stage in order:
        stage += " · " + tr(
            "{number} of {total}", number=order.index(state.stage) + 1, total=order.index("training") + 1
        )
    counted = (
        " · " + tr("step {step} of {steps}", step=state.step, steps=state.steps) if state.steps and state.step else ""
    )
    left = (
        " · " + tr("{time} left", time=duration(state.seconds_left))
        if state.seconds_left and state.state == "running"
        else ""
    )
    st.progress(share, f"{stage}{counted}{left}")
    silent = time.time() - state.updated
    if silent > 60:
        st.caption(
            tr("No sign of life for {silent}; loading a large base can take that long.", silent=duration(silent))
        )


def _buttons(state: JobState) -> None:
    with st.container(horizontal=True):
        if state.waiting:
            st.button(
                tr("Cancel"), key=f"cancel-{state.name}", icon=":material/close:", on_click=_stop,
                args=(state.name, False), help=tr("Takes it out of the line. Nothing that was saved is touched."),
            )  # fmt: skip
        elif state.alive:
            asked = (jobs.run_folder(state.name) / "stop").exists()
            st.button(
                tr("Stopping after this step…") if asked else tr("Stop and save"),
                key=f"stop-{state.name}",
                disabled=asked,
                icon=":material/stop_circle:",
                on_click=_stop,
                args=(state.name, False),
            )
            if state.state == "running" and not asked:
                for wish, label, icon in NOW:
                    waits = (jobs.run_folder(state.name) / wish).exists()
                    st.button(
                        tr(label),
                        key=f"{wish}-{state.name}",
                        type="tertiary",
                        icon=icon,
                        disabled=waits,
                        on_click=_ask,
                        args=(state.name, wish),
                        help=tr("At the end of this step; the training goes on."),
                    )
            if asked:
                st.button(
                    tr("End it now"),
                    key=f"kill-{state.name}",
                    type="tertiary",
                    on_click=_stop,
                    args=(state.name, True),
                    help=tr("What came after the last checkpoint is lost."),
                )
        if state.can_resume:
            st.button(
                tr("Resume"), key=f"resume-{state.name}", type="primary", icon=":material/resume:",
                on_click=_resume, args=(state.name,),
            )  # fmt: skip
        if state.state == "done" and not state.alive:
            # A link, not a button: it ends the timers of this screen as it is clicked. A button's run would first draw
            # this screen again, and a tick of a timer meanwhile would empty the next one after it was drawn.
            with st.container(key=f"go-{state.name}", width="content"):
                st.page_link(
                    "screens/create.py", label=tr("Create pictures"), icon=":material/auto_awesome:",
                    query_params={"adapter": state.name},
                )  # fmt: skip
        if not state.alive and state.step:
            run_likeness.report_button(state.name)


def _ask(name: str, wish: str) -> None:
    with telling_later():
        jobs.ask(name, wish)


def _curve(state: JobState) -> None:
    records = [record for record in jobs.read_metrics(state.name) if isinstance(record.get("loss"), int | float)]
    if len(records) < 2:
        return
    every = max(1, len(records) // POINTS)
    table: dict[str, list[Any]] = {"step": [], "loss": [], "line": []}
    smooth = float(records[0]["loss"])
    for index, record in enumerate(records):
        loss = float(record["loss"])
        smooth += 0.1 * (loss - smooth)
        if index % every == 0 or index == len(records) - 1:
            table["step"] += [record.get("step", index)] * 2
            table["loss"] += [loss, smooth]
            table["line"] += ["each step", "smoothed"]
    theme.section(tr("Loss"), tr("Pale: each step, which jumps with its noise. Red: smoothed, which should fall."))
    st.vega_lite_chart(table, LOSS, height=210, width="stretch")


def _previews(folder: Path) -> None:
    files = sorted(folder.glob("step-*.png"), reverse=True)[:6] if folder.is_dir() else []
    if not files:
        return
    theme.section(tr("Previews"), tr("The same four requests each time, newest first."))
    for file in files:
        # One that is being written, or that somebody else put there, is passed over.
        if content := read_png(file):
            step = file.stem.rpartition("-")[2].lstrip("0")
            st.image(content, caption=tr("Step {step}", step=step), output_format="PNG", width="stretch")


def _report(state: JobState) -> None:
    report = read_object(jobs.run_folder(state.name) / "report.json")
    seconds, photos = report.get("seconds"), report.get("photos")
    if not isinstance(seconds, dict) or not seconds:
        return
    with st.expander(tr("What it took"), icon=":material/timer:"):
        pairs: list[tuple[str, object]] = [
            (tr(STAGES.get(stage, stage.capitalize())), duration(value))
            for stage, value in seconds.items()
            if isinstance(value, int | float)
        ]
        if isinstance(photos, dict):
            pairs.insert(0, (tr("Photos used"), len(photos.get("used") or [])))
        st.html(theme.facts(pairs))


def past_runs(watch: Callable[[str], None]) -> None:
    """All runs, newest first; each can be looked at."""
    try:
        states = jobs.list_jobs()
    except WorkbenchError as error:
        tell(error)
        return
    if not states:
        return
    theme.section(tr("All runs"), tr("{states} in this workspace", states=count(len(states), "run")))
    with st.container(key="grid-mid-runs"):
        for state in states:
            words, kind = STATES.get(state.state, (state.state, "plain"))
            with st.container(key=f"card-run-{state.name}"):
                steps = (
                    tr("{step} of {steps}", step=state.step, steps=count(state.steps, "step"))
                    if state.steps
                    else tr("no step yet")
                )
                steps = tr("number {place} in the line", place=state.place) if state.waiting else steps
                st.html(
                    f'<div class="title">{escaped(state.name)}</div>{theme.badge(tr(words), kind)}'
                    f'<p class="small">{escaped(steps)} · {escaped(ago(state.updated))}</p>'
                )
                st.button(tr("Look"), key=f"watch-{state.name}", width="stretch", on_click=watch, args=(state.name,))


def _stop(name: str, force: bool) -> None:
    with telling_later():
        jobs.stop(name, force=force)


def _resume(name: str) -> None:
    with telling_later():
        jobs.resume(name)
