"""How the stickers of a pack look and move, and the files for each platform."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui import theme
from ui.pack_pictures import loop_uri
from ui.words import count, day, escaped, later, plain, telling
from workbench.errors import PackError
from workbench.language import mark, told, tr
from workbench.packs import (
    EXPRESSIONS,
    Look,
    Pack,
    Platform,
    check_pack,
    checked_on,
    export_pack,
    find_platform,
    platforms,
)
from workbench.packs.credentials import can_sign
from workbench.packs.lettering import chinese_font
from workbench.packs.moving import Kind
from workbench.packs.webm import find_ffmpeg

WORDS = {mark("No words"): "", "English": "en", "中文": "zh"}
FRAME_NAMES = {mark("Cut out"): "none", mark("Circle"): "circle", mark("Card"): "rounded"}
MOVES: dict[str, Kind | None] = {
    mark("Still"): None, mark("Mix"): "mix", mark("Blink"): "blink", mark("Talk"): "talk", mark("Bounce"): "bounce",
}  # fmt: skip
STRONG = 0.028


def look_panel(pack: Pack) -> Look:
    """The choices of border, shadow, frame and lettering; they show at once on the cards."""
    with st.container(key="panel-look"), st.container(key="grid-fields-look"):
        frame = st.segmented_control(
            tr("Shape"),
            list(FRAME_NAMES),
            key="pack-frame",
            default="Cut out",
            required=True,
            persist_state="session",
            format_func=tr,
        )
        words = st.segmented_control(
            tr("Lettering"),
            list(WORDS),
            key="pack-words",
            default="No words",
            required=True,
            persist_state="session",
            format_func=lambda each: tr(each) if not WORDS[each] else each,
        )
        with st.container(horizontal=True, vertical_alignment="center", key="pack-edges"):
            border = st.toggle(tr("White border"), value=True, key="pack-border", persist_state="session")
            shadow = st.toggle(tr("Shadow"), value=True, key="pack-shadow", persist_state="session")
            colour = st.color_picker(tr("Behind"), "#ffd9e1", key="pack-colour", persist_state="session")
    chosen = WORDS[str(words)]
    if chosen == "zh" and chinese_font() is None:
        st.warning(tr("No font on this computer can write Chinese. Install one, such as Noto Sans CJK."))
        chosen = ""
    return Look(STRONG if border else 0.0, shadow, FRAME_NAMES[str(frame)], str(colour), chosen)  # type: ignore[arg-type]


def exports(pack: Pack, look: Look) -> None:
    """The movement, and one card for each platform."""
    chosen = [name for name in pack.chosen if name in pack.drawn]
    theme.section(
        tr("Take it with you"),
        tr("{chosen} chosen. Limits looked up on {day}.", chosen=len(chosen), day=day(checked_on())),
    )
    with st.container(key="panel-move"):
        move = st.segmented_control(
            tr("Movement"),
            list(MOVES),
            key="pack-move",
            default="Still",
            required=True,
            persist_state="session",
            format_func=tr,
        )
        kind = MOVES[str(move)]
        if can_sign():
            st.toggle(
                tr("Sign them"), key="pack-sign", persist_state="session",
                help=tr("Adds content credentials (C2PA): made by AI, unchanged since. With a key of this computer."),
            )  # fmt: skip
        if kind and chosen:
            _moving(pack, chosen[:4], look, kind)
    wanted = st.session_state.pop("pack-export", None)
    with st.container(key="grid-wide-platforms"):
        for platform in platforms().values():
            with st.container(key=f"card-platform-{platform.id}"):
                _platform(pack, platform, look, kind, chosen, wanted == platform.id)


def _moving(pack: Pack, names: list[str], look: Look, kind: Kind) -> None:
    pictures = ""
    with telling():
        for name in names:
            file = pack.picture_file(name)
            uri = loop_uri(str(file), file.stat().st_mtime_ns, pack, name, look, kind)
            pictures += f'<div class="sticker"><img src="{uri}" alt="{escaped(tr(EXPRESSIONS[name].title))}"></div>'
        st.html(f'<div class="stickers">{pictures}</div>')


def _platform(pack: Pack, platform: Platform, look: Look, move: Kind | None, chosen: list[str], making: bool) -> None:
    rule = platform.files[0]
    moves = platform.moving == "always" or (move is not None and platform.moving == "either")
    kind = rule.format_for(moves)
    kinds = f"{told(platform.sizes_words())} · {kind} · {tr('moving') if moves else tr('still')}"
    st.html(
        f'<div class="title">{escaped(platform.title)}</div>'
        f'<div class="small">{escaped(platform.title_zh)} · {escaped(kinds)}</div>'
    )
    folder = pack.folder / "exports" / platform.id
    reason = _cannot(platform, chosen)
    place = st.empty()
    if making:
        with place.container(), telling():
            bar = st.progress(0.0, tr("Making the files…"))
            made = export_pack(
                pack.cuts(chosen), platform, folder, look, move, pack.name, pack.known_layout,
                bool(st.session_state.get("pack-sign")),
                lambda done, of: bar.progress(done / of, tr("File {done} of {of}", done=done, of=of)),
            )  # fmt: skip
            st.session_state[_notes_key(pack, platform)] = made.notes
            later(tr("{title}: the files are ready", title=platform.title))
            st.rerun()
    if reason:
        place.html(f'<div class="small">{escaped(reason)}</div>')
    with st.container(horizontal=True, vertical_alignment="center", key=f"platform-row-{platform.id}"):
        st.button(
            tr("Make files"), key=f"export-{platform.id}", icon=":material/inventory_2:", disabled=bool(reason),
            on_click=_want, args=(platform.id,), help=" ".join(map(told, platform.notes)) or None,
        )  # fmt: skip
        _ready(pack, platform, folder)


def _cannot(platform: Platform, chosen: list[str]) -> str:
    """Why a platform's files cannot be made now; empty when they can."""
    number = min(len(chosen), 1) if platform.single else len(chosen)
    if number not in platform.counts:
        return tr(
            "Takes {counts} expressions; {chosen} are chosen.", counts=told(platform.counts_words()), chosen=len(chosen)
        )
    if platform.id == "telegram-video" and find_ffmpeg() is None:
        return tr("Needs ffmpeg, which is not installed.")
    return ""


