"""Who is drawn (`Character`) and how (`Scene`): attributes, not pixels.

A character is what stays the same from picture to picture; a scene is what changes. Both are plain, frozen
records of words, so captions, class pictures, sample selfies and the identity benchmark all speak of the same
thing. Everything is deterministic from a seed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

# Each table is an attribute's words with its sampling weight: natural hair is commoner than dyed hair.
SKINS: dict[str, float] = {"pale": 2, "light": 3, "tan": 2, "brown": 2, "dark": 2}
HAIR_COLOURS: dict[str, float] = {
    "black": 5, "brown": 5, "chestnut": 3, "blonde": 4, "ginger": 3, "gray": 2,
    "white": 1.5, "pink": 1.5, "blue": 1.5, "purple": 1.5, "teal": 1.5,
}  # fmt: skip
HAIR_STYLES: dict[str, float] = {
    "bald": 1.5, "buzzed": 2, "short": 4, "parted": 3, "spiky": 3, "curly": 3, "afro": 2,
    "bob": 3, "straight": 4, "wavy": 4, "ponytail": 3, "pigtails": 2.5, "bun": 2.5, "braids": 2.5,
}  # fmt: skip
EYE_COLOURS: dict[str, float] = {"brown": 5, "black": 2, "blue": 3, "green": 2.5, "gray": 1.5, "amber": 1.5}
EYE_SHAPES: dict[str, float] = {"round": 1, "almond": 1, "narrow": 1}
BROWS: dict[str, float] = {"thin": 1, "thick": 1}
FACE_SHAPES: dict[str, float] = {"round": 1, "oval": 1, "square": 1}
GLASSES: dict[str, float] = {"none": 5, "round": 2, "square": 2}
FACIAL_HAIR: dict[str, float] = {"none": 6, "stubble": 1, "mustache": 1, "goatee": 1, "beard": 1.5}
AGES: dict[str, float] = {"child": 1, "young": 3, "old": 1}

EXPRESSIONS: dict[str, float] = {
    "neutral": 1, "smiling": 1.5, "laughing": 1, "sad": 1, "angry": 1, "surprised": 1, "winking": 1, "sleepy": 1,
}  # fmt: skip
CLOTHING: dict[str, float] = {
    "t-shirt": 1.5, "hoodie": 1.5, "shirt": 1, "suit": 1, "dress": 1, "sweater": 1, "jacket": 1, "overalls": 1,
    "kimono": 1,
}  # fmt: skip
COLOURS: dict[str, float] = {
    "red": 1, "orange": 1, "yellow": 1, "green": 1, "blue": 1, "purple": 1, "pink": 1, "white": 1, "black": 1,
    "gray": 1,
}  # fmt: skip
HEADWEAR: dict[str, float] = {"none": 5, "cap": 1, "beanie": 1, "hat": 1, "bow": 1, "headphones": 1, "cat ears": 1}
PLAIN_BACKGROUNDS = ("white", "gray", "pink", "red", "yellow", "green", "blue", "purple")
PLACES = ("park", "beach", "city", "room")
BACKGROUNDS: dict[str, float] = dict.fromkeys(PLAIN_BACKGROUNDS, 1.0) | dict.fromkeys(PLACES, 1.2)
POSES: dict[str, float] = {"standing": 2, "waving": 1, "cheering": 1}
LIGHTS: dict[str, float] = {"daylight": 3, "studio light": 2, "warm light": 1.5, "dim light": 1}


@dataclass(frozen=True)
class Character:
    """A person of the chibi world: what stays the same in every picture of them.

    `variation` seeds the small differences that words do not tell (exact shade, width of the face, distance of
    the eyes), so that two people described alike are still two people.
    """

    age: str = "young"
    skin: str = "light"
    hair_colour: str = "brown"
    hair_style: str = "short"
    eye_colour: str = "brown"
    eye_shape: str = "round"
    brows: str = "thin"
    face_shape: str = "oval"
    glasses: str = "none"
    facial_hair: str = "none"
    freckles: bool = False
    earrings: bool = False
    variation: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Scene:
    """What changes from picture to picture: face, clothes, place, pose, light.

    Args:
        tilt: how far the head leans, in degrees, positive clockwise.
        turn: how far the head is turned, -1 (to the left edge) to 1 (to the right edge), 0 is frontal.
        pose: what the arms do; only chibi drawings show arms.
        light: only photo-like drawings show light.
    """

    expression: str = "smiling"
    clothing: str = "t-shirt"
    clothing_colour: str = "blue"
    headwear: str = "none"
    background: str = "white"
    pose: str = "standing"
    light: str = "daylight"
    tilt: float = 0.0
    turn: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


CHARACTER_WORDS: dict[str, dict[str, float]] = {
    "age": AGES, "skin": SKINS, "hair_colour": HAIR_COLOURS, "hair_style": HAIR_STYLES, "eye_colour": EYE_COLOURS,
    "eye_shape": EYE_SHAPES, "brows": BROWS, "face_shape": FACE_SHAPES, "glasses": GLASSES,
    "facial_hair": FACIAL_HAIR,
}  # fmt: skip
SCENE_WORDS: dict[str, dict[str, float]] = {
    "expression": EXPRESSIONS, "clothing": CLOTHING, "clothing_colour": COLOURS, "headwear": HEADWEAR,
    "background": BACKGROUNDS, "pose": POSES, "light": LIGHTS,
}  # fmt: skip


def _pick(rng: np.random.Generator, words: dict[str, float]) -> str:
    weights = np.array(list(words.values()), dtype=np.float64)
    return str(rng.choice(list(words), p=weights / weights.sum()))


def sample_character(seed: int) -> Character:
    """Draws a character's attributes, the same for the same seed.

    Some combinations are made rarer so that the crowd looks like one: children have neither beards nor grey
    hair, old people often have grey or white hair, facial hair seldom goes with pigtails or braids.
    """
    rng = np.random.default_rng([seed, 0xC41B1])
    chosen: dict[str, Any] = {name: _pick(rng, words) for name, words in CHARACTER_WORDS.items()}
    chosen["freckles"] = bool(rng.random() < 0.2)
    chosen["earrings"] = bool(rng.random() < 0.25)
    if chosen["age"] == "child":
        chosen["facial_hair"] = "none"
        if chosen["hair_colour"] in ("gray", "white"):
            chosen["hair_colour"] = "blonde"
        if chosen["hair_style"] == "bald":
            chosen["hair_style"] = "short"
    if chosen["age"] == "old" and rng.random() < 0.6:
        chosen["hair_colour"] = str(rng.choice(["gray", "white"]))
    if chosen["hair_style"] in ("pigtails", "braids", "bun", "ponytail", "bob") and rng.random() < 0.85:
        chosen["facial_hair"] = "none"
    return Character(**chosen, variation=int(rng.integers(2**31)))


def sample_scene(seed: int, **fixed: Any) -> Scene:
    """Draws a scene, the same for the same seed; `fixed` sets attributes instead of drawing them."""
    rng = np.random.default_rng([seed, 0x5CE4E])
    chosen: dict[str, Any] = {name: _pick(rng, words) for name, words in SCENE_WORDS.items()}
    chosen["tilt"] = float(np.clip(rng.normal(0, 5), -14, 14))
    chosen["turn"] = float(np.clip(rng.normal(0, 0.35), -0.9, 0.9))
    unknown = set(fixed) - {field.name for field in fields(Scene)}
    if unknown:
        raise TypeError(f"a Scene has no {', '.join(sorted(unknown))}")
    return Scene(**(chosen | fixed))
