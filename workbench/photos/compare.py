"""A set of photos: each one judged, then compared with the others: copies, other people, more than are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from workbench.errors import PhotoError
from workbench.photos.advice import advise
from workbench.photos.judge import Examination, examine
from workbench.photos.people import compare_people
from workbench.photos.photo import Photo
from workbench.photos.verdict import Problem, Verdict

MAX_ACCEPTED = 20
SAME_BITS, SAME_THUMB = 8, 0.25


def judge_photos(photos: Sequence[Photo | PhotoError], on_photo: Callable[[int, int], None] | None = None) -> Verdict:
    """Judges a set of photos of one person.

    Args:
        photos: decoded photos, or the error that opening one raised, in the order they shall be listed.
        on_photo: called with (photos done, photos in all) after each one.
    """
    examined = []
    for done, photo in enumerate(photos, start=1):
        examined.append(examine(photo))
        if on_photo:
            on_photo(done, len(photos))
    return judge_set(examined)


def judge_set(examined: Sequence[Examination]) -> Verdict:
    """Compares examined photos with each other; for callers that keep examinations while photos come and go."""
    found = _refuse_copies(list(examined))
    found, people = _refuse_strangers(found)
    found = _refuse_surplus(found)
    kept = [e for e in found if e.judgement.accepted]
    notes = people + advise(
        [e.light for e in kept if e.light],
        [e.pose for e in kept if e.pose],
        [e.surroundings for e in kept if e.surroundings is not None],
        MAX_ACCEPTED,
    )
    return Verdict(judgements=tuple(e.judgement for e in found), notes=notes)


def _refuse_copies(examined: list[Examination]) -> list[Examination]:
    """The first of equal files stays; of nearly equal photos the better one."""
    found = list(examined)
    files: dict[str, str] = {}
    for i, e in enumerate(found):
        photo = e.judgement.photo
        if photo and photo.sha256 in files:
            other = files[photo.sha256]
            found[i] = _refuse(e, Problem("duplicate", f"It is the same file as {other}", "Nothing to do: one is kept"))
        elif photo:
            files[photo.sha256] = photo.name
    order = sorted((i for i, e in enumerate(found) if e.judgement.accepted), key=lambda i: -found[i].quality)
    kept: list[int] = []
    for i in order:
        twin = next((k for k in kept if _nearly_same(found[k], found[i])), None)
        if twin is None:
            kept.append(i)
            continue
        words = f"It is nearly the same photo as {found[twin].judgement.name}, which is better or as good"
        found[i] = _refuse(found[i], Problem("near_duplicate", words, "Bring one with another pose, light or place"))
    return found


def _nearly_same(a: Examination, b: Examination) -> bool:
    if a.fingerprint is None or b.fingerprint is None or a.thumbprint is None or b.thumbprint is None:
        return False
    bits = int((a.fingerprint != b.fingerprint).sum())
    return bits <= SAME_BITS and float(abs(a.thumbprint - b.thumbprint).mean()) < SAME_THUMB


def _refuse_strangers(examined: list[Examination]) -> tuple[list[Examination], tuple[Problem, ...]]:
    faces = {i: e.judgement.face for i, e in enumerate(examined) if e.judgement.accepted}
    compared = compare_people([face.embedding for face in faces.values() if face])
    found = list(examined)
    for i, likeness in zip(faces, compared.likeness, strict=True):
        if likeness == "stranger":
            words = "The face is not the person of the other photos"
            found[i] = _refuse(found[i], Problem("not_same_person", words, "Bring photos of one person only"))
        elif likeness == "unsure":
            words = "The face may not be the person of the other photos"
            found[i] = _warn(found[i], Problem("not_same_person", words, "If it is somebody else, take it out"))
    return found, compared.notes


def _refuse_surplus(examined: list[Examination]) -> list[Examination]:
    accepted = [i for i, e in enumerate(examined) if e.judgement.accepted]
    best = set(sorted(accepted, key=lambda i: -examined[i].quality)[:MAX_ACCEPTED])
    words = f"{MAX_ACCEPTED} photos are enough, and {MAX_ACCEPTED} others are sharper"
    surplus = Problem("too_many", words, "Nothing to do, or take out another one that you like less")
    return [e if i not in set(accepted) - best else _refuse(e, surplus) for i, e in enumerate(examined)]


def _refuse(e: Examination, problem: Problem) -> Examination:
    return replace(e, judgement=replace(e.judgement, problems=(*e.judgement.problems, problem)))


def _warn(e: Examination, problem: Problem) -> Examination:
    return replace(e, judgement=replace(e.judgement, warnings=(*e.judgement.warnings, problem)))
