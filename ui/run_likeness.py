"""Likeness on the Train screen: its curve, which checkpoint was taken, and the report to keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import streamlit as st

from ui import theme
from ui.words import plain
from workbench import jobs
from workbench.identity.choose import choose, read_scores
from workbench.identity.run_page import page
from workbench.identity.run_report import read_run
from workbench.language import language, told, tr

CURVE = {
    "mark": {"type": "line", "strokeWidth": 2.2, "point": {"size": 60, "filled": True}, "color": "#cf3f66"},
    "encoding": {
        "x": {"field": "step", "type": "quantitative", "title": None, "axis": {"grid": False, "tickCount": 6}},
        "y": {"field": "score", "type": "quantitative", "title": None, "scale": {"domain": [0, 1]}},
        "tooltip": [{"field": "step"}, {"field": "score", "format": ".2f"}],
    },
    "config": {"background": "transparent"},
}  # fmt: skip


def curve(name: str, records: list[dict[str, Any]]) -> None:
    """The likeness of each preview, and which one is taken."""
    scores = read_scores(records)
    if not scores:
        return
    by = scores[-1].by
    note = (
        tr("How probably the preview's pictures show this person.")
        if by == "likeness"
        else tr("Likeness is unknown here.")
    )
    theme.section(tr("Likeness") if by == "likeness" else tr("Traits found"), note)
    table = {"step": [one.step for one in scores], "score": [one.mean for one in scores]}
    st.vega_lite_chart(table, CURVE, height=170, width="stretch")
    chosen = _chosen(jobs.run_folder(name) / "report.json") or choose(scores).to_dict()
    st.caption(tr("Step {step}: {why}.", step=chosen["step"], why=plain(told(chosen["why"]))))


def report_button(name: str) -> None:
    """Downloads the run's report with the photos in it; it is made when it is asked for."""
    spoken = language()  # it may be made on a thread that knows no session
    st.download_button(
        tr("Report"), lambda: page(read_run(jobs.run_folder(name)), spoken).encode(), f"{name}-report.html",
        "text/html", key=f"report-{name}", icon=":material/description:", on_click="ignore",
        help=tr("One page with photos, curves, previews and settings. It opens anywhere and is yours "
"alone."),
    )  # fmt: skip


def _chosen(file: Path) -> dict[str, Any] | None:
    try:
        chosen = json.loads(file.read_text(encoding="utf-8"))["chosen"]
        return {"step": int(chosen["step"]), "why": str(chosen["why"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None
