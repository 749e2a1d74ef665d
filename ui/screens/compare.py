"""Compare: a picture beside what words alone give, with this base and with a hosted service. Why train an adapter?"""

from __future__ import annotations

import streamlit as st

from ui import theme
from ui.bases import base_of
from ui.compare_hosted import hosted_part
from ui.compare_plain import plain_part, with_likeness
from ui.picture import gallery, go_on, picture_dialog
from workbench.adapters import Card, find_adapter
from workbench.errors import AdapterError, GalleryError
from workbench.gallery.gallery import Kept
from workbench.generation.plain_words import plain_words
from workbench.language import tr


def show() -> None:
    """The screen, from top to bottom."""
    go_on()
    theme.header(
        tr("With and without the adapter"),
        tr(
            "The same wish three times: with the adapter, from words alone, and by a hosted service. The closer "
            "to the photos, the better."
        ),
        ("mia", "star"), ("ravi", "oh"),
    )  # fmt: skip
    kept = _picture()
    if kept is None:
        with st.container(key="panel-nothing"):
            theme.empty(
                tr("No picture chosen"), tr("Open a picture in the gallery and press Without its adapter?"), "mia"
            )
            with st.container(horizontal=True, horizontal_alignment="center"):
                if st.button(tr("To the gallery"), type="primary", icon=":material/photo_library:"):
                    st.switch_page("screens/gallery.py")
        return
    cards = _cards(kept)
    words = _words(kept, cards)
    base = base_of(cards[0].base) if cards else base_of("")
    with st.container(key="grid-wide-compare"):
        with st.container(key="card-compare-adapter"):
            theme.section(tr("With the adapter"), ", ".join(each["name"] for each in kept.record.get("adapters", [])))
            with_likeness(kept, kept)
        with st.container(key="card-compare-plain"):
            plain_part(kept, words, base)
        with st.container(key="card-compare-hosted"):
            hosted_part(kept, words)
    picture_dialog()


def _picture() -> Kept | None:
    name = st.session_state.get("compared")
    try:
        kept = gallery().get(name) if name else None
    except GalleryError:  # it was deleted meanwhile
        return None
    return None if kept is None or kept.is_sheet else kept


def _cards(kept: Kept) -> list[Card]:
    cards = []
    for each in kept.record.get("adapters", []):
        try:
            cards.append(find_adapter(each["name"]).card)
        except AdapterError:
            continue  # it left the shelf; its trigger word stays in the words, for the person to change
    return cards


def _words(kept: Kept, cards: list[Card]) -> str:
    """The words without the adapter; they begin with the card's traits instead of the trigger word."""
    key = f"compare-words-{kept.id}"
    st.session_state.setdefault(key, plain_words(kept.prompt, cards))
    words = st.text_area(
        tr("In words alone"), key=key, height=90, max_chars=2000, persist_state="session",
        help=tr("Without the adapter nobody knows the person: its trigger word became what its card says of them."),
    )  # fmt: skip
    return (words or "").strip()


show()
