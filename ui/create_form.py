"""What to draw: adapters, preferences or own words, and the numbers behind them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from ui import theme
from ui.bases import DEFAULT, base_names, base_of
from ui.create_looks import pick_looks
from ui.create_many import take_sheet
from ui.create_start import begin_from
from ui.create_words import choose_style, understood_as
from ui.words import plain, tell
from workbench.adapters import Card, ShelfEntry, list_shelf, thumbnail_bytes
from workbench.errors import GenerationError
from workbench.generation import Preferences, Request, Start, Variation, choices
from workbench.generation.styles import with_style
from workbench.language import mark, tr

CHOOSE, WRITE = mark("Choose"), mark("Write")
SCENE = ("expression", "clothing", "clothing_colour", "headwear", "background", "pose")
PERSON = ("hair_style", "hair_colour", "eye_colour", "skin", "glasses", "facial_hair", "age")
FIRST = {"expression": "smiling", "clothing": "hoodie", "clothing_colour": "red", "background": "blue"}
NOBODY = mark("Anyone")


@dataclass(frozen=True)
class Wish:
    """What the form says."""

    base: str
    prompt: str
    negative: str
    seed: int
    count: int
    steps: int
    guidance: float
    size: int
    adapters: Sequence[tuple[str, float]]
    start: Start | None = None
    variation: Variation | None = None
    wishes: dict[str, str] | None = field(default=None)

    def request(self) -> Request:
        """The request for the engine.

        Raises:
            GenerationError: something is out of range.
        """
        return Request(
            prompt=self.prompt,
            negative=self.negative,
            seed=self.seed,
            count=self.count,
            steps=self.steps,
            guidance=self.guidance,
            adapters=self.adapters,
            size=self.size,
            start=self.start,
            variation=self.variation,
        )


def form(draw_button: Callable[[], None]) -> Wish:
    """Shows the form and returns what it says.

    Args:
        draw_button: shows the button; it stands before the settings that few people open.
    """
    shelf = {entry.name: entry for entry in list_shelf() if not entry.broken}
    _take_wishes(list(shelf))
    theme.section(tr("Who"))
    adapters, card = _who(shelf)
    theme.section(tr("What"))
    st.session_state.setdefault("mode", CHOOSE)
    mode = st.segmented_control(
        tr("How"), [CHOOSE, WRITE], key="mode", required=True, persist_state="session",
        label_visibility="collapsed", width="stretch", format_func=tr,
    )  # fmt: skip
    style = choose_style(base_of(card.base), mode == CHOOSE)
    said = _lists(SCENE if adapters else SCENE + PERSON) if mode == CHOOSE else {}
    prompt = _chosen(card, said) if mode == CHOOSE else _written(card)
    if style and prompt:
        prompt = style.apply(prompt, "")[0]
    # Filled when the base is known, which is chosen further down.
    understood = st.container(key="read-as")
    draw_button()
    with st.expander(tr("From a photo or sketch"), icon=":material/add_photo_alternate:", key="open-start"):
        start = begin_from(adapters[0][0] if adapters else "") or _recipes_start()
    with st.expander(tr("More settings"), icon=":material/tune:"):
        numbers = _numbers(base_of(card.base))
        if others := [name for name in shelf if adapters and name != adapters[0][0]]:
            adapters += _second([NOBODY, *others], shelf)
    cards = [shelf[name].card for name, _ in adapters]
    if style:
        numbers["negative"] = style.apply("", numbers["negative"])[1]
    with understood:
        understood_as(prompt, numbers["base"], cards)
    return Wish(
        prompt=prompt,
        adapters=tuple(adapters),
        start=start,
        variation=_recipes_variation(numbers["seed"]),
        wishes=with_style(said | {"extra": st.session_state.get("extra") or ""}, style) if mode == CHOOSE else None,
        **numbers,
    )


def _recipes_start() -> Start | None:
    """The picture that a reused recipe began from."""
    said = st.session_state.get("reuse-start")
    if not said:
        return None
    noise = f"{said['noise']:.0%}"
    st.caption(tr("As the recipe says: begun from a picture that is kept here, {noise} of it drawn anew.", noise=noise))
    st.button(tr("Draw without it"), key="drop-start", on_click=_drop, args=("reuse-start",))
    return Start(said["picture"], said["noise"], said.get("mask", ""))


def _recipes_variation(seed: int) -> Variation | None:
    """The variation of a reused recipe, as long as its seed is kept."""
    said = st.session_state.get("reuse-variation")
    if not said or not st.session_state.get("lock") or seed != said["of"]:
        return None
    return Variation(said["seed"], said["strength"])


def _drop(what: str) -> None:
    st.session_state.pop(what, None)


def _who(shelf: Mapping[str, ShelfEntry]) -> tuple[list[tuple[str, float]], Card]:
    """The first adapter with its strength, and its card."""
    state, names = st.session_state, [NOBODY, *shelf]
    if state.get("who") not in names:
        state["who"] = names[1] if shelf else NOBODY
    entry = shelf.get(state["who"])
    picture = thumbnail_bytes(entry.card) if entry else None
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key="who-row"):
        if picture:
            st.image(picture, width=74, alt=state["who"])
        who = st.selectbox(
            tr("Adapter"), names, key="who", label_visibility="collapsed", persist_state="session", format_func=_named
        )
    if who in shelf:
        strength = _strength("strength", tr("Likeness"), tr("1 is as trained; less leaves more of the base."))
        return [(str(who), strength)], shelf[str(who)].card
    if not shelf:
        st.caption(tr("No adapter is on the shelf yet: the base draws anyone you describe."))
    return [], Card(name="", created="")


def _named(who: str) -> str:
    return tr(who) if who == NOBODY else who


def _second(others: list[str], shelf: Mapping[str, ShelfEntry]) -> list[tuple[str, float]]:
    state = st.session_state
    if state.get("second") not in others:
        state["second"] = NOBODY
    second = st.selectbox(
        tr("Second adapter"), others, key="second", persist_state="session",
        format_func=lambda name: tr("None") if name == NOBODY else name,
        help=tr("Mixes two people, or adds a style. Write its trigger word into the prompt."),
    )  # fmt: skip
    if second == NOBODY:
        return []
    if trigger := shelf[second].card.trigger:
        st.caption(tr("Its trigger word is **{trigger}**.", trigger=plain(trigger)))
    return [
        (second, _strength("strength-2", tr("Strength of the second"), tr("Both together rarely want to be 1."), 0.5))
    ]


def _strength(key: str, label: str, words: str, usual: float = 1.0) -> float:
    st.session_state.setdefault(key, usual)
    return float(st.slider(label, 0.0, 1.5, step=0.05, key=key, help=words, persist_state="session"))


def _lists(names: Sequence[str]) -> dict[str, str]:
    for name in names:
        st.session_state.setdefault(f"wish-{name}", FIRST.get(name, ""))
    return pick_looks(names)


def _chosen(card: Card, said: Mapping[str, str]) -> str:
    """The prompt that the lists write, with other words at its end."""
    extra = st.text_input(
        tr("Other words"), key="extra", placeholder=tr("Other words, such as: holding a balloon"), max_chars=200,
        persist_state="session", label_visibility="collapsed",
    )  # fmt: skip
    try:
        prompt = Preferences(**said, extra=extra or "").prompt(card.trigger, card.class_noun)
    except GenerationError as error:
        tell(error)
        return ""
    st.session_state["written"] = prompt
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key="says"):
        st.caption(plain(prompt))
        st.button(
            "", icon=":material/casino:", type="tertiary", on_click=_surprise, help=tr("Surprise me"), key="surprise"
        )
    return prompt


def _written(card: Card) -> str:
    """The prompt by hand; it begins with what the lists wrote."""
    state = st.session_state
    if not state.get("prompt"):
        state["prompt"] = state.get("written", "")
    name = plain(card.name or tr("the person"))
    hint = tr("Say **{trigger}** to mean {name}.", trigger=plain(card.trigger), name=name) if card.trigger else ""
    prompt = st.text_area(tr("Prompt"), key="prompt", height=110, max_chars=2000, persist_state="session")
    more = tr("(word:1.3) says a word louder. The base knows chibi, photo and the words of the lists.")
    st.caption(f"{hint} {more}".strip())
    return (prompt or "").strip()


def _numbers(base: str) -> dict[str, Any]:
    state = st.session_state
    names = base_names()
    if base not in names:
        names.append(base)
    # The adapter decides the base; choosing another adapter chooses again.
    chosen = st.selectbox(
        tr("Base"), names, names.index(base), key=f"base-{base}", accept_new_options=True, persist_state="session",
        help=tr("An adapter fits the base it was trained on."),
    )  # fmt: skip
    negative = st.text_input(
        tr("Stay away from"), key="negative", placeholder=tr("hat, glasses"), persist_state="session"
    )
    # Other screens fill these in; a widget that has a value of its own as well would complain.
    for key, usual in (("seed", random.randint(0, 2**31 - 1)), ("steps", 0), ("guidance", 0.0), ("size", 0)):
        state.setdefault(key, usual)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input(
            tr("Seed"),
            0,
            2**32 - 1,
            key="seed",
            persist_state="session",
            help=tr("The same seed and words draw the same picture."),
        )
        st.toggle(tr("Keep it"), key="lock", persist_state="session", help=tr("Off: every drawing takes a new seed."))
    count = st.segmented_control(
        tr("How many"), [1, 2, 4, 8], key="count", default=4, required=True, persist_state="session"
    )
    with st.container(key="grid-fields-numbers"):
        steps = st.number_input(
            tr("Steps"), 0, 150, key="steps", persist_state="session", help=tr("0: the base's own.")
        )
        guidance = st.number_input(
            tr("Guidance"), 0.0, 30.0, step=0.5, key="guidance", persist_state="session",
            help=tr("How closely to follow the words; 0: the base's own."),
        )  # fmt: skip
        size = st.number_input(
            tr("Size in pixels"), 0, 2048, step=8, key="size", persist_state="session", help=tr("0: the base's own.")
        )
    return {
        "base": chosen or DEFAULT, "negative": negative or "", "seed": int(seed), "count": int(count or 4),
        "steps": int(steps), "guidance": float(guidance), "size": int(size),
    }  # fmt: skip


def _surprise() -> None:
    tables = choices()
    for name in SCENE:
        st.session_state[f"wish-{name}"] = random.choice(tables[name])


def _take_wishes(shelf: list[str]) -> None:
    """Fills the form from what another screen asked for: an adapter, or a picture's recipe."""
    state = st.session_state
    linked = st.query_params.pop("adapter", None)  # by the panel of a run; a reload shall not choose again
    if (wanted := state.pop("adapter-wanted", linked)) in shelf:
        state["who"] = wanted
    sheet = state.pop("reuse-sheet", None)
    record = sheet.first if sheet else state.pop("reuse", None)
    if not record:
        return
    state["mode"], state["prompt"] = WRITE, str(record.get("prompt", ""))
    if sheet:
        take_sheet(sheet)
        if sheet.wishes is not None:
            state["mode"], state["extra"], state["style"] = CHOOSE, sheet.wishes.get("extra", ""), None
            for name in (*SCENE, *PERSON):
                state[f"wish-{name}"] = sheet.wishes.get(name, "")
    state["negative"], state["lock"], state["seed"] = str(record.get("negative", "")), True, int(record.get("seed", 0))
    state["steps"], state["guidance"] = int(record.get("steps", 0)), float(record.get("guidance", 0.0))
    state["size"] = int(record.get("size", 0))
    state["reuse-start"], variation = record.get("start"), record.get("variation")
    state["reuse-variation"] = variation | {"of": state["seed"]} if variation else None
    used = [each for each in record.get("adapters", []) if each["name"] in shelf]
    gone = [each["name"] for each in record.get("adapters", []) if each["name"] not in shelf]
    if gone:
        st.warning(tr("Not on the shelf any more: {gone}. The picture will differ.", gone=plain(", ".join(gone))))
    state["who"] = used[0]["name"] if used else NOBODY
    state["second"] = used[1]["name"] if len(used) > 1 else NOBODY
    for key, each in zip(("strength", "strength-2"), used, strict=False):
        state[key] = min(1.5, max(0.0, float(each["strength"])))
