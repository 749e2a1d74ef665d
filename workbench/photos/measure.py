"""What the pixels say about a photo and the face in it: sharpness, light, pose, covered eyes, likeness to another.

Every measure is taken on a copy of the face of one fixed size, so that a selfie of 12 megapixels and the same
selfie sent through a messenger get the same figures, and one threshold fits both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import fft, ndimage

from workbench.photos.faces import Face

Array = NDArray[Any]
# Sharpness is judged as it will be trained: a face of 100 px is what a 256 px crop holds.
_FACE_SIDE = 100
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True)
class Light:
    """How a face is lit, every value 0 to 1 of the picture's range.

    Args:
        level: median brightness of the face.
        highlight: brightness that only a tenth of the face exceeds. Skin of any tone has highlights in good light,
            so darkness is judged by them and never by the skin.
        burnt: share of the face that is pure white.
        side: brightness of the right half less that of the left half, as a share of their mean.
    """

    level: float
    highlight: float
    burnt: float
    side: float


@dataclass(frozen=True)
class Pose:
    """Where the head points: turn -1 (to the left edge) to 1, tilt in degrees clockwise, nod up (-) or down (+)."""

    turn: float
    tilt: float
    nod: float


def face_square(image: Image.Image, face: Face, side: int = _FACE_SIDE, reach: float = 1.0) -> Array:
    """The face box as a (side, side, 3) float32 array in 0..1; `reach` widens the box around its centre.

    Where the box leaves the photo, the photo's edge is continued.
    """
    (x, y), half = face.centre, face.width * reach / 2
    box = (round(x - half), round(y - half), round(x + half), round(y + half))
    inside = (max(0, box[0]), max(0, box[1]), min(image.width, box[2]), min(image.height, box[3]))
    pixels = np.asarray(image.crop(inside))
    missing = ((inside[1] - box[1], box[3] - inside[3]), (inside[0] - box[0], box[2] - inside[2]), (0, 0))
    square = Image.fromarray(np.pad(pixels, missing, mode="edge"))
    resized = square.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(resized, dtype=np.float32) / 255.0


def sharpness(image: Image.Image, face: Face) -> float:
    """How sharp the face is, 0 (blurred) to 1: one less the blur measure of Crété et al.,
    "The blur effect" (Proc. SPIE 6492, 2007): how much of the change from pixel to pixel another blur takes away.

    The worse of the two directions counts, so a shaken photo, sharp one way only, is found as well.
    """
    grey = face_square(image, face) @ _LUMA
    # Noise of a dark photo or of JPEG would pass for sharpness.
    grey = ndimage.gaussian_filter(grey, 0.7)
    found = []
    for axis in (0, 1):
        blurred = ndimage.uniform_filter1d(grey, 9, axis=axis)
        change, change_blurred = np.abs(np.diff(grey, axis=axis)), np.abs(np.diff(blurred, axis=axis))
        total = float(change.sum())
        lost = float(np.maximum(0, change - change_blurred).sum())
        found.append(lost / total if total > 0 else 0.0)
    return min(found)


def light(image: Image.Image, face: Face) -> Light:
    """Measures the light on the face, in the middle of its box, where hair and background seldom reach."""
    pixels = face_square(image, face, 64, reach=0.8)
    grey = pixels @ _LUMA
    left, right = float(grey[:, :32].mean()), float(grey[:, 32:].mean())
    return Light(
        level=float(np.median(grey)),
        highlight=float(np.quantile(grey, 0.9)),
        burnt=float((pixels.min(axis=2) > 0.97).mean()),
        side=(right - left) / max(0.02, (right + left) / 2),
    )


def pose(face: Face) -> Pose:
    """Reads the head's direction from eye corners and nose base (a frontal face has the nose in the middle)."""
    right, left, nose = face.landmarks[:2].mean(axis=0), face.landmarks[2:4].mean(axis=0), face.landmarks[4]
    axis = right - left
    distance = max(1e-6, float(np.hypot(*axis)))
    along, down = axis / distance, np.array([-axis[1], axis[0]]) / distance
    offset = nose - (right + left) / 2
    # A nose half an eye distance off the middle is about as far as a frontal detector sees.
    turn = float(np.clip(offset @ along / distance / 0.5, -1, 1))
    return Pose(turn=turn, tilt=math.degrees(math.atan2(axis[1], axis[0])), nod=float(offset @ down / distance) - 0.73)


