"""Plain text-to-image: the same base and seed, words alone, no adapter."""

from __future__ import annotations

import io

import streamlit as st
from PIL import Image

from ui import theme
from ui.bases import engine
from ui.picture import gallery, png, tools
from ui.words import escaped, plain, telling
from workbench.adapters import find_adapter
from workbench.errors import AdapterError, GalleryError
from workbench.gallery.gallery import Kept
from workbench.generation.plain_words import plain_request
from workbench.generation.record import Picture
from workbench.identity.candidates import in_words, rank_candidates
from workbench.identity.likeness import Likeness
from workbench.language import mark, told, tr

VERDICTS = {mark("likely"): "good", mark("unsure"): "warn", mark("unlikely"): "bad", mark("unknown"): "plain"}


def plain_part(kept: Kept, words: str, base: str) -> None:
    """The card: a button, then the picture that the base draws without the adapter."""
    theme.section(tr("Words alone"), tr("The same base and seed, without an adapter"))
    if st.button(tr("Draw it"), key="compare-draw", icon=":material/brush:", disabled=not words, width="stretch"):
        with telling(), st.spinner(tr("Drawing…")):
            remember("plain", kept, engine(base).generate(plain_request(kept.record, words))[0])
    show_made("plain", kept)


def remember(kind: str, kept: Kept, made: Picture) -> None:
    """Keeps a picture in the gallery, and that it stands beside another one."""
    st.session_state.setdefault("compare-made", {})[kind, kept.id] = gallery().add(made)


def show_made(kind: str, kept: Kept) -> None:
    """The picture that stands beside another one, where there is one."""
    name = st.session_state.get("compare-made", {}).get((kind, kept.id))
    try:
        made = gallery().get(name) if name else None
    except GalleryError:
        made = None
    if made is None:
        st.html(f'<div class="waiting still"><img src="{theme.chibi("yuki", "star")}" alt=""></div>')
        return
    with_likeness(made, kept)
    for note in made.record.get("notes", []):
        st.caption(plain(told(note)))


def with_likeness(made: Kept, kept: Kept) -> None:
    """A picture, and how much it looks like the person of the first adapter of another one."""
    content = png(made)
    if content is None:
        st.html(f'<p class="small">{escaped(tr("The file cannot be read."))}</p>')
        return
    st.image(content, output_format="PNG", alt=made.prompt, width="stretch")
    adapters = kept.record.get("adapters", [])
    found = likeness_of(made.id, str(adapters[0]["name"]), content) if adapters else None
    if found is None:
        st.html(f'<p class="small">{escaped(tr("No photos of this person are here to compare with."))}</p>')
    else:
        chance = f" {found.probability:.0%}" if found.probability is not None else ""
        badge = theme.badge(f"{tr(found.verdict)}{chance}", VERDICTS[found.verdict])
        title, words = escaped(told(in_words(found))), escaped(tr("Looks like the person:"))
        st.html(f'<div class="small" title="{title}">{words} {badge}</div>')
    tools(made, "compare")


def likeness_of(name: str, person: str, content: bytes) -> Likeness | None:
    """How much a picture looks like a person; looked at once in a session. None without photos of them."""
    seen = st.session_state.setdefault("compare-likeness", {})
    if (name, person) not in seen:
        try:
            traits = find_adapter(person).card.traits
        except AdapterError:
            traits = {}
        with Image.open(io.BytesIO(content), formats=["PNG"]) as opened:
            image = opened.convert("RGB")
        found = rank_candidates(person, [image], traits).found
        seen[name, person] = found[0] if found else None
    result: Likeness | None = seen[name, person]
    return result
