"""Eyes, brows, nose, mouth, beard and the skin's marks of a photo-like portrait."""

# ruff: noqa: RUF005 (adding a tuple moves the points of an array)
from __future__ import annotations

import numpy as np

from workbench.world.palette import RGB, eye_colour, luma, mix, shade
from workbench.world.portrait_canvas import Pen, Points, curve, join, oval
from workbench.world.portrait_face import Face

_T = np.linspace(-1, 1, 15)
_ARCH = np.clip(1 - np.abs(_T) ** 2.3, 0, 1) ** 0.8
_CIRCLE = np.linspace(0, 2 * np.pi, 21)


def draw_eyes(face: Face, pen: Pen) -> None:
    """Both eyes with whites, irises, lids and lashes."""
    colour = eye_colour(face.character)
    for index, s in enumerate((-1, 1)):
        _draw_eye(face, pen, s, face.mood.lids[index], colour)


def _draw_eye(face: Face, pen: Pen, s: int, lid: float, colour: RGB) -> None:
    m = face.measures
    x = s * m.eye_x + s * m.eye_wide * _T  # _T runs from the inner to the outer corner
    level = -m.eye_slant * _T
    lash: RGB = mix((24, 16, 14), face.skin, 0.06)
    fold = shade(face.skin, 0.58)
    if lid < 0.05:
        line = face.at(np.stack([x, level + 3 + 3.5 * _ARCH], axis=1))
        pen.wash_line(face.at(np.stack([x, level - 5 - 4 * _ARCH], axis=1)), fold, 0.5, 2.0)
        pen.line(line, lash, 3.4)
        for t in (4, 7, 10, 12, 14):
            end = line[t] + (s * (t - 7) * 0.5, 5)
            pen.line([line[t], end], lash, 1.6)
        return
    upper = level - m.eye_up * lid * np.roll(_ARCH, -1 if lid > 0.5 else 0) * (_ARCH > 0)
    lower = level + m.eye_down * (_ARCH if lid > 0.4 else _ARCH * 0.8)
    upper = np.minimum(upper, lower - 1.2 * _ARCH)
    top, bottom = face.at(np.stack([x, upper], axis=1)), face.at(np.stack([x, lower], axis=1))
    pen.wash(join(top + (0, -5), bottom[::-1] + (0, 3)), fold, 0.22)
    white = mix((230, 224, 220), face.skin, 0.12 if luma(face.skin) > 130 else 0.24)
    pen.fill(join(top, bottom[::-1]), white)
    pen.fill(oval(float(top[0, 0]) + s * 2.2, float(top[0, 1]) + 0.6, 2.2, 1.8), mix(face.skin, (196, 110, 104), 0.6))

    radius = 8.7 * (1.22 if face.age == "child" else 1.0)
    cx, cy = s * m.eye_x + 2.5 * face.turn, (level[7] - 0.12 * m.eye_up) if lid <= 1.05 else -1.0

    def inside(r: float, dx: float = 0.0, dy: float = 0.0) -> Points:
        """A disc of the iris, as far as the lids let it be seen."""
        px = cx + dx + r * np.cos(_CIRCLE)
        py = cy + dy + r * np.sin(_CIRCLE)
        t = np.clip((px - s * m.eye_x) / (s * m.eye_wide), -1, 1)
        py = np.clip(py, np.interp(t, _T, upper), np.interp(t, _T, lower))
        return face.at(np.stack([px, py], axis=1))

    pen.fill(inside(radius), shade(colour, 0.42))
    pen.fill(inside(radius * 0.86), shade(colour, 0.92))
    pen.fill(inside(radius * 0.62, 0, 1.6), mix(shade(colour, 1.18), (255, 236, 190), 0.10))
    pen.fill(inside(radius * 0.43), (14, 11, 12))
    # The upper lid's shadow on the eyeball.
    pen.wash(join(top, (top + (0, 3.4))[::-1]), (20, 12, 10), 0.42)
    pen.fill(inside(2.1, -3.0, -3.2), (250, 250, 252))
    pen.wash(inside(1.4, 3.0, 3.4), (255, 255, 255), 0.45)

    crease = top[2:] + np.stack([0 * _T[2:], -4.6 - 2.2 * _ARCH[2:]], axis=1)
    pen.wash_line(crease, fold, 0.65, 2.0)
    tail = top[-1] + (s * 2.5, -1.6)
    edge = join(top, [tail], (top - np.stack([0 * _T, 1.2 + 1.5 * (_T + 1) / 2], axis=1))[::-1])
    pen.fill(edge, lash)
    pen.line(join(top, [tail]), lash, 2.0)
    pen.wash_line(bottom[2:], shade(face.skin, 0.38), 0.62, 1.6)
    if face.age == "old":
        for drop in (10, 15):
            bag = np.stack([x[1:-1], lower[1:-1] + drop - 3 + 3 * _ARCH[1:-1]], axis=1)
            pen.wash_line(face.at(bag), fold, 0.42, 1.6)
        for angle in (-0.35, 0.0, 0.4):
            start = np.array([s * (m.eye_x + m.eye_wide + 6), -1 + 9 * angle])
            pen.wash_line(face.at([start, start + (s * 12, 13 * angle + 1)]), fold, 0.45, 1.5)


