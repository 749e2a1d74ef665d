"""Train: choose how thorough, start, and watch; the run lives on when the page is closed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from ui import people, theme
from ui.bases import DEFAULT, base_names
from ui.run_line import line
from ui.run_panel import follow, past_runs
from ui.words import count, duration, plain, telling, telling_later
from workbench import jobs
from workbench.config import TECHNIQUES, explain, flat_settings, load_settings, setting_names, strengths
from workbench.language import mark, told, tr
from workbench.photos import Subject

PRESETS = {mark("Quick"): 100, mark("Standard"): 200, mark("Thorough"): 400}
REASONS = {
    "Quick": mark("A first look: hair, skin and glasses are there, details may not be."),
    "Standard": mark("Right for most people."),
    "Thorough": mark("For real photographs, or when Standard was not alike enough."),
}
ADVANCED = (
    "train.steps", "train.batch_size", "train.learning_rate", "techniques.text_learning_rate", "lora.rank",
    "lora.alpha", "data.anchors", "data.class_pictures", "techniques.prior_weight", "techniques.min_snr_gamma",
    "data.resolution", "seed", "follow.preview_every", "follow.checkpoint_every", "train.schedule", "train.optimizer",
    "techniques.flips", "lora.text_encoder",
)  # fmt: skip


def show() -> None:
    """The screen, from top to bottom."""
    theme.header(
        tr("Learn a face"),
        tr("A small adapter learns one person from the photos. Close the page if you like: the "
"training goes on."),
        ("rose", "star"), ("ravi", "wink"), ("lena", "oh"),
    )  # fmt: skip
    people.welcome()
    subject = people.choose_subject()
    if subject is None:
        with st.container(key="panel-nobody"):
            theme.empty(
                tr("Nobody to learn yet"), tr("Photos come first: make a person and drop some in."), "omar", "sad"
            )
            _to_photos(tr("Bring photos"))
        return
    left, right = st.columns([1, 1.35], gap="medium")
    with left, st.container(key="panel-start"):
        start(subject)
    with right, st.container(key="panel-run"):
        follow(_shown_run(subject))
    line()
    past_runs(_watch)


def _shown_run(subject: Subject) -> str:
    """The run on the right: the one that was asked for, else the one that is going on, else the person's own."""
    states = jobs.list_jobs()
    watched, for_whom = st.session_state.get("watched", ("", ""))
    if for_whom == subject.name and any(state.name == watched for state in states):
        return str(watched)
    return next((state.name for state in states if state.alive), subject.name)


def _watch(name: str) -> None:
    st.session_state["watched"] = (name, st.session_state.get("subject"))


def start(subject: Subject) -> None:
    """What is learned, how thoroughly, and the button."""
    crops = people.kept_crops(subject)
    theme.section(
        subject.name,
        tr("{crops} · trigger word {trigger}", crops=count(len(crops), "photo"), trigger=subject.trigger),
    )
    if not crops:
        st.warning(tr("{name} has no photos yet. One is enough to start; 5 to 10 are best.", name=plain(subject.name)))
        _to_photos(tr("Bring photos"))
        return
    with st.container(key="strip-crops"):
        for path in crops[:6]:
            st.image(people.thumbnail(path, path.stat().st_mtime_ns) or b"", width="stretch")
    preset = st.segmented_control(
        tr("How thorough"), list(PRESETS), default="Standard", required=True, key="preset", persist_state="session",
        width="stretch", format_func=tr,
    )  # fmt: skip
    steps = PRESETS[str(preset)]
    how_many, time = count(steps, "step"), _estimate(steps)
    lasts = tr("{steps}, about {time} of steps going by your last run.", steps=how_many, time=time)
    st.caption(f"{tr(REASONS[str(preset)])} {lasts if time else how_many + tr('.')}")
    overrides: dict[str, Any] = {"train.steps": steps}
    with st.expander(tr("Advanced settings"), icon=":material/tune:"):
        overrides |= _advanced(steps)
    _plan(subject, overrides)
    state = next((each for each in jobs.list_jobs() if each.name == subject.name), None)
    active = state is not None and state.active
    others = not active and any(each.active for each in jobs.list_jobs())
    name = plain(subject.name)
    label = tr("Train {name} when it is free", name=name) if others else tr("Train {name}", name=name)
    if active:
        label = tr("It waits for its turn") if state is not None and state.waiting else tr("It is being trained")
    st.button(
        label, key="start", type="primary", icon=":material/play_arrow:", disabled=active, width="stretch",
        on_click=_start, args=(subject, overrides),
    )  # fmt: skip
    if state is not None and state.can_resume:
        st.caption(tr("It goes on where it was stopped, unless Start afresh (advanced) is on."))