def eye_darkness(image: Image.Image, face: Face) -> float:
    """How dark the area around the darker-covered eye is against the cheeks: 0 as bright, 1 black.

    Open eyes with brows and lashes reach about 0.35; sunglasses darken the whole area, under the eye too.
    """
    scale = 100 / face.width
    (x, y), half = face.centre, face.width / 2
    grey = face_square(image, face) @ _LUMA
    points = (face.landmarks - (x - half, y - half)) * scale
    right, left = points[:2].mean(axis=0), points[2:4].mean(axis=0)
    across = float(np.hypot(*(right - left)))
    down = np.array([-(right - left)[1], (right - left)[0]]) / max(across, 1e-6) * across
    eyes, cheeks = [], []
    for eye in (right, left):
        eyes.append(_patch(grey, eye + 0.08 * down, 0.2 * across, 0.75))
        cheeks.append(_patch(grey, eye + 0.62 * down, 0.13 * across, 0.6))
    cheek = max(0.04, max(cheeks))
    # Both eyes must be dark: hair over one eye, or a shadow from one side, is not a pair of sunglasses.
    return float(np.clip(1 - max(eyes) / cheek, 0, 1))


def mouth_colour(image: Image.Image, face: Face) -> float:
    """How much warmer (redder than blue) the skin around the eyes is than the mouth, as a share of its warmth.

    0 for a bare mouth, about 1 for anything grey (a beard too), above 1 for blue and green: a mask, not a face.
    """
    pixels = face_square(image, face)
    scale, half = 100 / face.width, face.width / 2
    points = (face.landmarks - (face.centre[0] - half, face.centre[1] - half)) * scale
    right, left, nose = points[:2].mean(axis=0), points[2:4].mean(axis=0), points[4]
    down = np.array([-(right - left)[1], (right - left)[0]])
    warmth = (pixels[..., 0] - pixels[..., 2]) / np.maximum(0.05, pixels.sum(axis=2))
    across = float(np.hypot(*(right - left)))
    bare = (right + 0.33 * down, left + 0.33 * down, (right + left) / 2 + 0.1 * down)  # where no mask reaches
    cheek = max(_patch(warmth, place, 0.1 * across, 0.5) for place in bare)
    mouth = _patch(warmth, nose + 0.45 * down, 0.2 * across, 0.5)
    return (cheek - mouth) / cheek if cheek > 0.06 else 0.0


def _patch(grey: Array, centre: Array, radius: float, quantile: float) -> float:
    x, y, r = round(float(centre[0])), round(float(centre[1])), max(2, round(radius))
    patch = grey[max(0, y - r) : max(0, y + r + 1), max(0, x - r) : max(0, x + r + 1)]
    return float(np.quantile(patch, quantile)) if patch.size else 0.5


def fingerprint(image: Image.Image) -> Array:
    """A perceptual hash of the whole photo: (64,) booleans, alike for resized, recompressed or slightly edited copies.

    The signs of the 64 lowest frequencies (without the mean) of a 32 x 32 grey copy, against their median.
    """
    small = image.convert("L").resize((32, 32), Image.Resampling.LANCZOS, reducing_gap=2.0)
    waves = fft.dctn(np.asarray(small, dtype=np.float32), norm="ortho")[:9, :9].ravel()[1:65]
    return np.asarray(waves > np.median(waves))


def thumbprint(image: Image.Image) -> Array:
    """A (16, 16) float32 grey thumbnail without its mean and contrast, to confirm what the hash suspects."""
    small = np.asarray(image.convert("L").resize((16, 16), Image.Resampling.BOX, reducing_gap=2.0), dtype=np.float32)
    return (small - small.mean()) / max(1.0, float(small.std()))


def surroundings(image: Image.Image) -> Array:
    """(20, 3) mean colours along the photo's border in 0..1: two photos with equal ones were taken in one place."""
    small = np.asarray(image.resize((6, 6), Image.Resampling.BOX, reducing_gap=2.0), dtype=np.float32) / 255.0
    return np.concatenate([small[0], small[-1], small[1:-1, 0], small[1:-1, -1]])