def _ready(pack: Pack, platform: Platform, folder: Path) -> None:
    """The finished files of a platform: what its checker says, and the download."""
    zipped = folder.with_suffix(".zip")
    if not zipped.is_file():
        return
    problems = _checked(str(zipped), zipped.stat().st_mtime_ns, platform.id)
    st.download_button(
        "ZIP", zipped.read_bytes(), f"{pack.name}-{platform.id}.zip", "application/zip", key=f"zip-{platform.id}",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
    if problems:
        st.html(theme.badge(count(len(problems), "problem"), "bad"), width="content")
        st.caption("  \n".join(plain(each) for each in problems[:6]))
    else:
        st.html(theme.badge(tr("Passed its check"), "good"), width="content")
    if notes := st.session_state.get(_notes_key(pack, platform)):
        with st.popover(tr("{number} made plainer", number=len(notes)), icon=":material/compress:"):
            st.caption(tr("To keep to the limit of this platform:"))
            st.caption("  \n".join(plain(note) for note in notes))


@st.cache_data(show_spinner=False, max_entries=100)
def _checked(zipped: str, modified: int, name: str) -> list[str]:
    """What the checker says of files on the disk; asked again when the zip has changed."""
    del modified
    path = Path(zipped)
    try:
        return [str(problem) for problem in check_pack(path.with_suffix(""), find_platform(name), path)]
    except (PackError, OSError) as error:
        return [str(error)]


def _notes_key(pack: Pack, platform: Platform) -> str:
    return f"pack-notes-{pack.name}-{platform.id}"


def _want(name: str) -> None:
    st.session_state["pack-export"] = name