def draw_brows(face: Face, pen: Pen, rng: np.random.Generator) -> None:
    """Brows: a tapered shape with single hairs."""
    m, mood = face.measures, face.mood
    thick = 9.8 if face.character.brows == "thick" else 5.0
    thick *= 0.72 if face.age == "child" else 1.0
    strength = 0.92 if face.character.brows == "thick" else 0.80
    for s in (-1, 1):
        t = np.linspace(0, 1, 9)
        x = s * (m.eye_x - m.eye_wide - 4 + (2 * m.eye_wide + 12) * t)
        arch = 7.5 * np.sin(np.pi * np.clip(t * 0.78 + 0.05, 0, 1)) - 3
        y = m.brow_y - mood.brow_up - arch + mood.brow_in * (1 - t) ** 1.4 - 0.3 * mood.brow_in * t
        half = 0.5 * thick * np.clip(1.05 - 0.78 * t**1.6, 0.18, 1) * np.clip(0.62 + 4 * t, 0, 1)
        upper = face.at(np.stack([x, y - half], axis=1))
        lower = face.at(np.stack([x, y + half], axis=1))
        pen.wash(join(upper, lower[::-1]), face.brow, strength)
        for share in rng.random(9):
            i = int(share * 7)
            start = lower[i] * 0.7 + upper[i] * 0.3
            pen.wash_line([start, start + (s * 5.0, -0.8 * half[i] - 0.6)], shade(face.brow, 0.8), 0.8, 1.2)


def draw_nose(face: Face, pen: Pen) -> None:
    """Nostrils, wings and the dark edge under the tip; the rest of a nose is light (see `portrait_light.relief`)."""
    m = face.measures
    dark = mix(shade(face.skin, 0.28), (70, 20, 16), 0.25)
    soft = shade(face.skin, 0.5)
    for s in (-1, 1):
        hole = np.array([(-5.4, 0.8), (-2, -2.3), (3.4, -2.0), (5, 0.6), (1, 2.2)]) * (s, 1)
        center = (s * m.nose_wide * 0.47, m.nose_y + 1.0)
        pen.wash(face.at(curve(hole + center, 4, closed=True), 14), dark, 0.85)
        w = m.nose_wide
        wing = [(0.74 * w, -15), (w, -9.5), (1.02 * w, -3), (0.82 * w, 2.0), (0.68 * w, 1.4)]
        pen.wash_line(face.at(curve(np.array(wing) * (s, 1) + (0, m.nose_y), 4), 10), soft, 0.55, 2.4)
    under = curve([(-0.42 * m.nose_wide, m.nose_y + 2.5), (0, m.nose_y + 5.6), (0.42 * m.nose_wide, m.nose_y + 2.5)], 5)
    pen.wash_line(face.at(under, 14), soft, 0.55, 3.2)


