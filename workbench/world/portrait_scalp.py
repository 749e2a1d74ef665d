"""What all hair of photo-like portraits shares: where it may grow, curls, locks, ties."""

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


class Scalp:
    """Where one character's hair grows on one face, and the pieces that styles are made of.

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
        right = [
            (0, k),
            (0.46 * w, k * 0.96),
            (0.83 * w, k * 0.75),
            (0.99 * w, k * 0.40),
            (1.01 * w, k * 0.02),
            (0.99 * w, low),
        ]
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

    def curls(self, pen: Pen, where: Points, radius: float, strength: float = 0.32) -> None:
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

    def lock(self, pen: Pen, spine: object, wide: object, colour: RGB, count: int = 30, stray: float = 1.5) -> Points:
        """A bundle of hair along a spine with its half widths; returns the spine's curve."""
        mid = curve(spine, 6)
        half = np.interp(np.linspace(0, 1, len(mid)), np.linspace(0, 1, len(np.asarray(wide))), np.asarray(wide))
        step = np.gradient(mid, axis=0)
        normal = np.stack([-step[:, 1], step[:, 0]], axis=1) / (np.linalg.norm(step, axis=1, keepdims=True) + 1e-6)
        left, right = mid + normal * half[:, None], mid - normal * half[:, None]
        pen.fill(join(left, right[::-1]), colour, HAIR)
        pen.strands(left * 0.93 + mid * 0.07, right * 0.93 + mid * 0.07, count, colour, self.rng, 0.34, 1.5, stray)
        return mid

    def tie(self, pen: Pen, x: float, y: float, rx: float, ry: float) -> None:
        tone = [(206, 62, 78), (72, 110, 190), (240, 196, 84), (60, 60, 70)][self.face.character.variation // 2 % 4]
        pen.fill(oval(x, y, rx, ry), tone, HAIR)
        pen.wash(oval(x - 1, y - ry * 0.35, rx * 0.6, ry * 0.35), (255, 255, 255), 0.25)

    def cap(
        self, pen: Pen, right_hairline: object, colour: RGB, volume: float | None = None, low: float = 12
    ) -> Points:
        """Hair between the skull's outline and a hairline; returns the hairline (right to left)."""
        line = self.inner(right_hairline)
        pen.fill(join(self.outer(self.volume if volume is None else volume, low), line), colour, HAIR)
        return line

    def comb(
        self, pen: Pen, root: tuple[float, float], line: Points, outer: Points, count: int, colour: RGB | None = None
    ) -> None:
        """Strands from a root near the crown to the hairline and to the outline, bending over the skull."""
        tone = self.colour if colour is None else colour
        k = 9
        inner = line[:: max(1, len(line) // 14)]
        edge = outer[:: max(1, len(outer) // 14)]
        for ends, share in ((inner, 0.5), (edge, 0.5)):
            picks = self.rng.integers(0, len(ends) - 1, int(count * share / 6))
            for i in picks:
                a, b = bend(root, ends[i], k), bend(root, ends[i + 1], k)
                pen.strands(a[2:], b[2:], 6, tone, self.rng, 0.32, 1.4, 1.2)


def bend(start: object, end: object, count: int, sag: float = 0.16) -> Points:
    """A line from start to end that bows outwards (upwards from the chord), `count` points."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    t = np.linspace(0, 1, count)[:, None]
    chord = b - a
    normal = np.array([chord[1], -chord[0]]) * (1.0 if chord[0] >= 0 else -1.0)
    return a + chord * t + normal * sag * (4 * t * (1 - t))
