"""Where hair, face and clothes are in a chibi, for drawing only them anew.

The built-in base draws every head in the same place (`workbench.world.chibi`), so the places are known without looking.
For pictures in which they are elsewhere, a rectangle or a painted mask says where.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from workbench.errors import GenerationError

REGIONS = ("hair", "face", "clothes", "headwear", "around")
_SIDE = 256  # px in which the places below are measured
_HEAD = (4, 0, 252, 216)  # with all hair styles, pigtails and a bun too
_LONG_HAIR = (22, 108, 234, 246)
_FACE = (68, 86, 188, 184)  # below the fringe
# With the arms, raised or not.
_CLOTHES = (
    (98, 176), (158, 176), (198, 190), (228, 136), (254, 136), (246, 256), (10, 256), (2, 136), (28, 136), (58, 190),
)  # fmt: skip
_TORSO = ((96, 182), (160, 182), (206, 256), (50, 256))
_HEADWEAR = (40, 0, 216, 98)
_FINE = 4  # drawn so many times as large and shrunk, for smooth edges


def region_mask(name: str, side: int = _SIDE) -> Image.Image:
    """White where a part of a chibi is.

    Args:
        name: one of `REGIONS`; `around` is all but the face.
        side: of the mask in pixels.

    Raises:
        GenerationError: there is no such part.
    """
    if name not in REGIONS:
        raise GenerationError(f"The part {name[:60]!r}", "it is none that is known", f"Choose {', '.join(REGIONS)}")
    mask = Image.new("L", (_SIDE * _FINE, _SIDE * _FINE))
    draw = ImageDraw.Draw(mask)

    def box(place: Sequence[float]) -> tuple[float, ...]:
        return tuple(each * _FINE for each in place)

    clothes = [(x * _FINE, y * _FINE) for x, y in _CLOTHES]
    if name == "hair":
        draw.ellipse(box(_HEAD), 255)
        draw.rounded_rectangle(box(_LONG_HAIR), 20 * _FINE, 255)
        draw.ellipse(box(_FACE), 0)
        draw.polygon([(x * _FINE, y * _FINE) for x, y in _TORSO], 0)
    elif name == "face":
        draw.ellipse(box(_FACE), 255)
    elif name == "clothes":
        draw.polygon(clothes, 255)
    elif name == "headwear":
        draw.rounded_rectangle(box(_HEADWEAR), 30 * _FINE, 255)
    else:
        draw.rectangle(box((0, 0, _SIDE, _SIDE)), 255)
        draw.ellipse(box(_FACE), 0)
    return mask.resize((side, side), Image.Resampling.LANCZOS)


def rectangle_mask(left: float, top: float, right: float, bottom: float, side: int = _SIDE) -> Image.Image:
    """White inside a rectangle.

    Args:
        left, top, right, bottom: in shares of the picture, 0 to 1.
        side: of the mask in pixels.

    Raises:
        GenerationError: there is nothing inside it.
    """
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise GenerationError(
            "The rectangle", "there is nothing inside it", "Say left, top, right, bottom from 0 to 1: 0.2,0.6,0.8,1"
        )
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).rectangle(
        (round(left * side), round(top * side), round(right * side) - 1, round(bottom * side) - 1), 255
    )
    return mask


def parse_region(words: str, side: int = _SIDE) -> Image.Image:
    """A mask from what a person typed: parts joined by +, such as `hair+clothes`, or a rectangle `0.2,0.6,0.8,1`.

    Raises:
        GenerationError: it is neither.
    """
    if "," in words:
        try:
            left, top, right, bottom = (float(each) for each in words.split(","))
        except ValueError:
            left = top = right = bottom = -1.0
        return rectangle_mask(left, top, right, bottom, side)
    mask = Image.new("L", (side, side))
    for name in words.split("+"):
        part = region_mask(name.strip(), side)
        mask.paste(255, (0, 0), part)
    return mask
