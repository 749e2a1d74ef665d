"""The head-and-shoulders square that is trained on: the framing that photo-like drawings of the world have too."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image
from scipy import ndimage

from workbench.photos.faces import Face
from workbench.photos.photo import Photo

# The face box (brows to chin) in the crop: its share of the width, and where its middle lies.
FACE_SHARE = 0.38
FACE_X, FACE_Y = 0.5, 0.47
_SMALLEST, _LARGEST = 256, 1024
# Blur that continues a photo beyond its edge: sigma, and from where to where it is faded in, in shares of the side.
_BLURS = ((0.012, 0.0, 0.012), (0.04, 0.0, 0.06), (0.1, 0.03, 0.16))


def crop_box(face: Face) -> tuple[float, float, float]:
    """Left, top and side of the square in pixels of `Photo.image`; it may reach outside the photo."""
    side = face.width / FACE_SHARE
    x, y = face.centre
    return x - FACE_X * side, y - FACE_Y * side, side


def crop_face(photo: Photo, face: Face, size: int) -> Image.Image:
    """Cuts the square around a face. Nothing is rotated: a leaning head is the person's own.

    Where the square reaches beyond the photo, the colours of its edge are continued, blurred the further out, so that
    neither stripes nor a mirrored second head appear.

    Args:
        size: side of the result in pixels.

    Returns:
        (size, size) RGB.
    """
    left, top, side = crop_box(face)
    box = (math.floor(left), math.floor(top), math.floor(left) + round(side), math.floor(top) + round(side))
    width, height = photo.image.size
    inside = (max(0, box[0]), max(0, box[1]), min(width, box[2]), min(height, box[3]))
    missing = ((inside[1] - box[1], box[3] - inside[3]), (inside[0] - box[0], box[2] - inside[2]))
    square = photo.image.crop(inside)
    if side > 2 * size:
        # The outside is continued on a smaller copy: padding and blurring 2000 px to make 256 is a waste.
        shrink = 2 * size / side
        square = square.resize(_shrunk(square.size, shrink), Image.Resampling.BOX)
        missing = (_shrunk(missing[0], shrink, 0), _shrunk(missing[1], shrink, 0))
    if max(*missing[0], *missing[1]) > 0:
        square = Image.fromarray(_continue(np.asarray(square), missing))
    return square.resize((size, size), Image.Resampling.LANCZOS)


def natural_size(face: Face) -> int:
    """Side in pixels at which a crop neither loses nor invents much detail: 256 to 1024."""
    return int(np.clip(round(crop_box(face)[2]), _SMALLEST, _LARGEST))


def _shrunk(pair: tuple[int, int], scale: float, least: int = 1) -> tuple[int, int]:
    return max(least, round(pair[0] * scale)), max(least, round(pair[1] * scale))


def _continue(pixels: np.ndarray, missing: tuple[tuple[int, int], tuple[int, int]]) -> np.ndarray:
    """Pads (h, w, 3) uint8 by its edge colours, blurred the more the further out."""
    result = np.pad(pixels, (*missing, (0, 0)), mode="edge").astype(np.float32)
    known = np.pad(np.ones(pixels.shape[:2], dtype=bool), missing)
    side = max(result.shape)
    distance = ndimage.distance_transform_edt(~known)[..., None].astype(np.float32) / side
    for sigma, start, end in _BLURS:
        blurred = ndimage.gaussian_filter(result, (sigma * side, sigma * side, 0), mode="nearest")
        share = np.clip((distance - start) / (end - start), 0, 1)
        result += share * (blurred - result)
    return np.clip(result, 0, 255).astype(np.uint8)
