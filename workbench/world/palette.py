"""Colours of the chibi world, shared by both ways of drawing, so that one character has one set of colours.

Every colour is an (r, g, b) tuple of floats from 0 to 255. A character's own shade differs a little from the
word's middle value, seeded by `Character.variation`; a word's colour stays nearer to itself than to any other word's.
"""

from __future__ import annotations

import colorsys

import numpy as np

from workbench.world.character import Character, Scene

RGB = tuple[float, float, float]

SKIN: dict[str, RGB] = {
    "pale": (255, 231, 217), "light": (250, 209, 178), "tan": (226, 172, 128), "brown": (176, 119, 80),
    "dark": (112, 72, 50),
}  # fmt: skip
HAIR: dict[str, RGB] = {
    "black": (40, 36, 44), "brown": (104, 66, 42), "chestnut": (150, 75, 48), "blonde": (240, 203, 112),
    "ginger": (226, 112, 44), "gray": (150, 152, 160), "white": (238, 236, 240), "pink": (248, 146, 186),
    "blue": (74, 124, 216), "purple": (146, 92, 200), "teal": (56, 176, 168),
}  # fmt: skip
EYES: dict[str, RGB] = {
    "brown": (128, 76, 40), "black": (48, 42, 50), "blue": (58, 132, 222), "green": (62, 160, 84),
    "gray": (132, 142, 156), "amber": (222, 152, 40),
}  # fmt: skip
CLOTH: dict[str, RGB] = {
    "red": (216, 60, 62), "orange": (244, 138, 48), "yellow": (250, 210, 72), "green": (76, 166, 92),
    "blue": (66, 118, 206), "purple": (136, 92, 188), "pink": (246, 158, 190), "white": (246, 246, 248),
    "black": (54, 54, 64), "gray": (150, 154, 164),
}  # fmt: skip
WALL: dict[str, RGB] = {
    "white": (252, 252, 252), "gray": (196, 200, 208), "pink": (255, 208, 222), "red": (236, 104, 104),
    "yellow": (255, 234, 150), "green": (174, 222, 168), "blue": (164, 208, 246), "purple": (206, 186, 240),
}  # fmt: skip


def jitter(rgb: RGB, rng: np.random.Generator, hue: float, saturation: float, value: float) -> RGB:
    """Moves a colour a little in hue (turns), saturation and value (shares), uniformly within the given spans."""
    h, s, v = colorsys.rgb_to_hsv(*(channel / 255 for channel in rgb))
    h = (h + rng.uniform(-hue, hue)) % 1.0
    s = float(np.clip(s * (1 + rng.uniform(-saturation, saturation)), 0, 1))
    v = float(np.clip(v * (1 + rng.uniform(-value, value)), 0, 1))
    r, g, b = colorsys.hsv_to_rgb(h, s, v)
    return (r * 255, g * 255, b * 255)


def _own(character: Character, salt: int) -> np.random.Generator:
    return np.random.default_rng([character.variation, salt])


def skin_colour(character: Character) -> RGB:
    """The character's skin in even light."""
    return jitter(SKIN[character.skin], _own(character, 1), 0.008, 0.06, 0.025)


def hair_colour(character: Character) -> RGB:
    """The character's hair in even light."""
    return jitter(HAIR[character.hair_colour], _own(character, 2), 0.012, 0.08, 0.06)


def eye_colour(character: Character) -> RGB:
    """The character's irises."""
    return jitter(EYES[character.eye_colour], _own(character, 3), 0.012, 0.08, 0.06)


def cloth_colour(scene: Scene) -> RGB:
    """The main piece of clothing."""
    return CLOTH[scene.clothing_colour]


def background_colour(word: str) -> RGB:
    """A plain background, by its word."""
    return WALL[word]


def shade(rgb: RGB, factor: float) -> RGB:
    """Darkens (factor < 1) or lightens towards white (factor > 1); 1 leaves the colour as it is."""
    if factor <= 1:
        return (rgb[0] * factor, rgb[1] * factor, rgb[2] * factor)
    share = min(factor - 1, 1.0)
    return (rgb[0] + (255 - rgb[0]) * share, rgb[1] + (255 - rgb[1]) * share, rgb[2] + (255 - rgb[2]) * share)


def mix(a: RGB, b: RGB, share: float) -> RGB:
    """`a` with `share` of `b` in it."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


def luma(rgb: RGB) -> float:
    """Perceived brightness, 0 to 255 (ITU-R BT.601 weights)."""
    return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]


def hex_(rgb: RGB) -> str:
    """`#rrggbb` for SVG."""
    return "#" + "".join(f"{int(np.clip(round(channel), 0, 255)):02x}" for channel in rgb)
