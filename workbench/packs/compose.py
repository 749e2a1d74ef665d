"""From a cut-out person to a finished picture of an exact size: border, shadow, frame, words, avatar, banner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter
from scipy import ndimage

from workbench.errors import PackError
from workbench.packs.lettering import line_of_text

Frame = Literal["none", "circle", "rounded"]
Box = tuple[int, int, int, int]

FRAMES: tuple[Frame, ...] = ("none", "circle", "rounded")
HEAD = 0.72  # the part of a chibi's picture, from the top, in which the head is
WORDS = 0.19  # of a sticker's height, for its words
SHADOW = 0.3  # how dark
BANNER_PEOPLE = 3


@dataclass(frozen=True)
class Look:
    """How stickers look.

    Args:
        border: width of the white border, as a share of the shorter side; 0 for none.
        shadow: a soft shadow under it, where the format knows half transparent pixels.
        frame: `none` leaves the person's own outline; `circle` and `rounded` put them before a coloured shape.
        colour: of frames, avatars and banners: `#rrggbb` or a colour's name.
        words: language of the lettering: "" for none, `en` or `zh`.

    Raises:
        PackError: a value makes no sense.
    """

    border: float = 0.028
    shadow: bool = True
    frame: Frame = "none"
    colour: str = "#ffd9e1"
    words: Literal["", "en", "zh"] = ""

    def __post_init__(self) -> None:
        if not 0 <= self.border <= 0.15:
            raise PackError("The border", f"{self.border!r} is out of range", "Choose 0 to 0.15")
        if self.frame not in FRAMES:
            raise PackError("The frame", f"{self.frame!r} is none", f"Choose {', '.join(FRAMES)}")
        if self.words not in ("", "en", "zh"):
            raise PackError("The lettering", f"{self.words!r} is no language it knows", "Choose en or zh")
        try:
            ImageColor.getrgb(self.colour)
        except ValueError as error:
            raise PackError("The colour", f"{self.colour!r} is none", "Write it as #ffd9e1") from error

    @property
    def rgb(self) -> tuple[int, int, int]:
        red, green, blue, *_ = ImageColor.getrgb(self.colour)
        return red, green, blue


def alpha_range(image: Image.Image) -> tuple[int, int]:
    """The lowest and the highest alpha of an RGBA picture, from 0 to 255."""
    levels = np.asarray(image.getchannel("A"))
    return int(levels.min()), int(levels.max())


def bounds_of(*cuts: Image.Image) -> Box:
    """The smallest box around everything that can be seen in pictures of one size.

    Raises:
        PackError: there is nothing.
    """
    boxes = [box for cut in cuts if (box := cut.getchannel("A").point(lambda a: 255 if a > 12 else 0).getbbox())]
    if not boxes:
        raise PackError("The picture", "nothing is left of it after cutting out", "Draw it again")
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def head_of(cut: Image.Image) -> Image.Image:
    """The head alone, for pictures so small that a body would only be a dot."""
    return cut.crop((0, 0, cut.width, round(cut.height * HEAD)))


def sticker(
    cut: Image.Image,
    size: tuple[int, int],
    look: Look,
    text: str = "",
    margin: int = 0,
    soft: bool = True,
    bounds: Box | None = None,
) -> Image.Image:
    """A sticker.

    Args:
        cut: the person, RGBA, nothing behind them.
        size: width and height.
        look: border, shadow, frame.
        text: written over the lower part.
        margin: pixels at each edge that stay empty.
        soft: False for GIF, whose pixels are either there or not: no shadow then.
        bounds: what is fitted into the size; moving ones share theirs so that nothing jumps. None: what is seen.

    Returns:
        RGBA of exactly that size.
    """
    width, height = size
    border = round(min(size) * look.border)
    shade = int(min(size) * 0.012) if look.shadow and soft else 0
    # A shadow fades over about four times its width.
    edge = margin + border + 3 * shade + (1 if border else 0)
    room = (max(8, width - 2 * edge), max(8, height - 2 * edge))
    person = _placed(cut.crop(bounds or bounds_of(cut)), size, room)
    if look.frame != "none":
        person = _framed(person, size, room, look)
    if text:
        person.alpha_composite(*_words(text, size, room, edge))
    result = _bordered(person, border) if border else person
    return _shadowed(result, shade) if shade else result


def avatar(cut: Image.Image, side: int, look: Look, circle: bool = False) -> Image.Image:
    """A square avatar on a flat colour, whose head no circle cuts.

    Args:
        cut: the person.
        side: pixels.
        look: its colour is the background.
        circle: cut to a circle, transparent around it.

    Returns:
        RGB, or RGBA for a circle.
    """
    person = cut.crop(bounds_of(cut))
    share = 0.94
    while share > 0.4 and not _in_circle(placed := _at_foot(person, 128, share)):
        share -= 0.02
    del placed
    square = Image.new("RGBA", (side, side), (*look.rgb, 255))
    square.alpha_composite(_at_foot(person, side, share))
    if not circle:
        return square.convert("RGB")
    square.putalpha(_disc((side, side), (0, 0, side, side), side / 2))
    return square


def banner(cuts: Sequence[Image.Image], size: tuple[int, int], look: Look) -> Image.Image:
    """A wide picture of several people side by side, on the look's colour; RGB."""
    width, height = size
    picture = Image.new("RGBA", size, (*look.rgb, 255))
    light = Image.new("RGBA", size)
    draw = ImageDraw.Draw(light)
    for x, y, r in ((0.06, 0.2, 0.22), (0.32, 0.9, 0.2), (0.62, 0.12, 0.26), (0.95, 0.8, 0.3)):
        draw.ellipse([(x - r / 2) * width, y * height - r / 2 * width, (x + r / 2) * width, y * height + r / 2 * width],
                     (255, 255, 255, 70))  # fmt: skip
    picture.alpha_composite(light)
    people = list(cuts[:BANNER_PEOPLE])
    plain = Look(border=0.022, shadow=False, colour=look.colour)
    each = min(round(height * 0.94), round(width / max(1, len(people)) * 1.25))
    step = (width - each) / max(1, len(people) - 1) if len(people) > 1 else 0
    # The middle one stands in front of its neighbours.
    for index in sorted(range(len(people)), key=lambda i: -abs(i - (len(people) - 1) / 2)):
        one = sticker(people[index], (each, each), plain)
        x = round(step * index) if len(people) > 1 else (width - each) // 2
        box = one.getchannel("A").getbbox() or (0, 0, each, each)
        picture.alpha_composite(one.crop((0, 0, each, box[3])), (x, height - box[3] + round(height * 0.012)))
    return picture.convert("RGB")


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """An RGBA picture of another size, without dark or light seams where it becomes transparent."""
    return image.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")


