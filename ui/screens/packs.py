"""Packs: sixteen expressions of one person, and the files that messengers, games and 3D programs take."""

from __future__ import annotations

import random

import streamlit as st

from ui import theme
from ui.bases import base_of, engine
from ui.pack_export import exports, look_panel
from ui.pack_pictures import sticker_uri
from ui.picture import go_on
from ui.words import count, escaped, later, plain, telling, telling_later
from workbench.adapters import ShelfEntry, list_shelf, thumbnail_bytes
from workbench.errors import PackError
from workbench.generation import Picture, choices
from workbench.language import mark, told, tr
from workbench.packs import EXPRESSIONS, Look, Pack, Recipe, create_pack, delete_pack, list_packs, load_pack

NOBODY = mark("Anyone")
NEW = "pack-new"


def show() -> None:
    """The screen, from top to bottom."""
    go_on()
    theme.header(
        tr("Make sticker packs"),
        tr(
            "Sixteen expressions of one person, cut out and ready for WeChat, Telegram, LINE, Discord, WhatsApp "
            "and more."
        ),
        ("lena", "wink"),
        ("ravi", "wave"),
        ("mia", "music"),
    )
    names = list_packs()
    if not names or st.session_state.get(NEW):
        new_pack(names)
        return
    name = _which(names)
    with telling():
        try:
            pack = load_pack(name)
        except PackError:
            st.button(
                tr("Delete this pack"), key="delete-broken", icon=":material/delete:", on_click=_delete, args=(name,)
            )
            raise
        one_pack(pack)


def new_pack(names: list[str]) -> None:
    """The form of a new pack: who, what they wear, and the one button."""
    shelf = {entry.name: entry for entry in list_shelf() if not entry.broken}
    left, right = st.columns([1, 1.25], gap="medium")
    with left, st.container(key="panel-new-pack"):
        theme.section(tr("Who"))
        who = _who(shelf)
        theme.section(tr("What they wear"), tr("In all sixteen, so that it is one set."))
        tables = choices()
        with st.container(key="grid-fields-pack"):
            clothing = st.selectbox(
                tr("Clothing"), tables["clothing"], tables["clothing"].index("hoodie"), format_func=tr
            )
            colour = st.selectbox(tr("Colour"), tables["clothing_colour"], format_func=tr)
        taken = _free_name(who or "chibi", names)
        name = st.text_input(tr("Name of the pack"), taken, key=f"pack-name-{taken}", max_chars=40)
        card = shelf[who].card if who else None
        recipe = Recipe(
            adapters=((who, 1.0),) if who else (),
            trigger=card.trigger if card else "",
            class_noun=(card.class_noun if card else "") or "person",
            base=base_of(card.base if card else ""),
            seed=random.randrange(2**31),
            clothing=str(clothing),
            clothing_colour=str(colour),
        )
        st.button(
            tr("Draw 16 expressions"), key="make-pack", type="primary", icon=":material/brush:", width="stretch",
            on_click=_make, args=(name or "", recipe),
        )  # fmt: skip
        if names:
            st.button(tr("Back to my packs"), key="pack-back", type="tertiary", on_click=_set, args=(NEW, False))
    with right, st.container(key="panel-promise"):
        faces = " · ".join(tr(each.title) for each in EXPRESSIONS.values() if not each.variant)
        more = " · ".join(tr(each.title) for each in EXPRESSIONS.values() if each.variant)
        theme.empty(
            tr("One person, sixteen moods"), tr("All are drawn with one seed, and any of them again."), "lena", "cheer"
        )
        st.html(theme.facts([(tr("Faces"), faces), (tr("With a gesture"), more)]))


def _who(shelf: dict[str, ShelfEntry]) -> str:
    """The adapter of the person; empty for anyone."""
    options = [*shelf, NOBODY]
    wanted = st.session_state.pop("adapter-wanted", None)
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key="who-pack"):
        place = st.empty()
        who = st.selectbox(
            tr("Adapter"), options, options.index(wanted) if wanted in options else 0, key="pack-who",
            label_visibility="collapsed", format_func=lambda each: tr(each) if each == NOBODY else each,
        )  # fmt: skip
        if who in shelf and (picture := thumbnail_bytes(shelf[who].card)):
            place.image(picture, width=74, alt=str(who))
    if who == NOBODY:
        st.caption(tr("Without an adapter the base draws somebody; each picture may be somebody else."))
    return str(who) if who in shelf else ""


def one_pack(pack: Pack) -> None:
    """The sixteen cards, how they look, and where they go."""
    drawing = st.session_state.pop("pack-drawing", None)
    told = st.container(key="pack-told")
    look = look_panel(pack)
    with st.container(key="grid-stickers"):
        places = {name: _card(pack, name, look, drawing is not None) for name in EXPRESSIONS}
    if drawing:
        with told, telling():
            _draw(pack, drawing[0], drawing[1], look, places)
            st.rerun()
    else:
        with told:
            _next_step(pack)
    if pack.drawn and not drawing:
        exports(pack, look)


