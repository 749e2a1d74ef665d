"""Stickers that move: a few expressions of one person, blended and shifted into a short loop.

A blink takes only the eyes of another expression and talking only its mouth, where pictures have the built-in base's
layout (the head is always at the same place); pictures of other bases are blended as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.errors import PackError

Kind = Literal["mix", "blink", "talk", "bounce"]
KINDS: tuple[Kind, ...] = ("mix", "blink", "talk", "bounce")
# Middle and half axes of the eyes and the mouth in a chibi's picture, as shares of its sides.
EYES, MOUTH = (0.5, 0.49, 0.27, 0.085), (0.5, 0.605, 0.13, 0.07)
HEADROOM = 0.08  # added above, to jump into
_LIVELY = {"hello": "bounce", "hooray": "bounce", "bye": "bounce", "wow": "bounce", "rage": "bounce", "music": "bounce",
           "laugh": "talk", "angry": "talk", "surprise": "blink", "meow": "talk"}  # fmt: skip

Layer = NDArray[np.float32]


@dataclass(frozen=True)
class Loop:
    """Pictures that follow each other, and again from the first.

    Args:
        frames: RGBA, all of one size.
        ms: how long each is shown, in milliseconds.
    """

    frames: tuple[Image.Image, ...]
    ms: tuple[int, ...]

    @property
    def seconds(self) -> float:
        return sum(self.ms) / 1000

    def thinned(self) -> Loop:
        """Every second frame, each shown as long as two; the first and what it says stay."""
        ms = [sum(self.ms[at : at + 2]) for at in range(0, len(self.ms), 2)]
        return Loop(self.frames[::2], tuple(ms))


def make_loop(kind: Kind, expression: str, cuts: Mapping[str, Image.Image], known_layout: bool = True) -> Loop:
    """Makes an expression move.

    Args:
        kind: `blink`, `talk`, `bounce`; `mix` takes what suits the expression.
        expression: which; the loop begins with its picture as it is.
        cuts: cut-out pictures of one person by expression; a blink needs `sleepy` (or `smile` for closed eyes),
            talking needs `surprise`. Without them the sticker bounces.
        known_layout: whether eyes and mouth are where chibi-mini draws them.

    Returns:
        At most 20 frames; one loop takes one or two whole seconds.

    Raises:
        PackError: there is no such picture, or no such kind.
    """
    if kind not in KINDS:
        raise PackError("The movement", f"{kind!r} is none", f"Choose {', '.join(KINDS)}")
    if expression not in cuts:
        raise PackError(f"The expression {expression!r}", "the pack has no picture of it", "Draw it first")
    chosen = _LIVELY.get(expression, "blink") if kind == "mix" else kind
    still = cuts[expression]
    if chosen == "blink":
        other = cuts.get("smile" if expression in ("laugh", "sleepy", "night", "hooray") else "sleepy")
        if other is not None:
            return _blend(still, other, EYES if known_layout else None, _BLINK)
    if chosen == "talk":
        other = cuts.get("smile" if expression == "surprise" else "surprise")
        if other is not None:
            return _blend(still, other, MOUTH if known_layout else None, _TALK)
    return _bounce(still)


# How much of the other picture is seen, and for how long: 2 s with two blinks, 1 s with three syllables.
_BLINK = ((0, 760), (0.5, 40), (1, 90), (0.6, 40), (0.15, 70), (0.0, 600), (0.55, 40), (1, 80), (0.5, 40), (0.1, 240))
_TALK = ((0, 120), (0.6, 60), (1, 100), (0.4, 60), (0.1, 80), (0.7, 60), (1, 90), (0.5, 60), (0.15, 90), (0.8, 60),
         (0.9, 80), (0.3, 60), (0.05, 80))  # fmt: skip


def _blend(
    still: Image.Image, other: Image.Image, part: Sequence[float] | None, steps: Sequence[Sequence[float]]
) -> Loop:
    """A cross-fade in one part of the picture, over a body that breathes."""
    first, second = _layer(still), _layer(other.resize(still.size) if other.size != still.size else other)
    mask = _ellipse(still.size, part) if part else np.ones((still.height, still.width, 1), dtype=np.float32)
    total, passed, frames = sum(ms for _, ms in steps), 0.0, []
    for share, ms in steps:
        breath = 0.5 - 0.5 * math.cos(2 * math.pi * passed / total)
        frames.append(_moved(_picture(first + mask * share * (second - first)), 0, 1, 1 + 0.012 * breath))
        passed += ms
    return Loop(tuple(frames), tuple(int(ms) for _, ms in steps))


def _bounce(still: Image.Image, frames: int = 12, ms: Sequence[int] = ()) -> Loop:
    """A jump: squash, up, down, squash; one second."""
    lengths = tuple(ms) or tuple(84 if index < 4 else 83 for index in range(frames))
    made = []
    for index in range(frames):
        phase = index / frames
        # Quicker up than down, so that no two frames are the same.
        height = math.sin(math.pi * (2 * phase) ** 0.8) if phase < 0.5 else 0.0
        squash = math.sin(4 * math.pi * (phase - 0.5)) * (1 - phase) * 2 if phase >= 0.5 else 0.0
        tall = 1 + 0.03 * height - 0.045 * squash
        made.append(_moved(still, HEADROOM * 0.8 * height, 1 / tall, tall))
    return Loop(tuple(made), lengths)


def _moved(image: Image.Image, up: float, wide: float, tall: float) -> Image.Image:
    """The picture with room above, stretched about its foot and lifted; shares of its height."""
    room = round(image.height * HEADROOM)
    canvas = Image.new("RGBa", (image.width, image.height + room))
    size = (max(1, round(image.width * wide)), max(1, round(image.height * tall)))
    scaled = (
        image.convert("RGBa").resize(size, Image.Resampling.BICUBIC) if size != image.size else image.convert("RGBa")
    )
    canvas.paste(scaled, ((image.width - size[0]) // 2, canvas.height - size[1] - round(up * image.height)))
    return canvas.convert("RGBA")


def _layer(image: Image.Image) -> Layer:
    """Premultiplied colours and alpha, (height, width, 4) from 0 to 255: what may be added and subtracted."""
    return np.asarray(image.convert("RGBa"), dtype=np.float32)


def _picture(layer: Layer) -> Image.Image:
    pixels = np.rint(np.clip(layer, 0, 255)).astype(np.uint8)
    return Image.fromarray(pixels, "RGBa").convert("RGBA")


def _ellipse(size: tuple[int, int], part: Sequence[float]) -> Layer:
    """A mask of 1 inside an ellipse that fades to 0 over its outer third: (height, width, 1)."""
    x, y, rx, ry = part
    columns = ((np.arange(size[0]) + 0.5) / size[0] - x) / rx
    rows = ((np.arange(size[1]) + 0.5) / size[1] - y) / ry
    far = np.hypot(rows[:, None], columns[None, :])
    return np.asarray(np.clip((1.15 - far) / 0.3, 0, 1), dtype=np.float32)[..., None]
