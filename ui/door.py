"""The OIDC door of a shared server: `st.login`, then a ticket for the gate. It has no workspace and shows nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import streamlit as st

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # the server puts only this file's folder there
    sys.path.insert(0, str(HERE.parent))

from ui import language  # noqa: E402
from workbench.accounts import Tickets  # noqa: E402
from workbench.config import SHARED  # noqa: E402
from workbench.errors import AccountError  # noqa: E402
from workbench.gate.door import BROWSER  # noqa: E402
from workbench.language import told_error, tr  # noqa: E402


def show_in() -> None:
    """Exchanges what the provider said for a ticket, and sends the window to the gate with it.

    Raises:
        AccountError: the provider did not verify the email, there is no account for it, or cookies are off.
    """
    said = st.user.to_dict()
    if said.get("email_verified") is not True:
        raise AccountError("Logging in", "the provider has not verified your email", "Verify it there, then come back")
    browser = st.context.cookies.get(BROWSER, "")
    if not browser:
        raise AccountError("Logging in", "this browser keeps no cookies", "Allow them for this address")
    tickets = Tickets(Path(os.environ[SHARED]) / "accounts.sqlite")
    account = tickets.by_email(str(said.get("email", "")), f"{said.get('iss', '')} {said.get('sub', '')}".strip())
    _go(f"/enter?ticket={tickets.make(account, browser)}")


def _go(address: str) -> None:
    """Sends the window to another address, by the message that `st.login` itself uses."""
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx()
    if context is not None:
        message = ForwardMsg()
        message.auth_redirect.url = address
        context.enqueue(message)


language.begin()
st.set_page_config(page_title=tr("Log in · Chibi workbench"), layout="centered")
if not st.user.is_logged_in:
    st.login()
else:
    try:
        show_in()
    except AccountError as refused:
        st.error(told_error(refused.thing, refused.reason, refused.way_out), icon=":material/error:")
        st.button(tr("Log in as somebody else"), on_click=st.logout)