def draw_mouth(face: Face, pen: Pen) -> None:
    """Lips, and what an open mouth shows."""
    m, mood = face.measures, face.mood
    wide = m.mouth_wide * mood.wide
    lips = m.lips * mood.press
    pale = 0.22 if face.age == "old" else 0.38 if face.character.facial_hair == "none" else 0.30
    tone: RGB = (186, 62, 74) if luma(face.skin) > 130 else (150, 52, 62)
    colour = mix(shade(face.skin, 0.86), tone, pale)
    dark: RGB = mix(shade(colour, 0.42), (60, 12, 14), 0.3)
    t = np.linspace(-1, 1, 21)
    x = wide * t
    arch = np.clip(1 - t**2, 0, 1)
    middle = m.mouth_y + 0.45 * mood.lift - mood.lift * t**2 - 0.25 * mood.gape
    if face.scene.expression == "winking":
        middle = middle - 4 * t
    round_mouth = face.scene.expression == "surprised"
    open_up = middle - (0.40 * mood.gape * arch**0.5 if round_mouth else 0.05 * mood.gape * arch)
    open_down = middle + mood.gape * (0.62 * arch**0.5 if round_mouth else 0.95 * arch**0.75)
    bow = 1 - 0.26 * np.exp(-((t / 0.13) ** 2))
    upper = open_up - lips * 0.95 * (arch**0.75 * bow if not round_mouth else arch**0.5)
    lower = open_down + lips * 1.25 * arch**0.72

    def row(y: np.ndarray) -> Points:
        return face.at(np.stack([x, y], axis=1), 6)

    pen.fill(join(row(upper), row(open_up)[::-1]), shade(colour, 0.86))
    pen.fill(join(row(open_down), row(lower)[::-1]), colour)
    gloss = [row(open_down + share * (lower - open_down))[6:15] for share in (0.35, 0.75)]
    pen.wash(join(gloss[0], gloss[1][::-1]), (255, 225, 220), 0.16)
    if mood.gape > 1:
        pen.fill(join(row(open_up), row(open_down)[::-1]), (66, 20, 24))
        if mood.gape > 15:
            tongue = np.maximum(open_up + (0.62 + 0.12 * round_mouth) * mood.gape + 4 * t**2, open_up)
            pen.fill(join(row(np.minimum(tongue, open_down)), row(open_down)[::-1]), (172, 78, 82))
        if mood.teeth > 0:
            rim = np.minimum(open_up + mood.teeth * mood.gape * 0.95, open_down - 0.4 * arch)
            inner = slice(2, 19)
            pen.fill(join(row(open_up)[inner], row(rim)[inner][::-1]), (240, 234, 224))
            for tooth in (-0.42, -0.21, 0.0, 0.21, 0.42):
                i = round((tooth + 1) * 10)
                pen.wash_line([row(open_up)[i], row(rim)[i]], (120, 90, 84), 0.30, 1.0)
        pen.wash_line(row(open_up), dark, 0.7, 1.6)
    else:
        pen.line(row(middle + 0.8 * np.sin(3 * np.pi * t) * arch)[1:-1], dark, 2.2)
    for end in (0, -1):
        corner = row(middle)[end]
        pen.wash(oval(float(corner[0]), float(corner[1]), 2.6, 2.2), dark, 0.55)


