"""The photos a run starts from: a folder that is judged now, or a subject whose photos were judged before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from workbench.config import find_path
from workbench.dataset.buckets import frame_photo
from workbench.errors import PhotoError
from workbench.photos import check_folder, crop_face, crops, find_faces, judgements, load_subject, open_crop, open_photo
from workbench.photos.crop import natural_size
from workbench.photos.scene import photo_words
from workbench.privacy import read_private

# The value of the setting `photos` that means: those that were kept under the subject's name.
KEPT = "subject"


@dataclass(frozen=True)
class Selfies:
    """The photos that can be used, and what was said of the others.

    Args:
        names: of the photos as the person knows them.
        crops: square RGB, of the photo's own sharpness, in the order of the names.
        framed: what is learned from in place of the crops where photos keep their own shape; else empty.
        rejected: for each photo that is left out, its name and the reason.
        advice: what would make the set better.
        traits: what a kept subject's person corrected.
        words: what the person said of each photo, in the order of the names; empty where nothing was said.
        files: where they are, in the order of the names.
    """

    names: tuple[str, ...]
    crops: tuple[Image.Image, ...]
    rejected: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    traits: dict[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    framed: tuple[Image.Image, ...] = ()

    @property
    def learned(self) -> tuple[Image.Image, ...]:
        """The pictures that are learned from."""
        return self.framed or self.crops

    def told(self) -> dict[str, list[str]]:
        """What a run's report tells of them."""
        return {"used": list(self.names), "left out": list(self.rejected), "advice": list(self.advice)}


def gather_selfies(
    photos: str, name: str, on_photo: Callable[[int, int], None] | None = None, ratio: float = 1.0
) -> Selfies:
    """Judges photos and crops those that can be used.

    Args:
        photos: a folder, or `subject` for those kept under `name`.
        name: the subject's.
        on_photo: called with (photos done, photos in all).
        ratio: above 1, photos are learned from whole and in their own shape, see `frame_photo`.

    Raises:
        PhotoError: if there is no folder, or no photo in it can be used; the message gives each photo's reason.
        SubjectError: if there is no such subject.
    """
    if photos == KEPT:
        return _kept(name, ratio)
    verdict = check_folder(find_path(photos), on_photo)
    rejected = tuple(f"{each.name}: {' '.join(str(problem) for problem in each.problems)}" for each in verdict.rejected)
    used = [(each.name, each.photo, each.face) for each in verdict.accepted if each.photo and each.face]
    if not used:
        raise PhotoError(photos, f"no photo in it can be used ({' '.join(rejected)})", "Bring other photos")
    return Selfies(
        names=tuple(each for each, _, _ in used),
        crops=tuple(crop_face(photo, face, natural_size(face)) for _, photo, face in used),
        rejected=rejected,
        advice=tuple(verdict.advice),
        words=("",) * len(used),
        files=tuple(find_path(photos) / each for each, _, _ in used),
        framed=tuple(frame_photo(photo.image, face, ratio) for _, photo, face in used) if ratio > 1 else (),
    )


def _kept(name: str, ratio: float) -> Selfies:
    subject = load_subject(name)
    files, records, said = crops(subject), judgements(subject), photo_words(subject)
    if not files:
        raise PhotoError(f"Subject {name}", "no photos are kept under this name", "Bring photos first")
    return Selfies(
        names=tuple(str(records.get(file.stem, {}).get("name") or file.name) for file in files),
        crops=tuple(open_crop(file) for file in files),
        traits=dict(subject.traits),
        words=tuple(said.get(file.stem, "") for file in files),
        files=tuple(files),
        framed=_framed(files, ratio) if ratio > 1 else (),
    )


def _framed(kept: Sequence[Path], ratio: float) -> tuple[Image.Image, ...]:
    """The photos that the kept crops were cut from, in their own shape."""
    framed = []
    for file in kept:
        photo = open_photo(read_private(file.parent.parent / "photos" / file.name), file.name)
        faces = find_faces(photo.image)
        if not faces:
            raise PhotoError(file.stem, "its face is not found again", "Bring this photo again")
        framed.append(frame_photo(photo.image, max(faces, key=lambda face: face.width), ratio))
    return tuple(framed)
