"""One photo on its own: is it sharp and lit, and does it show one whole, uncovered face?

Every photo, drawn or taken, is judged by the same rules. A rule that is not sure warns; only a sure one refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from workbench.errors import PhotoError
from workbench.photos import measure
from workbench.photos.faces import Face, find_faces
from workbench.photos.photo import Photo
from workbench.photos.verdict import Judgement, Problem

# A 256 px base sees the head and shoulders, of which the face is 0.38: less than half of those pixels is a guess.
MIN_SIDE = 160
MIN_FACE, GOOD_FACE = 48, 80
# Measured on portraits blurred step by step: 0.17 is a Gaussian of 3 % of the face's width, 0.25 of 2 %.
BLURRED, SOFT = 0.17, 0.25
DARK, DIM = 0.12, 0.25
BURNT, BRIGHT = 0.35, 0.15
SUNGLASSES, SHADED = 0.72, 0.5
MASK = 1.45
# A second face of more than this share of the first one's width is a second person, less is someone behind.
SECOND_FACE, BYSTANDER = 0.55, 0.25


@dataclass(frozen=True)
class Examination:
    """A photo's own judgement, with the measures that comparing it with others needs."""

    judgement: Judgement
    fingerprint: NDArray[Any] | None = None
    thumbprint: NDArray[Any] | None = None
    surroundings: NDArray[Any] | None = None
    light: measure.Light | None = None
    pose: measure.Pose | None = None

    @property
    def quality(self) -> float:
        """Which of two alike photos is the better one: more sharp pixels in the face."""
        face = self.judgement.face
        return self.judgement.sharpness * min(face.width, 400.0) if face else 0.0


def examine(photo: Photo | PhotoError) -> Examination:
    """Judges one photo on its own (0.2 to 0.6 s)."""
    if isinstance(photo, PhotoError):
        why = Problem("unreadable", _sentence(photo.reason), photo.way_out)
        return Examination(Judgement(name=photo.thing, problems=(why,)))
    problems: list[Problem] = []
    warnings: list[Problem] = []
    if min(photo.size) < MIN_SIDE:
        size = f"{photo.size[0]} x {photo.size[1]}"
        way_out = "Bring the original, not a thumbnail or a screenshot of it"
        problems.append(Problem("too_small", f"The photo has only {size} pixels", way_out))
        return Examination(Judgement(name=photo.name, problems=tuple(problems), photo=photo))
    faces = find_faces(photo.image)
    if not faces:
        way_out = "Bring a photo in which the face is near, turned to the camera and not covered"
        problems.append(Problem("no_face", "No face is found", way_out))
        return Examination(Judgement(name=photo.name, problems=tuple(problems), photo=photo))
    face = faces[0]
    light = measure.light(photo.image, face)
    sharp = measure.sharpness(photo.image, face)
    _several(faces, problems, warnings)
    _framing(photo, face, problems, warnings)
    _light(light, problems, warnings)
    _sharpness(sharp, problems, warnings)
    _covered(photo, face, problems, warnings)
    judgement = Judgement(
        photo.name, tuple(problems), tuple(warnings), face, photo, sharpness=sharp, brightness=light.level
    )
    return Examination(
        judgement=judgement,
        fingerprint=measure.fingerprint(photo.image),
        thumbprint=measure.thumbprint(photo.image),
        surroundings=measure.surroundings(photo.image),
        light=light,
        pose=measure.pose(face),
    )


def _several(faces: list[Face], problems: list[Problem], warnings: list[Problem]) -> None:
    shares = [face.width / faces[0].width for face in faces[1:]]
    if any(share > SECOND_FACE for share in shares):
        count = 1 + sum(share > BYSTANDER for share in shares)
        way_out = "Crop it to the person who is meant, or bring one in which they are alone"
        problems.append(Problem("several_faces", f"{count} faces are found", way_out))
    elif any(share > BYSTANDER for share in shares):
        words = "There is a second, smaller face; the largest one is used"
        warnings.append(Problem("several_faces", words, "If somebody else is meant, crop the photo to them"))


def _framing(photo: Photo, face: Face, problems: list[Problem], warnings: list[Problem]) -> None:
    left, top, right, bottom = face.box
    width, height = photo.image.size
    if face.width < MIN_FACE:
        words = f"The face is only {face.width:.0f} pixels wide"
        problems.append(Problem("face_too_small", words, "Come closer, or bring the original with more pixels"))
    elif face.width < GOOD_FACE:
        words = f"The face is {face.width:.0f} pixels wide; details will be missing"
        warnings.append(Problem("face_too_small", words, "A photo from closer would be better"))
    outside = max(-left, -top, right - width, bottom - height) / face.width
    hair = (-(top - 0.3 * face.width)) / face.width
    if outside > 0.1:
        words = "A part of the face is outside the photo"
        problems.append(Problem("cut_off", words, "Bring one that shows the whole head"))
    elif hair > 0.1 or outside > 0.03:
        words = "The head reaches over the edge of the photo"
        warnings.append(Problem("cut_off", words, "One with the whole head would teach the hair too"))


def _light(light: measure.Light, problems: list[Problem], warnings: list[Problem]) -> None:
    if light.highlight < DARK:
        problems.append(Problem("too_dark", "The face is too dark", "Turn to a window or a lamp"))
    elif light.highlight < DIM:
        warnings.append(Problem("too_dark", "The face is rather dark", "More light from the front would help"))
    if light.burnt > BURNT:
        problems.append(Problem("too_bright", "The face is burnt white", "Move out of the sun or away from the flash"))
    elif light.burnt > BRIGHT:
        warnings.append(Problem("too_bright", "Parts of the face are burnt white", "Softer light would help"))


def _sharpness(sharp: float, problems: list[Problem], warnings: list[Problem]) -> None:
    if sharp < BLURRED:
        way_out = "Hold the camera still and tap on the face to focus"
        problems.append(Problem("blurred", "The face is blurred", way_out))
    elif sharp < SOFT:
        warnings.append(Problem("blurred", "The face is a little soft", "A sharper photo would be better"))


def _covered(photo: Photo, face: Face, problems: list[Problem], warnings: list[Problem]) -> None:
    dark = measure.eye_darkness(photo.image, face)
    if dark > SUNGLASSES:
        problems.append(Problem("sunglasses", "Dark glasses hide the eyes", "Take them off, or wear clear glasses"))
    elif dark > SHADED:
        words = "The eyes are in shadow or behind dark glasses"
        warnings.append(Problem("sunglasses", words, "A photo that shows the eyes would be better"))
    if measure.mouth_colour(photo.image, face) > MASK:
        words = "The mouth seems to be covered"
        warnings.append(Problem("covered_mouth", words, "If it is a mask or a scarf and no dyed beard, take it off"))


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:]
