"""Light on a portrait: the face's relief under a lamp, shadows that hair and chin cast, and the camera's marks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageFilter

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
    "dim light": Lamp(0.62, -0.42, 0.66, 0.42, (0.60, 0.63, 0.74), 0.08, 0.18, 0.30, 4.2),
}


def _bump(u: np.ndarray, v: np.ndarray, x: float, y: float, sx: float, sy: float) -> np.ndarray:
    """A round hill at (x, y), height 1, as an outer product: cheap on a grid."""
    return np.exp(-0.5 * ((v - y) / sy) ** 2)[:, None] * np.exp(-0.5 * ((u - x) / sx) ** 2)[None, :]


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
    z = 92 * np.sqrt(np.clip(inside, 0.0, 1))

    def hill(x: float, y: float, sx: float, sy: float, height: float, lift: float = 0.0) -> None:
        z.__iadd__(height * _bump(u, v, face.x(x, y, lift), y, sx, sy))

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
    light, shine = _lit(z, lamp, side)
    skin = lamp.ambient + (1.07 - lamp.ambient) * light

    def stain(field: np.ndarray, x: float, y: float, sx: float, sy: float, much: float, lift: float = 0.0) -> None:
        field *= 1 - much * _bump(u, v, face.x(x, y, lift), y, sx, sy)

    for s in (-1, 1):  # where little light from the sky arrives
        stain(skin, s * (m.eye_x - 14), -7, 9, 9, 0.22)
        stain(skin, s * m.eye_x, -10, 17, 6, 0.20)
        stain(skin, s * m.eye_x, 13, 15, 5, 0.10 + 0.10 * (face.age == "old"))
        stain(skin, s * (m.mouth_wide + 3), m.mouth_y - face.smile * 5, 6, 7, 0.16)
        for step in range(4):  # the fold from nose to mouth
            t = step / 3
            much = 0.05 + 0.13 * face.smile + (0.12 if face.age == "old" else 0) - (0.04 if face.age == "child" else 0)
            stain(skin, s * (m.nose_wide + 2 + 16 * t), m.nose_y - 4 + (m.mouth_y - m.nose_y + 2) * t, 5, 6, much)
        stain(skin, s * (m.nose_wide * 0.5), m.nose_y + 4, 9, 4, 0.26, 8)
        stain(skin, s * 14, m.nose_y * 0.35, 5, 18, 0.09)
    stain(skin, 0, m.mouth_y + 19, 16, 5, 0.20)
    blush = np.zeros_like(skin)
    for s in (-1, 1):
        blush += _bump(u, v, face.x(s * 52, 42), 42, 20, 15)
        blush += 0.5 * _bump(u, v, s * m.wide, 20, 10, 26)
    blush += 0.55 * _bump(u, v, face.x(0, m.nose_y - 8, 16), m.nose_y - 8, 13, 10)
    hair = _hair_light(lamp, side)
    channels = (skin * 128, shine * (lamp.shine * 255), blush * 160, hair * 128)
    return Image.fromarray(np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8), "CMYK")


@lru_cache(maxsize=16)
def _hair_light(lamp: Lamp, side: float) -> np.ndarray:
    """Light on hair: a ball around the head with the bright band that combed hair shows."""
    u, v = _grid()
    inside = 1 - (u[None, :] / 175) ** 2 - ((v[:, None] + 20) / 215) ** 2
    light, _ = _lit(120 * np.sqrt(np.clip(inside, 0.02, 1)), lamp, side)
    ring = np.sqrt((u[None, :] / 108 - side * 0.1) ** 2 + ((v[:, None] + 5) / 128) ** 2)
    band = np.exp(-0.5 * ((ring - 0.93) / 0.10) ** 2) * np.clip(-v[:, None] / 90, 0, 1)
    hanging = 1 - 0.18 * np.clip((v[:, None] - 60) / 120, 0, 1)
    field = (0.55 + 0.55 * light) * hanging + 0.30 * band * (0.4 + light)
    return np.asarray(field, dtype=np.float32)


def shadows(cover: Image.Image, side: float) -> tuple[np.ndarray, np.ndarray]:
    """Soft shadows from who covers what: (near, far), each (h, w, 4) shares per material, moved away from the lamp."""
    size = cover.width
    small = cover.resize((size // 2, size // 2), Image.Resampling.BOX)
    unit = size / 2 / 512
    soft = small.filter(ImageFilter.BoxBlur(7 * unit)).filter(ImageFilter.BoxBlur(6 * unit))
    near = ImageChops.offset(soft, round(-side * 5 * unit), round(11 * unit))
    far = ImageChops.offset(soft, round(-side * 16 * unit), round(32 * unit))
    rows = round(32 * unit)
    far.paste((0, 0, 0, 0), (0, 0, far.width, rows))
    near.paste((0, 0, 0, 0), (0, 0, near.width, round(11 * unit)))
    up = [np.asarray(i.resize((size, size), Image.Resampling.BILINEAR), dtype=np.float32) / 255 for i in (near, far)]
    return up[0], up[1]


@lru_cache(maxsize=4)
def _noise(size: int) -> np.ndarray:
    """A pool of sensor noise (2 * size, 2 * size, 3), slightly blotchy as after a camera's own smoothing."""
    rng = np.random.default_rng(20)
    fine = rng.standard_normal((2 * size, 2 * size, 3), dtype=np.float32)
    luma = rng.standard_normal((2 * size, 2 * size, 1), dtype=np.float32)
    mixed = 0.45 * fine + 0.8 * luma
    mixed = mixed + 0.5 * (np.roll(mixed, 1, 0) + np.roll(mixed, 1, 1))
    return np.asarray(mixed / mixed.std(), dtype=np.float32)


@lru_cache(maxsize=4)
def _corners(size: int) -> np.ndarray:
    """Squared distance from the middle, 0 to 1 in the corners."""
    t = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    return (t[:, None] + t[None, :]) / 2


def develop(light: np.ndarray, lamp: Lamp, side: float, rng: np.random.Generator) -> Image.Image:
    """What the camera makes of the scene: colour cast, uneven light, vignette, tone curve, noise, slight blur.

    Args:
        light: (size, size, 3) floats, 0-255; changed in place.
    """
    size = light.shape[0]
    exposure = 1 + rng.uniform(-0.07, 0.07)
    gain = np.array(lamp.cast, dtype=np.float32) * exposure * (1 + rng.normal(0, 0.012, 3).astype(np.float32))
    across = np.linspace(1 - lamp.falloff * side, 1 + lamp.falloff * side, size, dtype=np.float32)
    field = across[None, :] * (1 - lamp.vignette * _corners(size))
    light *= field[..., None] * gain
    # Highlights roll off instead of clipping, as film and phones do.
    np.minimum(light, 205 + (light - 205) * 0.55, out=light)
    y, x = rng.integers(0, size, 2)
    light += _noise(size)[y : y + size, x : x + size] * np.float32(lamp.noise * rng.uniform(0.7, 1.3))
    np.clip(light, 0, 255, out=light)
    picture = Image.fromarray(light.astype(np.uint8), "RGB")
    softness = rng.uniform(0.22, 0.5) * size / 256
    return picture.filter(ImageFilter.BoxBlur(softness))
