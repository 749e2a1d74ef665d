"""Drawing for photo-like portraits: flat shapes on a supersampled canvas, together with who covers which pixel.

Shapes go onto two images at once: `picture` (flat colours on black) and `cover` (one channel a material). Light is
added later, per material, at the picture's own size (see `portrait_light`). Pillow's polygon filler is used instead of
an SVG rasteriser because a portrait has hundreds of hair strands and must cost milliseconds.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from workbench.world.palette import RGB

Points = np.ndarray  # (n, 2) floats, x to the right and y down, in units of a 512-unit wide picture
SPAN = 512.0

# One channel of `Canvas.cover` each.
SKIN = (255, 0, 0, 0)
HAIR = (0, 255, 0, 0)
BODY = (0, 0, 255, 0)
THING = (0, 0, 0, 255)


def ink(colour: RGB) -> tuple[int, int, int]:
    """A colour as Pillow wants it."""
    r, g, b = colour
    return (min(max(int(r), 0), 255), min(max(int(g), 0), 255), min(max(int(b), 0), 255))


@lru_cache(maxsize=512)
def _spline(count: int, steps: int, closed: bool) -> np.ndarray:
    """Weights (samples, count) of a Catmull-Rom spline through `count` points."""
    pieces = count if closed else count - 1
    rows = np.zeros((pieces * steps + (0 if closed else 1), count))
    for piece in range(pieces):
        for step in range(steps + (1 if not closed and piece == pieces - 1 else 0)):
            t = step / steps
            weights = (
                -0.5 * t**3 + t**2 - 0.5 * t,
                1.5 * t**3 - 2.5 * t**2 + 1,
                -1.5 * t**3 + 2 * t**2 + 0.5 * t,
                0.5 * t**3 - 0.5 * t**2,
            )
            for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
                index = piece + offset
                index = index % count if closed else min(max(index, 0), count - 1)
                rows[piece * steps + step, index] += weight
    return rows


def curve(points: object, steps: int = 6, closed: bool = False) -> Points:
    """A smooth line through the points (Catmull-Rom), `steps` samples a piece."""
    knots = np.asarray(points, dtype=np.float64)
    return _spline(len(knots), steps, closed) @ knots


def join(*parts: object) -> Points:
    """One outline from several pieces."""
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])


def mirror(points: object) -> Points:
    """The right half's mirror image, in reverse order so that both halves make one outline."""
    return np.asarray(points, dtype=np.float64)[::-1] * (-1, 1)


_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 25)[:-1]), np.sin(np.linspace(0, 2 * np.pi, 25)[:-1])], axis=1)


def oval(x: float, y: float, rx: float, ry: float) -> Points:
    """An ellipse's outline."""
    return _CIRCLE * (rx, ry) + (x, y)


class Canvas:
    """The two images that pens draw on.

    Args:
        pixels: side of both images; `SPAN` units wide.
    """

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels
        self.picture = Image.new("RGB", (pixels, pixels))
        self.cover = Image.new("CMYK", (pixels, pixels))  # four plain channels: RGBA would be premultiplied
        self.paint = ImageDraw.Draw(self.picture)
        self.glaze = ImageDraw.Draw(self.picture, "RGBA")
        self.claim = ImageDraw.Draw(self.cover)


class Pen:
    """Draws on a canvas in its own coordinates: turned by `angle` degrees (clockwise), scaled, then moved to `at`."""

    def __init__(self, canvas: Canvas, at: tuple[float, float] = (0, 0), scale: float = 1.0, angle: float = 0.0):
        zoom = canvas.pixels / SPAN
        turn = np.deg2rad(angle)
        cos, sin = np.cos(turn) * scale * zoom, np.sin(turn) * scale * zoom
        self.canvas = canvas
        self.matrix = np.array([[cos, sin], [-sin, cos]])
        self.origin = np.array(at) * zoom
        self.zoom = scale * zoom

    def place(self, points: object) -> list[float]:
        """Coordinates on the canvas, flat: x, y, x, y …"""
        moved: list[float] = (np.asarray(points) @ self.matrix + self.origin).ravel().tolist()
        return moved

    def fill(self, points: object, colour: RGB, material: tuple[int, int, int, int] | None = None) -> None:
        """A filled outline; `material` says whose pixels these are now (None: as before)."""
        where = self.place(points)
        self.canvas.paint.polygon(where, fill=ink(colour))
        if material is not None:
            self.canvas.claim.polygon(where, fill=material)

    def line(
        self, points: object, colour: RGB, width: float, material: tuple[int, int, int, int] | None = None
    ) -> None:
        """A line, `width` in units."""
        where = self.place(points)
        pixels = max(1, round(width * self.zoom))
        joint = "curve" if pixels > 3 else None
        self.canvas.paint.line(where, fill=ink(colour), width=pixels, joint=joint)
        if material is not None:
            self.canvas.claim.line(where, fill=material, width=pixels, joint=joint)

    def wash(self, points: object, colour: RGB, strength: float) -> None:
        """A translucent filled outline over what is there."""
        self.canvas.glaze.polygon(self.place(points), fill=(*ink(colour), int(strength * 255)))

    def wash_line(self, points: object, colour: RGB, strength: float, width: float) -> None:
        """A translucent line over what is there."""
        pixels = max(1, round(width * self.zoom))
        self.canvas.glaze.line(self.place(points), fill=(*ink(colour), int(strength * 255)), width=pixels)

    def strands(
        self,
        left: object,
        right: object,
        count: int,
        colour: RGB,
        rng: np.random.Generator,
        spread: float = 0.3,
        width: float = 1.3,
        stray: float = 1.5,
    ) -> None:
        """Hair between two guide lines of equally many points: lines of varied brightness, lit in the middle.

        Args:
            spread: how far strands differ in brightness, as a share.
            stray: how far a strand leaves its place, in units.
        """
        a, b = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
        share = rng.random(count)[:, None, None]
        lines = a + (b - a) * share
        lines += rng.normal(0, stray, (count, 1, 2)) + rng.normal(0, stray * 0.3, lines.shape)
        moved = lines @ self.matrix + self.origin
        tones = 1 + spread * np.clip(rng.normal(0, 0.55, count), -1.1, 1.3)[:, None]
        pixels = max(1, int(width * self.zoom))
        # Black hair shows its strands too: light strands get a little white.
        fills = np.asarray(colour) * tones + 64 * spread * np.maximum(tones - 1, 0)
        fills = np.clip(fills, 0, 255).astype(int)
        draw = self.canvas.paint.line
        for where, fill in zip(moved.reshape(count, -1).tolist(), fills.tolist(), strict=True):
            draw(where, fill=tuple(fill), width=pixels)
