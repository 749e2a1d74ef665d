"""The line: what runs and what waits, in the order in which it will begin; shown when more than one thing does."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from ui import theme
from ui.words import escaped, plain, telling, telling_later
from workbench import jobs
from workbench.jobs import Job, queue
from workbench.language import mark, tr

KINDS = {"training": mark("Training"), "generation": mark("Pictures")}
# Looking is reading a few rows; a line moves once in minutes.
SECONDS = 3.0


def line() -> None:
    """Shows the line, and keeps it up to date."""
    jobs.wake()
    if len(_there()) > 1:
        st.fragment(_line, run_every=SECONDS)()


def _there() -> list[Job]:
    return [*queue.jobs("running", owner=queue.EVERYBODY), *queue.line()]


def _line() -> None:
    with telling():
        jobs.wake()
        there = _there()
        if len(there) < 2:
            st.rerun()
        theme.section(
            tr("In the line"), tr("One at a time on each accelerator; people take turns. Each begins by itself.")
        )
        place = 0
        with st.container(key="grid-mid-line"):
            for job in there:
                place += job.state == "submitted"
                _card(job, place)


def _card(job: Job, place: int) -> None:
    """One job. Of other people's one sees that they are there, not whom they are about."""
    own = job.owner == queue.this_owner()
    seen = job if own else replace(job, name=tr("Another person"))
    waits = job.state == "submitted"
    badge = theme.badge(tr("Number {place}", place=place) if waits else tr("Runs"), "plain" if waits else "live")
    later = " · " + tr("after everybody's others") if job.priority < 0 else ""
    with st.container(key=f"card-line-{job.id}"):
        st.html(
            f'<div class="title">{escaped(seen.name)}</div>{badge}'
            f'<p class="small">{escaped(tr(KINDS.get(job.kind, job.kind)) + later)}</p>'
        )
        if not (own and waits):
            return
        with st.container(horizontal=True):
            mine = [each for each in queue.line() if each.owner == job.owner]
            st.button(
                tr("Sooner"), key=f"sooner-{job.id}", type="tertiary", icon=":material/arrow_upward:", on_click=_sooner,
                args=(job,), disabled=mine[:1] == [job] or job.priority > 0, help=tr("Before your own others."),
            )  # fmt: skip
            st.button(
                tr("Cancel"), key=f"line-cancel-{job.id}", type="tertiary", icon=":material/close:", on_click=_cancel,
                args=(job,), help=tr("Takes {name} out of the line.", name=plain(job.name)),
            )  # fmt: skip


def _sooner(job: Job) -> None:
    with telling_later():
        queue.set_priority(job, 1)


def _cancel(job: Job) -> None:
    with telling_later():
        jobs.cancel(job.id)
