"""Light on a portrait: the face's relief under a lamp, shadows that hair and chin cast, and the camera's marks."""

# ruff: noqa: RUF005 (adding a tuple moves the points of an array)
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from workbench.world.portrait_face import Face

# The head-space grid on which light is computed: 4 units a cell, origin between the eyes.
CELL = 4.0
LEFT, TOP, WIDE, HIGH = -208.0, -224.0, 105, 137


@dataclass(frozen=True)
class Lamp:
    """A kind of light.

    Args:
        side, above, front: direction to the lamp (side is mirrored by chance).
        ambient: share of light that comes from everywhere.
        cast: gain of red, green, blue.
        shine: strength of highlights on skin.
        falloff: how much darker the far side of the picture is.
        vignette: how much darker the corners are.
        noise: sensor noise, standard deviation in 0-255 units.
    """

    side: float
    above: float
    front: float
    ambient: float
    cast: tuple[float, float, float]
    shine: float
    falloff: float
    vignette: float
    noise: float


LAMPS = {
    "daylight": Lamp(0.38, -0.62, 0.70, 0.52, (1.00, 1.00, 1.02), 0.10, 0.05, 0.10, 2.0),
    "studio light": Lamp(0.68, -0.42, 0.62, 0.36, (1.05, 1.04, 1.04), 0.20, 0.16, 0.24, 1.4),
    "warm light": Lamp(0.50, -0.30, 0.80, 0.46, (1.10, 0.95, 0.74), 0.14, 0.14, 0.20, 2.6),
    "dim light": Lamp(0.62, -0.42, 0.66, 0.46, (0.68, 0.69, 0.77), 0.08, 0.16, 0.28, 3.6),
}


