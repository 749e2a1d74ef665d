"""Photos: choose a person, drop photos in, see each judged, correct what was read from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from ui import people, privacy, theme
from ui.photo_cards import kept_cards, refused_cards
from ui.traits import correct_traits
from ui.words import count, dialog, escaped, later, plain, tell, telling, telling_later
from workbench.errors import PhotoError, WorkbenchError
from workbench.language import mark, told, tr
from workbench.photos import (
    Judgement,
    Photo,
    Problem,
    Subject,
    Verdict,
    add_photos,
    create_subject,
    judge_set,
    kept_photos,
    open_photo,
)
from workbench.photos.folder import MAX_FILES
from workbench.photos.photo import MAX_BYTES

KINDS = ["jpg", "jpeg", "png", "webp", "heic", "heif", "avif"]
NOUNS = ["person", "woman", "man", "girl", "boy", "child"]


def show() -> None:
    """The screen, from top to bottom."""
    theme.header(
        tr("Selfies in, chibi avatars out"),
        tr(
            "Bring a few photos of one person. The workbench learns the face and draws it as a chibi, on this computer."
        ),
        ("omar", "wave"),
        ("mia", "cheer"),
        ("kofi", "star"),
        ("yuki", "cat"),
        tall=True,
    )
    people.welcome()
    privacy.show_receipt()
    with st.container(horizontal=True, vertical_alignment="center", key="people"):
        subject = people.choose_subject()
        st.button(tr("New person"), icon=":material/person_add:", on_click=_open, args=("adding", True))
    if st.session_state.get("adding"):
        new_person()
    broken_people()
    if subject is None:
        nobody()
        return
    main, side = st.columns([2.1, 1], gap="medium")
    with main:
        if privacy.ask_consent(subject):
            drop_photos(subject)
        refused_cards(subject)
        kept_cards(subject)
    with side:
        about(subject)


def nobody() -> None:
    """Nobody is here yet: make a person, or bring the sample back."""
    with st.container(key="panel-nobody"):
        theme.empty(
            tr("Who shall become a chibi?"), tr("Make a person, give them a name, and drop in 3 to 20 photos."), "yuki"
        )
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.button(
                tr("Make a person"), key="first", type="primary", icon=":material/person_add:",
                on_click=_open, args=("adding", True),
            )  # fmt: skip
            if people.has_sample():
                st.button(tr("Try the sample person"), icon=":material/face:", on_click=_sample)


def broken_people() -> None:
    """People whose record is damaged stay visible, with a way out."""
    for name, reason in people.broken_subjects().items():
        with st.container(key=f"panel-broken-{name}"):
            st.warning(plain(told(reason)), icon=":material/broken_image:")
            st.button(
                tr("Forget {name}", name=plain(name)),
                key=f"forget-broken-{name}",
                on_click=people.forget_broken,
                args=(name,),
            )


@dialog(mark("New person"), icon=":material/person_add:", on_dismiss=lambda: _open("adding", False))
def new_person() -> None:
    """Asks for a name, and for words that matter to those who know them."""
    if not st.session_state.get("adding"):
        st.rerun()
    if error := st.session_state.pop("new-error", None):
        tell(error)
    st.text_input(
        tr("Name"), key="new-name", placeholder="mia", help=tr("Also the name of the adapter: letters, digits, - _")
    )
    with st.expander(tr("Words for prompts"), icon=":material/tune:"):
        st.selectbox(
            tr("What they are"),
            NOUNS,
            key="new-noun",
            format_func=tr,
            help=tr("The right word helps; the built-in base knows person."),
        )
        st.text_input(
            tr("Trigger word"),
            "zkq",
            key="new-trigger",
            help=tr("The word that calls this person in prompts: a rare one."),
        )
    privacy.consent_fields("new")
    st.caption(tr("Nothing leaves this computer."))
    st.button(tr("Make this person"), key="make-person", type="primary", on_click=_make_person, width="stretch")


def _make_person() -> None:
    state = st.session_state
    try:
        consent, days = privacy.said("new")
        subject = create_subject(
            state["new-name"], state["new-trigger"], state["new-noun"], consent=consent, keep_days=days
        )
    except WorkbenchError as error:
        state["new-error"] = error
        return
    state["subject-wanted"] = subject.name
    state["adding"] = False


def drop_photos(subject: Subject) -> None:
    """Where photos are dropped; they are judged at once, and those that can be used are kept."""
    turn = st.session_state.setdefault("drops", 0)
    files = st.file_uploader(
        tr("Drop photos of {name} here", name=plain(subject.name)),
        type=KINDS,
        accept_multiple_files=True,
        max_upload_size=MAX_BYTES // 2**20,
        key=f"drop-{subject.name}-{turn}",
        help=tr("3 to 20 photos: face sharp, from different sides, in different light and places."),
    )
    st.caption(tr("Your own files are not changed; place, time and camera data are not kept."))
    privacy.how_kept(subject)
    if files and len(files) > MAX_FILES:
        raise PhotoError(f"{len(files)} files", "that is too many at once", f"Drop up to {MAX_FILES}; 5 to 10 are best")
    if files:
        verdict = _judge(subject, [(file.getvalue(), file.name) for file in files])
        st.session_state.setdefault("refused", {})[subject.name] = verdict.rejected
        later(tr("{accepted} of {files} can be used", accepted=len(verdict.accepted), files=count(len(files), "photo")))
        # A fresh uploader: else the files would be judged again on every click.
        st.session_state["drops"] = turn + 1
        st.rerun()


def _judge(subject: Subject, files: Sequence[tuple[bytes, str]]) -> Verdict:
    """Judges new files together with the kept photos and keeps those that can be used.

    Returns:
        The verdict on the new files alone.
    """
    photos: list[Photo | PhotoError] = list(kept_photos(subject))
    before = len(photos)
    bar = st.progress(0.0, tr("Opening the photos…"))
    for content, name in files:
        try:
            photos.append(open_photo(content, name))
        except PhotoError as error:
            photos.append(error)
    examined = []
    for done, photo in enumerate(photos, start=1):
        name = photo.thing if isinstance(photo, PhotoError) else photo.name
        bar.progress(
            (done - 0.5) / len(photos),
            tr("Looking at {name} · {done} of {photos}", name=plain(name), done=done, photos=len(photos)),
        )
        examined.append(people.examine_once(photo))
    verdict = judge_set(examined)
    old, new = verdict.judgements[:before], list(verdict.judgements[before:])
    if any(problem.code == "not_same_person" for each in old for problem in each.problems):
        # More new faces than kept ones: the person who was here first stays.
        new = [_stranger(each) if each.accepted else each for each in new]
        old = ()
    add_photos(subject, Verdict([*old, *new]))
    bar.empty()
    return Verdict(new, verdict.notes)


def _stranger(judgement: Judgement) -> Judgement:
    way_out = tr("Make a new person for these photos, or remove the kept ones first")
    why = Problem("not_same_person", "It is not the face of the photos that are kept", way_out)
    return Judgement(judgement.name, (why,), judgement.warnings, judgement.face, judgement.photo)


def about(subject: Subject) -> None:
    """What is said of the set, what was read from it, and the way on."""
    crops = people.kept_crops(subject)
    with st.container(key="panel-set"):
        theme.section(tr("The set"))
        with st.spinner(tr("Looking at the set…")):
            notes = judge_set([people.examine_once(photo) for photo in kept_photos(subject)]).notes
        _say_notes(notes)
        if crops and st.button(
            tr("Train on these photos"), type="primary", icon=":material/arrow_forward:", width="stretch"
        ):
            st.switch_page("screens/train.py")
    if crops:
        with st.container(key="panel-traits"), telling():
            correct_traits(subject, crops)
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button(
            tr("Forget {name}", name=plain(subject.name)),
            key="forget",
            type="tertiary",
            icon=":material/delete_forever:",
            on_click=_open,
            args=("forgetting", subject.name),
        )
    if st.session_state.get("forgetting") == subject.name:
        forget_dialog(subject.name)


def _say_notes(notes: Sequence[Problem]) -> None:
    good = all(note.code == "good" for note in notes)
    lines = "".join(
        f"<li><b>{escaped(told(note.words + '.'))}</b> <span>{escaped(told(note.way_out))}</span></li>"
        for note in notes
    )
    st.html(f'<ul class="notes{" good" if good else ""}">{lines}</ul>')


@dialog(mark("Forget this person?"), icon=":material/delete_forever:", on_dismiss=lambda: _open("forgetting", ""))
def forget_dialog(name: str) -> None:
    """Says what will be erased, and asks once."""
    if not st.session_state.get("forgetting"):
        st.rerun()
    st.markdown(
        tr(
            "Everything of **{name}** is erased from this computer: photos, data set, run, "
            "adapters, and the pictures that were made with them. This cannot be undone.",
            name=plain(name),
        )
    )
    privacy.footprint_list(name)
    st.button(tr("Erase everything"), key="erase", type="primary", on_click=_forget, args=(name,), width="stretch")


def _forget(name: str) -> None:
    privacy.forget(name)
    st.session_state.get("refused", {}).pop(name, None)
    st.session_state["forgetting"] = ""


def _sample() -> None:
    with telling_later():
        people.bring_sample()


def _open(what: str, value: Any) -> None:
    st.session_state[what] = value


show()