def _placed(person: Image.Image, size: tuple[int, int], room: tuple[int, int]) -> Image.Image:
    scale = min(room[0] / person.width, room[1] / person.height)
    small = resized(person, (max(1, round(person.width * scale)), max(1, round(person.height * scale))))
    canvas = Image.new("RGBA", size)
    canvas.alpha_composite(small, ((size[0] - small.width) // 2, (size[1] + room[1]) // 2 - small.height))
    return canvas


def _at_foot(person: Image.Image, side: int, share: float) -> Image.Image:
    """The person at the lower edge of a square, in its middle, `share` of it high or wide."""
    scale = share * side / max(person.size)
    small = resized(person, (max(1, round(person.width * scale)), max(1, round(person.height * scale))))
    canvas = Image.new("RGBA", (side, side))
    canvas.alpha_composite(small, ((side - small.width) // 2, side - small.height))
    return canvas


def _in_circle(square: Image.Image) -> bool:
    """Whether nothing of the upper half lies outside the circle that touches the sides."""
    alpha = np.asarray(square.getchannel("A")) > 12
    return not bool((alpha & outside_circle(square.width))[: square.width // 2].any())


def outside_circle(side: int) -> NDArray[np.bool_]:
    """Which pixels of a square lie outside the circle that touches its sides: (side, side)."""
    offsets = np.arange(side) + 0.5 - side / 2
    return np.asarray(np.hypot(offsets[:, None], offsets[None, :]) > side / 2)


def _framed(person: Image.Image, size: tuple[int, int], room: tuple[int, int], look: Look) -> Image.Image:
    side = min(room)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    radius = side / 2 if look.frame == "circle" else side * 0.2
    shape = _disc(size, (left, top, left + side, top + side), radius)
    canvas = Image.new("RGBA", size, (*look.rgb, 255))
    small = _at_foot(person.crop(bounds_of(person)), side, 0.92)
    canvas.alpha_composite(small, (left, top))
    canvas.putalpha(shape)
    return canvas


def _disc(size: tuple[int, int], box: Box, radius: float) -> Image.Image:
    """A rounded rectangle as a mask, drawn four times as large for smooth edges."""
    large = Image.new("L", (size[0] * 4, size[1] * 4))
    left, top, right, bottom = (4 * each for each in box)
    ImageDraw.Draw(large).rounded_rectangle((left, top, right - 1, bottom - 1), 4 * radius, 255)
    return large.resize(size, Image.Resampling.BOX)


def _words(text: str, size: tuple[int, int], room: tuple[int, int], edge: int) -> tuple[Image.Image, tuple[int, int]]:
    line = line_of_text(text, (round(room[0] * 0.96), round(room[1] * WORDS)))
    return line, ((size[0] - line.width) // 2, size[1] - edge - line.height)


def _bordered(person: Image.Image, border: int) -> Image.Image:
    """A white border of even width: every pixel nearer to the person than the width."""
    alpha = np.asarray(person.getchannel("A"), dtype=np.float32) / 255
    far = ndimage.distance_transform_edt(alpha < 0.5)
    # Ragged outlines become smooth ones; a border is paper that was cut with scissors.
    far = ndimage.gaussian_filter(np.asarray(far, dtype=np.float32), max(0.6, border / 5))
    white = Image.new("RGBA", person.size, (255, 255, 255, 0))
    mask = np.clip(border + 0.5 - far, 0, 1)
    white.putalpha(Image.fromarray(np.rint(mask * 255).astype(np.uint8), "L"))
    white.alpha_composite(person)
    return white


def _shadowed(image: Image.Image, shade: int) -> Image.Image:
    alpha = ImageChops.offset(image.getchannel("A"), 0, shade)
    soft = alpha.filter(ImageFilter.GaussianBlur(shade)).point(lambda a: round(a * SHADOW))
    shadow = Image.new("RGBA", image.size, (60, 30, 40, 0))
    shadow.putalpha(soft)
    shadow.alpha_composite(image)
    return shadow