class _Hills:
    """A sum of round hills on the grid, gathered first: as one matrix product it is cheap."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float, float, float, float]] = []

    def add(self, x: float, y: float, sx: float, sy: float, height: float) -> None:
        """A hill at (x, y), as wide as (sx, sy) (standard deviations)."""
        self.rows.append((x, y, sx, sy, height))

    def field(self) -> np.ndarray:
        """The sum, (HIGH, WIDE)."""
        u, v = _grid()
        x, y, sx, sy, height = (np.array(column, dtype=np.float32)[:, None] for column in zip(*self.rows, strict=True))
        across = np.exp(-0.5 * ((u - x) / sx) ** 2) * height
        down = np.exp(-0.5 * ((v - y) / sy) ** 2)
        return np.asarray(down.T @ across)


@lru_cache(maxsize=1)
def _grid() -> tuple[np.ndarray, np.ndarray]:
    u = (LEFT + CELL * np.arange(WIDE)).astype(np.float32)
    v = (TOP + CELL * np.arange(HIGH)).astype(np.float32)
    return u, v


def _lit(z: np.ndarray, lamp: Lamp, side: float) -> tuple[np.ndarray, np.ndarray]:
    """Lambert light (wrapped, as skin scatters) and Blinn-Phong shine of a height field in units."""
    dv, du = np.gradient(z, CELL)
    length = 1 / np.sqrt(du * du + dv * dv + 1)
    to = np.array([side * lamp.side, lamp.above, lamp.front])
    to /= np.linalg.norm(to)
    half = to + (0, 0, 1)
    half /= np.linalg.norm(half)
    light = (-du * to[0] - dv * to[1] + to[2]) * length
    shine = np.clip((-du * half[0] - dv * half[1] + half[2]) * length, 0, 1) ** 24
    return np.clip((light + 0.3) / 1.3, 0, 1), shine


def relief(face: Face, lamp: Lamp, side: float) -> Image.Image:
    """The light on a head, as a four-channel (CMYK mode) image over the head-space grid.

    Channels: light on skin (128 = as the colour is), shine, redness (blood near the surface), light on hair.
    """
    u, v = _grid()
    m = face.measures
    chin = m.chin
    inside = 1 - (u[None, :] / (m.wide * 1.12)) ** 2 - ((v[:, None] + 4) / (chin * 1.09)) ** 2
    # Beyond the ellipsoid (corners of the jaw) the surface goes on falling instead of lying flat and bright.
    z = 92 * np.where(inside > 0.06, np.sqrt(np.maximum(inside, 0.06)), 0.245 + (inside - 0.06) * 2.04)

    shape, shade, blood = _Hills(), _Hills(), _Hills()

    def hill(x: float, y: float, sx: float, sy: float, height: float, lift: float = 0.0) -> None:
        shape.add(face.x(x, y, lift), y, sx, sy, height)

    soft = 0.75 if face.age == "child" else 1.0
    for s in (-1, 1):
        hill(s * 34, m.brow_y + 2, 20, 8, 4.5 * soft)
        hill(s * m.eye_x, 0, 19, 13, -9)
        hill(s * m.eye_x, 0, 14, 9, 6)
        hill(s * m.nose_wide * 0.75, m.nose_y - 7, 6, 6, 4, 12)
        hill(s * 50, 40, 20, 18, 6 + 3 * face.smile)
        hill(s * 44, 82, 16, 22, -2.5 if face.age != "child" else 2)
    hill(0, m.nose_y * 0.3, 7.5, m.nose_y * 0.5, 13 * soft, 8)
    hill(0, m.nose_y - 11, 10, 9, 14 * soft, 18)
    hill(0, m.mouth_y, 30, 18, 6)
    hill(0, m.mouth_y + 9, 15, 5, 3.5)
    hill(0, m.mouth_y + 21, 17, 6, -4)
    hill(0, chin - 19, 19, 13, 8)
    hill(0, -70, 46, 26, 5)
    light, shine = _lit(z + shape.field(), lamp, side)
    skin = lamp.ambient + (1.12 - lamp.ambient) * light

    def stain(x: float, y: float, sx: float, sy: float, much: float, lift: float = 0.0) -> None:
        shade.add(face.x(x, y, lift), y, sx, sy, much)

    for s in (-1, 1):  # where little light from the sky arrives
        stain(s * (m.eye_x - 14), -7, 9, 9, 0.22)
        stain(s * m.eye_x, -10, 17, 6, 0.20)
        stain(s * m.eye_x, 13, 15, 5, 0.10 + 0.10 * (face.age == "old"))
        stain(s * (m.mouth_wide * face.mood.wide + 3), m.mouth_y - face.smile * 5, 6, 7, 0.14)
        for step in range(4):  # the fold from nose to mouth
            t = step / 3
            much = 0.05 + 0.13 * face.smile + (0.12 if face.age == "old" else 0) - (0.04 if face.age == "child" else 0)
            stain(s * (m.nose_wide + 2 + 16 * t), m.nose_y - 4 + (m.mouth_y - m.nose_y + 2) * t, 5, 6, much)
        stain(s * (m.nose_wide * 0.5), m.nose_y + 4, 9, 4, 0.26, 8)
        stain(s * 14, m.nose_y * 0.35, 5, 18, 0.09)
    stain(0, m.mouth_y + 19, 16, 5, 0.20)
    skin *= np.exp(-shade.field())
    for s in (-1, 1):
        blood.add(face.x(s * 52, 42), 42, 20, 15, 1)
        blood.add(s * m.wide, 20, 10, 26, 0.5)
    blood.add(face.x(0, m.nose_y - 8, 16), m.nose_y - 8, 13, 10, 0.55)
    hair = _hair_light(lamp, side)
    channels = (skin * 128, shine * (lamp.shine * 255), blood.field() * 160, hair * 128)
    return Image.fromarray(np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8), "CMYK")


@lru_cache(maxsize=16)
def _hair_light(lamp: Lamp, side: float) -> np.ndarray:
    """Light on hair: a ball around the head with the bright band that combed hair shows."""
    u, v = _grid()
    down = np.where(v > -20, (v + 20) / 520, (v + 20) / 215)  # round on top, hanging straight below
    inside = 1 - (u[None, :] / 178) ** 2 - down[:, None] ** 2
    light, _ = _lit(120 * np.sqrt(np.clip(inside, 0.02, 1)), lamp, side)
    ring = np.sqrt((u[None, :] / 108 - side * 0.1) ** 2 + ((v[:, None] + 5) / 128) ** 2)
    band = np.exp(-0.5 * ((ring - 0.93) / 0.10) ** 2) * np.clip(-v[:, None] / 90, 0, 1)
    hanging = 1 - 0.18 * np.clip((v[:, None] - 60) / 120, 0, 1)
    field = (0.40 + 0.51 * light) * hanging + 0.24 * band * (0.4 + light)
    return np.asarray(field, dtype=np.float32)


def shadows(cover: Image.Image, side: float) -> tuple[np.ndarray, np.ndarray]:
    """Soft shadows from who covers what: (near, far), each (4, h, w) shares per material, moved away from the lamp."""
    unit = cover.width / 512
    soft = cover.filter(ImageFilter.BoxBlur(7 * unit)).filter(ImageFilter.BoxBlur(6 * unit))
    shares = np.stack([np.asarray(band) for band in soft.split()])
    moved = []
    for right, down in ((-side * 5, 11), (-side * 16, 32)):
        rows = round(down * unit)
        away = np.roll(shares, (rows, round(right * unit)), axis=(1, 2)).astype(np.float32)
        away *= np.float32(1 / 255)
        away[:, :rows] = 0
        moved.append(away)
    return moved[0], moved[1]


def light_up(
    picture: Image.Image,
    cover: Image.Image,
    lights: Image.Image,
    background: np.ndarray,
    creases: np.ndarray,
    side: float,
) -> np.ndarray:
    """Flat colours under light, with shadows, in front of a background: (3, size, size) floats.

    Light is soft, so it is worked out at half the picture's size.

    Args:
        picture: flat colours on black, size x size.
        cover: who covers what, four channels, size x size.
        lights: `relief` seen by the camera, half as wide.
        creases: light and shadow of folds in cloth, (size / 2, size / 2), 1 is flat.
    """
    size = cover.width
    near, far = shadows(cover.reduce(2), side)
    on_face, shine, blood, on_hair = (np.asarray(band, dtype=np.float32) for band in lights.split())
    above = np.minimum(near[1] + near[3], 1)  # hair and hats shade the face
    t = np.linspace(-1, 1, size // 2, dtype=np.float32)
    plain = (0.97 + 0.07 * side * t - 0.12 * t * t)[None, :] * (1.02 - 0.10 * np.clip(t, 0, 1))[:, None]
    head_over = np.minimum(far[0] + far[1] * 0.7 + far[3] * 0.5, 1)
    skin = _grown(on_face * (1 - 0.46 * above))
    hair = _grown(on_hair * (1 - 0.35 * near[3]))
    body = _grown(128 * plain * creases * (1 - 0.50 * head_over) * (1 - 0.25 * near[1]))
    thing = _grown(32 + 0.8 * on_hair)
    wall = _grown(1 - 0.16 * np.minimum(far[0] + far[1] + far[2] + far[3], 1))
    shine = _grown(shine * (1 - 0.5 * above))
    blood = _grown(blood)

    rows = (size // 2, 2, size)  # as `_grown` fields
    shares = [np.asarray(band, dtype=np.float32).reshape(rows) for band in cover.split()]
    covered = np.minimum(shares[0] + shares[1] + shares[2] + shares[3], 255)
    total = shares[0] * skin
    for share, light in zip(shares[1:], (hair, body, thing), strict=True):
        total += share * light
    total /= np.maximum(covered, 5) * 128
    on_skin = shares[0]
    # Light that went through skin comes out redder: shadows on a face are warm, blood shows on cheeks and nose.
    warm = on_skin * ((128 - np.minimum(skin, 128)) * np.float32(0.12 / 128 / 255))
    blood = on_skin * (blood * np.float32(1 / 255 / 255))
    shine = on_skin * (shine * np.float32(1 / 255))
    wall = (255 - covered) * (wall * np.float32(1 / 255))
    lit = np.empty((3, *rows), dtype=np.float32)
    tints = (1 + warm, 1 - 0.15 * warm - 0.14 * blood, 1 - 0.45 * warm - 0.12 * blood)
    for channel, (band, tint) in enumerate(zip(picture.split(), tints, strict=True)):
        plane = np.multiply(np.asarray(band, dtype=np.float32).reshape(rows), total, out=lit[channel])
        plane *= tint
        plane += shine
        plane += background[channel].reshape(rows) * wall
    return lit.reshape(3, size, size)


def _grown(field: np.ndarray) -> np.ndarray:
    """A field at twice its width, (h, 1, 2 w), to be spread over pairs of rows: soft light needs nothing finer."""
    return np.repeat(np.asarray(field, dtype=np.float32), 2, axis=1)[:, None, :]


def creases(rng: np.random.Generator, size: int, at: tuple[float, float], broad: float, top: float) -> np.ndarray:
    """Light and shadow of folds in cloth below the shoulders, (size, size), 1 is flat.

    Args:
        at: the origin of the body, in units of 512.
        broad: half the shoulders' width.
        top: how far below the origin the cloth begins.
    """
    side = 96
    zoom = side / 512
    image = Image.new("L", (side, side), 128)
    draw = ImageDraw.Draw(image)
    for _ in range(9):
        s = rng.choice((-1, 1))
        x = rng.uniform(0.2, 0.95) * broad
        drift, start = rng.uniform(-50, 14), rng.uniform(26, 62)
        line = np.array(
            [(s * x, top + start), (s * (x + 0.35 * drift), top + start + 42), (s * (x + drift), top + 190)]
        )
        where = ((line + at) * zoom).ravel().tolist()
        beside = ((line + at - (5, 0)) * zoom).ravel().tolist()
        draw.line(beside, fill=150 + int(rng.integers(22)), width=2)
        draw.line(where, fill=70 + int(rng.integers(30)), width=2)
    soft = (
        image.filter(ImageFilter.BoxBlur(1.3))
        .filter(ImageFilter.BoxBlur(1.0))
        .resize((size, size), Image.Resampling.BICUBIC)
    )
    return np.asarray(soft, dtype=np.float32) / 128


@lru_cache(maxsize=4)
def _noise(size: int) -> np.ndarray:
    """A pool of sensor noise (3, 2 * size, 2 * size), slightly blotchy as after a camera's own smoothing."""
    rng = np.random.default_rng(20)
    fine = rng.standard_normal((3, 2 * size, 2 * size), dtype=np.float32)
    luma = rng.standard_normal((1, 2 * size, 2 * size), dtype=np.float32)
    mixed = 0.45 * fine + 0.8 * luma
    mixed = mixed + 0.5 * (np.roll(mixed, 1, 1) + np.roll(mixed, 1, 2))
    return np.asarray(mixed / mixed.std(), dtype=np.float32)


