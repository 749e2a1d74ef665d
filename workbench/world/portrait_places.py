"""What is behind the person in a photo-like portrait: an unevenly lit wall, or a place far out of focus."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from workbench.world.character import PLACES
from workbench.world.palette import background_colour
from workbench.world.portrait_canvas import ink

SIDE = 96  # places are painted this small and grown: they are out of focus anyway
VARIANTS = 16


def draw_background(word: str, size: int, side: float, rng: np.random.Generator) -> np.ndarray:
    """A background as floats (3, size, size), 0-255.

    Args:
        word: one of the world's background words.
        side: -1 or 1, where the light comes from.
    """
    if word in PLACES:
        scene = _place(word, int(rng.integers(VARIANTS)))
        zoom = rng.uniform(0.72, 0.92) * SIDE
        x, y = rng.uniform(0, SIDE - zoom), rng.uniform(0.35, 0.65) * (SIDE - zoom)
        box = (x + zoom, y, x, y + zoom) if rng.random() < 0.5 else (x, y, x + zoom, y + zoom)
        mirrored = box[0] > box[2]
        if mirrored:
            box = (box[2], box[1], box[0], box[3])
        grown = scene.resize((size, size), Image.Resampling.BILINEAR, box=box)
        if mirrored:
            grown = grown.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return np.stack([np.asarray(band, dtype=np.float32) for band in grown.split()])
    wall = np.array(background_colour(word), dtype=np.float32) * rng.uniform(0.94, 1.0)
    t = np.linspace(-1, 1, 24, dtype=np.float32)
    spot = np.exp(-0.5 * (((t[None, :] - 0.5 * side) / 1.3) ** 2 + ((t[:, None] + 0.35) / 1.3) ** 2))
    light = 0.80 + 0.22 * spot + 0.006 * rng.standard_normal((24, 24)).astype(np.float32)
    field = Image.fromarray(light.astype(np.float32)).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(field, dtype=np.float32)[None] * wall[:, None, None]


def _bokeh(
    picture: Image.Image,
    rng: np.random.Generator,
    count: int,
    top: float,
    low: float,
    tones: list[tuple[int, int, int]],
    big: float = 6.5,
    strength: int = 90,
) -> Image.Image:
    """Out-of-focus lights: flat discs with a slightly brighter rim."""
    large = picture.resize((SIDE * 2, SIDE * 2), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(large, "RGBA")
    for _ in range(count):
        x, y = rng.uniform(0, SIDE * 2), rng.uniform(top, low) * SIDE * 2
        r = rng.uniform(0.45, 1.0) * big * 2
        tone = tones[int(rng.integers(len(tones)))]
        draw.ellipse(
            (x - r, y - r, x + r, y + r),
            fill=(*tone, int(strength * rng.uniform(0.4, 1))),
            outline=(*tone, int(strength * 0.8)),
        )
    return large.filter(ImageFilter.GaussianBlur(1.4)).resize((SIDE, SIDE), Image.Resampling.BOX)


def _slope(top: tuple[float, float, float], low: tuple[float, float, float]) -> Image.Image:
    t = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None, None]
    field = np.array(top, dtype=np.float32) * (1 - t) + np.array(low, dtype=np.float32) * t
    return Image.fromarray(np.repeat(field, SIDE, axis=1).astype(np.uint8), "RGB")


@lru_cache(maxsize=len(PLACES) * VARIANTS)
def _place(word: str, variant: int) -> Image.Image:
    rng = np.random.default_rng([variant, PLACES.index(word), 0xB0])
    return {"park": _park, "beach": _beach, "city": _city, "room": _room}[word](rng)


def _park(rng: np.random.Generator) -> Image.Image:
    picture = _slope((196, 222, 236), (214, 230, 214))
    draw = ImageDraw.Draw(picture)
    ground = SIDE * rng.uniform(0.60, 0.68)
    draw.rectangle((0, ground, SIDE, SIDE), fill=(122, 164, 84))
    draw.polygon(
        [(SIDE * 0.3, SIDE), (SIDE * 0.5, ground), (SIDE * 0.58, ground), (SIDE * 0.8, SIDE)], fill=(196, 184, 152)
    )
    for _ in range(7):
        x = rng.uniform(0, SIDE)
        draw.rectangle((x - 1.6, SIDE * 0.3, x + 1.6, ground + 3), fill=(84, 66, 50))
    for _ in range(60):
        x, y, r = rng.uniform(-5, SIDE + 5), rng.uniform(0, ground - 4), rng.uniform(5, 13)
        if rng.random() < 0.25 + 0.5 * y / SIDE or y < SIDE * 0.45:
            green = np.array([74, 120, 58]) * rng.uniform(0.65, 1.5) + (18 * rng.random(), 0, 0)
            draw.ellipse((x - r, y - r * 0.8, x + r, y + r * 0.8), fill=ink((green[0], green[1], green[2])))
    picture = picture.filter(ImageFilter.GaussianBlur(2.6))
    return _bokeh(picture, rng, 26, 0.0, 0.6, [(238, 246, 206), (206, 232, 150), (250, 250, 236)], 5.0, 80)


def _beach(rng: np.random.Generator) -> Image.Image:
    picture = _slope((112, 178, 232), (206, 230, 242))
    draw = ImageDraw.Draw(picture)
    horizon = SIDE * rng.uniform(0.40, 0.48)
    shore = SIDE * rng.uniform(0.62, 0.68)
    for _ in range(5):
        x, y = rng.uniform(0, SIDE), rng.uniform(6, horizon - 12)
        for k in range(4):
            draw.ellipse((x + 6 * k - 12, y - 3 - rng.uniform(0, 3), x + 6 * k + 2, y + 4), fill=(246, 249, 252))
    for row in np.arange(horizon, shore):
        t = (row - horizon) / (shore - horizon)
        draw.line((0, row, SIDE, row), fill=(int(36 + 70 * t), int(126 + 66 * t), int(176 + 20 * t)))
    tilt = rng.uniform(-4, 4)
    draw.polygon([(0, shore + tilt), (SIDE, shore - tilt), (SIDE, SIDE), (0, SIDE)], fill=(230, 208, 164))
    draw.line((0, shore + tilt, SIDE, shore - tilt), fill=(252, 252, 252), width=3)
    draw.line((0, shore + tilt - 6, SIDE, shore - tilt - 5), fill=(226, 242, 244), width=1)
    if rng.random() < 0.6:
        x = rng.uniform(0.04, 0.2) * SIDE
        tone = [(214, 76, 70), (240, 190, 70), (70, 130, 190)][int(rng.integers(3))]
        draw.line((x, shore - 26, x, shore + 8), fill=(120, 96, 76), width=2)
        draw.pieslice((x - 15, shore - 38, x + 15, shore - 10), 180, 360, fill=tone)
    picture = picture.filter(ImageFilter.GaussianBlur(1.9))
    return _bokeh(picture, rng, 12, 0.46, 0.66, [(255, 255, 255), (226, 246, 252)], 2.2, 110)


def _city(rng: np.random.Generator) -> Image.Image:
    night = rng.random() < 0.35
    picture = _slope((34, 42, 74), (96, 76, 104)) if night else _slope((178, 198, 220), (222, 222, 222))
    draw = ImageDraw.Draw(picture)
    x = -4.0
    while x < SIDE:
        wide, top = rng.uniform(10, 22), rng.uniform(0.02, 0.36) * SIDE
        tone = (
            np.array([(128, 134, 148), (158, 142, 128), (104, 116, 136), (176, 168, 160)][int(rng.integers(4))])
            * (0.42 if night else 1.0)
            * rng.uniform(0.8, 1.1)
        )
        draw.rectangle((x, top, x + wide, SIDE), fill=ink((tone[0], tone[1], tone[2])))
        for wy in np.arange(top + 4, SIDE * 0.7, 6):
            for wx in np.arange(x + 2, x + wide - 3, 5):
                if rng.random() < 0.6:
                    lit = (
                        (250, 214, 140)
                        if night and rng.random() < 0.6
                        else ink((tone[0] * 0.66, tone[1] * 0.7, tone[2] * 0.78))
                    )
                    draw.rectangle((wx, wy, wx + 2.4, wy + 3.2), fill=lit)
        x += wide + rng.uniform(-1, 3)
    street = SIDE * 0.74
    draw.rectangle((0, street, SIDE, SIDE), fill=(58, 58, 68) if night else (134, 134, 140))
    for _ in range(4):
        cx = rng.uniform(0, SIDE)
        paint = [(196, 60, 56), (236, 190, 60), (236, 236, 240), (60, 90, 150)][int(rng.integers(4))]
        draw.rectangle((cx - 8, street - 5, cx + 8, street + 3), fill=paint)
    picture = picture.filter(ImageFilter.GaussianBlur(1.8))
    tones = [(255, 208, 120), (255, 150, 96), (120, 190, 255), (255, 246, 220), (240, 90, 90)]
    return _bokeh(picture, rng, 30 if night else 13, 0.30, 0.80, tones, 4.2, 150 if night else 110)


def _room(rng: np.random.Generator) -> Image.Image:
    wall = [(226, 214, 196), (206, 212, 204), (222, 206, 192), (200, 204, 214)][int(rng.integers(4))]
    picture = _slope(wall, tuple(c * 0.86 for c in wall))  # type: ignore[arg-type]
    draw = ImageDraw.Draw(picture)
    x = rng.uniform(4, 14)  # window with curtains
    draw.rectangle((x, 10, x + 26, 52), fill=(246, 250, 252))
    draw.rectangle((x + 12, 10, x + 14, 52), fill=(196, 190, 182))
    draw.rectangle((x, 30, x + 26, 32), fill=(196, 190, 182))
    curtain = [(186, 106, 92), (110, 138, 140), (198, 176, 140)][int(rng.integers(3))]
    draw.rectangle((x - 7, 6, x + 1, 62), fill=curtain)
    draw.rectangle((x + 25, 6, x + 33, 62), fill=curtain)
    left = rng.uniform(0.62, 0.70) * SIDE  # shelf with books
    for row in range(4):
        top = 8 + 18 * row
        draw.rectangle((left, top + 14, SIDE, top + 16.5), fill=(136, 98, 66))
        bx = left + 1
        while bx < SIDE:
            wide = rng.uniform(2, 4.5)
            tone = [(176, 74, 62), (64, 96, 128), (214, 174, 96), (92, 122, 92), (228, 220, 206), (112, 76, 104)][
                int(rng.integers(6))
            ]
            if rng.random() < 0.85:
                draw.rectangle((bx, top + rng.uniform(0, 5), bx + wide, top + 14), fill=tone)
            bx += wide + 0.6
    draw.rectangle((0, 70, SIDE, SIDE), fill=ink((wall[0] * 0.62, wall[1] * 0.52, wall[2] * 0.46)))
    sofa = [(94, 112, 134), (160, 118, 92), (120, 134, 106)][int(rng.integers(3))]
    draw.rounded_rectangle((-6, 60, 42, SIDE), 7, fill=sofa)
    lamp = rng.uniform(0.46, 0.58) * SIDE
    draw.line((lamp, 30, lamp, 76), fill=(90, 80, 74), width=1)
    draw.polygon([(lamp - 4, 18), (lamp + 4, 18), (lamp + 8, 31), (lamp - 8, 31)], fill=(255, 232, 176))
    picture = picture.filter(ImageFilter.GaussianBlur(1.9))
    return _bokeh(picture, rng, 7, 0.05, 0.5, [(255, 236, 190), (255, 250, 236)], 4.0, 80)
