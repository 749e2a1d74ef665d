"""Hair of photo-like portraits: fourteen styles, each a back layer behind the head and a front layer over it."""

from __future__ import annotations

import numpy as np

from workbench.world.palette import RGB, mix, shade
from workbench.world.portrait_canvas import HAIR, Pen, Points, curve, join, mirror, oval
from workbench.world.portrait_face import Face

HATS = ("cap", "beanie", "hat")
# How far hair stands off the skull, in units.
VOLUME = {
    "buzzed": 3, "short": 13, "parted": 17, "spiky": 10, "curly": 18, "afro": 30, "bob": 17, "straight": 13,
    "wavy": 18, "ponytail": 7, "pigtails": 9, "bun": 7, "braids": 9,
}  # fmt: skip
# Hanging hair: (half width at the shoulders, lowest point).
HANGING = {"straight": (112, 285), "wavy": (126, 262), "bob": (108, 122)}


class Hair:
    """One character's hair on one face.

    Args:
        face: the head it grows on.
        rng: the character's own randomness, so that the same person has the same hair in every picture.
    """

    def __init__(self, face: Face, rng: np.random.Generator) -> None:
        self.face, self.rng = face, rng
        self.style = face.character.hair_style
        self.hat = face.scene.headwear in HATS
        self.colour: RGB = face.hair
        self.volume = VOLUME.get(self.style, 0.0) * (0.45 if self.hat and self.style != "buzzed" else 1.0)
        self.side = 1 if face.character.variation % 2 else -1

    def outer(self, volume: float, low: float = 12) -> Points:
        """The skull's outline grown by `volume`, from the left temple over the crown to the right one."""
        m = self.face.measures
        w, k = m.wide + volume * 0.75 + 3, m.crown - volume
        right = [(0, k), (0.46 * w, k * 0.96), (0.83 * w, k * 0.75), (0.99 * w, k * 0.40), (1.01 * w, k * 0.02), (0.99 * w, low)]
        half = np.array(right)
        return self.face.edge(curve(join(mirror(half)[:-1], half), 5))

    def inner(self, right: object) -> Points:
        """A hairline from the right temple to the left one, mirrored, on the front of the face."""
        half = np.asarray(right, dtype=np.float64)
        line = join(half, mirror(half)[1:] if half[-1][0] == 0 else mirror(half))
        return self.on(curve(line, 5))

    def on(self, points: object) -> Points:
        """Points between the face's front (in the middle) and its outline (at the sides)."""
        p = np.asarray(points, dtype=np.float64)
        share = np.clip((np.abs(p[:, :1]) - 0.62 * self.face.measures.wide) / (0.36 * self.face.measures.wide), 0, 1)
        return self.face.at(p) * (1 - share) + self.face.edge(p) * share

    # -- behind the head ---------------------------------------------------------------------------------------------

    def back(self, pen: Pen) -> None:
        """What hangs or stands behind the head and neck."""
        draw = {
            "afro": self._back_afro, "bob": self._back_hanging, "straight": self._back_hanging,
            "wavy": self._back_hanging, "ponytail": self._back_ponytail, "pigtails": self._back_pigtails,
            "bun": self._back_bun, "curly": self._back_curly,
        }.get(self.style)  # fmt: skip
        if draw is not None:
            draw(pen)

    def _back_hanging(self, pen: Pen) -> None:
        wide, low = HANGING[self.style]
        m = self.face.measures
        top = self.outer(self.volume, 10)
        side = np.array([(m.wide + 15, 60), (wide, 0.55 * low), (wide + 2, low - 18), (wide - 18, low)])
        if self.style == "wavy":
            side = np.array([(m.wide + 20, 40), (m.wide + 16, 85), (wide, 125), (wide - 8, 170), (wide + 6, 212),
                             (wide - 14, low)])  # fmt: skip
        if self.style == "bob":
            side = np.array([(m.wide + 18, 60), (m.wide + 21, 96), (m.wide + 10, low), (50, low + 4)])
        down = curve(join(top[-1:], self.face.edge(side) if self.style == "bob" else side + (self.face.turn * 12, 0)), 5)
        up = curve(join((side if self.style != "bob" else side) * (-1, 1) + (self.face.turn * 12, 0))[::-1], 5)
        pen.fill(join(top, down, up), shade(self.colour, 0.62), HAIR)
        a = curve([(-m.wide - 8, 0), (-m.wide - 8, 90), (-wide + 6, low - 10)], 5)
        b = curve([(m.wide + 8, 0), (m.wide + 8, 90), (wide - 6, low - 10)], 5)
        pen.strands(a, b, 70, shade(self.colour, 0.62), self.rng, 0.4, 1.6, 2.5)

    def _ball(self, pen: Pen, x: float, y: float, rx: float, ry: float, bumps: int, curl: float, colour: RGB) -> None:
        """A cloud of curls: round bumps along an ellipse, and small arcs inside."""
        angles = np.linspace(0, 2 * np.pi, bumps, endpoint=False) + self.rng.normal(0, 0.05, bumps)
        pen.fill(oval(x, y, rx, ry), colour, HAIR)
        for angle in angles:
            grown = 1 + self.rng.normal(0, 0.018)
            r = curl * self.rng.uniform(0.8, 1.25)
            px, py = x + rx * grown * np.cos(angle), y + ry * grown * np.sin(angle)
            if not (self.hat and py < -90):
                pen.fill(oval(px, py, r, r), colour, HAIR)

    def _curls(self, pen: Pen, where: Points, radius: float, strength: float = 0.32) -> None:
        """Small arcs, light above and dark below: what curls look like from afar."""
        sweep = np.linspace(-2.6, 0.5, 7)
        arc = np.stack([np.cos(sweep), np.sin(sweep)], axis=1)
        tones = self.rng.normal(0, 1, len(where))
        for spot, tone in zip(where, tones.tolist(), strict=True):
            r = radius * (1 + 0.25 * tone)
            angle = tone * 2.0
            c, s = np.cos(angle), np.sin(angle)
            line = arc @ np.array([[c, s], [-s, c]]) * r + spot
            light = mix(shade(self.colour, 1.14), (255, 240, 225), 0.10) if tone > -0.25 else shade(self.colour, 0.55)
            pen.line(line, mix(self.colour, light, min(1.0, strength * 2)), 2.0 if radius > 5 else 1.5)

    def _back_afro(self, pen: Pen) -> None:
        y, ry = (-52, 118) if not self.hat else (-18, 96)
        t = self.face.turn * 6
        self._ball(pen, t, y, 143, ry, 46, 11, shade(self.colour, 0.9))
        spots = self.rng.normal(0, 1, (230, 2))
        spots = spots / np.linalg.norm(spots, axis=1, keepdims=True) * np.sqrt(self.rng.random((230, 1))) * (142, ry) + (t, y)
        if self.hat:
            spots = spots[spots[:, 1] > -85]
        self._curls(pen, spots, 4.2)

    def _back_curly(self, pen: Pen) -> None:
        t = self.face.turn * 8
        m = self.face.measures
        for s in (-1, 1):
            for y in np.linspace(-70, 52, 7):
                x = s * (m.wide + 15 - 9 * (y < -40) + self.rng.normal(0, 4)) + t
                r = self.rng.uniform(17, 23)
                pen.fill(oval(x, y, r, r), shade(self.colour, 0.74), HAIR)
                self._curls(pen, np.array([x, y]) + self.rng.normal(0, 8, (5, 2)), 8)

    def _lock(self, pen: Pen, spine: object, wide: object, colour: RGB, count: int = 30, stray: float = 1.5) -> Points:
        """A bundle of hair along a spine with its half widths; returns the spine's curve."""
        mid = curve(spine, 6)
        half = np.interp(np.linspace(0, 1, len(mid)), np.linspace(0, 1, len(np.asarray(wide))), np.asarray(wide))
        step = np.gradient(mid, axis=0)
        normal = np.stack([-step[:, 1], step[:, 0]], axis=1) / (np.linalg.norm(step, axis=1, keepdims=True) + 1e-6)
        left, right = mid + normal * half[:, None], mid - normal * half[:, None]
        pen.fill(join(left, right[::-1]), colour, HAIR)
        pen.strands(left * 0.93 + mid * 0.07, right * 0.93 + mid * 0.07, count, colour, self.rng, 0.34, 1.5, stray)
        return mid

    def _tie(self, pen: Pen, x: float, y: float, rx: float, ry: float) -> None:
        tone = [(206, 62, 78), (72, 110, 190), (240, 196, 84), (60, 60, 70)][self.face.character.variation // 2 % 4]
        pen.fill(oval(x, y, rx, ry), tone, HAIR)
        pen.wash(oval(x - 1, y - ry * 0.35, rx * 0.6, ry * 0.35), (255, 255, 255), 0.25)

    def _back_ponytail(self, pen: Pen) -> None:
        s = -self.side
        x, y = s * 40 - self.face.turn * 20, -138 if not self.hat else -40
        if self.hat:
            spine = [(s * 70, y), (s * 132, y + 22), (s * 150, 90), (s * 130, 180), (s * 140, 235)]
        else:
            spine = [(x, y), (x + s * 52, y - 14), (s * 136, -84), (s * 146, 30), (s * 126, 130), (s * 136, 196)]
        self._lock(pen, spine, [12, 25, 32, 34, 27, 5], shade(self.colour, 0.86), 60, 2)
        if not self.hat:
            self._tie(pen, x + s * 8, y - 4, 11, 13)

    def _back_pigtails(self, pen: Pen) -> None:
        for s in (-1, 1):
            t = self.face.turn * 12
            spine = [(s * 92 + t, -30), (s * 132 + t, -38), (s * 156 + t, 24), (s * 146 + t, 96), (s * 158 + t, 150)]
            self._lock(pen, spine, [9, 26, 33, 28, 4], shade(self.colour, 0.92), 46, 2)
            self._tie(pen, s * 103 + t, -34, 8, 13)

    def _back_bun(self, pen: Pen) -> None:
        if self.hat:
            return
        x, y = -self.face.turn * 14, self.face.measures.crown - 26
        pen.fill(oval(x, y, 45, 38), shade(self.colour, 0.94), HAIR)
        sweep = np.linspace(0, 2 * np.pi, 26)
        for r in np.linspace(0.15, 0.95, 22):
            start = self.rng.uniform(0, 5)
            part = slice(int(start * 3), int(start * 3) + 11)
            tone = 1 + 0.3 * self.rng.normal(0, 0.5)
            ring = np.stack([x + 45 * r * np.cos(sweep + start), y + 38 * r * np.sin(sweep + start)], axis=1)[part]
            pen.line(ring, shade(self.colour, tone) if tone < 1 else mix(self.colour, (255, 245, 230), (tone - 1) * 0.5), 1.5)

    # -- over the head -----------------------------------------------------------------------------------------------

    def front(self, pen: Pen) -> None:
        """What grows on top and falls into the face."""
        if self.style == "bald":
            return
        draw = {
            "buzzed": self._buzzed, "short": self._short, "spiky": self._spiky, "curly": self._curly, "afro": self._afro,
            "parted": self._parted, "bob": self._bob, "straight": self._long, "wavy": self._long,
        }.get(self.style, self._slick)  # fmt: skip
        draw(pen)

    def _cap(self, pen: Pen, right_hairline: object, colour: RGB, volume: float | None = None, low: float = 12) -> Points:
        """Hair between the skull's outline and a hairline; returns the hairline (right to left)."""
        line = self.inner(right_hairline)
        pen.fill(join(self.outer(self.volume if volume is None else volume, low), line), colour, HAIR)
        return line

    def _buzzed(self, pen: Pen) -> None:
        m = self.face.measures
        colour = mix(shade(self.colour, 0.88), self.face.skin, 0.27)
        line = [(m.wide * 1.0, 16), (m.wide * 0.93, -18), (m.wide * 0.86, -46), (62, m.hairline + 10), (34, m.hairline - 3), (0, m.hairline - 4)]
        self._cap(pen, line, colour, 3)
        angle, r = self.rng.uniform(-np.pi, 0, 420), np.sqrt(self.rng.uniform(0.3, 1.0, 420))
        dots = np.stack([np.cos(angle) * r * m.wide, np.sin(angle) * r * -m.crown], axis=1)
        keep = (dots[:, 1] < m.hairline - 2 + 0.006 * dots[:, 0] ** 2) & (np.abs(dots[:, 0]) < m.wide - 1)
        for dot in self.face.edge(dots[keep]):
            pen.line([dot, dot + (0.5, 2.4)], shade(self.colour, 0.75), 1.0)

    def _comb(self, pen: Pen, root: tuple[float, float], line: Points, outer: Points, count: int, colour: RGB | None = None) -> None:
        """Strands from a root near the crown to the hairline and to the outline, bending over the skull."""
        tone = self.colour if colour is None else colour
        k = 9
        inner = line[:: max(1, len(line) // 14)]
        edge = outer[:: max(1, len(outer) // 14)]
        for ends, share in ((inner, 0.5), (edge, 0.5)):
            picks = self.rng.integers(0, len(ends) - 1, int(count * share / 6))
            for i in picks:
                a, b = _bend(root, ends[i], k), _bend(root, ends[i + 1], k)
                pen.strands(a[2:], b[2:], 6, tone, self.rng, 0.32, 1.4, 1.2)

    def _short(self, pen: Pen) -> None:
        m = self.face.measures
        h = m.hairline
        line = [(m.wide * 1.0, 18), (m.wide * 0.93, -8), (m.wide * 0.86, -42), (66, h + 18), (40, h + 6), (0, h + 4)]
        rim = self._cap(pen, line, self.colour)
        outer = self.outer(self.volume)
        root = (self.side * 26 + self.face.turn * 10, m.crown - 2)
        self._comb(pen, root, rim, outer, 230)
        if not self.hat:
            for x in np.linspace(-62, 62, 11):  # short locks of the fringe, all swept one way
                x0 = x + self.rng.normal(0, 3)
                tip = (x0 - self.side * self.rng.uniform(6, 14), h + 17 + 0.0035 * x * x + self.rng.normal(0, 3))
                lock = [(x0 - 10, h - 12), (x0 + 10, h - 12), tip]
                pen.fill(self.on(curve(lock, 4, closed=True)), shade(self.colour, 0.92 + 0.14 * self.rng.random()), HAIR)

    def _spiky(self, pen: Pen) -> None:
        m = self.face.measures
        h = m.hairline
        line = [(m.wide * 1.0, 16), (m.wide * 0.92, -12), (m.wide * 0.85, -48), (62, h + 8), (30, h + 2), (0, h + 2)]
        self._cap(pen, line, shade(self.colour, 0.84))
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
                lock = join(curve([base - across, (base - across) * 0.25 + tip * 0.75 - across * 0.12, tip], 3),
                            curve([tip, (base + across) * 0.25 + tip * 0.75 + across * 0.25, base + across], 3))  # fmt: skip
                if self.hat and tip[1] < -110:
                    continue
                tone = shade(self.colour, 0.86 + 0.2 * layer * 0.6 + 0.12 * self.rng.random())
                pen.fill(self.face.edge(lock), tone, HAIR)
                pen.strands(self.face.edge(curve([base - across * 0.6, tip], 4)), self.face.edge(curve([base + across * 0.6, tip], 4)), 7, tone, self.rng, 0.35, 1.3, 0.6)
        if not self.hat:
            for x in (-46, -22, 4, 28, 50):
                tip = (x + self.side * 9, h + 24 + self.rng.normal(0, 4))
                pen.fill(self.on([(x - 11, h - 8), (x + 11, h - 8), tip]), shade(self.colour, 0.95), HAIR)

    def _curly(self, pen: Pen) -> None:
        m = self.face.measures
        h = m.hairline
        line = [(m.wide * 1.02, 22), (m.wide * 0.94, -14), (m.wide * 0.84, -50), (60, h + 14), (30, h + 8), (0, h + 8)]
        rim = self._cap(pen, line, shade(self.colour, 0.86))
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
        self._curls(pen, spots[~((spots[:, 1] < -80) & self.hat)], 8.5)

    def _afro(self, pen: Pen) -> None:
        m = self.face.measures
        h = m.hairline + 4
        line = [(m.wide * 1.05, 24), (m.wide * 0.95, -20), (m.wide * 0.82, -58), (58, h - 2), (28, h - 8), (0, h - 8)]
        rim = self._cap(pen, line, shade(self.colour, 0.9), 14 if not self.hat else 4, 22)
        for x, y in rim[2:-2:2]:
            pen.fill(oval(x, y - 1, 6, 6), shade(self.colour, 0.9), HAIR)
        outer = self.outer(14)
        pick = self.rng.integers(0, len(outer), 110)
        end = rim[::-1][np.clip(pick * len(rim) // len(outer), 0, len(rim) - 1)]
        self._curls(pen, outer[pick] + (end - outer[pick]) * self.rng.random((110, 1)), 4.2)

    def _sweep(self, pen: Pen, part: float, right: object, left: object, colour: RGB, low: float) -> None:
        """Two curtains of hair from a part at x = `part` over the crown to both sides."""
        m = self.face.measures
        outer = self.outer(self.volume, low)
        peak = np.array([part, m.crown - self.volume + 2])
        root = self.face.at([(part, m.hairline - 10)])[0]
        for s, line in ((1, right), (-1, left)):
            rim = self.on(curve(line, 6))
            side = outer[np.argsort(np.abs(outer[:, 0] - peak[0]))[0] :] if s > 0 else outer[: np.argsort(np.abs(outer[:, 0] - peak[0]))[0] + 1][::-1]
            pen.fill(join([root], rim, side[::-1]), colour, HAIR)
            n = 12
            guide_in = rim[np.linspace(0, len(rim) - 1, n).astype(int)]
            guide_out = side[np.linspace(0, len(side) - 1, n).astype(int)]
            pen.strands(guide_in, guide_out, 95, colour, self.rng, 0.34, 1.5, 1.2)
        pen.wash_line(curve([root, (root + self.face.edge([peak])[0]) / 2 + (0, -2), self.face.edge([peak])[0] + (0, 10)], 4), shade(self.colour, 0.4), 0.55, 2.2)

    def _parted(self, pen: Pen) -> None:
        m = self.face.measures
        h, s = m.hairline, self.side
        near = [(s * 36, h - 10), (s * 56, h + 6), (s * m.wide * 0.84, h + 44), (s * m.wide * 0.94, -8), (s * m.wide * 1.0, 20)]
        wide = [(s * 36, h - 10), (s * 10, h + 13), (-s * 34, h + 19), (-s * m.wide * 0.80, h + 38), (-s * m.wide * 0.94, -8), (-s * m.wide * 1.0, 20)]
        right, left = (near, wide) if s > 0 else (wide, near)
        self._sweep(pen, s * 36, right, left, self.colour, 14)

    def _long(self, pen: Pen) -> None:
        m = self.face.measures
        h = m.hairline
        wavy = self.style == "wavy"
        part = self.side * 24 if wavy else 0.0
        wide, low = HANGING[self.style]
        curtains = []
        for s in (1, -1):
            if wavy:
                line = [(part, h - 8), (part + s * 20, h + 4), (s * 66, h + 30), (s * m.wide * 0.95, -24), (s * m.wide * 0.93, 20)]
            else:
                line = [(part, h - 8), (part + s * 24, h + 8), (s * 68, h + 38), (s * m.wide * 0.93, -6), (s * m.wide * 0.98, 30)]
            curtains.append(line)
        self._sweep(pen, part, curtains[0], curtains[1], self.colour, 26)
        for s in (1, -1):
            t = self.face.turn * 14
            x = m.wide
            if wavy:
                outside = [(x + 16, 10), (x + 22, 46), (x + 15, 88), (x + 38, 132), (x + 24, 176), (x + 36, 216), (x + 8, low)]
                within = [(x * 0.93, 10), (x * 0.99, 46), (x * 0.86, 88), (x * 0.98, 132), (x * 0.70, 176), (x * 0.78, 216), (x * 0.98, low)]
            else:
                outside = [(x + 12, 10), (x + 15, 60), (x + 18, 120), (x + 22, 180), (x + 20, 240), (x + 2, low)]
                within = [(x * 0.96, 10), (x * 0.96, 60), (x * 0.86, 120), (x * 0.74, 180), (x * 0.68, 240), (x * 0.84, low)]
            a, b = curve(np.array(outside) * (s, 1) + (t, 0), 5), curve(np.array(within) * (s, 1) + (t, 0), 5)
            pen.fill(join(a, b[::-1]), shade(self.colour, 0.93), HAIR)
            pen.strands(a, b, 75, shade(self.colour, 0.93), self.rng, 0.36, 1.5, 1.6)

    def _bob(self, pen: Pen) -> None:
        m = self.face.measures
        self._cap(pen, [(m.wide * 0.98, 20), (m.wide * 0.92, -30), (70, -46), (40, -41), (0, -40)], self.colour, low=20)
        outer = self.outer(self.volume, 20)
        fringe = self.on(curve([(-74, -38), (-40, -40), (0, -39), (40, -40), (74, -38)], 5))
        n = len(fringe)
        for i in range(0, n - 2, 2):
            root = (float(fringe[i][0]) * 0.45, m.crown + 2)
            pen.strands(_bend(root, fringe[i], 8), _bend(root, fringe[i + 2], 8), 12, self.colour, self.rng, 0.33, 1.5, 1.3)
        self._comb(pen, (self.face.turn * 8, m.crown - 4), outer[:6], outer[:12], 60)
        self._comb(pen, (self.face.turn * 8, m.crown - 4), outer[-6:], outer[-12:], 60)
        for s in (1, -1):
            x = m.wide
            a = self.face.edge(curve(np.array([(x + 14, 0), (x + 17, 50), (x + 20, 92), (x + 6, 124)]) * (s, 1), 5))
            b = self.face.edge(curve(np.array([(x * 0.93, 0), (x * 0.93, 45), (x * 0.86, 84), (x * 0.70, 122)]) * (s, 1), 5))
            pen.fill(join(a, b[::-1]), shade(self.colour, 0.95), HAIR)
            pen.strands(a, b, 60, shade(self.colour, 0.95), self.rng, 0.36, 1.5, 1.2)

    def _slick(self, pen: Pen) -> None:
        """Hair pulled back (ponytail, pigtails, bun) or parted in the middle and braided."""
        m = self.face.measures
        h = m.hairline
        line = [(m.wide * 1.0, 10), (m.wide * 0.93, -24), (m.wide * 0.80, -56), (56, h + 2), (28, h - 6), (0, h - 7)]
        rim = self._cap(pen, line, self.colour, low=10)
        outer = self.outer(self.volume, 10)
        if self.style in ("pigtails", "braids"):
            for s in (1, -1):
                knot = (s * (m.wide + 4) + self.face.turn * 10, -30 if self.style == "pigtails" else 16)
                half = rim[: len(rim) // 2 + 1][::-1] if s > 0 else rim[len(rim) // 2 :]
                over = outer[len(outer) // 2 :] if s > 0 else outer[: len(outer) // 2 + 1][::-1]
                near = np.append(half[np.linspace(0, len(half) - 4, 11).astype(int)], [knot], axis=0)
                far = np.append(over[np.linspace(0, len(over) - 4, 11).astype(int)], [knot], axis=0)
                pen.strands(near, far, 110, self.colour, self.rng, 0.34, 1.4, 1.0)
            pen.wash_line(curve([rim[len(rim) // 2], outer[len(outer) // 2] + (0, 3)], 4), mix(self.face.skin, self.colour, 0.4), 0.8, 2.4)
        else:
            knot = (-self.face.turn * 14, m.crown - 12) if self.style == "bun" else (-self.side * 40 - self.face.turn * 20, m.crown - 2)
            self._comb(pen, knot, rim, outer, 260)
        if self.style == "braids":
            for s in (1, -1):
                self._braid(pen, s)

    def _braid(self, pen: Pen, s: int) -> None:
        t = self.face.turn * 12
        m = self.face.measures
        spine = curve([(s * (m.wide + 6) + t, 14), (s * (m.wide + 14) + t, 70), (s * 98 + t, 140), (s * 92, 210), (s * 90, 262)], 6)
        along = np.append(0, np.cumsum(np.linalg.norm(np.diff(spine, axis=0), axis=1)))
        even = np.linspace(0, along[-1], 13)
        spots = np.stack([np.interp(even, along, spine[:, axis]) for axis in (0, 1)], axis=1)
        pen.fill(join(spine - (10, 0), (spine + (10, 0))[::-1]), shade(self.colour, 0.6), HAIR)
        for i, (x, y) in enumerate(spots):
            wide = 20 - 0.5 * i
            for side in (1, -1):
                leaf = curve([(x - side * 3, y + 12), (x + side * wide * 0.7, y + 7), (x + side * wide, y - 9), (x + side * 4, y - 13), (x - side * 6, y - 2)], 4, closed=True)
                tone = shade(self.colour, 0.98 if side > 0 else 0.88)
                pen.fill(leaf, tone, HAIR)
                edge = curve([(x - side * 4, y + 13), (x + side * wide * 0.75, y + 7), (x + side * wide, y - 8)], 4)
                pen.line(edge, shade(self.colour, 0.5), 1.8)
                for k in (0.35, 0.65):
                    grain = curve([(x - side * 2, y + 9 - 12 * k), (x + side * wide * 0.6, y + 3 - 12 * k * 0.9), (x + side * wide * 0.9, y - 8 - 4 * k)], 3)
                    pen.line(grain, mix(shade(self.colour, 1.12), (255, 240, 225), 0.1), 1.4)
        x, y = spots[-1]
        self._tie(pen, float(x), float(y) + 10, 9, 6)


def _bend(start: object, end: object, count: int, sag: float = 0.16) -> Points:
    """A line from start to end that bows outwards (upwards from the chord), `count` points."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    t = np.linspace(0, 1, count)[:, None]
    chord = b - a
    normal = np.array([chord[1], -chord[0]]) * (1.0 if chord[0] >= 0 else -1.0)
    return a + chord * t + normal * sag * (4 * t * (1 - t))
