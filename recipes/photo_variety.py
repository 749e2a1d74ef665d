"""Makes photo-like drawings as varied as real photographs are: cluttered places, hard light, other clothes, cameras.

The world draws people before plain walls or far blurred places, evenly lit, in eight kinds of clothes. Somebody's
photos have flags and shelves behind them, a flash or a window beside them, a uniform, a small sensor and JPEG's marks.
A net that is to read real photographs learns from both. What a change hides is no longer asked for: see `HIDES`.
"""

from __future__ import annotations

import io

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFilter

# Answers that cannot be read any more after a change: the place is another one, so is the light, so may be the clothes.
HIDES = ("background", "light", "clothing", "clothing_colour")
LEAVES = (40, 160)  # shapes of a backdrop
CLOTH_FROM = (0.74, 0.92)  # where another garment may begin, as a share of the height


def backdrops(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Places that are none: overlapping shapes of all sizes, colours and textures, sharp or out of focus.

    "Dead leaves" have the edges, occlusions and sizes of natural pictures, without being of anything (Lee, Mumford
    and Huang, IJCV 2001; for training nets, Baradad et al., arXiv 2106.05963).

    Args:
        count: how many.
        size: width and height in pixels.
        seed: of the chance.

    Returns:
        uint8 `(count, size, size, 3)`.
    """
    rng = np.random.default_rng([seed, 0xDEAD])
    return np.stack([np.asarray(_leaves(rng, size)) for _ in range(count)])


def _leaves(rng: np.random.Generator, size: int) -> Image.Image:
    side = 2 * size  # drawn at twice the size, so that edges are as soft as a lens makes them
    tones = rng.integers(0, 256, (int(rng.integers(2, 9)), 3)).astype(float)
    tones = tones.mean(1, keepdims=True) + (tones - tones.mean(1, keepdims=True)) * rng.uniform(0.1, 1)
    picture = Image.new("RGB", (side, side), _tone(rng, tones))
    draw = ImageDraw.Draw(picture)
    depth = rng.uniform(10, 300)
    for _ in range(int(rng.integers(*LEAVES))):
        # The number of shapes falls with the third power of their size, which looks the same at every distance.
        radius = side * 0.5 / np.sqrt(1 + depth * rng.random())
        x, y = rng.uniform(-0.1, 1.1, 2) * side
        tone = _tone(rng, tones)
        kind = rng.random()
        if kind < 0.35:
            flat = rng.uniform(0.3, 1)
            draw.ellipse((x - radius, y - radius * flat, x + radius, y + radius * flat), fill=tone)
        elif kind < 0.6:
            draw.rectangle((x - radius, y - radius * rng.uniform(0.2, 4), x + radius, y + radius), fill=tone)
        elif kind < 0.85:
            angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
            draw.polygon([(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles], fill=tone)
        else:  # stripes: shelves, blinds, flags
            other, wide = _tone(rng, tones), max(2.0, radius * rng.uniform(0.1, 0.4))
            for k in range(6):
                place = (x, y + k * wide, x + 3 * radius, y + (k + 1) * wide)
                draw.rectangle(place, fill=tone if k % 2 else other)
    small = picture.resize((size, size), Image.Resampling.BOX)
    if rng.random() < 0.6:
        small = small.filter(ImageFilter.GaussianBlur(size * rng.uniform(0.004, 0.04)))
    grain = rng.normal(0, rng.uniform(0, 14), (size, size, 1)) + rng.normal(0, 3, (size, size, 3))
    return Image.fromarray((np.asarray(small) + grain).clip(0, 255).astype(np.uint8))


def _tone(rng: np.random.Generator, tones: np.ndarray) -> tuple[int, int, int]:
    tone = tones[int(rng.integers(len(tones)))] * rng.uniform(0.6, 1.2) + rng.normal(0, 12, 3)
    r, g, b = (int(value) for value in tone.clip(0, 255))
    return r, g, b


def hats(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Headwear of no kind the world draws (helmets, uniform caps, wraps), where it sits on a drawn photo.

    Args:
        count: how many.
        size: width and height in pixels of the pictures they belong upon.
        seed: of the chance.

    Returns:
        uint8 `(count, size, size, 4)`: colours and what they cover.
    """
    rng = np.random.default_rng([seed, 0xA75])
    return np.stack([np.asarray(_hat(rng, size)) for _ in range(count)])


def _hat(rng: np.random.Generator, size: int) -> Image.Image:
    unit = 2 * size  # the head's middle is at 0.5; brows are at 0.37, the skull's top is at 0.20 and its width 0.34
    shape = Image.new("L", (unit, unit))
    draw = ImageDraw.Draw(shape)
    edge, top, wide = rng.uniform(0.27, 0.34), rng.uniform(0.06, 0.2), rng.uniform(0.17, 0.23)
    # A crown between a box and a dome, leaning, wider or narrower above than where it sits.
    turn = np.linspace(np.pi, 0, 25)
    power, flare, lean = rng.uniform(0.35, 1.1), rng.uniform(0.75, 1.3), rng.uniform(-0.04, 0.04)
    rise = np.sin(turn) ** power
    x = 0.5 + lean * rise + wide * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power * (1 + (flare - 1) * rise)
    y = edge - (edge - top) * rise
    draw.polygon([(unit * a, unit * b) for a, b in zip(x, y, strict=True)], fill=255)
    low = edge + rng.uniform(0, 0.03)
    draw.polygon([(unit * a, unit * b) for a, b in
                  ((0.5 - wide, edge), (0.5 + wide, edge), (0.5 + 0.95 * wide, low), (0.5 - 0.95 * wide, low))],
                 fill=255)  # fmt: skip
    cloth = _leaves(rng, size).resize((unit, unit)) if rng.random() < 0.25 else None
    tones = rng.integers(0, 256, (3, 3)) * rng.choice([0.3, 1.0])
    colours = cloth or Image.new("RGB", (unit, unit), _tone(rng, tones))
    ink = ImageDraw.Draw(colours)
    if rng.random() < 0.5:  # a band, or another colour up to it
        start = rng.uniform(top, edge)
        ink.rectangle((0, unit * start, unit, unit * min(low, start + rng.uniform(0.02, 0.12))), fill=_tone(rng, tones))
    if rng.random() < 0.5:  # a badge, an emblem, some lettering
        r, at = rng.uniform(0.015, 0.08), rng.uniform(top + 0.03, edge)
        box = [round(unit * v) for v in (0.5 + lean - r, at - 0.6 * r, 0.5 + lean + r, at + 0.6 * r)]
        picture, mask = _leaves(rng, size).resize((unit, unit)), Image.new("L", (unit, unit))
        if rng.random() < 0.5:
            ImageDraw.Draw(mask).ellipse(box, fill=255)
        else:  # its small parts alone
            parts = ImageDraw.Draw(mask)
            for _ in range(int(rng.integers(4, 16))):
                x0, y0 = rng.uniform(box[0], box[2]), rng.uniform(box[1], box[3])
                long, high = rng.uniform(0.004, 0.025, 2) * unit
                parts.ellipse((x0, y0, x0 + long, y0 + high), fill=255)
            picture = picture if rng.random() < 0.5 else Image.new("RGB", (unit, unit), _tone(rng, tones))
        colours.paste(picture, mask=mask)
    if rng.random() < 0.6:  # a brim
        far, deep = wide * rng.uniform(1.0, 1.9), rng.uniform(0.01, 0.05)
        box = [unit * v for v in (0.5 - far, low - deep, 0.5 + far, low + deep)]
        draw.ellipse(box, fill=255)
        ink.ellipse(box, fill=_tone(rng, tones))
    shade = 1 + rng.uniform(-0.35, 0.35) * np.linspace(-1, 1, size)[None, :, None]
    small = colours.resize((size, size), Image.Resampling.BOX)
    lit = np.asarray(small) * shade + rng.normal(0, rng.uniform(1, 10), (size, size, 1))
    hat = Image.fromarray(lit.clip(0, 255).astype(np.uint8))
    hat.putalpha(shape.filter(ImageFilter.GaussianBlur(1)).resize((size, size), Image.Resampling.BOX))
    return hat


def as_tensor(pictures: np.ndarray) -> torch.Tensor:
    """uint8 `(n, h, w, c)` as `(n, c, h, w)` in [0, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


def put_on(people: torch.Tensor, some_hats: torch.Tensor) -> torch.Tensor:
    """People with a hat each, as drawn photos `(b, 4, h, w)` in [0, 1], hats likewise."""
    colours, cover = some_hats[:, :3], some_hats[:, 3:]
    return torch.cat([torch.lerp(people[:, :3], colours, cover), torch.maximum(people[:, 3:], cover)], 1)


def varied(batch: torch.Tensor, places: torch.Tensor, size: int, generator: torch.Generator) -> torch.Tensor:
    """Photo-like people somewhere else, in other light, before another camera.

    Args:
        batch: `(b, 4, h, w)` in [0, 1]: colours and what the person covers, as the world draws transparent photos.
        places: `(n, 3, h, w)` in [0, 1], what may be behind and upon them.
        size: of the result.
        generator: of the chance.

    Returns:
        `(b, 3, size, size)` in [0, 1]. What is in `HIDES` cannot be read from it.
    """
    b = len(batch)

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.rand(b, *(shape or (1, 1, 1)), generator=generator) * (high - low) + low

    def field(cells: int, channels: int = 1) -> torch.Tensor:
        """Soft chance over the picture, -1 to 1."""
        return F.interpolate(uniform(-1, 1, channels, cells, cells), size, mode="bicubic", align_corners=False)

    def place() -> torch.Tensor:
        some = places[torch.randint(len(places), (b,), generator=generator)]
        mirror = torch.where(uniform(0, 1) < 0.5, some, some.flip(3))
        return F.interpolate(mirror, size, mode="area") * uniform(0.6, 1.15) + uniform(-0.08, 0.08, 3, 1, 1)

    def sometimes(share: float) -> torch.Tensor:
        return (uniform(0, 1) < share).float()

    # Another frame, and another head: wider or narrower, and nowhere quite as the world draws it.
    zoom, angle, wide = uniform(0.8, 1.05, 1)[:, 0], uniform(-0.16, 0.16, 1)[:, 0], uniform(0.92, 1.08, 1)[:, 0]
    mirror = (uniform(0, 1, 1)[:, 0] < 0.5).float() * 2 - 1
    shift = uniform(-0.09, 0.09, 2)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    rows = [cos * mirror * wide, -sin, shift[:, 0], sin * mirror * wide, cos, shift[:, 1]]
    grid = F.affine_grid(torch.stack(rows, 1).view(b, 2, 3), [b, 4, size, size], align_corners=False)
    bent = grid + 0.03 * field(5, 2).permute(0, 2, 3, 1)
    person = F.grid_sample(batch, bent, padding_mode="reflection", align_corners=False)
    colours, cover = person[:, :3], person[:, 3:]

    line = torch.linspace(0, 1, size).view(1, 1, size, 1)
    edge = uniform(*CLOTH_FROM) + 0.05 * field(4)[:, :, :1]
    garment = ((line - edge) * size).clamp(0, 1) * sometimes(0.4)
    colours = torch.lerp(colours, place(), garment)
    # Skin has pores, lines and blotches, hair has strands and lights, cloth a weave: at all scales, where drawings are
    # smooth, so that not every unevenness is a freckle and not every detail on a head a thing that is worn.
    rough = sum((field(size // cell) for cell in (1, 2, 4, 8)), torch.zeros(()))
    colours = colours * (1 + uniform(0, 0.12) * rough)
    # A window, a lamp or a flash from one side, and soft shadows.
    across = torch.linspace(-1, 1, size)
    side = uniform(-0.45, 0.45) * across.view(1, 1, 1, size) + uniform(-0.3, 0.3) * across.view(1, 1, size, 1)
    colours = colours * (1 + side + 0.25 * uniform(0, 1) * field(4))
    x = torch.lerp(place(), colours, cover)

    warm = uniform(-0.12, 0.12)
    balance = torch.cat([1 + warm, 1 + uniform(-0.04, 0.04), 1 - warm], 1)
    x = (x * balance * uniform(0.75, 1.35)).clamp(1e-3, 1) ** uniform(0.75, 1.3)
    x = (x - 0.5) * uniform(0.8, 1.4) + 0.5
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * uniform(0.6, 1.5)
    small = F.interpolate(F.interpolate(x, size // 2, mode="area"), size, mode="bicubic", align_corners=False)
    x = torch.lerp(x, small, sometimes(0.4) * uniform(0, 1))
    x = x + torch.randn(x.shape, generator=generator) * uniform(0, 0.05)
    return _compressed(x.clamp(0, 1), sometimes(0.4).flatten().bool(), generator)


def _compressed(batch: torch.Tensor, which: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Some of a batch through JPEG at quality 25 to 75."""
    for i in which.nonzero()[:, 0].tolist():
        buffer = io.BytesIO()
        pixels = (batch[i].permute(1, 2, 0) * 255).round().byte().numpy()
        quality = int(torch.randint(25, 76, (), generator=generator))
        Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
        batch[i] = torch.from_numpy(np.asarray(Image.open(buffer)).copy()).permute(2, 0, 1) / 255
    return batch
