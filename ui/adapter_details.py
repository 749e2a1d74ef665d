"""The dialog of one adapter: what is written on it, its card, a check of the whole file, a smaller copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from ui import theme
from ui.adapter_resize import resizing
from ui.bases import base_of, engine
from ui.words import dialog, escaped, later, megabytes, plain, tell
from workbench.adapters import ShelfEntry, rename_adapter
from workbench.adapters.labels import STRONGEST, change_label
from workbench.adapters.report import Report, report_adapter
from workbench.adapters.rewrite import rewrite_card
from workbench.errors import AdapterError, BackboneError, WorkbenchError
from workbench.language import mark, told, tr
from workbench.privacy import SCOPES, scope_words

MARKS = {mark("yes"): "good", mark("partly"): "warn", mark("no"): "bad"}


@dialog(mark("Adapter"), width="large", on_dismiss=lambda: _close())
def details_dialog(entry: ShelfEntry) -> None:
    """Label, card, check and a smaller copy, one below the other."""
    if st.session_state.get("managing") != entry.name:
        st.rerun()
    state, said = st.session_state, entry.card
    st.markdown(f"**{plain(entry.name)}**")
    left, right = st.columns(2, gap="medium")
    with left:
        theme.section(tr("On your shelf"), tr("Stays here; never goes into the file."))
        st.text_input(tr("Name"), entry.name, key="label-name")
        st.text_input(tr("Tags"), ", ".join(entry.label.tags), key="label-tags", placeholder=tr("friends, work"))
        st.text_input(tr("Version of"), entry.label.subject, key="label-subject", placeholder=tr("whose adapter it is"))
        st.slider(tr("Usual strength"), 0.0, STRONGEST, max(0.0, entry.label.strength), 0.05, key="label-strength")
        st.button(tr("Save"), key="label-save", type="primary", on_click=_save_label, args=(entry,))
        _tell_refused("label")
    with right:
        theme.section(tr("In its card"), tr("Goes wherever the file goes."))
        st.text_input(tr("Licence"), said.licence, key="said-licence", placeholder="CC-BY-4.0")
        scopes = list(dict.fromkeys(["", *SCOPES, said.scope]))
        st.selectbox(
            tr("Agreed use"),
            scopes,
            scopes.index(said.scope),
            key="said-scope",
            accept_new_options=True,
            format_func=lambda each: told(scope_words(each)),
            help=tr("What the person shown agreed to, in one of these or in other words."),
        )
        st.text_input(tr("Made by"), said.author, key="said-author")
        st.text_input(tr("Trigger"), said.trigger, key="said-trigger")
        st.button(tr("Write into the file"), key="said-save", on_click=_save_card, args=(entry,))
        _tell_refused("said")
    theme.section(tr("Check"), tr("Reads all of it, opens it in a fresh base, and compares pictures."))
    st.button(
        tr("Check this file"), key="check-file", icon=":material/fact_check:", on_click=_wish_check, args=(entry.name,)
    )
    if state.pop("checking", None) == entry.name:
        with st.spinner(tr("Opening it as a stranger would…")):
            state["checked"] = (entry.name, _check(entry))
    name, report = state.get("checked", ("", None))
    if name == entry.name:
        if isinstance(report, AdapterError):
            tell(report)
        elif report is not None:
            _show(report, entry)
    resizing(entry)


def _check(entry: ShelfEntry) -> Report | AdapterError:
    backbone, missing = None, ""
    try:
        backbone = engine(base_of(entry.card.base)).backbone
    except BackboneError as error:
        missing = f"its base is not here: {error.reason}"
    try:
        return report_adapter(entry.path, backbone, missing)
    except AdapterError as error:
        return error


def _show(report: Report, entry: ShelfEntry) -> None:
    """A report in words; the proof first."""
    if report.proof:
        st.success(
            tr(
                "Sound: all {modules} layers match, and a fresh pipeline draws the same picture.",
                modules=report.proof.modules,
            ),
            icon=":material/verified:",
        )
    else:
        st.warning(tr("Read, but not proven: {no_proof}.", no_proof=plain(told(report.no_proof))))
    for note in report.warnings:
        st.warning(plain(told(note)), icon=":material/warning:")
    st.html(
        theme.facts(
            [
                (tr("Family"), report.family or tr("unknown")),
                (tr("Spelling"), report.spelling),
                (tr("Rank"), ", ".join(map(str, report.ranks))),
                (tr("Alpha"), ", ".join(f"{alpha:g}" for alpha in report.alphas[:6])),
                (tr("Changes"), "; ".join(map(told, report.targets))),
                (
                    tr("Weights"),
                    tr(
                        "{parameters} numbers, {dtypes}, {size}",
                        parameters=f"{report.parameters:,}",
                        dtypes=", ".join(report.dtypes),
                        size=megabytes(entry.size),
                    ),
                ),
                (tr("Trained on"), "; ".join(map(told, report.trained_on))),
            ]
        )
    )
    rows = [
        theme.badge(f"{each.program}: {tr(each.reads)}", MARKS[each.reads])
        + f' <span class="small">{escaped(told(each.note))}</span>'
        for each in report.readers
    ]
    st.html("<br>".join(rows))


def _wish_check(name: str) -> None:
    st.session_state["checking"] = name


def _save_label(entry: ShelfEntry) -> None:
    state, name = st.session_state, entry.name
    with _staying_open("label"):
        # The name last: whatever is refused, the adapter of this dialog is still there for a second try.
        change_label(
            name, tags=str(state["label-tags"]).split(","), subject=str(state["label-subject"]),
            strength=float(state["label-strength"]),
        )  # fmt: skip
        if str(state["label-name"]).strip() != name:
            new_name = rename_adapter(name, str(state["label-name"])).name
            later(tr("{name} is now called {new_name}", name=name, new_name=new_name))
        else:
            later(tr("{name} is labelled", name=name))
        _close()


def _save_card(entry: ShelfEntry) -> None:
    with _staying_open("said"):
        fields = ("licence", "scope", "author", "trigger")
        rewrite_card(entry.path, **{key: str(st.session_state[f"said-{key}"] or "").strip() for key in fields})
        later(tr("{name}'s card is written", name=entry.name))
        _close()


@contextmanager
def _staying_open(part: str) -> Iterator[None]:
    """For the dialog's callbacks: what is refused is told beside its button, and what was typed is still there."""
    try:
        yield
    except WorkbenchError as error:
        st.session_state[f"{part}-refused"] = error


def _tell_refused(part: str) -> None:
    if error := st.session_state.pop(f"{part}-refused", None):
        tell(error)


def _close() -> None:
    st.session_state["managing"] = ""
    st.session_state.pop("checked", None)
    st.session_state.pop("resized", None)
