"""Skin and hair colour measured in a head-and-shoulders crop, against the colours of the world."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from workbench.world.palette import HAIR, RGB, SKIN

# Where things are in a crop (shares of its width and height): crops put the face box in the middle, see crop_face.
_CHEEKS = ((0.40, 0.46, 0.50, 0.56), (0.54, 0.60, 0.50, 0.56), (0.46, 0.54, 0.50, 0.53))
_CROWN = (0.38, 0.62, 0.13, 0.23)


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """sRGB 0-255 `(…, 3)` to CIE L*a*b* (D65), by the formulas of IEC 61966-2-1 and CIE 15."""
    c = rgb / 255.0
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])
    xyz = xyz / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def _region(pixels: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    h, w = pixels.shape[:2]
    left, right, top, bottom = box
    return pixels[int(top * h) : int(bottom * h), int(left * w) : int(right * w)].reshape(-1, 3)


def _nearness(lab: np.ndarray, words: dict[str, RGB], light: float, width: float) -> np.ndarray:
    """How near a colour is to each word's colour, as probabilities; lightness counts less than hue in photos."""
    known = to_lab(np.array(list(words.values()), dtype=np.float64))
    gap = (known - lab) * np.array([light, 1.0, 1.0])
    score = -(gap**2).sum(1) / (2 * width**2)
    share = np.exp(score - score.max())
    return np.asarray(share / share.sum())


def measure_colours(crops: Sequence[Image.Image], hatless: Sequence[bool]) -> dict[str, np.ndarray]:
    """Measures skin and hair colour.

    Args:
        crops: head-and-shoulders crops.
        hatless: for each, whether hair and not a hat is on the crown; hair is measured only there.

    Returns:
        `skin`, and `hair_colour` where somebody is hatless: a probability per word, in the order of the world's
        tables. Medians over photos and regions: single shadows and highlights do not count.
    """
    pictures = [
        np.asarray(crop.convert("RGB").resize((160, 160), Image.Resampling.BOX), dtype=np.float64) for crop in crops
    ]

    def middle(of: list[np.ndarray], boxes: Sequence[tuple[float, float, float, float]]) -> np.ndarray:
        medians = [np.median(np.concatenate([_region(each, box) for box in boxes]), axis=0) for each in of]
        return to_lab(np.median(np.array(medians), axis=0))

    measured = {"skin": _nearness(middle(pictures, _CHEEKS), SKIN, light=0.8, width=12.0)}
    crowns = [picture for picture, bare in zip(pictures, hatless, strict=True) if bare]
    if crowns:
        measured["hair_colour"] = _nearness(middle(crowns, [_CROWN]), HAIR, light=0.8, width=16.0)
    return measured
