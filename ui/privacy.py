"""Faces in good hands, on the page: consent, expiry, the vault's passphrase, forgetting with a receipt."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace
from typing import Any

import streamlit as st

from ui import theme
from ui.words import count, later, megabytes, plain, telling, telling_later
from workbench.errors import SubjectError
from workbench.photos import Subject, save_subject
from workbench.privacy import (
    KEEP_DAYS,
    SCOPES,
    WHOSE,
    Consent,
    enforce_retention,
    is_open,
    open_with,
    read_vault,
    state_consent,
)
from workbench.privacy.page import privacy_page
from workbench.privacy.retention import LONGEST_DAYS, expiry

HOUR = 3600.0


def begin() -> bool:
    """What comes before any screen: photos whose time is over are erased and it is told; a locked vault is opened.

    Returns:
        Whether the screen may be shown.
    """
    if time.time() - st.session_state.get("retention-looked", 0.0) > HOUR:
        st.session_state["retention-looked"] = time.time()
        with telling_later():
            for expired in enforce_retention():
                later(f"{expired}.", ":material/hourglass_bottom:")
    state = read_vault()
    if state is None or is_open(state):
        return True
    with st.container(key="panel-locked"):
        theme.empty("The photos are locked", "Give the passphrase of this workspace to go on.", "yuki", "sleepy")
        st.text_input("Passphrase", key="passphrase", type="password")
        st.button("Open", key="open-vault", type="primary", icon=":material/lock_open:", on_click=_open_vault)
    return False


def _open_vault() -> None:
    with telling_later():
        open_with(st.session_state["passphrase"])
    st.session_state["passphrase"] = ""


def consent_fields(prefix: str) -> None:
    """Whose face it is, what was agreed, and for how long photos stay; read with `said`."""
    st.radio("Whose face is it?", list(WHOSE), index=None, format_func=WHOSE.__getitem__, key=f"{prefix}-whose")
    left, right = st.columns(2)
    left.selectbox(
        "What may the adapter be used for?", list(SCOPES), format_func=lambda each: SCOPES[each], key=f"{prefix}-scope",
        help="It is written into the adapter, and shown when it is downloaded.",
    )  # fmt: skip
    right.number_input(
        "Keep photos for so many days", 0, LONGEST_DAYS, KEEP_DAYS, key=f"{prefix}-days",
        help="Counted from the last photo. Then they are erased; adapter and pictures stay. 0 keeps them.",
    )  # fmt: skip


def said(prefix: str) -> tuple[Consent, int]:
    """What was chosen in `consent_fields`.

    Raises:
        SubjectError: nobody has said whose face it is.
    """
    state = st.session_state
    if not state.get(f"{prefix}-whose"):
        raise SubjectError("Whose face it is", "nobody has said so yet", "Choose what is true")
    return state_consent(state[f"{prefix}-whose"], state[f"{prefix}-scope"]), int(state[f"{prefix}-days"])


def ask_consent(subject: Subject) -> bool:
    """Asks, for a person from before anyone was asked; photos are taken when it has been said.

    Returns:
        Whether it has been said.
    """
    if subject.consent is not None:
        return True
    with st.container(key="panel-consent"):
        theme.section("Before you bring photos", "A face belongs to a person.")
        consent_fields(f"consent-{subject.name}")
        st.button("That is true", key="consent-given", type="primary", on_click=_consent, args=(subject,))
    return False


def _consent(subject: Subject) -> None:
    with telling_later():
        consent, days = said(f"consent-{subject.name}")
        save_subject(replace(subject, consent=consent, keep_days=days, expires=expiry(days)))


def how_kept(subject: Subject) -> None:
    """One line under the photos: encrypted or not, until when, for what; and the whole privacy page."""
    state = read_vault()
    encrypted = state is not None and state.mode == "encrypted"
    until = f"kept until {subject.expires[:10]}" if subject.expires else "kept until you remove them"
    scope = f" · agreed: {SCOPES[subject.consent.scope]}" if subject.consent else ""
    st.caption(f"Photos are {'encrypted' if encrypted else 'ordinary files, not encrypted'} · {until}{plain(scope)}")
    if st.button("What is kept, and where", key="privacy", type="tertiary", icon=":material/shield_person:"):
        privacy_dialog()


@st.dialog("Privacy", width="large", icon=":material/shield_person:")
def privacy_dialog() -> None:
    """The privacy page, in both languages."""
    english, chinese = st.tabs(["English", "中文"])
    # Its links lead to files of the repository, and its first line is the dialog's title already.
    english.markdown(privacy_page("en").partition("\n")[2].replace("[中文](PRIVACY.zh.md)", ""))
    chinese.markdown(privacy_page("zh").partition("\n")[2].replace("[English](PRIVACY.md)", ""))


def footprint_list(name: str) -> None:
    """What forgetting would erase, counted by kind; and what is elsewhere."""
    from workbench.jobs import footprint

    with telling():
        found = footprint(name)
        counts = Counter(thing.kind for thing in found.things)
        size = megabytes(sum(thing.bytes for thing in found.things))
        st.markdown(f"**{count(len(found.things), 'file')}, {size}**")
        st.markdown("\n".join(f"- {number} × {plain(kind)}" for kind, number in counts.items()))
        if found.adapters:
            st.markdown(f"Adapters of other names among them: **{plain(', '.join(found.adapters))}**")
        if found.shared:
            st.warning(f"{count(len(found.shared), 'file')} of adapters went elsewhere: the receipt lists them.")


def forget(name: str) -> None:
    """Erases a person and keeps the receipt for downloading."""
    from workbench.jobs import footprint, forget_person, forget_with_receipt

    with telling_later():
        if footprint(name).things:
            receipt = forget_with_receipt(name)
            st.session_state["receipt"] = receipt
            later(f"{name} is forgotten: {count(len(receipt['removed']), 'file')} erased", ":material/delete_forever:")
        else:
            forget_person(name)
    # Small copies and examinations of photos live in the memory of this process.
    st.cache_data.clear()
    st.cache_resource.clear()


def show_receipt() -> None:
    """The receipt of the last forgetting, until it is put away; it is kept nowhere else."""
    receipt: dict[str, Any] | None = st.session_state.get("receipt")
    if receipt is None:
        return
    with st.container(key="panel-receipt"):
        theme.section("Forgotten", f"{count(len(receipt['removed']), 'file')} erased, signed {receipt['when']}.")
        for each in receipt["to be called back"]:
            st.markdown(
                f"To be called back: **{plain(each['adapter'])}**, {plain(each['form'])}, {plain(each['when'])}"
            )
        with st.container(horizontal=True):
            st.download_button(
                "Download the receipt", json.dumps(receipt, ensure_ascii=False, indent=1), "receipt.json",
                "application/json", key="save-receipt", icon=":material/receipt_long:", on_click="ignore",
            )  # fmt: skip
            st.button("Put it away", key="drop-receipt", type="tertiary", on_click=_drop_receipt)


def _drop_receipt() -> None:
    st.session_state.pop("receipt", None)