def draw_marks(face: Face, pen: Pen, rng: np.random.Generator) -> None:
    """Freckles, and the lines that age or a frown draws."""
    m = face.measures
    line = shade(face.skin, 0.55)
    if face.character.freckles:
        tone = mix(shade(face.skin, 0.62), (150, 74, 40), 0.35)
        for _ in range(46):
            side = rng.choice((-1, 1))
            spot = (side * abs(rng.normal(36, 17)), rng.normal(30, 10))
            if abs(spot[0]) < m.wide * 0.86:
                where = face.at([spot])[0]
                r = rng.uniform(1.1, 2.3)
                pen.wash(oval(float(where[0]), float(where[1]), r, r), tone, rng.uniform(0.45, 0.8))
    if face.age == "old":
        for index, y in enumerate((-72, -60, -48)):
            reach = 42 - 5 * index
            wave = [(-reach, y + 2), (-reach * 0.4, y - 1.5), (reach * 0.3, y), (reach, y + 2.5)]
            pen.wash_line(face.at(curve(wave, 5)), line, 0.40, 1.8)
        for s in (-1, 1):
            fold = [
                (m.nose_wide + 3, m.nose_y - 6),
                (m.nose_wide + 13, m.nose_y + 9),
                (m.mouth_wide + 10, m.mouth_y + 4),
            ]
            pen.wash_line(face.at(curve(np.array(fold) * (s, 1), 6)), line, 0.55, 2.2)
            jowl = [(m.mouth_wide + 2, m.mouth_y + 8), (m.mouth_wide + 5, m.mouth_y + 22)]
            pen.wash_line(face.at(np.array(jowl) * (s, 1)), line, 0.35, 2)
    if face.scene.expression == "angry":
        for s in (-1, 1):
            pen.wash_line(face.at(curve([(s * 5, -32), (s * 6, -22), (s * 4, -13)], 4)), line, 0.6, 2.2)
    if face.scene.expression == "surprised":
        for y in (-66, -56):
            pen.wash_line(face.at(curve([(-34, y + 2), (0, y - 1), (34, y + 2)], 6)), line, 0.28, 1.8)


def draw_beard(face: Face, pen: Pen, rng: np.random.Generator) -> None:
    """Facial hair; drawn before the mouth, and the mustache over it by `draw_mustache`."""
    kind, m = face.character.facial_hair, face.measures
    if kind not in ("stubble", "goatee", "beard"):
        return
    colour = mix(shade(face.hair, 0.72), (50, 36, 30), 0.18)
    right = face.half()
    jaw = curve(join(right[4:], (right[4:-1] * (-1, 1))[::-1]), 5)
    if kind == "stubble":
        jaw = jaw[np.abs(jaw[:, 1] - m.chin) < m.chin * 0.80]
        top = curve([(-m.wide * 0.93, 26), (-60, 54), (-34, m.mouth_y - 16), (0, m.nose_y + 9), (34, m.mouth_y - 16),
                     (60, 54), (m.wide * 0.93, 26)], 5)  # fmt: skip
        shape = join(face.edge(jaw), face.at(top))
        pen.wash(shape, mix(colour, (44, 40, 44), 0.4), 0.26)
        dots = _inside(rng, 420, m.wide, m.nose_y + 6, m.chin)
        for dot in face.at(dots):
            pen.wash_line([dot, dot + (0.4, 1.8)], shade(colour, 0.6), 0.5, 1.1)
        return
    if kind == "goatee":
        low = curve([(-27, m.mouth_y - 2), (-30, m.mouth_y + 20), (-22, m.chin - 4), (0, m.chin + 11), (22, m.chin - 4),
                     (30, m.mouth_y + 20), (27, m.mouth_y - 2)], 6)  # fmt: skip
        top = curve(
            [(20, m.mouth_y + 8), (9, m.mouth_y + 17), (0, m.mouth_y + 16), (-9, m.mouth_y + 17), (-20, m.mouth_y + 8)],
            5,
        )
        shape = join(face.at(low), face.at(top))
        pen.wash(shape, colour, 0.94)
        left = curve([(-24, m.mouth_y + 6), (-25, m.mouth_y + 24), (-16, m.chin + 4)], 5)
        pen.strands(face.at(left), face.at(left * (-1, 1)), 46, colour, rng, 0.5, 1.2)
        return
    outer = join(jaw[:1] + (0, -6), jaw[2:-2] * (1.03, 1.0), jaw[-1:] + (0, -6))
    drop = np.clip((outer[:, 1] - 40) / 90, 0, 1)
    outer = outer + np.stack([0 * drop, 17 * drop + rng.normal(0, 1.3, len(outer))], axis=1)
    top = curve([(-m.wide * 0.90, 6), (-66, 50), (-40, m.mouth_y - 12), (-30, m.mouth_y + 6), (-17, m.mouth_y + 17),
                 (0, m.mouth_y + 19), (17, m.mouth_y + 17), (30, m.mouth_y + 6), (40, m.mouth_y - 12), (66, 50),
                 (m.wide * 0.90, 6)], 5)  # fmt: skip
    shape = join(face.edge(outer), face.at(top))
    pen.fill(shape, colour, (130, 125, 0, 0))
    for s in (-1, 1):
        cheek = curve(np.array([(m.wide * 0.90, 10), (64, 60), (42, m.mouth_y + 4)]) * (s, 1), 4)
        rim = curve(np.array([(m.wide * 0.98, 14), (m.jaw * 1.05, m.chin * 0.66), (30, m.chin + 10)]) * (s, 1), 4)
        pen.strands(face.at(cheek), face.edge(rim), 34, colour, rng, 0.4, 1.2)
    left = curve([(-36, m.mouth_y + 10), (-34, m.mouth_y + 28), (-26, m.chin + 10)], 4)
    pen.strands(face.at(left), face.at(left * (-1, 1)), 50, colour, rng, 0.45, 1.2)


