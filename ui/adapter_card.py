"""An adapter on the shelf: its card, or why it is broken, with the buttons that belong to it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui import theme
from ui.downloads import shared
from ui.words import ago, escaped, later, megabytes, plain, telling_later
from workbench.adapters import ShelfEntry, thumbnail_bytes
from workbench.adapters.browse import subject_of
from workbench.adapters.scrub import Finding, scrub_file
from workbench.language import ENGLISH, language, told, tr
from workbench.privacy import scope_words
from workbench.world.character import CHARACTER_WORDS
from workbench.world.words import traits_words

SHOWN = 6


def card(entry: ShelfEntry, versions: list[ShelfEntry]) -> None:
    """A usable adapter; `versions` are all of its subject, in the order they were made."""
    said = entry.card
    if picture := thumbnail_bytes(said):
        st.image(picture, alt=entry.name, width="stretch")
    else:
        st.html(f'<div class="waiting still"><img src="{theme.chibi("yuki", "star")}" alt=""></div>')
    labels = theme.badge(said.base or tr("unknown base"), "good" if said.base else "warn")
    if said.trigger:
        labels += " " + theme.badge(tr("trigger: {trigger}", trigger=said.trigger))
    if len(versions) > 1:
        number = [each.name for each in versions].index(entry.name) + 1
        labels += " " + theme.badge(
            tr(
                "{subject}: version {number} of {versions}",
                subject=subject_of(entry),
                number=number,
                versions=len(versions),
            )
        )
    labels += "".join(" " + theme.badge(f"#{tag}") for tag in entry.label.tags)
    st.html(f'<div class="title">{escaped(entry.name)}</div>{labels}')
    ranks = ", ".join(map(str, entry.info.ranks)) if entry.info else ""
    scores = " · ".join(f"{tr(name.replace('_', ' '))} {value:.2f}" for name, value in said.scores.items())
    # A card from elsewhere may say things that the world has no words for.
    known = {name: word for name, word in said.traits.items() if word in CHARACTER_WORDS.get(name, ()) or word is True}
    traits = looks(known)
    st.html(
        theme.facts(
            [
                (tr("Looks"), traits[:160]),
                (tr("Scores"), scores[:160]),
                (
                    tr("Learned"),
                    tr("{steps} steps, rank {ranks}", steps=said.steps, ranks=ranks)
                    if said.steps
                    else tr("rank {ranks}", ranks=ranks),
                ),
                (tr("Mixed from"), ", ".join(said.parents)[:160]),
                (tr("Usual strength"), f"{entry.label.strength:g}" if entry.label.strength != 1 else ""),
                (tr("Size"), megabytes(entry.size)),
                (tr("Made"), ago(said.created or entry.modified)),
                (tr("Licence"), said.licence[:120]),
                (tr("Agreed use"), told(scope_words(said.scope))[:160]),
            ]
        )
    )
    for note in entry.notes:
        st.caption(plain(told(note)))
    if entry.private:
        private_box(entry.private)
        st.button(tr("Take it out of the file"), key=f"clean-{entry.name}", icon=":material/cleaning_services:",
                  on_click=_clean, args=(entry,))  # fmt: skip
    with st.container(horizontal=True, key=f"row-{entry.name}"):
        st.button(tr("Use"), key=f"use-{entry.name}", type="primary", icon=":material/auto_awesome:",
                  on_click=_use, args=(entry,))  # fmt: skip
        with st.popover(tr("Download"), icon=":material/download:", key=f"get-{entry.name}"):
            _downloads(entry)
        st.button(
            "",
            key=f"more-{entry.name}",
            icon=":material/tune:",
            type="tertiary",
            help=tr("Name, tags, card, check and a smaller copy of {name}", name=plain(entry.name)),
            on_click=_set,
            args=("managing", entry.name),
        )
        _delete_button(entry)


def looks(known: dict[str, Any]) -> str:
    """What a person looks like: a phrase in English, elsewhere trait by trait."""
    if language() == ENGLISH:
        return ", ".join(filter(None, (str(known.get("age", "")), traits_words(known))))
    named = {name: tr(name.replace("_", " ")) for name in known}
    return tr(", ").join(
        named[name] if word is True else f"{named[name]} {tr(str(word))}" for name, word in known.items()
    )


def private_box(findings: tuple[Finding, ...]) -> None:
    """In red: what a file gives away, each with its reason."""
    lines = [tr("**{key}** tells {why}", key=plain(each.key), why=plain(told(each.why))) for each in findings[:SHOWN]]
    if len(findings) > SHOWN:
        lines.append(tr("and {number} more", number=len(findings) - SHOWN))
    st.error(
        "  \n".join([tr("This file tells of the photos it was trained on:"), *lines]), icon=":material/visibility:"
    )


def broken(entry: ShelfEntry) -> None:
    """A file that cannot be used, and why."""
    st.html(
        f'<div class="nophoto flat"><img src="{theme.chibi("ravi", "sad")}" alt=""></div>'
        f'<div class="title" style="margin-top:.6rem">{escaped(entry.path.name)}</div>'
        f"{theme.badge(tr('Broken'), 'bad')}"
        f'<p class="small">{escaped(told(entry.broken))}</p>'
    )
    _delete_button(entry)


def _downloads(entry: ShelfEntry) -> None:
    scope = entry.card.scope
    (st.caption if scope in ("share", "commercial") else st.warning)(
        tr("Agreed use: {scope}.", scope=plain(told(scope_words(scope))))
    )
    keep = False
    if entry.private:
        keep = st.toggle(tr("Keep what it tells of its photos"), key=f"keep-{entry.name}")
    # Functions, not bytes: a file is read when it is asked for, not with each look at the shelf.
    for form, words, file in (
        ("diffusers", tr("For diffusers"), f"{entry.name}.safetensors"),
        ("kohya", tr("For ComfyUI, A1111 and Forge"), f"{entry.name}.kohya.safetensors"),
        ("peft", tr("For PEFT (a folder)"), f"{entry.name}-peft.zip"),
        ("zip", tr("To give away: all in one zip"), f"{entry.name}.zip"),
    ):
        st.download_button(
            words, lambda form=form: shared(entry, form, keep), file, key=f"{form}-{entry.name}", on_click="ignore",
            width="stretch",
        )  # fmt: skip
    if not entry.private:
        st.caption(tr("The card inside names no photo, folder or file of yours."))
    elif not keep:
        st.caption(tr("What it tells of its photos is left out."))


def _delete_button(entry: ShelfEntry) -> None:
    st.button(
        "",
        key=f"drop-{entry.name}",
        icon=":material/delete:",
        type="tertiary",
        help=tr("Delete {name}", name=plain(entry.name)),
        on_click=_set,
        args=("dropping", entry.name),
    )


def _clean(entry: ShelfEntry) -> None:
    with telling_later():
        scrub_file(entry.path)
        later(tr("{name} tells nothing of its photos any more", name=entry.name))


def _use(entry: ShelfEntry) -> None:
    st.session_state["adapter-wanted"] = entry.name
    st.session_state["strength"] = min(1.5, max(0.0, entry.label.strength))
    st.session_state["go"] = "screens/create.py"


def _set(key: str, name: str) -> None:
    st.session_state[key] = name
