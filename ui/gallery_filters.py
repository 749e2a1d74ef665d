"""What is looked for in the gallery: words, person, collection, adapter, days, stars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from workbench.gallery import Gallery, Query
from workbench.language import mark, tr

EVERYONE, EVERY_ADAPTER, EVERYTHING = mark("Everyone"), mark("All adapters"), mark("All collections")
ANY_DAY, CHOSEN_DAYS = mark("Any day"), mark("Choose days")
# How many days back, today included.
DAYS = {mark("Today"): 1, mark("Last 7 days"): 7, mark("Last 30 days"): 30, mark("Last 365 days"): 365}
# These are ours; all other options are names that people gave.
OURS = (EVERYONE, EVERY_ADAPTER, EVERYTHING, ANY_DAY, CHOSEN_DAYS, *DAYS)


def filters(kept: Gallery) -> Query:
    """Shows the fields and returns what they ask for."""
    people, adapters, collections = kept.subjects(), kept.adapters(), kept.filled_collections()
    state = st.session_state
    with st.container(horizontal=True, vertical_alignment="center", key="filters"):
        words = st.text_input(
            tr("Search"),
            key="search",
            placeholder=tr("Search: hoodie, park, a name, a seed"),
            icon=":material/search:",
            label_visibility="collapsed",
            persist_state="session",
        )
        person = _one(tr("Person"), "person", [EVERYONE, *sorted(people)]) if len(people) > 1 else EVERYONE
        collection = _one(tr("Collection"), "within", [EVERYTHING, *collections]) if collections else EVERYTHING
        more = sum((state.get("of", EVERY_ADAPTER) != EVERY_ADAPTER, state.get("when", ANY_DAY) != ANY_DAY))
        with st.popover(tr("Filters · {more}", more=more) if more else tr("Filters"), icon=":material/filter_list:"):
            adapter = _one(tr("Adapter"), "of", [EVERY_ADAPTER, *adapters], shown=True)
            when = _one(tr("Made"), "when", [ANY_DAY, *DAYS, CHOSEN_DAYS], shown=True)
            chosen: Sequence[date] = ()
            if when == CHOSEN_DAYS:
                today = datetime.now().astimezone().date()
                found = st.date_input(
                    tr("From the first day to the last"),
                    (today - timedelta(days=6), today),
                    key="days",
                    max_value=today,
                )
                chosen = found if isinstance(found, tuple) else (found,)
        stars = st.toggle(tr("Starred"), key="stars", persist_state="session")
        st.toggle(tr("Select"), key="selecting", help=tr("To compare, collect, download or delete several."))
    since, until = span(when, chosen)
    return Query(
        words=words or "",
        adapter="" if adapter == EVERY_ADAPTER else adapter,
        subject="" if person == EVERYONE else person,
        collection="" if collection == EVERYTHING else collection,
        stars_only=bool(stars),
        since=since,
        until=until,
    )


def _one(label: str, key: str, options: list[str], shown: bool = False) -> str:
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0]
    width: int | str = "stretch" if shown else 170
    return str(
        st.selectbox(
            label,
            options,
            key=key,
            persist_state="session",
            width=width,
            format_func=lambda each: tr(each) if each in OURS else each,
            label_visibility="visible" if shown else "collapsed",
        )
    )


def span(when: str, chosen: Sequence[date] = (), now: datetime | None = None) -> tuple[str, str]:
    """From when until when, as the gallery asks for it; days are those of this computer's clock.

    Args:
        when: one of the words to choose from.
        chosen: the first and the last day, for `CHOSEN_DAYS`; with the first alone it is that day.
        now: for tests.

    Returns:
        Two times in UTC, each empty when there is no such limit.
    """
    today = (now or datetime.now()).astimezone().date()
    if when in DAYS:
        first, last = today - timedelta(days=DAYS[when] - 1), today
    elif when == CHOSEN_DAYS and chosen:
        first, last = chosen[0], chosen[-1]
    else:
        return "", ""
    return _midnight(first), _midnight(last + timedelta(days=1))


def _midnight(day: date) -> str:
    return datetime.combine(day, time.min).astimezone().astimezone(UTC).isoformat(timespec="seconds")