def draw_mustache(face: Face, pen: Pen, rng: np.random.Generator) -> None:
    """The hair on the upper lip, for a mustache, a goatee or a beard."""
    kind, m = face.character.facial_hair, face.measures
    if kind not in ("mustache", "goatee", "beard"):
        return
    colour = mix(shade(face.hair, 0.68), (50, 36, 30), 0.18)
    big = 1.12 if kind == "mustache" else 0.95
    lift = 0.5 * face.mood.lift + 0.2 * face.mood.gape
    y = m.mouth_y - m.lips * 0.6 - lift * 0.3 - 0.1 * face.mood.gape
    wide = m.mouth_wide * (0.9 + 0.35 * (face.mood.wide - 0.6)) * big
    droop = 10 - lift * 0.9
    for s in (-1, 1):
        upper = curve(
            np.array(
                [(0, y - 11 * big), (0.42 * wide, y - 12.5 * big), (0.85 * wide, y - 3 * big), (1.08 * wide, y + droop)]
            )
            * (s, 1),
            5,
        )
        lower = curve(
            np.array([(0, y - 1), (0.42 * wide, y + 0.5), (0.78 * wide, y + 4), (1.0 * wide, y + droop + 1)]) * (s, 1),
            5,
        )
        pen.wash(join(face.at(upper, 8), face.at(lower, 8)[::-1]), colour, 0.96)
        pen.strands(face.at(upper, 8), face.at(lower, 8), 24, colour, rng, 0.45, 1.2, 0.7)


def _inside(rng: np.random.Generator, count: int, wide: float, top: float, chin: float) -> Points:
    """Random points on the lower face."""
    p = np.stack([rng.uniform(-wide * 0.9, wide * 0.9, count), rng.uniform(top, chin + 1, count)], axis=1)
    low = (p[:, 1] - top) / (chin - top)
    return p[
        (np.abs(p[:, 0]) < wide * (0.96 - 0.62 * np.clip(low, 0, 1) ** 3)) & (low > 0.30 - 0.8 * (np.abs(p[:, 0]) > 50))
    ]
