"""Which person the page is about: choosing, the sample person of a first visit, and small copies of photos."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import streamlit as st
from PIL import Image

from ui.words import telling_later
from workbench.config import ROOT, atomic_write, home, shelf
from workbench.errors import PhotoError, SubjectError
from workbench.language import mark, tr
from workbench.photos import (
    Examination,
    Photo,
    Subject,
    add_photos,
    check_folder,
    create_subject,
    crops,
    examine,
    forget,
    list_subjects,
    load_subject,
    open_crop,
)
from workbench.privacy import state_consent

SAMPLE, SAMPLE_PHOTOS = "sample", ROOT / "examples" / "selfies"
SAMPLE_ADAPTERS = ROOT / "examples" / "adapters"
THUMBNAIL = 320  # px


@st.cache_resource(show_spinner=False)
def _one_at_a_time() -> threading.Lock:
    return threading.Lock()


def has_sample() -> bool:
    """Whether there are sample photos to bring."""
    return SAMPLE_PHOTOS.is_dir() and any(SAMPLE_PHOTOS.iterdir())


def bring_sample() -> None:
    """Judges the sample selfies and keeps them as the person `sample`, as if they had been dropped in.

    The sample adapters go on the shelf, so that Create has something to draw before anything was trained.

    Raises:
        WorkbenchError: they cannot be read or kept.
    """
    with _one_at_a_time():
        for file in sorted(SAMPLE_ADAPTERS.glob("*.safetensors")):
            if not (shelf() / file.name).exists():
                atomic_write(shelf() / file.name, file.read_bytes())
        if any(subject.name == SAMPLE for subject in list_subjects()):
            return
        verdict = check_folder(SAMPLE_PHOTOS)
        # Drawn people need no protection: their photos stay.
        add_photos(create_subject(SAMPLE, consent=state_consent("drawn", "share"), keep_days=0), verdict)


def welcome() -> None:
    """Brings the sample person on the first visit; later, when it has been forgotten, it stays forgotten."""
    if (home() / "subjects").exists() or not has_sample():
        return
    with st.spinner(tr("First visit: looking at the sample photos…")), telling_later():
        bring_sample()


def choose_subject(label: str = mark("Person")) -> Subject | None:
    """Shows the people there are and returns the chosen one; the choice holds on all screens."""
    names = [subject.name for subject in list_subjects()]
    if not names:
        return None
    wanted = st.session_state.pop("subject-wanted", st.session_state.get("subject"))
    st.session_state["subject"] = wanted if wanted in names else names[0]
    name = st.pills(
        tr(label), names, key="subject", required=True, persist_state="session", label_visibility="collapsed"
    )
    return load_subject(str(name or names[0]))


def broken_subjects() -> dict[str, str]:
    """People whose record cannot be read, with the reason."""
    folder, good = home() / "subjects", {subject.name for subject in list_subjects()}
    broken = {}
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        if entry.name in good or not (entry / "subject.json").exists():
            continue
        try:
            load_subject(entry.name)
        except SubjectError as error:
            broken[entry.name] = str(error)
    return broken


def forget_broken(name: str) -> None:
    """Erases a person whose record is broken."""
    with telling_later():
        forget(name)


def kept_crops(subject: Subject) -> list[Path]:
    """The crops of a person that can be opened."""
    return [path for path in crops(subject) if thumbnail(path, path.stat().st_mtime_ns) is not None]


@st.cache_data(show_spinner=False, max_entries=500)
def thumbnail(path: Path, changed: int) -> bytes | None:
    """A small JPEG of a crop, None when it is broken; `changed` is its time of change."""
    try:
        return small(open_crop(path))
    except PhotoError:
        return None


def small(image: Image.Image) -> bytes:
    """The middle square of a picture as a small JPEG."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.convert("RGB").resize((THUMBNAIL, THUMBNAIL), box=(left, top, left + side, top + side))
    buffer = io.BytesIO()
    square.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def examine_once(photo: Photo | PhotoError) -> Examination:
    """What `examine` finds, remembered while other photos come and go."""
    return examine(photo) if isinstance(photo, PhotoError) else _examination(photo.sha256, photo.name, photo)


# Photos are up to 12 MB each when decoded; what no longer fits is looked at again.
@st.cache_resource(show_spinner=False, max_entries=24)
def _examination(sha256: str, name: str, _photo: Photo) -> Examination:
    return examine(_photo)
