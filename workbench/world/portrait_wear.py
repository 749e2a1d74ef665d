"""Glasses and headwear of photo-like portraits, in the head's coordinates."""

# ruff: noqa: RUF005 (adding a tuple moves the points of an array)
from __future__ import annotations

import numpy as np

from workbench.world.palette import RGB, mix, shade
from workbench.world.portrait_canvas import THING, Pen, Points, curve, join, mirror, oval
from workbench.world.portrait_face import Face

FRAMES: tuple[RGB, ...] = ((30, 28, 32), (78, 46, 30), (40, 46, 72), (110, 36, 40))
HAT_COLOURS: dict[str, tuple[RGB, ...]] = {
    "cap": ((196, 52, 56), (44, 74, 140), (48, 108, 84), (58, 60, 70)),
    "beanie": ((204, 128, 52), (92, 112, 150), (150, 62, 84), (104, 120, 84)),
    "hat": ((206, 172, 118), (122, 88, 62), (92, 90, 96)),
    "bow": ((216, 52, 84), (240, 118, 158), (206, 60, 60)),
    "headphones": ((52, 54, 62), (226, 228, 232), (176, 60, 64)),
    "cat ears": ((46, 42, 48), (238, 236, 236), (128, 92, 66)),
}


def draw_glasses(face: Face, pen: Pen) -> None:
    """Round or square frames with a faint reflection, following the head's turn."""
    kind, m = face.character.glasses, face.measures
    if kind == "none":
        return
    tone = FRAMES[face.character.variation // 3 % len(FRAMES)]
    x, y = m.eye_x * 1.02, 4.0
    for s in (-1, 1):
        if kind == "round":
            rim = oval(s * x, y, 28.5, 27.5)
        else:
            corners = [(-29, -16), (-24, -20), (24, -20), (29, -16), (27, 16), (20, 22), (-20, 22), (-27, 16)]
            rim = np.array(corners) + (s * x, y)
        rim = face.at(rim, 6)
        closed = join(rim, rim[:2])
        pen.wash(rim, (225, 238, 248), 0.07)
        wide = (np.max(rim[:, 0]) - np.min(rim[:, 0])) / 2
        cx = float(np.mean(rim[:, 0]))
        glint = np.array([(-0.62, -14), (-0.30, -18), (-0.62, 12), (-0.80, 6)]) * (wide, 1) + (cx, y)
        pen.wash(glint, (255, 255, 255), 0.17)
        pen.wash_line(closed + (0, 3), (20, 14, 12), 0.22, 4.0)  # shadow on the skin
        pen.line(closed, tone, 4.4 if kind == "square" else 3.6)
        pen.wash_line(closed[10:20] if kind == "round" else closed[1:3], (255, 255, 255), 0.22, 1.3)
        if s * face.turn < 0.45:
            hinge = face.at([(s * (x + 28), y - 8)], 6)[0]
            end = face.edge([(s * (m.wide + 1), 0)])[0]
            pen.line([hinge, end], tone, 4.6)
    bridge = curve(face.at([(-x + 27, y - 4), (0, y - 10), (x - 27, y - 4)], 8), 4)
    pen.line(bridge, tone, 4.0)


class Headwear:
    """What is on the head in one scene."""

    def __init__(self, face: Face, pen: Pen, rng: np.random.Generator) -> None:
        self.face, self.pen, self.rng = face, pen, rng
        self.kind = face.scene.headwear
        tones = HAT_COLOURS.get(self.kind, ((0.0, 0.0, 0.0),))
        self.tone: RGB = tones[int(rng.integers(len(tones)))]
        self.shift = face.turn * 14
        self.grow = 20 if face.character.hair_style in ("afro", "curly", "spiky", "wavy", "parted") else 13

    def back(self) -> None:
        """What is behind the head: the far side of a hat's brim."""
        if self.kind == "hat":
            m = self.face.measures
            self.pen.fill(oval(self.shift, -64, m.wide + 78, 30), shade(self.tone, 0.5), THING)

    def front(self) -> None:
        """What is over hair and forehead."""
        draw = {
            "cap": self._cap, "beanie": self._beanie, "hat": self._hat, "bow": self._bow,
            "headphones": self._headphones, "cat ears": self._cat_ears,
        }.get(self.kind)  # fmt: skip
        if draw is not None:
            draw()

    def _dome(self, low: float, high: float, wide: float) -> Points:
        """Half of a hat's crown, right side, from the brim up to the middle."""
        return np.array(
            [
                (wide, low),
                (wide * 1.005, low - 26),
                (wide * 0.86, high * 0.76 + low * 0.24),
                (wide * 0.50, high * 0.96 + low * 0.04),
                (0, high),
            ]
        )

    def _shell(self, low: float, high: float, wide: float, sag: float) -> Points:
        right = curve(self._dome(low, high, wide), 5)
        brim = curve(
            [(-wide, low), (-wide * 0.5, low + sag * 0.8), (0, low + sag), (wide * 0.5, low + sag * 0.8), (wide, low)],
            5,
        )
        return join(right, mirror(right)[1:], brim) + (self.shift * 0.9, 0)

    def _cap(self) -> None:
        m, pen = self.face.measures, self.pen
        wide, high, low = m.wide + self.grow, m.crown - self.grow - 8, -56.0
        pen.fill(self._shell(low, high, wide, -10), self.tone, THING)
        t = self.shift * 1.8
        for u in (-0.52, 0.52):
            seam = curve(
                [(t * 0.4, high + 2), (wide * u * 0.8 + t * 0.7, high * 0.72 + low * 0.28), (wide * u + t, low - 8)], 5
            )
            pen.wash_line(seam, (0, 0, 0), 0.32, 2)
        pen.wash_line([(t * 0.4, high), (t, low - 10)], (0, 0, 0), 0.22, 2)
        pen.fill(oval(t * 0.4, high + 1, 8, 4.5), shade(self.tone, 0.8), THING)
        pen.fill(oval(t, (high + low) / 2 + 12, 19, 17), (240, 240, 240), THING)
        pen.fill(oval(t, (high + low) / 2 + 12, 10, 9), mix(self.tone, (20, 20, 30), 0.35), THING)
        # The visor comes forward and down over the forehead.
        top = curve(
            [
                (-wide * 0.93, low + 2),
                (-wide * 0.5, low - 12),
                (0, low - 16),
                (wide * 0.5, low - 12),
                (wide * 0.93, low + 2),
            ],
            5,
        )
        rim = curve(
            [
                (wide * 0.93, low + 3),
                (wide * 0.72, low + 16),
                (0, low + 21),
                (-wide * 0.72, low + 16),
                (-wide * 0.93, low + 3),
            ],
            5,
        )
        pen.fill(join(top, rim) + (t, 0), mix(shade(self.tone, 0.78), (20, 20, 28), 0.1), THING)
        pen.wash_line(rim + (t, -3), (255, 255, 255), 0.25, 1.8)
        pen.wash_line(top + (t, 0), (0, 0, 0), 0.45, 2.4)

    def _beanie(self) -> None:
        m, pen = self.face.measures, self.pen
        wide, high, low = m.wide + self.grow - 2, m.crown - self.grow - 9, -74.0
        t = self.shift
        fuzz = shade(self.tone, 1.25)
        for angle in np.linspace(0, 2 * np.pi, 14):
            pen.fill(
                oval(t + 19 * np.cos(angle), high - 8 + 16 * np.sin(angle), 8, 8),
                mix(fuzz, self.tone, 0.3 + 0.3 * np.sin(angle)),
                THING,
            )
        pen.fill(oval(t, high - 8, 21, 18), fuzz, THING)
        pen.fill(self._shell(low, high, wide, -8), self.tone, THING)
        for u in np.linspace(-0.92, 0.92, 13):
            rib = curve(
                [
                    (t + u * 26, high + 4 + 8 * u * u),
                    (t + wide * u * 0.86, high * 0.7 + low * 0.3 + 8),
                    (t + wide * u, low),
                ],
                4,
            )
            pen.wash_line(rib, shade(self.tone, 0.4), 0.40, 3)
            pen.wash_line(rib + (4, 0), (255, 245, 235), 0.18, 3)
        cuff = curve(
            [(-wide - 4, low - 8), (-wide * 0.5, low - 17), (0, low - 20), (wide * 0.5, low - 17), (wide + 4, low - 8)],
            5,
        )
        under = curve(
            [
                (wide + 5, low + 26),
                (wide * 0.5, low + 18),
                (0, low + 15),
                (-wide * 0.5, low + 18),
                (-wide - 5, low + 26),
            ],
            5,
        )
        pen.fill(join(cuff, under) + (t * 0.9, 0), shade(self.tone, 1.12), THING)
        for u in np.linspace(-0.97, 0.97, 25):
            x = t * 0.9 + u * (wide + 3)
            pen.wash_line([(x, low - 18 + 9 * u * u), (x, low + 14 + 11 * u * u)], shade(self.tone, 0.4), 0.42, 2.4)
        pen.wash_line(cuff + (t * 0.9, 0), (0, 0, 0), 0.4, 2.4)

    def _hat(self) -> None:
        m, pen = self.face.measures, self.pen
        wide, low = m.wide + self.grow - 6, -66.0
        high = m.crown - self.grow - 16
        t = self.shift
        crown = curve(
            [(wide, low), (wide * 0.94, low - 40), (wide * 0.80, high + 12), (wide * 0.45, high - 2), (0, high + 9)], 5
        )
        pen.fill(join(crown, mirror(crown)[1:]) + (t * 0.8, 0), self.tone, THING)
        pen.wash(oval(t * 0.8, high + 12, wide * 0.42, 9), (0, 0, 0), 0.22)
        band = curve([(wide * 0.985, low - 22), (0, low - 31), (-wide * 0.985, low - 22)], 6)
        base = curve([(-wide, low + 2), (0, low - 2), (wide, low + 2)], 6)
        pen.fill(join(band, base) + (t * 0.8, 0), mix(shade(self.tone, 0.34), (60, 30, 36), 0.4), THING)
        top = curve(
            [(-wide - 66, low + 2), (-wide * 0.9, low - 7), (0, low - 5), (wide * 0.9, low - 7), (wide + 66, low + 2)],
            6,
        )
        under = curve(
            [
                (wide + 66, low + 4),
                (wide * 0.86, low + 22),
                (0, low + 24),
                (-wide * 0.86, low + 22),
                (-wide - 66, low + 4),
            ],
            6,
        )
        pen.fill(join(top, under) + (t * 1.1, 0), shade(self.tone, 0.94), THING)
        pen.wash_line(under + (t * 1.1, -2), (0, 0, 0), 0.30, 3)
        for k in range(3):
            pen.wash_line((top * (1 - 0.03 * k, 1)) + (t * 1.1, 4 + 5 * k), shade(self.tone, 0.5), 0.22, 1.5)

    def _bow(self) -> None:
        m, pen = self.face.measures, self.pen
        s = 1 if self.face.character.variation % 2 else -1
        x, y = s * 46 - self.face.turn * 6, m.crown - 2
        for k, lean in ((-1, 0.9), (1, 1.0)):
            loop = np.array([(0, 0), (18, -24), (52, -34), (60, -4), (50, 26), (18, 18)]) * (k * lean, 1)
            pen.fill(curve(loop + (x, y), 5, closed=True), self.tone, THING)
            pen.wash(
                curve(np.array([(8, 0), (30, -12), (44, -4), (28, 8)]) * (k * lean, 1) + (x, y), 4, closed=True),
                shade(self.tone, 0.45),
                0.55,
            )
            pen.wash_line(
                curve(np.array([(20, -24), (44, -31), (57, -8)]) * (k * lean, 1) + (x, y + 3), 4),
                (255, 255, 255),
                0.35,
                3,
            )
            tail = np.array([(0, 4), (10, 10), (34, 40), (20, 46), (12, 40)]) * (k * lean, 1)
            pen.fill(tail + (x, y), shade(self.tone, 0.82), THING)
        pen.fill(oval(x, y, 13, 14), shade(self.tone, 0.9), THING)
        pen.wash_line([(x - 4, y - 8), (x - 4, y + 8)], (0, 0, 0), 0.25, 2)

    def _headphones(self) -> None:
        m, pen = self.face.measures, self.pen
        thick = {"afro": 24, "curly": 18, "spiky": 8, "parted": 16, "wavy": 16, "bob": 16}.get(
            self.face.character.hair_style, 11
        )
        r = m.wide + thick
        angle = np.linspace(np.pi, 2 * np.pi, 25)
        arc = np.stack([r * np.cos(angle) + self.shift, 4 + (-m.crown + thick + 6) * np.sin(angle)], axis=1)
        pen.line(arc, self.tone, 15, THING)
        pen.wash_line(arc + (0, 5), (0, 0, 0), 0.25, 5)
        pen.wash_line(arc[6:16] - (0, 3), (255, 255, 255), 0.35, 3)
        for s in (-1, 1):
            toward = s * self.face.turn
            x = s * (r + 3) + self.shift - s * 8 * max(-toward, 0)
            wide = 19 * (1 - 0.45 * max(toward, 0)) + 4 * max(-toward, 0)
            pen.fill(oval(x - s * 9, 12, wide * 0.75, 37), (38, 38, 44), THING)
            pen.fill(oval(x + s * 2, 12, wide, 40), self.tone, THING)
            pen.wash(oval(x + s * 3, 12, wide * 0.6, 27), (0, 0, 0), 0.22)
            pen.wash(oval(x + s * 2 - 4, -2, wide * 0.3, 12), (255, 255, 255), 0.30)

    def _cat_ears(self) -> None:
        m, pen = self.face.measures, self.pen
        lift = {"afro": 36, "curly": 16, "spiky": 6, "parted": 14, "wavy": 14, "bob": 13}.get(
            self.face.character.hair_style, 8
        )
        r = m.wide + 6
        angle = np.linspace(1.12 * np.pi, 1.88 * np.pi, 21)
        high = -m.crown + lift
        arc = np.stack([r * np.cos(angle) + self.shift * 0.6, high * np.sin(angle)], axis=1)
        for s in (-1, 1):
            x, y = s * 60 + self.shift * 0.6, -high * 0.80
            ear = np.array([(-34, 12), (-24, -30), (12, -66), (24, -24), (30, 26)]) * (s, 1) + (x, y)
            pen.fill(join(curve(ear[:3], 4), curve(ear[2:], 4)), self.tone, THING)
            core = np.array([(-17, 6), (-12, -20), (9, -46), (15, -16), (17, 14)]) * (s, 1) + (x, y)
            pen.fill(join(curve(core[:3], 4), curve(core[2:], 4)), (238, 158, 172), THING)
            pen.wash_line(curve(ear[:3], 4), (255, 255, 255), 0.22, 2.5)
        pen.line(arc, shade(self.tone, 0.7), 8, THING)
