"""Hair of photo-like portraits: fourteen styles, each a back layer behind the head and a front layer over it."""

# ruff: noqa: RUF005 (adding a tuple moves the points of an array)
from __future__ import annotations

import numpy as np

from workbench.world.palette import RGB, mix, shade
from workbench.world.portrait_canvas import HAIR, Pen, curve, join, oval
from workbench.world.portrait_hair_behind import HairBehind
from workbench.world.portrait_scalp import HANGING, bend


class Hair(HairBehind):
    """One character's hair on one face: call `back` before body and head are drawn, `front` after the face."""

    def front(self, pen: Pen) -> None:
        """What grows on top and falls into the face."""
        if self.style == "bald":
            return
        draw = {
            "buzzed": self._buzzed, "short": self._short, "spiky": self._spiky, "curly": self._curly,
            "afro": self._afro, "parted": self._parted, "bob": self._bob, "straight": self._long, "wavy": self._long,
        }.get(self.style, self._slick)  # fmt: skip
        draw(pen)

    def _buzzed(self, pen: Pen) -> None:
        m = self.face.measures
        colour = mix(shade(self.colour, 0.88), self.face.skin, 0.27)
        line = [
            (m.wide * 1.0, 16),
            (m.wide * 0.93, -18),
            (m.wide * 0.86, -46),
            (62, m.hairline + 10),
            (34, m.hairline - 3),
            (0, m.hairline - 4),
        ]
        self.cap(pen, line, colour, 3)
        angle, r = self.rng.uniform(-np.pi, 0, 420), np.sqrt(self.rng.uniform(0.3, 1.0, 420))
        dots = np.stack([np.cos(angle) * r * m.wide, np.sin(angle) * r * -m.crown], axis=1)
        keep = (dots[:, 1] < m.hairline - 2 + 0.006 * dots[:, 0] ** 2) & (np.abs(dots[:, 0]) < m.wide - 1)
        for dot in self.face.edge(dots[keep]):
            pen.line([dot, dot + (0.5, 2.4)], shade(self.colour, 0.75), 1.0)

    def _short(self, pen: Pen) -> None:
        m = self.face.measures
        h = m.hairline
        line = [(m.wide * 1.0, 18), (m.wide * 0.93, -8), (m.wide * 0.86, -42), (66, h + 18), (40, h + 6), (0, h + 4)]
        rim = self.cap(pen, line, self.colour)
        outer = self.outer(self.volume)
        root = (self.side * 26 + self.face.turn * 10, m.crown - 2)
        self.comb(pen, root, rim, outer, 230)
        if not self.hat:
            for x in np.linspace(-62, 62, 11):  # short locks of the fringe, all swept one way
                x0 = x + self.rng.normal(0, 3)
                tip = (x0 - self.side * self.rng.uniform(6, 14), h + 17 + 0.0035 * x * x + self.rng.normal(0, 3))
                lock = [(x0 - 10, h - 12), (x0 + 10, h - 12), tip]
                pen.fill(
                    self.on(curve(lock, 4, closed=True)), shade(self.colour, 0.92 + 0.14 * self.rng.random()), HAIR
                )

    def _spiky(self, pen: Pen) -> None:
        m = self.face.measures
        h = m.hairline
        line = [(m.wide * 1.0, 16), (m.wide * 0.92, -12), (m.wide * 0.85, -48), (62, h + 8), (30, h + 2), (0, h + 2)]
        self.cap(pen, line, shade(self.colour, 0.84))
        angles = np.linspace(-2.86, -0.28, 17)
        order = self.rng.permutation(len(angles))
        for layer, (reach, start) in enumerate(((1.0, 0.80), (0.84, 0.52))):
            for i in order:
                angle = angles[i] + self.rng.normal(0, 0.04)
                up = np.sin(-angle)
                if layer and up < 0.72:
                    continue
                long = (20 + 24 * up + self.rng.normal(0, 5)) * reach * (0.4 if self.hat else 1)
                base = np.array([np.cos(angle) * (m.wide + 4), np.sin(angle) * (-m.crown + 4)]) * start
                across = np.array([-np.sin(angle), np.cos(angle)]) * (15 - 2 * layer)
                out = np.array([np.cos(angle) + 0.12 * self.side, np.sin(angle)])
                tip = base / start * reach + out * long
                inward, outward = base - across, base + across
                first = curve([inward, inward * 0.25 + tip * 0.75 - across * 0.12, tip], 3)
                second = curve([tip, outward * 0.25 + tip * 0.75 + across * 0.25, outward], 3)
                lock = join(first, second)
                if self.hat and tip[1] < -110:
                    continue
                tone = shade(self.colour, 0.86 + 0.2 * layer * 0.6 + 0.12 * self.rng.random())
                pen.fill(self.face.edge(lock), tone, HAIR)
                pen.strands(
                    self.face.edge(curve([base - across * 0.6, tip], 4)),
                    self.face.edge(curve([base + across * 0.6, tip], 4)),
                    7,
                    tone,
                    self.rng,
                    0.35,
                    1.3,
                    0.6,
                )
        if not self.hat:
            for x in (-46, -22, 4, 28, 50):
                tip = (x + self.side * 9, h + 24 + self.rng.normal(0, 4))
                pen.fill(self.on([(x - 11, h - 8), (x + 11, h - 8), tip]), shade(self.colour, 0.95), HAIR)

    def _curly(self, pen: Pen) -> None:
        m = self.face.measures
        h = m.hairline
        line = [(m.wide * 1.02, 22), (m.wide * 0.94, -14), (m.wide * 0.84, -50), (60, h + 14), (30, h + 8), (0, h + 8)]
        rim = self.cap(pen, line, shade(self.colour, 0.86))
        outer = self.outer(self.volume, 20)
        bumps = outer[2:-2:3]
        for x, y in bumps:
            if self.hat and y < -80:
                continue
            r = self.rng.uniform(11, 17)
            pen.fill(oval(x, y, r, r), shade(self.colour, 0.86), HAIR)
        for x, y in rim[4:-4:4]:
            r = self.rng.uniform(8, 13)
            pen.fill(oval(x, y - 2, r, r), shade(self.colour, 0.86), HAIR)
        share = self.rng.random((120, 1))
        pick = self.rng.integers(0, len(outer), 120)
        start = outer[pick]
        end = rim[::-1][np.clip(pick * len(rim) // len(outer), 0, len(rim) - 1)]
        spots = start + (end - start) * share
        self.curls(pen, spots[~((spots[:, 1] < -80) & self.hat)], 8.5)

    def _afro(self, pen: Pen) -> None:
        m = self.face.measures
        h = m.hairline + 4
        line = [(m.wide * 1.05, 24), (m.wide * 0.95, -20), (m.wide * 0.82, -58), (58, h - 2), (28, h - 8), (0, h - 8)]
        rim = self.cap(pen, line, shade(self.colour, 0.9), 14 if not self.hat else 4, 22)
        for x, y in rim[2:-2:2]:
            pen.fill(oval(x, y - 1, 6, 6), shade(self.colour, 0.9), HAIR)
        outer = self.outer(14)
        pick = self.rng.integers(0, len(outer), 110)
        end = rim[::-1][np.clip(pick * len(rim) // len(outer), 0, len(rim) - 1)]
        self.curls(pen, outer[pick] + (end - outer[pick]) * self.rng.random((110, 1)), 4.2)

    def _sweep(self, pen: Pen, part: float, right: object, left: object, colour: RGB, low: float) -> None:
        """Two curtains of hair from a part at x = `part` over the crown to both sides."""
        m = self.face.measures
        outer = self.outer(self.volume, low)
        peak = np.array([part, m.crown - self.volume + 2])
        root = self.face.at([(part, m.hairline - 10)])[0]
        for s, line in ((1, right), (-1, left)):
            rim = self.on(curve(line, 6))
            side = (
                outer[np.argsort(np.abs(outer[:, 0] - peak[0]))[0] :]
                if s > 0
                else outer[: np.argsort(np.abs(outer[:, 0] - peak[0]))[0] + 1][::-1]
            )
            pen.fill(join([root], rim, side[::-1]), colour, HAIR)
            n = 12
            guide_in = rim[np.linspace(0, len(rim) - 1, n).astype(int)]
            guide_out = side[np.linspace(0, len(side) - 1, n).astype(int)]
            pen.strands(guide_in, guide_out, 95, colour, self.rng, 0.34, 1.5, 1.2)
        pen.wash_line(
            curve([root, (root + self.face.edge([peak])[0]) / 2 + (0, -2), self.face.edge([peak])[0] + (0, 10)], 4),
            shade(self.colour, 0.4),
            0.55,
            2.2,
        )

    def _parted(self, pen: Pen) -> None:
        m = self.face.measures
        h, s = m.hairline, self.side
        near = [
            (s * 36, h - 10),
            (s * 56, h + 6),
            (s * m.wide * 0.84, h + 44),
            (s * m.wide * 0.94, -8),
            (s * m.wide * 1.0, 20),
        ]
        wide = [
            (s * 36, h - 10),
            (s * 10, h + 13),
            (-s * 34, h + 19),
            (-s * m.wide * 0.80, h + 38),
            (-s * m.wide * 0.94, -8),
            (-s * m.wide * 1.0, 20),
        ]
        right, left = (near, wide) if s > 0 else (wide, near)
        self._sweep(pen, s * 36, right, left, self.colour, 14)

    def _long(self, pen: Pen) -> None:
        m = self.face.measures
        h = m.hairline
        wavy = self.style == "wavy"
        part = self.side * 24 if wavy else 0.0
        low = HANGING[self.style][1]
        curtains = []
        for s in (1, -1):
            if wavy:
                line = [
                    (part, h - 8),
                    (part + s * 20, h + 4),
                    (s * 66, h + 30),
                    (s * m.wide * 0.95, -24),
                    (s * m.wide * 0.93, 20),
                ]
            else:
                line = [
                    (part, h - 8),
                    (part + s * 24, h + 8),
                    (s * 68, h + 38),
                    (s * m.wide * 0.93, -6),
                    (s * m.wide * 0.98, 30),
                ]
            curtains.append(line)
        self._sweep(pen, part, curtains[0], curtains[1], self.colour, 26)
        for s in (1, -1):
            t = self.face.turn * 14
            x = m.wide
            if wavy:
                outside = [
                    (x + 16, 10),
                    (x + 22, 46),
                    (x + 15, 88),
                    (x + 38, 132),
                    (x + 24, 176),
                    (x + 36, 216),
                    (x + 8, low),
                ]
                within = [
                    (x * 0.93, 10),
                    (x * 0.99, 46),
                    (x * 0.86, 88),
                    (x * 0.98, 132),
                    (x * 0.70, 176),
                    (x * 0.78, 216),
                    (x * 0.98, low),
                ]
            else:
                outside = [(x + 12, 10), (x + 15, 60), (x + 18, 120), (x + 22, 180), (x + 20, 240), (x + 2, low)]
                within = [
                    (x * 0.96, 10),
                    (x * 0.96, 60),
                    (x * 0.86, 120),
                    (x * 0.74, 180),
                    (x * 0.68, 240),
                    (x * 0.84, low),
                ]
            a, b = curve(np.array(outside) * (s, 1) + (t, 0), 5), curve(np.array(within) * (s, 1) + (t, 0), 5)
            pen.fill(join(a, b[::-1]), shade(self.colour, 0.93), HAIR)
            pen.strands(a, b, 75, shade(self.colour, 0.93), self.rng, 0.36, 1.5, 1.6)

    def _bob(self, pen: Pen) -> None:
        m = self.face.measures
        self.cap(pen, [(m.wide * 0.98, 20), (m.wide * 0.92, -30), (70, -46), (40, -41), (0, -40)], self.colour, low=20)
        outer = self.outer(self.volume, 20)
        fringe = self.on(curve([(-74, -38), (-40, -40), (0, -39), (40, -40), (74, -38)], 5))
        n = len(fringe)
        for i in range(0, n - 2, 2):
            root = (float(fringe[i][0]) * 0.45, m.crown + 2)
            pen.strands(
                bend(root, fringe[i], 8), bend(root, fringe[i + 2], 8), 12, self.colour, self.rng, 0.33, 1.5, 1.3
            )
        self.comb(pen, (self.face.turn * 8, m.crown - 4), outer[:6], outer[:12], 60)
        self.comb(pen, (self.face.turn * 8, m.crown - 4), outer[-6:], outer[-12:], 60)
        for s in (1, -1):
            x = m.wide
            a = self.face.edge(curve(np.array([(x + 14, 0), (x + 17, 50), (x + 20, 92), (x + 6, 124)]) * (s, 1), 5))
            b = self.face.edge(
                curve(np.array([(x * 0.93, 0), (x * 0.93, 45), (x * 0.86, 84), (x * 0.70, 122)]) * (s, 1), 5)
            )
            pen.fill(join(a, b[::-1]), shade(self.colour, 0.95), HAIR)
            pen.strands(a, b, 60, shade(self.colour, 0.95), self.rng, 0.36, 1.5, 1.2)

    def _slick(self, pen: Pen) -> None:
        """Hair pulled back (ponytail, pigtails, bun) or parted in the middle and braided."""
        m = self.face.measures
        h = m.hairline
        line = [(m.wide * 1.0, 10), (m.wide * 0.93, -24), (m.wide * 0.80, -56), (56, h + 2), (28, h - 6), (0, h - 7)]
        rim = self.cap(pen, line, self.colour, low=10)
        outer = self.outer(self.volume, 10)
        if self.style in ("pigtails", "braids"):
            for s in (1, -1):
                knot = (s * (m.wide + 4) + self.face.turn * 10, -30.0 if self.style == "pigtails" else 16.0)
                half = rim[: len(rim) // 2 + 1][::-1] if s > 0 else rim[len(rim) // 2 :]
                over = outer[len(outer) // 2 :] if s > 0 else outer[: len(outer) // 2 + 1][::-1]
                near = np.append(half[np.linspace(0, len(half) - 4, 11).astype(int)], [knot], axis=0)
                far = np.append(over[np.linspace(0, len(over) - 4, 11).astype(int)], [knot], axis=0)
                pen.strands(near, far, 110, self.colour, self.rng, 0.34, 1.4, 1.0)
            pen.wash_line(
                curve([rim[len(rim) // 2], outer[len(outer) // 2] + (0, 3)], 4),
                mix(self.face.skin, self.colour, 0.4),
                0.8,
                2.4,
            )
        else:
            knot = (
                (-self.face.turn * 14, m.crown - 12)
                if self.style == "bun"
                else (-self.side * 40 - self.face.turn * 20, m.crown - 2)
            )
            self.comb(pen, knot, rim, outer, 260)
        if self.style == "braids":
            for s in (1, -1):
                self._braid(pen, s)

    def _braid(self, pen: Pen, s: int) -> None:
        t = self.face.turn * 12
        m = self.face.measures
        spine = curve(
            [(s * (m.wide + 6) + t, 14), (s * (m.wide + 14) + t, 70), (s * 98 + t, 140), (s * 92, 210), (s * 90, 262)],
            6,
        )
        along = np.append(0, np.cumsum(np.linalg.norm(np.diff(spine, axis=0), axis=1)))
        even = np.linspace(0, along[-1], 13)
        spots = np.stack([np.interp(even, along, spine[:, axis]) for axis in (0, 1)], axis=1)
        pen.fill(join(spine - (10, 0), (spine + (10, 0))[::-1]), shade(self.colour, 0.6), HAIR)
        for i, (x, y) in enumerate(spots):
            wide = 20 - 0.5 * i
            for side in (1, -1):
                leaf = curve(
                    [
                        (x - side * 3, y + 12),
                        (x + side * wide * 0.7, y + 7),
                        (x + side * wide, y - 9),
                        (x + side * 4, y - 13),
                        (x - side * 6, y - 2),
                    ],
                    4,
                    closed=True,
                )
                tone = shade(self.colour, 0.98 if side > 0 else 0.88)
                pen.fill(leaf, tone, HAIR)
                edge = curve([(x - side * 4, y + 13), (x + side * wide * 0.75, y + 7), (x + side * wide, y - 8)], 4)
                pen.line(edge, shade(self.colour, 0.5), 1.8)
                for k in (0.35, 0.65):
                    grain = curve(
                        [
                            (x - side * 2, y + 9 - 12 * k),
                            (x + side * wide * 0.6, y + 3 - 12 * k * 0.9),
                            (x + side * wide * 0.9, y - 8 - 4 * k),
                        ],
                        3,
                    )
                    pen.line(grain, mix(shade(self.colour, 1.12), (255, 240, 225), 0.1), 1.4)
        x, y = spots[-1]
        self.tie(pen, float(x), float(y) + 10, 9, 6)
