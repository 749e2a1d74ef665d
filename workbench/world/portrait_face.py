"""The face of a photo-like portrait: its measures, its outline and how it turns."""

# ruff: noqa: RUF005 (adding a tuple moves the points of an array)
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.world.character import Character, Scene
from workbench.world.palette import RGB, hair_colour, luma, mix, shade, skin_colour
from workbench.world.portrait_canvas import SKIN, Pen, Points, curve, join, mirror, oval


@dataclass(frozen=True)
class Measures:
    """Where things are in a face, in units of which an adult head is 276 high; the origin is between the eyes.

    Proportions follow the usual drawing canon (eyes halfway, nose base and mouth at 0.38 and 0.57 of eye to chin).
    """

    wide: float
    jaw: float
    chin: float
    crown: float
    eye_x: float
    eye_wide: float
    eye_up: float
    eye_down: float
    eye_slant: float
    brow_y: float
    nose_y: float
    nose_wide: float
    mouth_y: float
    mouth_wide: float
    lips: float
    hairline: float
    neck: float


@dataclass(frozen=True)
class Mood:
    """What an expression does to a face: lids (1 open, 0 closed; left and right eye), brows, mouth."""

    lids: tuple[float, float] = (1.0, 1.0)
    brow_up: float = 0.0
    brow_in: float = 0.0  # inner ends: up is negative
    squint: float = 0.0
    wide: float = 1.0
    lift: float = 0.0
    gape: float = 0.0
    teeth: float = 0.0
    press: float = 1.0  # lip thickness


MOODS = {
    "neutral": Mood(),
    "smiling": Mood(squint=0.22, wide=1.22, lift=8, gape=7, teeth=1.0, brow_up=1, press=0.85),
    "laughing": Mood(lids=(0.62, 0.62), squint=0.5, wide=1.3, lift=11, gape=25, teeth=0.36, brow_up=4, press=0.8),
    "sad": Mood(lids=(0.80, 0.80), brow_in=-9, brow_up=-1, wide=0.92, lift=-8),
    "angry": Mood(lids=(0.78, 0.78), brow_in=10, brow_up=-6, squint=0.3, wide=0.95, lift=-5, press=0.6),
    "surprised": Mood(lids=(1.30, 1.30), brow_up=13, wide=0.70, gape=25, teeth=0.0, press=0.9),
    "winking": Mood(lids=(1.0, 0.0), squint=0.2, wide=1.15, lift=8, brow_up=1),
    "sleepy": Mood(lids=(0.22, 0.22), brow_up=3, brow_in=-2, wide=0.85, lift=-1, gape=4),
}


class Face:
    """One character's face in one scene: measures, colours, and how points on it move when the head turns."""

    def __init__(self, character: Character, scene: Scene) -> None:
        self.character, self.scene = character, scene
        self.age = character.age
        self.turn = float(scene.turn)
        self.mood = MOODS[scene.expression]
        self.smile = max(self.mood.lift, 0) / 9
        self.measures = measure(character, self.mood)
        # Skin on a photo is less bright and less coloured than on a drawing, and keeps room for highlights.
        skin = skin_colour(character)
        grey = luma(skin)
        self.skin: RGB = mix(shade(skin, 0.95), (grey * 1.0, grey * 0.84, grey * 0.78), 0.12)
        hair = hair_colour(character)
        dull = luma(hair) * 0.92
        if character.hair_colour in ("brown", "chestnut", "blonde", "ginger"):  # grown hair is never as loud as dyed
            hair = mix(hair, (dull, dull, dull), 0.14)
        self.hair: RGB = shade(hair, 0.88) if luma(hair) > 150 else hair
        # Brows are darker than hair, and never as loud as dyed hair.
        self.brow: RGB = mix(shade(self.hair, 0.55), (62, 44, 36), 0.45)
        if character.hair_colour in ("white", "gray") and character.age == "old":
            self.brow = mix(shade(self.hair, 0.72), (90, 80, 76), 0.4)
        if character.skin in ("dark", "brown"):
            self.brow = mix(self.brow, (28, 18, 14), 0.6)
        self._angle = self.turn * 0.5

    def x(self, u: float, v: float, lift: float = 0.0) -> float:
        """Where a point (u, v) on the front of the face comes to lie across; `lift` is how far it sticks out."""
        return float(self.at(np.array([[u, v]]), lift)[0, 0])

    def at(self, points: object, lift: float = 0.0) -> Points:
        """Points on the front of the face after the head has turned: shifted and foreshortened."""
        p = np.array(points, dtype=np.float64)
        depth = np.sqrt(np.clip(98.0**2 - p[:, 0] ** 2 - (p[:, 1] * 0.5) ** 2, 400, None))
        p[:, 0] = p[:, 0] * np.cos(self._angle) + (depth - 24 + lift) * np.sin(self._angle)
        return p

    def edge(self, points: object) -> Points:
        """Points on the head's outline after the head has turned: the far side flattens, the chin goes along."""
        p = np.array(points, dtype=np.float64)
        far = p[:, 0] * self.turn > 0
        p[:, 0] *= np.where(far, 1 - 0.05 * abs(self.turn), 1 + 0.01 * abs(self.turn))
        p[:, 0] += self.turn * (12 + 16 * np.clip(p[:, 1] / 137, -0.5, 1))
        return p

    def half(self) -> Points:
        """The right half of the face's outline, from crown to chin, before turning."""
        m = self.measures
        w, j, c, k = m.wide, m.jaw, m.chin, m.crown
        square = {"round": 0.5, "oval": 0.0, "square": 1.0}[self.character.face_shape]
        return np.array(
            [
                (0, k), (0.45 * w, k * 0.94), (0.79 * w, k * 0.73), (0.985 * w, k * 0.40), (1.01 * w, k * 0.10),
                (0.97 * w, c * 0.17), (0.5 * (0.92 * w + j * 1.13), c * 0.42), (j * (0.98 + 0.03 * square), c * 0.68),
                (j * (0.66 + 0.10 * square), c * 0.885), (j * (0.30 + 0.06 * square), c * 0.985), (0, c),
            ]
        )  # fmt: skip

    def outline(self) -> Points:
        """The whole head's outline, closed."""
        right = self.half()
        return curve(self.edge(join(right, mirror(right)[1:-1])), 6, closed=True)


