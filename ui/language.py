"""The language of the page: each session has its own, whoever else is looked after by the same server.

It is the one in the address (`?lang=zh`, so it can be kept as a bookmark), else the one chosen before in this session,
else the one chosen at the gate of a shared server, else the browser's. The button at the top changes it.
"""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from workbench.language import LANGUAGES, ask, known_language, language

IN_ADDRESS, COOKIE = "lang", "chibi_language"  # as the gate has them, which is not imported for two words


def begin() -> None:
    """Finds out which language the session speaks; before anything is said."""
    state = st.session_state
    asked = known_language(st.query_params.get(IN_ADDRESS))
    if asked:
        state["language"], state["language-chosen"] = asked, True
    elif state.get("language-chosen"):
        st.query_params[IN_ADDRESS] = state["language"]  # going to another screen takes it out of the address
    elif at_the_gate := known_language(st.context.cookies.get(COOKIE)):
        state["language"] = at_the_gate
    elif st.context.locale:
        # Somebody with a third language reads English, whatever the server's own is.
        state["language"] = known_language(st.context.locale) or "en"
    ask("page", of_session)


def of_session() -> str | None:
    """The language of the session whose script, fragment or callback runs on this thread; None outside of any."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    found = st.session_state.get("language")
    return str(found) if found else None


def switch() -> None:
    """The button at the top; it carries the other language's own name."""
    other = next(code for code in LANGUAGES if code != language())
    with st.container(key="language"):
        st.button(LANGUAGES[other], key="language-switch", type="tertiary", icon=":material/translate:",
                  on_click=_speak, args=(other,))  # fmt: skip


def _speak(code: str) -> None:
    st.session_state["language"], st.session_state["language-chosen"] = code, True
    st.query_params[IN_ADDRESS] = code
