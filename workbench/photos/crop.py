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
_SKETCH = 192

_Box = tuple[int, int, int, int]
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
    square = Image.new("RGB", (box[2] - box[0],) * 2)
    if inside != box:
        square.paste(_continued(photo.image.crop(inside), square.width, inside, box))
    square.paste(photo.image.crop(inside), (inside[0] - box[0], inside[1] - box[1]))
    return square.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)


def natural_size(face: Face) -> int:
    """Side in pixels at which a crop neither loses nor invents much detail: 256 to 1024."""
    return int(np.clip(round(crop_box(face)[2]), _SMALLEST, _LARGEST))


def _continued(inside: Image.Image, side: int, place: _Box, box: _Box) -> Image.Image:
    """What may lie around `inside`, which is at `place` in the square `box` of `side` pixels.

    Its edge colours, blurred the more the further out: on a small copy, since blurs have no detail to lose.
    """
    scale = _SKETCH / side
    left, top = round((place[0] - box[0]) * scale), round((place[1] - box[1]) * scale)
    width = min(_SKETCH - left, max(1, round(inside.width * scale)))
    height = min(_SKETCH - top, max(1, round(inside.height * scale)))
    small = np.asarray(inside.resize((width, height), Image.Resampling.BOX), dtype=np.float32)
    # One dark pixel at the very edge is no reason for a dark wall.
    small = ndimage.gaussian_filter(small, (3, 3, 0), mode="nearest")
    missing = ((top, _SKETCH - top - height), (left, _SKETCH - left - width))
    result = np.pad(small, (*missing, (0, 0)), mode="edge")
    known = np.pad(np.ones((height, width), dtype=bool), missing)
    distance = ndimage.distance_transform_edt(~known)[..., None].astype(np.float32) / _SKETCH
    for sigma, start, end in _BLURS:
        blurred = ndimage.gaussian_filter(result, (sigma * _SKETCH, sigma * _SKETCH, 0), mode="nearest")
        share = np.clip((distance - start) / (end - start), 0, 1)
        result += share * (blurred - result)
    sketch = Image.fromarray(np.clip(result, 0, 255).astype(np.uint8))
    return sketch.resize((side, side), Image.Resampling.BICUBIC)
