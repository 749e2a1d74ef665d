"""Faces in good hands, on the page: consent, expiry, the vault's passphrase, forgetting with a receipt."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace
from typing import Any

import streamlit as st

from ui import theme
from ui.words import count, dialog, later, megabytes, plain, telling, telling_later
from workbench.errors import SubjectError
from workbench.language import LANGUAGES, language, mark, told, tr
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
                later(told(f"{expired}."), ":material/hourglass_bottom:")
    state = read_vault()
    if state is None or is_open(state):
        return True
    with st.container(key="panel-locked"):
        theme.empty(
            tr("The photos are locked"), tr("Give the passphrase of this workspace to go on."), "yuki", "sleepy"
        )
        st.text_input(tr("Passphrase"), key="passphrase", type="password")
        st.button(tr("Open"), key="open-vault", type="primary", icon=":material/lock_open:", on_click=_open_vault)
    return False


def _open_vault() -> None:
    with telling_later():
        open_with(st.session_state["passphrase"])
    st.session_state["passphrase"] = ""


def consent_fields(prefix: str) -> None:
    """Whose face it is, what was agreed, and for how long photos stay; read with `said`."""
    st.radio(
        tr("Whose face is it?"),
        list(WHOSE),
        index=None,
        format_func=lambda each: told(WHOSE[each]),
        key=f"{prefix}-whose",
    )
    left, right = st.columns(2)
    left.selectbox(
        tr("What may the adapter be used for?"), list(SCOPES),
        format_func=lambda each: told(SCOPES[each]), key=f"{prefix}-scope",
        help=tr("It is written into the adapter, and shown when it is downloaded."),
    )  # fmt: skip
    right.number_input(
        tr("Keep photos for so many days"), 0, LONGEST_DAYS, KEEP_DAYS, key=f"{prefix}-days",
        help=tr("Counted from the last photo. Then they are erased; adapter and pictures stay. 0 keeps them."),
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
        theme.section(tr("Before you bring photos"), tr("A face belongs to a person."))
        consent_fields(f"consent-{subject.name}")
        st.button(tr("That is true"), key="consent-given", type="primary", on_click=_consent, args=(subject,))
    return False


def _consent(subject: Subject) -> None:
    with telling_later():
        consent, days = said(f"consent-{subject.name}")
        save_subject(replace(subject, consent=consent, keep_days=days, expires=expiry(days)))


def how_kept(subject: Subject) -> None:
    """One line under the photos: encrypted or not, until when, for what; and the whole privacy page."""
    state = read_vault()
    encrypted = state is not None and state.mode == "encrypted"
    until = (
        tr("kept until {expires}", expires=subject.expires[:10])
        if subject.expires
        else tr("kept until you remove them")
    )
    scope = " · " + tr("agreed: {scope}", scope=told(SCOPES[subject.consent.scope])) if subject.consent else ""
    how = tr("Photos are encrypted") if encrypted else tr("Photos are ordinary files, not encrypted")
    st.caption(f"{how} · {until}{plain(scope)}")
    if st.button(tr("What is kept, and where"), key="privacy", type="tertiary", icon=":material/shield_person:"):
        privacy_dialog()


@dialog(mark("Privacy"), width="large", icon=":material/shield_person:")
def privacy_dialog() -> None:
    """The privacy page, in both languages."""
    english, chinese = st.tabs(list(LANGUAGES.values()), default=LANGUAGES[language()])
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
        st.markdown("\n".join(f"- {number} × {plain(told(kind))}" for kind, number in counts.items()))
        if found.adapters:
            st.markdown(
                tr("Adapters of other names among them: **{adapters}**", adapters=plain(", ".join(found.adapters)))
            )
        if found.shared:
            st.warning(
                tr(
                    "{shared} of adapters went elsewhere: the receipt lists them.",
                    shared=count(len(found.shared), "file"),
                )
            )


def forget(name: str) -> None:
    """Erases a person and keeps the receipt for downloading."""
    from workbench.jobs import footprint, forget_person, forget_with_receipt

    with telling_later():
        if footprint(name).things:
            receipt = forget_with_receipt(name)
            st.session_state["receipt"] = receipt
            later(
                tr("{name} is forgotten: {removed} erased", name=name, removed=count(len(receipt["removed"]), "file")),
                ":material/delete_forever:",
            )
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
        theme.section(
            tr("Forgotten"),
            tr(
                "{removed} erased, signed {when}.", removed=count(len(receipt["removed"]), "file"), when=receipt["when"]
            ),
        )
        for each in receipt["to be called back"]:
            st.markdown(
                tr(
                    "To be called back: **{adapter}**, {form}, {when}",
                    adapter=plain(each["adapter"]),
                    form=plain(each["form"]),
                    when=plain(each["when"]),
                )
            )
        with st.container(horizontal=True):
            st.download_button(
                tr("Download the receipt"), json.dumps(receipt, ensure_ascii=False, indent=1), "receipt.json",
                "application/json", key="save-receipt", icon=":material/receipt_long:", on_click="ignore",
            )  # fmt: skip
            st.button(tr("Put it away"), key="drop-receipt", type="tertiary", on_click=_drop_receipt)


def _drop_receipt() -> None:
    st.session_state.pop("receipt", None)