def _which(names: list[str]) -> str:
    """The row above a pack: which one, a new one, away with it."""
    if st.session_state.get("pack") not in names:
        st.session_state["pack"] = names[0]
    with st.container(horizontal=True, vertical_alignment="center", key="pack-row"):
        name = st.selectbox(tr("Pack"), names, key="pack", label_visibility="collapsed", width=260)
        st.button(tr("New pack"), key="pack-begin", icon=":material/add:", on_click=_set, args=(NEW, True))
        if st.session_state.get("pack-sure") == name:
            st.button(tr("Yes, delete it"), key="pack-delete-sure", type="primary", on_click=_delete, args=(name,))
        else:
            st.button(
                tr("Delete"), key="pack-delete", icon=":material/delete:", on_click=_set, args=("pack-sure", name)
            )
    return str(name)


def _next_step(pack: Pack) -> None:
    missing = pack.missing
    with st.container(horizontal=True, vertical_alignment="center", key="pack-state"):
        kind = "good" if not missing else "warn"
        st.html(
            theme.badge(
                tr("{drawn} of {expressions} drawn", drawn=len(pack.drawn), expressions=len(EXPRESSIONS)), kind
            ),
            width="content",
        )
        who = ", ".join(name for name, _ in pack.recipe.adapters) or tr("anyone")
        st.html(theme.badge(tr("{who} · seed {seed}", who=who, seed=pack.recipe.seed)), width="content")
        if missing:
            label = (
                tr("Draw 16 expressions") if not pack.drawn else tr("Draw the other {missing}", missing=len(missing))
            )
            st.button(
                label, key="draw-missing", type="primary", icon=":material/brush:", on_click=_set,
                args=("pack-drawing", (missing, None)),
            )  # fmt: skip


def _card(pack: Pack, name: str, look: Look, busy: bool) -> st.delta_generator.DeltaGenerator:
    """One expression; the place of its picture is given back, so that drawing can fill it."""
    known = EXPRESSIONS[name]
    with st.container(key=f"card-sticker-{name}"):
        place = st.empty()
        if pack.picture_file(name).is_file():
            _show(place, pack, name, look)
        else:
            place.html('<div class="sticker none"><span>' + escaped(known.emoji) + "</span></div>")
        with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"tools-sticker-{name}"):
            chosen = st.checkbox(tr(known.title), name in pack.chosen, key=f"choose-{pack.name}-{name}", disabled=busy)
            st.button(
                "", key=f"again-sticker-{name}", icon=":material/casino:", type="tertiary", disabled=busy,
                help=tr("Draw this one again"), on_click=_again, args=(name,),
            )  # fmt: skip
        if chosen != (name in pack.chosen):
            wanted = {*pack.chosen, name} if chosen else set(pack.chosen) - {name}
            pack.choose([each for each in EXPRESSIONS if each in wanted])
            st.rerun()
    return place


def _show(place: st.delta_generator.DeltaGenerator, pack: Pack, name: str, look: Look) -> None:
    try:
        uri = sticker_uri(str(pack.picture_file(name)), pack.picture_file(name).stat().st_mtime_ns, pack, name, look)
    except PackError as error:
        place.html(f'<div class="sticker none"><p class="small">{escaped(told(error.reason))}</p></div>')
        return
    place.html(f'<div class="sticker"><img src="{uri}" alt="{escaped(tr(EXPRESSIONS[name].title))}"></div>')


def _draw(
    pack: Pack,
    expressions: list[str],
    seed: int | None,
    look: Look,
    places: dict[str, st.delta_generator.DeltaGenerator],
) -> None:
    """Draws; each expression appears in its place when it is finished, and is on the disk by then."""
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.empty()
        # Any click ends this run of the page, and with it the drawing; what is finished is kept.
        st.button(tr("Stop"), key="stop-pack", icon=":material/stop_circle:")
    bar.progress(0.0, tr("Opening the base… the first time takes some seconds."))
    warm = engine(pack.recipe.base)

    def on_step(name: str, step: int, steps: int) -> None:
        at = expressions.index(name)
        done = (at + step / steps) / len(expressions)
        bar.progress(
            done,
            tr(
                "{title} · {at} of {expressions} · step {step} of {steps}",
                title=tr(EXPRESSIONS[name].title),
                at=at + 1,
                expressions=len(expressions),
                step=step,
                steps=steps,
            ),
        )

    def on_picture(name: str, _: Picture) -> None:
        _show(places[name], pack, name, look)

    made = pack.draw(warm, expressions, seed, on_step, on_picture)
    later(tr("{made} drawn", made=count(len(made), "expression")))


def _make(name: str, recipe: Recipe) -> None:
    with telling_later():
        pack = create_pack(name, recipe)
        st.session_state["pack"], st.session_state[NEW] = pack.name, False
        st.session_state["pack-drawing"] = (list(EXPRESSIONS), None)


def _again(name: str) -> None:
    st.session_state["pack-drawing"] = ([name], random.randrange(2**31))


def _delete(name: str) -> None:
    with telling_later():
        delete_pack(name)
        later(tr("{name} deleted", name=plain(name)), ":material/delete:")
    st.session_state["pack-sure"] = ""


def _set(what: str, value: object) -> None:
    st.session_state[what] = value


def _free_name(wanted: str, names: list[str]) -> str:
    if wanted not in names:
        return wanted
    return next(f"{wanted}-{number}" for number in range(2, 10_000) if f"{wanted}-{number}" not in names)


show()