def _advanced(steps: int) -> dict[str, Any]:
    """Fields for the settings that people change; only those that differ from the usual are passed on."""
    chosen: dict[str, Any] = {}
    base = st.selectbox(
        tr("Base"), base_names(), key="train-base", accept_new_options=True, persist_state="session",
        help=told(explain("base")) + tr(" Type to name another one."),
    )  # fmt: skip
    if base and base != DEFAULT:
        chosen["base"] = base
    usual = _usual()
    with st.container(key="grid-fields-advanced"):
        for name in ADVANCED:
            value = _field(name, steps if name == "train.steps" else usual[name])
            if value != usual[name] or name == "train.steps":
                chosen[name] = value
    afresh = st.toggle(
        tr("Start afresh"), key="afresh", help=tr("Do not continue what an earlier run of this person left.")
    )
    return chosen | ({"follow.resume": "never"} if afresh else {})


def _field(name: str, value: Any) -> Any:
    kind, rules = _rules(name)
    words = told(explain(name))
    label = tr(name.rpartition(".")[2].replace("_", " ").capitalize())
    # A preset sets the steps: with it in the key, choosing one puts its number into the field.
    key = f"set-{name}-{value}"
    if kind is bool:
        return st.toggle(label, value, key=key, help=words)
    if rules["one_of"]:
        return st.selectbox(label, rules["one_of"], list(rules["one_of"]).index(value), key=key, help=words)
    low, high = rules["at_least"], rules["at_most"]
    if kind is int:
        return st.number_input(label, int(low), int(high), int(value), key=key, help=words)
    shape = "%.1e" if 0 < value < 0.01 else "%.3g"
    step = value / 5 if 0 < value < 0.01 else 0.1
    return st.number_input(label, float(low), float(high), float(value), step, format=shape, key=key, help=words)


def _rules(name: str) -> tuple[type, Mapping[str, Any]]:
    """The type of a setting or technique, and what it allows."""
    if name not in setting_names():
        technique = TECHNIQUES[name.removeprefix("techniques.")]
        kind = bool if technique.switch else int if technique.whole else float
        return kind, {"one_of": None, "at_least": technique.at_least, "at_most": technique.at_most}
    item, kind = setting_names()[name]
    return kind, item.metadata


def _usual() -> dict[str, Any]:
    """What every field shows at first."""
    values = flat_settings(load_settings())
    extras = strengths(values["train.techniques"])
    values |= {f"techniques.{name}": extras.get(name, 0) for name in TECHNIQUES}
    return {name: _rules(name)[0](values[name]) for name in ADVANCED}


def _estimate(steps: int) -> str:
    """How long it will take, going by the newest run on this machine that has an end; empty without one."""
    for state in jobs.list_jobs():
        seconds = [record.get("seconds") for record in jobs.read_metrics(state.name)]
        paces = sorted(each for each in seconds if isinstance(each, int | float))
        if state.state == "done" and paces:
            return duration(steps * paces[len(paces) // 2])
    return ""


def _plan(subject: Subject, overrides: dict[str, Any]) -> None:
    """Measures, when asked, how long it will take and whether it fits; what has to be changed for that is changed."""
    asked = json.dumps(overrides, sort_keys=True)
    known, plan = st.session_state.get("planned", ("", {}))
    if st.button(
        tr("Will it fit?"), key="plan", type="tertiary", icon=":material/speed:", help=tr("Tries three steps.")
    ):
        with telling(), st.spinner(tr("Trying three steps")):
            known, plan = asked, jobs.plan_run({"trigger": subject.trigger, **overrides})
            st.session_state["planned"] = (known, plan)
    if known == asked and plan:
        st.caption(plain(" ".join(map(told, plan["words"]))))
        overrides |= plan["changes"]


def _start(subject: Subject, overrides: dict[str, Any]) -> None:
    own = {"photos": "subject", "trigger": subject.trigger, "class_noun": subject.class_noun}
    with telling_later():
        jobs.start_training(own | overrides, subject.name)
        _watch(subject.name)


def _to_photos(label: str) -> None:
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button(label, type="primary", icon=":material/add_a_photo:"):
            st.switch_page("screens/photos.py")


show()