@lru_cache(maxsize=4)
def _corners(size: int) -> np.ndarray:
    """Squared distance from the middle, 0 to 1 in the corners."""
    t = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    return (t[:, None] + t[None, :]) / 2


def develop(light: np.ndarray, lamp: Lamp, side: float, rng: np.random.Generator) -> Image.Image:
    """What the camera makes of the scene: colour cast, uneven light, vignette, tone curve, noise, slight blur.

    Args:
        light: (3, size, size) floats, 0-255; changed in place.
    """
    size = light.shape[1]
    exposure = 1 + rng.uniform(-0.07, 0.07)
    gain = np.array(lamp.cast, dtype=np.float32) * exposure * (1 + rng.normal(0, 0.012, 3).astype(np.float32))
    across = np.linspace(1 - lamp.falloff * side, 1 + lamp.falloff * side, size, dtype=np.float32)
    field = across[None, :] * (1 - lamp.vignette * _corners(size))
    field = field.astype(np.float32)
    for plane, much in zip(light, gain.tolist(), strict=True):
        plane *= field * np.float32(much)
    # Highlights roll off instead of clipping, as film and phones do.
    np.minimum(light, light * np.float32(0.55) + np.float32(205 * 0.45), out=light)
    y, x = rng.integers(0, size, 2)
    light += _noise(size)[:, y : y + size, x : x + size] * np.float32(lamp.noise * rng.uniform(0.7, 1.3))
    np.clip(light, 0, 255, out=light)
    planes = light.astype(np.uint8)
    picture = Image.merge("RGB", [Image.fromarray(plane) for plane in planes])
    softness = rng.uniform(0.22, 0.5) * size / 256
    return picture.filter(ImageFilter.BoxBlur(softness))
