"""Hair behind the head: what hangs, stands off or is tied there."""

# ruff: noqa: RUF005 (adding a tuple moves the points of an array)
from __future__ import annotations

import numpy as np

from workbench.world.palette import RGB, mix, shade
from workbench.world.portrait_canvas import HAIR, Pen, curve, join, oval
from workbench.world.portrait_scalp import HANGING, Scalp


class HairBehind(Scalp):
    """The back layer of every style that has one."""

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
        moved = [self.face.edge(half) if self.style == "bob" else half + (self.face.turn * 12, 0)
                 for half in (side, side * (-1, 1))]  # fmt: skip
        down, up = curve(join(top[-1:], moved[0]), 5), curve(moved[1][::-1], 5)
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

    def _back_afro(self, pen: Pen) -> None:
        y, ry = (-52, 118) if not self.hat else (-18, 96)
        t = self.face.turn * 6
        self._ball(pen, t, y, 143, ry, 46, 11, shade(self.colour, 0.9))
        spots = self.rng.normal(0, 1, (230, 2))
        spots = spots / np.linalg.norm(spots, axis=1, keepdims=True) * np.sqrt(self.rng.random((230, 1))) * (
            142,
            ry,
        ) + (t, y)
        if self.hat:
            spots = spots[spots[:, 1] > -85]
        self.curls(pen, spots, 4.2)

    def _back_curly(self, pen: Pen) -> None:
        t = self.face.turn * 8
        m = self.face.measures
        for s in (-1, 1):
            for y in np.linspace(-70, 52, 7):
                x = s * (m.wide + 15 - 9 * (y < -40) + self.rng.normal(0, 4)) + t
                r = self.rng.uniform(17, 23)
                pen.fill(oval(x, y, r, r), shade(self.colour, 0.74), HAIR)
                self.curls(pen, np.array([x, y]) + self.rng.normal(0, 8, (5, 2)), 8)

    def _back_ponytail(self, pen: Pen) -> None:
        s = -self.side
        x, y = s * 40 - self.face.turn * 20, -138 if not self.hat else -40
        if self.hat:
            spine = np.array([(s * 70, y), (s * 132, y + 22), (s * 150, 90), (s * 130, 180), (s * 140, 235)])
        else:
            hanging = [(s * 136, -84), (s * 146, 30), (s * 126, 130), (s * 136, 196)]
            spine = np.array([(x, y), (x + s * 52, y - 14), *hanging])
        self.lock(pen, spine, [12, 25, 32, 34, 27, 5], shade(self.colour, 0.86), 60, 2)
        if not self.hat:
            self.tie(pen, x + s * 8, y - 4, 11, 13)

    def _back_pigtails(self, pen: Pen) -> None:
        for s in (-1, 1):
            t = self.face.turn * 12
            spine = [(s * 92 + t, -30), (s * 132 + t, -38), (s * 156 + t, 24), (s * 146 + t, 96), (s * 158 + t, 150)]
            self.lock(pen, spine, [9, 26, 33, 28, 4], shade(self.colour, 0.92), 46, 2)
            self.tie(pen, s * 103 + t, -34, 8, 13)

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
            pen.line(
                ring, shade(self.colour, tone) if tone < 1 else mix(self.colour, (255, 245, 230), (tone - 1) * 0.5), 1.5
            )
