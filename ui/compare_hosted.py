"""The hosted service beside our own pictures: off unless it is wanted, and asked before each sending."""

from __future__ import annotations

import streamlit as st

from ui import theme
from ui.compare_plain import remember, show_made
from ui.picture import go_on
from ui.words import dialog, escaped, plain, telling
from workbench.gallery.gallery import Kept
from workbench.generation.hosted import MODELS, draw_hosted, hosted_service
from workbench.language import mark, told, tr


def hosted_part(kept: Kept, words: str) -> None:
    """The card: where words would go, the question, then the picture that came back."""
    service = hosted_service()
    theme.section(tr("A hosted service"), tr("OpenAI Images: words alone, on somebody else's computer"))
    leaves = theme.badge(tr("leaves this computer"), "warn")
    if service.off:
        off = theme.badge(tr("off"), "plain")
        reason = escaped(told(f"{service.off[:1].upper()}{service.off[1:]}. {service.way_out}."))
        st.html(f'<div class="small">{off} {leaves}<br>{reason}</div>')
    else:
        costs = escaped(tr("to {host}, and costs what your account says", host=service.host))
        st.html(f'<div class="small">{leaves} {costs}</div>')
        st.button(
            tr("Send the words…"),
            key="hosted-ask",
            icon=":material/outbox:",
            width="stretch",
            disabled=not words,
            on_click=_ask,
            args=(words,),
        )
        if st.session_state.get("hosted-words"):
            _dialog(kept)
    show_made("hosted", kept)


def _ask(words: str) -> None:
    st.session_state["hosted-words"] = words


@dialog(mark("Send these words?"), icon=":material/outbox:", on_dismiss=lambda: _ask(""))
def _dialog(kept: Kept) -> None:
    """Shows exactly what would be sent; the answer holds for this one time."""
    go_on()
    service, words = hosted_service(), st.session_state.get("hosted-words", "")
    if not words:
        st.rerun()
    st.markdown(tr("To **{host}**, outside this computer:", host=plain(service.host)))
    st.code(words, language=None, wrap_lines=True)
    st.caption(
        tr(
            "Words describe a person too: send only what you may. Nothing else of it is sent: no photo, "
            "no picture, no adapter. Your key goes with it, and the service sees the address of your connection."
        )
    )
    model = st.selectbox(tr("Model"), MODELS, key="hosted-model", accept_new_options=True)
    if st.session_state.pop("hosted-send", False):
        with telling(), st.spinner(tr("Waiting for the service…")):
            remember("hosted", kept, draw_hosted(words, str(model or MODELS[0])))
            _ask("")
            st.rerun()
    st.button(
        tr("Send them this once"),
        key="hosted-send-button",
        type="primary",
        icon=":material/send:",
        width="stretch",
        on_click=_send,
    )


def _send() -> None:
    st.session_state["hosted-send"] = True
