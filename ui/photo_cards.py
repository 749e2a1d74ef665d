"""Photos as cards: the kept ones with their words, the refused ones with the reason and the way out."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import streamlit as st

from ui import people, theme
from ui.words import count, escaped, plain, telling, telling_later
from workbench.language import told, tr
from workbench.photos import Judgement, Subject, judgements, open_crop, remove_photo
from workbench.photos.scene import LONGEST_WORDS, photo_words, save_photo_words
from workbench.world.words import scene_words

# What a caption may name; light and pose are left to the photo.
NAMED = ("expression", "clothing", "clothing_colour", "headwear", "background")
SURE = 0.6


def kept_cards(subject: Subject) -> None:
    """The photos that will be learned from; each can be given words, or taken out."""
    crops, records, words = people.kept_crops(subject), judgements(subject), photo_words(subject)
    if not crops:
        with st.container(key="panel-empty"):
            theme.empty(
                tr("No photos yet"),
                tr(
                    "Drop 3 to 20 photos of {name} above: face sharp, from different sides, in different light.",
                    name=subject.name,
                ),
                "lena",
                "wave",
            )
        return
    theme.section(
        tr("{crops} to learn from", crops=count(len(crops), "photo")),
        tr("Say under a photo what is not part of the face, such as smiling or a red hoodie: it stays changeable."),
    )
    wordless = [path for path in crops if path.stem not in words]
    if wordless and st.button(tr("Suggest words"), key="suggest", icon=":material/auto_fix:", type="tertiary"):
        with st.spinner(tr("Reading the photos…")), telling():
            suggest(subject, wordless)
            words = photo_words(subject)
    with st.container(key="grid-kept"):
        for path in sorted(crops, key=lambda path: str(records.get(path.stem, {}).get("name", ""))):
            _kept_card(subject, path, records.get(path.stem, {}), words.get(path.stem, ""))


def _kept_card(subject: Subject, path: Path, record: dict[str, Any], words: str) -> None:
    name = str(record.get("name") or path.name)
    warnings = record.get("warnings") or []
    with st.container(key=f"card-{subject.name}-{path.stem}"):
        st.image(people.thumbnail(path, path.stat().st_mtime_ns) or b"", alt=name, width="stretch")
        advice = "".join(
            f'<p class="small">{_said(each.get("words", ""))} {_said(each.get("way_out", ""))}</p>'
            for each in warnings
            if isinstance(each, dict)
        )
        label = (
            theme.badge(tr("Accepted, could be better"), "warn") if warnings else theme.badge(tr("Accepted"), "good")
        )
        st.html(f'<div class="title" title="{escaped(name)}">{escaped(name)}</div>{label}{advice}')
        key = _key(subject, path.stem)
        st.session_state.setdefault(key, words)
        st.text_input(
            tr("Words for {name}", name=plain(name)), key=key, max_chars=LONGEST_WORDS, label_visibility="collapsed",
            placeholder=tr("smiling, red hoodie"), on_change=_save_words, args=(subject, path.stem, key),
        )  # fmt: skip
        with st.container(key=f"corner-{subject.name}-{path.stem}"):
            st.button(
                "", key=f"remove-{subject.name}-{path.stem}", icon=":material/close:",
                help=tr("Take {name} out", name=plain(name)), on_click=_remove, args=(subject, path.stem),
            )  # fmt: skip


def suggest(subject: Subject, crops: list[Path]) -> None:
    """Writes what the reader sees in the photos, as a proposal; what it is unsure of is left out."""
    from workbench.captions import read_scene

    found = {}
    for path in crops:
        read = read_scene(open_crop(path))
        sure = {name: read[name].value for name in NAMED if read[name].confidence >= SURE}
        found[path.stem] = scene_words(sure, "photo")
        st.session_state[_key(subject, path.stem)] = found[path.stem]
    save_photo_words(subject, found)


def _key(subject: Subject, photo: str) -> str:
    return f"words-{subject.name}-{photo}"


def refused_cards(subject: Subject) -> None:
    """Photos of the last drop that cannot be used, and why."""
    refused: list[Judgement] = st.session_state.get("refused", {}).get(subject.name, [])
    if not refused:
        return
    theme.section(
        tr("{refused} left out", refused=count(len(refused), "photo")),
        tr("They are not kept. Your own files are as they were."),
    )
    with st.container(key="grid-wide-refused"):
        for index, judgement in enumerate(refused):
            with st.container(key=f"card-refused-{index}"):
                _refused_card(judgement)
    st.button(tr("Clear these"), icon=":material/done_all:", type="tertiary", on_click=_clear, args=(subject,))


def _refused_card(judgement: Judgement) -> None:
    drawing = theme.chibi("ravi", "oh")
    if judgement.photo is not None:
        drawing = "data:image/jpeg;base64," + base64.b64encode(people.small(judgement.photo.image)).decode()
    problem, name = judgement.problems[0], escaped(judgement.name)
    st.html(
        f'<div class="refused"><img src="{drawing}" alt=""><div><div class="title" title="{name}">{name}</div>'
        f"{theme.badge(tr('Left out'), 'bad')}"
        f'<p class="small"><b>{_said(problem.words)}</b> {_said(problem.way_out)}</p></div></div>'
    )


def _said(words: object) -> str:
    """HTML of a sentence that was kept without its full stop."""
    return escaped(told(f"{words}."))


def _clear(subject: Subject) -> None:
    st.session_state["refused"].pop(subject.name, None)


def _save_words(subject: Subject, photo: str, key: str) -> None:
    with telling_later():
        save_photo_words(subject, {photo: st.session_state[key]})


def _remove(subject: Subject, photo: str) -> None:
    with telling_later():
        remove_photo(subject, photo)
