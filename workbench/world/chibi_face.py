"""A chibi's face: head, ears, eyes, brows, mouth, facial hair, glasses.

Coordinates are relative to the middle of the head, in units of a 256 px picture; x to the right, y down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.world.character import Character, Scene
from workbench.world.palette import RGB, eye_colour, hair_colour, hex_, mix, shade, skin_colour
from workbench.world.svg import ellipse, group, outline, path, rect

INK: RGB = (58, 36, 48)
EYE_Y, MOUTH_Y = 9.0, 37.0
_JAWS = {  # half width at the temples, cheek control y, chin control x, chin y
    "round": (60.0, 36.0, 36.0, 53.0),
    "oval": (55.0, 30.0, 25.0, 58.0),
    "square": (57.0, 50.0, 43.0, 54.0),
}


@dataclass(frozen=True)
class Build:
    """Small differences between people described alike, drawn from `Character.variation`."""

    width: float  # of the face, around 1
    eye_gap: float  # half the distance of the eyes
    eye_size: float  # around 1
    hair_volume: float  # around 1
    mirrored: bool  # on which side the parting is

    @staticmethod
    def of(character: Character) -> Build:
        rng = np.random.default_rng([character.variation, 7])
        young = 1.07 if character.age == "child" else 0.93 if character.age == "old" else 1.0
        return Build(
            width=float(rng.uniform(0.97, 1.03)),
            eye_gap=float(rng.uniform(25.5, 29.0)),
            eye_size=float(rng.uniform(0.96, 1.05)) * young,
            hair_volume=float(rng.uniform(0.97, 1.05)),
            mirrored=bool(rng.random() < 0.5),
        )


def face_path(character: Character, build: Build) -> str:
    """The outline of the face as SVG path data."""
    w, cheek, chin_x, chin_y = _JAWS[character.face_shape]
    w *= build.width
    return (
        f"M {-w:.1f} -2 C {-w:.1f} -66 {w:.1f} -66 {w:.1f} -2 C {w:.1f} {cheek} {chin_x} {chin_y} 0 {chin_y} "
        f"C {-chin_x} {chin_y} {-w:.1f} {cheek} {-w:.1f} -2 Z"
    )


def head(character: Character, build: Build) -> str:
    """Ears and face, without features."""
    skin = skin_colour(character)
    line = outline(skin)
    w = _JAWS[character.face_shape][0] * build.width
    ears = "".join(
        ellipse(side * w, 13, 9.5, 12, skin, line, 3) + ellipse(side * (w + 1), 14, 4.5, 6.5, shade(skin, 0.86))
        for side in (-1, 1)
    )
    rings = ""
    if character.earrings:
        rings = "".join(ellipse(side * (w + 4), 29, 4.6, 4.6, (252, 206, 72), (150, 96, 30), 2) for side in (-1, 1))
    return ears + rings + path(face_path(character, build), skin, line, 3.4)


def _open_eye(character: Character, scene: Scene, build: Build, x: float, side: int, squeeze: float) -> str:
    iris = eye_colour(character)
    rx, ry = {"round": (14.5, 18.0), "almond": (16.5, 15.0), "narrow": (16.0, 11.0)}[character.eye_shape]
    rx, ry = rx * build.eye_size * squeeze, ry * build.eye_size
    surprised = scene.expression == "surprised"
    if surprised:
        rx, ry = rx * 1.05, max(ry * 1.12, 15.0)
    clip = f"eye{'L' if side < 0 else 'R'}"
    ir = 0.6 if surprised else 0.8
    iris_rx, iris_ry = min(rx, 14 * build.eye_size) * ir, max(ry, 13.5) * (0.62 if surprised else 0.86)
    gaze = scene.turn * 3.0
    y = EYE_Y
    lash = 4.6 if character.facial_hair == "none" else 3.8
    out = f'<clipPath id="{clip}"><ellipse cx="{x:.2f}" cy="{y}" rx="{rx:.2f}" ry="{ry:.2f}"/></clipPath>'
    out += ellipse(x, y, rx, ry, (255, 255, 255))
    inner = ellipse(x + gaze, y + 1, iris_rx, iris_ry, shade(iris, 0.62))
    inner += ellipse(x + gaze, y + 4, iris_rx * 0.86, iris_ry * 0.78, iris)
    inner += ellipse(x + gaze, y + 8, iris_rx * 0.6, iris_ry * 0.42, shade(iris, 1.42))
    inner += ellipse(x + gaze, y + 0.5, iris_rx * 0.46, iris_ry * 0.5, shade(iris, 0.22))
    inner += ellipse(x + gaze - 4.5, y - ry * 0.36, 4.9, 5.4, (255, 255, 255))
    inner += ellipse(x + gaze + 4.6, y + ry * 0.42, 2.4, 2.6, (255, 255, 255))
    inner += rect(x - rx, y - ry - 1, 2 * rx, ry * 0.34, "#3a2430", extra='opacity="0.16"')
    out += group(inner, extra=f'clip-path="url(#{clip})"')
    # The upper lash line carries the eye's shape; almond eyes end in a small wing.
    wing = {"round": 1.5, "almond": 5.5, "narrow": 4.0}[character.eye_shape] * side
    droop = 0.18 * ry
    out += path(
        f"M {x - side * rx:.1f} {y - droop:.1f} C {x - side * rx * 0.8:.1f} {y - ry * 1.2:.1f} "
        f"{x + side * rx * 0.7:.1f} {y - ry * 1.3:.1f} {x + side * rx + wing:.1f} {y - droop * 1.4:.1f}",
        None, INK, lash,
    )  # fmt: skip
    out += path(f"M {x - rx * 0.55:.1f} {y + ry * 0.95:.1f} Q {x:.1f} {y + ry * 1.1:.1f} {x + rx * 0.55:.1f} "
                f"{y + ry * 0.95:.1f}", None, INK, 1.8)  # fmt: skip
    return out


def _closed_eye(x: float, up: bool) -> str:
    bend = -13 if up else 10
    y = EYE_Y + (4 if up else 0)
    lashes = "" if up else path(f"M {x - 11} {y + 5} l -3 4 M {x + 11} {y + 5} l 3 4", None, INK, 2.4)
    return path(f"M {x - 14:.1f} {y} Q {x:.1f} {y + bend * 1.5:.1f} {x + 14:.1f} {y}", None, INK, 4.4) + lashes


def eyes(character: Character, scene: Scene, build: Build) -> str:
    """Both eyes and brows as the expression wants them."""
    out = ""
    hair = hair_colour(character)
    brow = mix(shade(hair, 0.72), INK, 0.25)
    if character.hair_style == "bald" and character.facial_hair == "none":
        brow = mix(skin_colour(character), INK, 0.6)
    thickness = 6.6 if character.brows == "thick" else 3.2
    for side in (-1, 1):
        squeeze = 1 - 0.16 * max(0.0, side * scene.turn)
        x = side * build.eye_gap * (1 - 0.06 * abs(scene.turn))
        if scene.expression == "laughing":
            out += _closed_eye(x, up=True)
        elif scene.expression == "sleepy":
            out += _closed_eye(x, up=False)
        elif scene.expression == "winking" and side == 1:
            out += _closed_eye(x, up=True)
        else:
            out += _open_eye(character, scene, build, x, side, squeeze)
        # (inner height, outer height) of the brow, negative is up.
        inner, outer = {
            "sad": (-9, 3), "angry": (7, -7), "surprised": (-9, -8), "laughing": (-3, 0), "sleepy": (1, 3),
        }.get(scene.expression, (0, 0))  # fmt: skip
        y = -17.0
        out += path(
            f"M {x - side * 10:.1f} {y + inner:.1f} Q {x + side * 1:.1f} {y - 5 + (inner + outer) / 2:.1f} "
            f"{x + side * 12:.1f} {y + outer:.1f}", None, brow, thickness,
        )  # fmt: skip
    return out


def mouth(scene: Scene) -> str:
    """The mouth, by expression; tears and sleep marks belong to it."""
    y = MOUTH_Y
    red, tongue = (146, 44, 60), (244, 130, 140)
    kind = scene.expression
    if kind == "laughing":
        big = f"M -16 {y - 5} Q 0 {y - 1} 16 {y - 5} Q 15 {y + 13} 0 {y + 13} Q -15 {y + 13} -16 {y - 5} Z"
        return path(big, red, INK, 3) + path(f"M -9 {y + 9} Q 0 {y + 1} 9 {y + 9} Q 0 {y + 15} -9 {y + 9} Z", tongue)
    if kind == "smiling":
        return path(f"M -12 {y - 3} Q 0 {y + 10} 12 {y - 3}", None, INK, 3.4)
    if kind == "winking":
        curve = path(f"M -11 {y - 3} Q 0 {y + 9} 11 {y - 3}", None, INK, 3.2)
        return path(f"M -2 {y + 3} Q 4 {y + 15} 9 {y + 1} Z", tongue, INK, 2.4) + curve
    if kind == "sad":
        tear = path("M 27 21 q -8 12 0 14.5 q 8 -2.5 0 -14.5 Z", (120, 196, 250), (60, 130, 200), 1.8)
        return path(f"M -10 {y + 5} Q 0 {y - 6} 10 {y + 5}", None, INK, 3.4) + tear
    if kind == "angry":
        mark = path("M 27 -27 q 4 6 -3 10 M 41 -25 q -4 6 4 9 M 26 -10 q 7 -1 8 6", None, (224, 52, 60), 3.2)
        return path(f"M -12 {y + 5} Q -5 {y - 5} 0 {y + 1} Q 5 {y - 5} 12 {y + 5}", None, INK, 3.6) + mark
    if kind == "surprised":
        return ellipse(0, y + 3, 6.5, 8.5, red, INK, 3)
    if kind == "sleepy":
        bubble = path("M 60 -52 h 11 l -11 13 h 11 M 76 -68 h 7 l -7 9 h 7", None, (92, 122, 190), 3.2)
        return ellipse(0, y + 2, 4, 3.4, red, INK, 2.6) + bubble
    return path(f"M -8 {y + 1} L 8 {y + 1}", None, INK, 3.4)


def cheeks(character: Character, scene: Scene) -> str:
    """Blush, freckles and the lines of age."""
    skin = skin_colour(character)
    blush = mix(skin, (255, 96, 112), 0.42)
    strong = 0.95 if scene.expression in ("laughing", "smiling", "winking") or character.age == "child" else 0.55
    out = "".join(ellipse(s * 40, 29, 9.5, 5.6, blush, extra=f'opacity="{strong}"') for s in (-1, 1))
    if character.freckles:
        dot = mix(skin, (140, 70, 40), 0.62)
        spots = ((30, 25), (37, 30), (44, 25), (24, 30))
        out += "".join(ellipse(s * x, y, 1.9, 1.9, dot) for s in (-1, 1) for x, y in spots)
    if character.age == "old":
        line = shade(skin, 0.68)
        out += "".join(
            path(f"M {s * 17} 30 q {s * 9} 5 {s * 19} 1 M {s * 19} 41 q {s * 4} 5 {s * 2} 10", None, line, 2.2)
            for s in (-1, 1)
        )
        out += path("M -18 -33 q 18 -5 36 0 M -13 -40 q 13 -4 26 0", None, line, 2.0)
    return out + path("M -2 24 q 3 3.4 5 0", None, shade(skin, 0.62), 2.4)


def facial_hair(character: Character, build: Build) -> str:
    """Stubble, moustache, goatee or beard, under the mouth line."""
    kind = character.facial_hair
    if kind == "none":
        return ""
    hair = hair_colour(character)
    w, cheek, chin_x, chin_y = _JAWS[character.face_shape]
    w *= build.width
    full = (
        f"M {-w:.1f} 6 C {-w:.1f} {cheek + 2} {-chin_x} {chin_y + 6} 0 {chin_y + 6} C {chin_x} {chin_y + 6} "
        f"{w:.1f} {cheek + 2} {w:.1f} 6 C {w - 6:.1f} 24 {w * 0.62:.1f} 27 18 26 Q 0 22 -18 26 "
        f"C {-w * 0.62:.1f} 27 {-w + 6:.1f} 24 {-w:.1f} 6 Z"
    )
    if kind == "stubble":
        return path(full, mix(skin_colour(character), shade(hair, 0.55), 0.34), extra='opacity="0.75"')
    line = outline(hair)
    if kind == "mustache":
        return path("M 0 27 C 8 23 18 27 24 35 C 15 37 6 35 0 31.5 C -6 35 -15 37 -24 35 C -18 27 -8 23 0 27 Z",
                    hair, line, 2.4)  # fmt: skip
    if kind == "goatee":
        return path(f"M -13 46 Q 0 41 13 46 Q 12 {chin_y + 7} 0 {chin_y + 10} Q -12 {chin_y + 7} -13 46 Z",
                    hair, line, 2.4)  # fmt: skip
    # The lips stay visible on a patch of skin: a mouth drawn on dark hair would be lost.
    lips = ellipse(0, MOUTH_Y + 2, 19, 10.5, mix(skin_colour(character), hair, 0.12))
    return path(full, hair, line, 3) + lips


def glasses(character: Character, build: Build, scene: Scene) -> str:
    """Frames over the eyes, with a faint glint."""
    if character.glasses == "none":
        return ""
    out = ""
    frame: RGB = (48, 44, 58)
    gap = build.eye_gap * (1 - 0.06 * abs(scene.turn))
    for side in (-1, 1):
        x = side * gap
        lens = 'fill-opacity="0.22"'
        if character.glasses == "round":
            out += ellipse(x, EYE_Y + 1, 21, 21, (255, 255, 255), frame, 4, lens)
        else:
            out += rect(x - 22, EYE_Y - 16, 44, 33, "#ffffff", 7,
                        f'{lens} stroke="{hex_(frame)}" stroke-width="4.2"')  # fmt: skip
        out += path(f"M {x - 12:.1f} {EYE_Y + 9} L {x - 3:.1f} {EYE_Y - 11}", None, (255, 255, 255), 2.6,
                    'opacity="0.6"')  # fmt: skip
        out += path(f"M {side * (gap + 20):.1f} {EYE_Y - 3} L {side * 60:.1f} {EYE_Y - 1}", None, frame, 3.6)
    return out + path(f"M {-gap + 20:.1f} {EYE_Y - 2} Q 0 {EYE_Y - 8} {gap - 20:.1f} {EYE_Y - 2}", None, frame, 3.8)
