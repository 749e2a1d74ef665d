"""Neck, shoulders and nine kinds of clothing for photo-like portraits, in units of the whole picture."""

# ruff: noqa: RUF005 (adding a tuple moves the points of an array)
from __future__ import annotations

import numpy as np

from workbench.world.palette import RGB, cloth_colour, luma, mix, shade
from workbench.world.portrait_canvas import BODY, Pen, Points, curve, join, mirror, oval
from workbench.world.portrait_face import Face

WHITE: RGB = (236, 237, 240)
# A kimono's flowers: across (share of the shoulders), below the pit of the neck, radius.
FLOWERS = ((0.62, 62, 13), (-0.70, 92, 15), (0.84, 120, 12), (-0.52, 40, 10), (0.48, 128, 11), (-0.86, 150, 12))


class Outfit:
    """What one person wears in one scene. The pen's origin is between the eyes; the body does not lean."""

    def __init__(self, face: Face, pen: Pen, rng: np.random.Generator) -> None:
        self.face, self.pen, self.rng = face, pen, rng
        self.colour = cloth_colour(face.scene)
        if face.scene.clothing_colour == "white":
            self.colour = (232, 233, 236)
        self.kind = face.scene.clothing
        self.dark = shade(self.colour, 0.62) if luma(self.colour) > 70 else mix(self.colour, (118, 120, 130), 0.55)
        self.deep = shade(self.colour, 0.42) if luma(self.colour) > 70 else (18, 18, 22)
        self.light = mix(self.colour, (255, 255, 255), 0.24)
        child = face.age == "child"
        self.neck = face.measures.neck
        self.base = face.measures.chin + (34 if not child else 24)  # the pit of the neck
        self.broad = {"child": 168, "young": 214, "old": 204}[face.age] + float(rng.normal(0, 5))

    def both(self, points: object) -> Points:
        """A closed outline from its right half, starting and ending in the middle."""
        half = np.asarray(points, dtype=np.float64)
        return join(half, mirror(half))

    def draw_neck(self) -> None:
        """Neck, collarbones and the skin that low necklines show."""
        n, y, skin, pen = self.neck, self.base, self.face.skin, self.pen
        tone = shade(skin, 0.92)
        b = self.broad
        half = curve([(n * 0.98, y - 110), (n * 0.92, y - 50), (n, y - 24), (n + 40, y - 6), (b * 0.75, y + 18),
                      (b * 0.94, y + 60), (b, y + 190)], 5)  # fmt: skip
        pen.fill(self.both(half), tone, BODY)
        for s in (-1, 1):
            cord = curve(np.array([(n * 0.7, y - 62), (n * 0.42, y - 20), (9, y + 4)]) * (s, 1), 5)
            pen.wash_line(cord, shade(skin, 0.55), 0.20, 5)
            bone = curve(np.array([(12, y + 6), (n * 0.9, y + 4), (n + 62, y - 2)]) * (s, 1), 5)
            pen.wash_line(bone, shade(skin, 0.55), 0.30, 4)
            pen.wash_line(bone - (0, 4), (255, 236, 220), 0.14, 4)
        pen.wash(oval(0, y + 5, 9, 6), shade(skin, 0.5), 0.25)

    def draw(self) -> None:
        """The neck and the clothing."""
        if self.kind == "hoodie":
            self._hood()
        if self.kind == "kimono":
            self.pen.fill(
                self.both(
                    curve([(self.neck + 2, self.base - 62), (self.neck + 26, self.base - 34), (0, self.base)], 5)
                ),
                self.dark,
                BODY,
            )
        self.draw_neck()
        {
            "t-shirt": self._tshirt, "hoodie": self._hoodie, "shirt": self._shirt, "suit": self._suit,
            "dress": self._dress, "sweater": self._sweater, "jacket": self._jacket, "overalls": self._overalls,
            "kimono": self._kimono,
        }[self.kind]()  # fmt: skip

    def _cloth(self, opening: object, colour: RGB | None = None, grow: float = 0.0) -> None:
        """Cloth over the shoulders, open at the neck; `opening` is the right half of the neckline, middle last."""
        n, y, b = self.neck, self.base, self.broad
        half = np.asarray(opening, dtype=np.float64)
        start = half[0]
        slope = curve([start, (n + 50, y - 4 - grow), (b * 0.74, y + 14 - grow), (b * 0.93 + grow, y + 46),
                       (b + 2 + grow, y + 100), (b + 14 + grow, y + 195)], 6)  # fmt: skip
        right = join(slope[::-1], half)
        self.pen.fill(join(right, mirror(right)[1:]), self.colour if colour is None else colour, BODY)

    def _seams(self) -> None:
        """Seams where the sleeves begin; the folds of the cloth are light (see `portrait_light.creases`)."""
        y, b = self.base, self.broad
        for s in (-1, 1):  # where the arm begins
            seam = curve(np.array([(b * 0.80, y + 18), (b * 0.76, y + 70), (b * 0.80, y + 190)]) * (s, 1), 5)
            self.pen.wash_line(seam, self.deep, 0.5, 2.6)

    def _round_neck(self, wide: float = 12, drop: float = 16) -> Points:
        n, y = self.neck, self.base
        return curve([(n + wide, y - 20), (n * 0.72, y + drop * 0.35), (n * 0.36, y + drop * 0.9), (0, y + drop)], 5)

    def _band(self, line: Points, wide: float, colour: RGB) -> None:
        """A collar band along the right half of a neckline, mirrored."""
        low = line + np.stack([wide * np.linspace(0.8, 0, len(line)), wide * np.linspace(0.35, 1, len(line))], axis=1)
        ring = join(line, mirror(line)[1:], mirror(low)[::-1], low[::-1])
        self.pen.fill(ring, colour, BODY)
        self.pen.wash_line(join(low, mirror(low)[1:]), self.deep, 0.65, 1.8)

    def _tshirt(self) -> None:
        neck = self._round_neck()
        self._cloth(neck)
        self._seams()
        self._band(neck, 10, mix(self.colour, self.dark, 0.30))

    def _hood(self) -> None:
        n, y = self.neck, self.base
        half = curve([(0, y - 84), (n + 16, y - 76), (n + 52, y - 44), (n + 72, y - 8), (n + 30, y + 24)], 5)
        self.pen.fill(join(half, mirror(half)), self.dark, BODY)
        self.pen.wash_line(join(half[4:-3]) - (4, -4), self.light, 0.35, 5)
        self.pen.wash_line(mirror(half[4:-3]) + (4, 4), self.light, 0.35, 5)

    def _hoodie(self) -> None:
        n, y, pen = self.neck, self.base, self.pen
        neck = curve([(n + 16, y - 26), (n * 0.88, y + 2), (n * 0.42, y + 24), (0, y + 32)], 5)
        self._cloth(neck, grow=6)
        self._seams()
        for s in (-1, 1):  # the hood's edge lies on the chest
            roll = [
                (n + 18, y - 44),
                (n + 46, y - 26),
                (n + 40, y + 14),
                (n * 0.6, y + 46),
                (4, y + 60),
                (4, y + 34),
                (n * 0.42, y + 24),
                (n * 0.9, y + 2),
            ]
            pen.fill(curve(np.array(roll) * (s, 1), 5, closed=True), mix(self.colour, self.light, 0.3), BODY)
            crease = curve(np.array([(n + 44, y - 20), (n + 38, y + 16), (n * 0.6, y + 47), (4, y + 61)]) * (s, 1), 5)
            pen.wash_line(crease, self.deep, 0.7, 2.4)
            pen.wash_line(crease + (s * 2, 3), self.deep, 0.25, 6)
        cord: RGB = WHITE if luma(self.colour) < 190 else (96, 98, 108)
        for s in (-1, 1):
            x = s * n * 0.52
            pen.fill(oval(x, y + 42, 4, 4), (90, 90, 96), BODY)
            pen.line(curve([(x, y + 43), (x + s * 3, y + 72), (x + s * 1, y + 108)], 5), cord, 4.2, BODY)
            pen.line([(x + s * 1, y + 106), (x + s * 1, y + 116)], shade(cord, 0.8), 6, BODY)

    def _buttons(self, x: float, top: float, step: float, colour: RGB, r: float = 3.6) -> None:
        for i in range(5):
            self.pen.fill(oval(x, top + step * i, r, r), colour, BODY)
            self.pen.wash(oval(x - 0.8, top + step * i - 0.8, r * 0.5, r * 0.5), (255, 255, 255), 0.4)

    def _collar(self, colour: RGB, edge: RGB, reach: float = 1.0) -> None:
        """A shirt's pointed collar."""
        n, y, pen = self.neck, self.base, self.pen
        for s in (-1, 1):
            leaf = np.array(
                [
                    (n + 2, y - 48),
                    (n + 17, y - 32),
                    (n + 18 * reach, y + 6),
                    (n * 0.46 + 14, y + 44 * reach),
                    (3, y + 16),
                    (n * 0.66, y - 12),
                ]
            )
            pen.fill(leaf * (s, 1), colour, BODY)
            pen.wash_line((leaf * (s, 1))[1:5], edge, 0.85, 2.2)
            pen.wash_line((leaf * (s, 1))[[4, 5, 0]], edge, 0.5, 1.8)

    def _shirt(self) -> None:
        n, y, pen = self.neck, self.base, self.pen
        self._cloth([(n + 10, y - 26), (n * 0.5, y - 2), (0, y + 20)])
        self._seams()
        pen.wash(np.array([(-11, y + 20), (11, y + 20), (11, y + 195), (-11, y + 195)]), self.light, 0.5)
        for s in (-11, 11):
            pen.wash_line([(s, y + 26), (s, y + 195)], self.deep, 0.6, 1.7)
        self._collar(mix(self.colour, self.light, 0.55), self.deep)
        self._buttons(0, y + 40, 34, WHITE if luma(self.colour) < 200 else (150, 152, 160))

    def _suit(self) -> None:
        n, y, pen = self.neck, self.base, self.pen
        white: RGB = (240, 241, 244)
        jacket = mix(self.colour, self.dark, 0.35)
        pen.fill(self.both(curve([(n + 10, y - 30), (n + 26, y + 20), (30, y + 200)], 4)), white, BODY)
        for s in (-1, 1):
            front = curve([(n + 8, y - 32), (n + 50, y - 10), (self.broad * 0.74, y + 10), (self.broad * 0.95, y + 42),
                           (self.broad + 6, y + 100), (self.broad + 16, y + 195)], 6)  # fmt: skip
            pen.fill(join(front, [(2, y + 195), (20, y + 130)]) * (s, 1), jacket, BODY)
        self._seams()
        tie: RGB = (158, 36, 48) if self.face.scene.clothing_colour not in ("red", "orange", "pink") else (40, 52, 104)
        pen.fill(
            np.array([(-13, y + 4), (13, y + 4), (8, y + 26), (20, y + 190), (-20, y + 190), (-8, y + 26)]), tie, BODY
        )
        pen.wash_line([(-8, y + 26), (8, y + 26)], (20, 10, 14), 0.6, 2.2)
        for k in range(4):
            pen.wash_line([(-15, y + 62 + 32 * k), (15, y + 44 + 32 * k)], (255, 255, 255), 0.22, 4)
        self._collar(white, (120, 124, 134), 0.9)
        for s in (-1, 1):
            lapel = np.array(
                [
                    (n + 6, y - 38),
                    (n + 28, y - 20),
                    (n + 54, y + 44),
                    (n + 34, y + 52),
                    (n + 42, y + 70),
                    (14, y + 172),
                    (n * 0.5, y + 60),
                ]
            )
            pen.fill(lapel * (s, 1), mix(jacket, self.light, 0.16), BODY)
            pen.wash_line((lapel * (s, 1))[1:6], self.deep, 0.8, 2.2)
            pen.wash_line((lapel * (s, 1))[[5, 6, 0]], (10, 10, 14), 0.45, 2.6)

    def _dress(self) -> None:
        n, y, pen, b = self.neck, self.base, self.pen, self.broad
        top = y + 58
        half = [
            (b * 0.66, y + 200),
            (b * 0.70, y + 118),
            (b * 0.56, top + 22),
            (b * 0.44, top - 6),
            (b * 0.20, top - 8),
            (0, top + 16),
        ]
        line = join(half[:2], curve(half[1:], 5))
        pen.fill(join(line, mirror(line)), self.colour, BODY)
        pen.wash_line(join(line[4:], mirror(line)[:-4]) - (0, 3), shade(self.face.skin, 0.5), 0.22, 5)
        for s in (-1, 1):
            strap = np.array([(n + 40, y - 8), (n + 54, y - 5), (b * 0.46, top + 4), (b * 0.36, top - 2)]) * (s, 1)
            pen.fill(strap, self.colour, BODY)
            pen.wash_line(strap[[1, 2]], self.deep, 0.5, 1.6)
            arm = curve(np.array([(b * 0.72, y + 70), (b * 0.70, y + 120), (b * 0.66, y + 190)]) * (s, 1), 4)
            pen.wash_line(arm, shade(self.face.skin, 0.45), 0.45, 4)
            for k in range(4):
                x = s * (20 + 22 * k)
                pen.wash_line(curve([(x, top + 14), (x * 1.04, top + 60), (x * 0.96, y + 195)], 4), self.deep, 0.26, 4)
        hem = curve(np.array(half[1:]), 5)
        pen.line(join(hem, mirror(hem)[1:]), self.light, 3.4)
        pen.wash_line(join(hem, mirror(hem)[1:]) + (0, 4), self.deep, 0.5, 2)

    def _sweater(self) -> None:
        n, y, pen, b = self.neck, self.base, self.pen, self.broad
        self._cloth([(n + 10, y - 26), (n * 0.5, y), (0, y + 12)], grow=5)
        for k in range(-9, 10):  # cables
            x = k * b / 8.4
            for row in range(7):
                top = y + 14 + 26 * row + abs(x) ** 2 / 620
                line = curve([(x - 5, top), (x + 4, top + 8), (x - 4, top + 18), (x + 5, top + 26)], 3)
                pen.wash_line(line, self.deep, 0.36, 2.8)
                pen.wash_line(line + (4, 1), self.light, 0.40, 2.6)
        self._seams()
        roll = [(n * 0.98, y - 52), (n + 11, y - 40), (n + 12, y - 14), (n * 0.75, y + 12), (0, y + 20)]
        rim = curve(roll, 5)
        inner = curve([(0, y - 22), (n * 0.6, y - 30), (n * 0.98, y - 52)], 5)
        pen.fill(join(rim, mirror(rim)[1:], mirror(inner), inner[::-1][::-1]), mix(self.colour, self.light, 0.25), BODY)
        for k in np.linspace(-1, 1, 17):
            x = k * (n + 8)
            bend = (1 - k * k) * 22
            pen.wash_line([(x * 0.96, y - 48 + bend), (x, y - 8 + bend)], self.deep, 0.42, 2)
        pen.wash_line(join(rim, mirror(rim)[1:]), self.deep, 0.7, 2.4)

    def _jacket(self) -> None:
        n, y, pen, b = self.neck, self.base, self.pen, self.broad
        tee: RGB = WHITE if luma(self.colour) < 200 else (84, 88, 100)
        neck = self._round_neck(8, 14)
        self._cloth(neck, tee)
        self._band(neck, 8, shade(tee, 0.9))
        for s in (-1, 1):
            slope = curve([(n + 6, y - 38), (n + 50, y - 12), (b * 0.75, y + 8), (b * 0.96, y + 42), (b + 8, y + 100),
                           (b + 18, y + 195)], 6)  # fmt: skip
            front = join(slope, [(36, y + 195), (40, y + 110), (n * 0.86, y + 30)])
            pen.fill(front * (s, 1), self.colour, BODY)
        self._seams()
        for s in (-1, 1):
            zipper = curve(np.array([(n * 0.88, y + 24), (42, y + 110), (37, y + 195)]) * (s, 1), 5)
            pen.line(zipper, (176, 178, 186), 5.4, BODY)
            pen.wash_line(zipper, (60, 62, 70), 0.6, 1.6)
            pen.wash_line(zipper + (s * 6, 0), self.deep, 0.6, 2.4)
            collar = np.array(
                [
                    (n - 2, y - 62),
                    (n + 20, y - 50),
                    (n + 30, y - 6),
                    (n * 0.96, y + 44),
                    (n * 0.62, y + 14),
                    (n * 0.86, y - 20),
                ]
            )
            pen.fill(curve(collar * (s, 1), 4, closed=True), mix(self.colour, self.dark, 0.45), BODY)
            pen.wash_line(curve((collar * (s, 1))[1:4], 5), self.deep, 0.8, 2.4)
            pen.wash_line(curve(np.array([(b * 0.42, y + 104), (b * 0.60, y + 98)]) * (s, 1), 3), self.deep, 0.8, 3)

    def _overalls(self) -> None:
        n, y, pen, b = self.neck, self.base, self.pen, self.broad
        tee: RGB = (238, 238, 240) if luma(self.colour) < 205 else (206, 84, 84)
        neck = self._round_neck()
        self._cloth(neck, tee)
        stripe: RGB = (70, 84, 120) if luma(self.colour) < 205 else (240, 240, 240)
        for row in range(7):
            at = y + 30 + 24 * row
            pen.wash_line(
                curve(
                    [(-b * 0.97, at + 16), (-b * 0.5, at + 2), (0, at + 6), (b * 0.5, at + 2), (b * 0.97, at + 16)], 5
                ),
                stripe,
                0.55,
                7,
            )
        self._seams()
        self._band(neck, 9, shade(tee, 0.9))
        bib = y + 66
        for s in (-1, 1):
            strap = np.array([(n + 24, y - 16), (n + 50, y - 8), (66, bib + 14), (38, bib + 14)]) * (s, 1)
            pen.fill(strap, self.colour, BODY)
            for seam in ([0, 3], [1, 2]):
                pen.wash_line(strap[seam], self.deep, 0.7, 2)
            pen.fill(
                np.array([(b * 0.50, y + 200), (84, bib + 60), (74, bib), (0, bib), (0, y + 200)]) * (s, 1),
                self.colour,
                BODY,
            )
        pen.wash_line([(-72, bib + 6), (72, bib + 6)], self.light, 0.8, 2.2)
        pen.wash_line([(-74, bib), (74, bib)], self.deep, 0.7, 2)
        pen.wash(np.array([(-34, bib + 24), (34, bib + 24), (34, y + 200), (-34, y + 200)]), self.dark, 0.45)
        pen.wash_line([(-34, y + 200), (-34, bib + 24), (34, bib + 24), (34, y + 200)], self.light, 0.7, 2)
        for s in (-1, 1):
            pen.fill(oval(s * 53, bib + 13, 9, 9), (206, 172, 92), BODY)
            pen.fill(oval(s * 53 - 2, bib + 11, 3.4, 3.4), (250, 236, 190), BODY)

    def _kimono(self) -> None:
        n, y, pen, b = self.neck, self.base, self.pen, self.broad
        self._cloth([(n + 16, y - 30), (n * 0.6, y + 30), (0, y + 92)], grow=4)
        self._seams()
        petal: RGB = (252, 236, 226) if luma(self.colour) < 190 else (214, 92, 104)
        for fx, fy, r in FLOWERS:
            for k in range(5):
                angle = 2 * np.pi * k / 5 + fx * 4
                pen.wash(
                    oval(fx * b + r * 0.62 * np.cos(angle), y + fy + r * 0.62 * np.sin(angle), r * 0.5, r * 0.5),
                    petal,
                    0.85,
                )
            pen.wash(oval(fx * b, y + fy, r * 0.26, r * 0.26), (232, 180, 70), 1.0)
        for s in (1, -1):  # the left side lies on top
            for shift, wide, colour in ((-9.0, 13.0, WHITE), (4.0, 26.0, self.dark)):
                top, low = np.array([s * (n + 6 + shift), y - 50]), np.array([-s * (30 - shift), y + 132 + shift])
                bow = np.array([s * (n * 0.62 + shift), y + 26])
                far = curve([top + (s * wide * 0.9, 6), bow + (s * wide, 8), low + (s * wide * 0.6, wide)], 5)
                pen.fill(join(curve([top, bow, low], 5), far[::-1]), colour, BODY)
                pen.wash_line(curve([top, bow, low], 5), (30, 20, 24), 0.40, 1.8)
                pen.wash_line(far, self.deep, 0.5, 1.8)
