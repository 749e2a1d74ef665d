"""What is said of photos: a problem, a judgement of one photo, a verdict on the set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.photos.faces import Face
from workbench.photos.photo import Photo

# Every code that a Problem can carry, with what it means, for pages that say it in another language.
PROBLEM_CODES = {
    "unreadable": "The file cannot be opened as a picture.",
    "too_small": "The photo has too few pixels.",
    "no_face": "No face is found.",
    "several_faces": "More than one face is found.",
    "face_too_small": "The face has too few pixels.",
    "cut_off": "A part of the face or the head is outside the photo.",
    "blurred": "The face is out of focus, shaken or enlarged.",
    "too_dark": "The face is too dark.",
    "too_bright": "The face is burnt white.",
    "sunglasses": "The eyes are hidden.",
    "covered_mouth": "Mouth and chin are hidden.",
    "duplicate": "The same file was brought twice.",
    "near_duplicate": "It is nearly the same photo as another one.",
    "not_same_person": "The face is not the face of the other photos.",
    "too_many": "There are more photos than are needed.",
    # of the set
    "none": "No photo can be used.",
    "one": "There is one photo.",
    "few": "There are few photos.",
    "different_people": "The photos show different people and nobody most often.",
    "same_pose": "The head points the same way in all photos.",
    "same_light": "All photos have the same light.",
    "same_place": "All photos have the same surroundings.",
    "left_out": "Files in the folder that are no pictures.",
    "good": "Nothing is missing.",
}


@dataclass(frozen=True)
class Problem:
    """Something about a photo or a set. `code` is one of `PROBLEM_CODES`; the words are for people."""

    code: str
    words: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.words}. {self.way_out}." if self.way_out else f"{self.words}."

    def to_dict(self) -> dict[str, str]:
        return {"code": self.code, "words": self.words, "way_out": self.way_out}


@dataclass(frozen=True)
class Judgement:
    """What was found in one photo.

    Args:
        name: the photo's name.
        problems: why it cannot be used; empty when it is accepted.
        warnings: what is not ideal, or not certain.
        face: the face that is meant, None if there is none.
        photo: the decoded photo, None if it could not be decoded.
        sharpness: of the face, 0 to 1, see `measure.sharpness`.
        brightness: median of the face, 0 to 1.
    """

    name: str
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    face: Face | None = field(default=None, repr=False)
    photo: Photo | None = None
    sharpness: float = 0.0
    brightness: float = 0.0

    @property
    def accepted(self) -> bool:
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """For JSON. The embedding stays out: it would let others recognise the person."""
        face = self.face and {"box": [round(edge, 1) for edge in self.face.box], "score": round(self.face.score, 3)}
        return {
            "name": self.name,
            "accepted": self.accepted,
            "problems": [problem.to_dict() for problem in self.problems],
            "warnings": [problem.to_dict() for problem in self.warnings],
            "face": face,
            "size": list(self.photo.size) if self.photo else None,
            "sha256": self.photo.sha256 if self.photo else None,
            "sharpness": round(self.sharpness, 3),
            "brightness": round(self.brightness, 3),
        }


@dataclass(frozen=True)
class Verdict:
    """The judgements of a set of photos, in the order in which they came, and notes on the set as a whole."""

    judgements: Sequence[Judgement]
    notes: tuple[Problem, ...] = ()

    @property
    def accepted(self) -> list[Judgement]:
        return [judgement for judgement in self.judgements if judgement.accepted]

    @property
    def rejected(self) -> list[Judgement]:
        return [judgement for judgement in self.judgements if not judgement.accepted]

    @property
    def ready(self) -> bool:
        """Whether a training can start: one good photo is enough."""
        return bool(self.accepted)

    @property
    def advice(self) -> list[str]:
        return [str(note) for note in self.notes]

    def to_dict(self) -> dict[str, Any]:
        return {
            "ready": self.ready,
            "accepted": len(self.accepted),
            "total": len(self.judgements),
            "judgements": [judgement.to_dict() for judgement in self.judgements],
            "advice": self.advice,
            "notes": [note.to_dict() for note in self.notes],
        }