def measure(character: Character, mood: Mood) -> Measures:
    """The measures of a character's face; words first, then small differences of their own."""
    rng = np.random.default_rng([character.variation, 0xFACE])
    own = 1 + np.clip(rng.normal(0, 1, 12), -1.8, 1.8) * np.array(
        [0.022, 0.03, 0.018, 0.028, 0.045, 0.05, 0.035, 0.08, 0.06, 0.05, 0.09, 0.04]
    )
    child, old = character.age == "child", character.age == "old"
    wide, jaw, chin = {"round": (91, 75, 131), "oval": (86, 65, 139), "square": (89, 78, 137)}[character.face_shape]
    eye_wide, up, down, slant = {"round": (18, 10.5, 6.4, 0.5), "almond": (19.5, 9.0, 5.0, 3.0),
                                 "narrow": (20, 6.4, 3.9, 1.5)}[character.eye_shape]  # fmt: skip
    eyes = 1.24 if child else 0.95 if old else 1.0
    gape = max(mood.gape - 8, 0) * 0.45
    chin = chin * own[2] * (0.84 if child else 1.0)
    return Measures(
        wide=wide * own[0] * (1.02 if child else 1.0),
        jaw=jaw * own[1] * (1.09 if child else 1.0),
        chin=chin + gape,
        crown=-134 if not child else -140,
        eye_x=38 * own[3] * (1.02 if child else 1.0),
        eye_wide=eye_wide * own[4] * eyes,
        eye_up=up * own[5] * eyes,
        eye_down=down * eyes * (1 - 0.45 * mood.squint),
        eye_slant=slant + rng.normal(0, 0.6) - (1.2 if old else 0),
        brow_y=-27 * own[6] - (3 if child else 0),
        nose_y=chin * 0.385 * (0.88 if child else 1.03 if old else 1.0) * (0.5 + 0.5 * own[7]),
        nose_wide=20 * own[8] * (0.80 if child else 1.08 if old else 1.0),
        mouth_y=chin * 0.585 * own[9] ** 0.3,
        mouth_wide=28 * own[9] * (0.9 if child else 1.0),
        lips=(7.0 if not old else 4.6) * own[10] * (0.95 if child else 1.0),
        hairline=-88 * own[11],
        neck=(46 if character.facial_hair == "none" else 52) * (0.80 if child else 1.0) * own[1],
    )


def draw_ears(face: Face, pen: Pen) -> None:
    """Ears; the one on the far side of a turned head goes behind it."""
    m = face.measures
    for s in (-1, 1):
        toward = s * face.turn
        if toward > 0.5:
            continue
        # A near ear comes forward as the head turns away from it.
        x = s * (m.wide + 4 - 10 * max(toward, 0)) + face.turn * (12 if toward > 0 else 24)
        ear = np.array([(-6, -26), (6, -30), (13, -22), (13, -4), (7, 14), (0, 27), (-8, 22)]) * (s, 1)
        pen.fill(curve(ear + (x, 12), 5, closed=True), shade(face.skin, 0.93), SKIN)
        inner = np.array([(-1, -18), (6, -20), (8, -8), (3, 4), (-2, 12)]) * (s, 1) + (x, 12)
        pen.wash_line(curve(inner, 4), shade(face.skin, 0.55), 0.5, 3)
        pen.wash(oval(x - 1 * s, 14, 4, 8), shade(face.skin, 0.5), 0.4)
        if face.character.earrings:
            pen.fill(oval(x - 1 * s, 43, 4.6, 4.6), (206, 168, 74), SKIN)
            pen.fill(oval(x - 2 * s - 1, 41.5, 1.8, 1.8), (255, 246, 214))


def draw_head(face: Face, pen: Pen) -> None:
    """The head's bare skin."""
    pen.fill(face.outline(), face.skin, SKIN)
