"""Aspect buckets and several resolutions: which size each picture is learned at (no torch).

Pictures of one batch must be of one size. So each goes into the bucket whose sides are nearest to its own, and loses
only a narrow strip (the idea: https://github.com/NovelAI/novelai-aspect-ratio-bucketing).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

    from workbench.photos import Face

Size = tuple[int, int]  # width, height in pixels

# Buckets' sides go in steps of this share of the square's side, or more: few photos fill few buckets.
STEP = 1 / 16
LARGEST = 2048  # pixels of a framed photo's longer side; more no base is trained with


def bucket_sizes(side: int, multiple: int, ratio: float) -> tuple[Size, ...]:
    """The sizes that pictures of a resolution may have.

    Args:
        side: of the square, in pixels. No bucket has more pixels than it, so that none needs more memory.
        multiple: pixels that the base needs sides to be a multiple of.
        ratio: longer side by shorter side at the most; 1 and less is the square alone.

    Returns:
        Sizes from the narrowest to the widest; the square is always one of them.
    """
    sizes = {(side, side)}
    step = multiple * math.ceil(side * STEP / multiple)
    for width in range(step, side * side // step + 1, step):
        height = side * side // width // step * step
        if height and max(width / height, height / width) <= ratio:
            sizes.add((width, height))
    return tuple(sorted(sizes, key=lambda size: (size[0] / size[1], size[0])))


def nearest_bucket(size: Size, buckets: Sequence[Size]) -> Size:
    """The bucket whose sides are most alike to a picture's: of those as near, the largest.

    Nearness is counted in the logarithm of width by height, for which twice as wide is as far as twice as high.
    """

    def distance(bucket: Size) -> float:
        return abs(math.log(bucket[0] / bucket[1]) - math.log(size[0] / size[1]))

    return min(buckets, key=lambda bucket: (round(distance(bucket), 9), -bucket[0] * bucket[1]))


def sides(side: int, multiple: int, smallest: float) -> tuple[int, ...]:
    """The sides that pictures are shown at: the usual one, and smaller ones.

    Args:
        side: the usual one, in pixels.
        multiple: what sides are a multiple of.
        smallest: the last one's share of the usual one; between them is one more. 0 and 1 take the usual one alone.

    Returns:
        From the largest down: with 1024 and 0.5, 1024, 768 and 512.
    """
    if not 0 < smallest < 1:
        return (side,)
    shares = (1.0, (1 + smallest) / 2, smallest)
    return tuple(dict.fromkeys(max(multiple, round(side * share / multiple) * multiple) for share in shares))


def cut_off(size: Size, bucket: Size, flip: bool = False) -> tuple[int, int]:
    """What is cut off at the top and left when a picture is scaled to cover a bucket and cut in its middle.

    Args:
        size: of the picture.
        bucket: what it is cut to.
        flip: it is mirrored first.

    Returns:
        Pixels at the bucket's scale.
    """
    scale = max(bucket[0] / size[0], bucket[1] / size[1])
    left, top = (max(0, round(mine * scale) - its) for mine, its in zip(size, bucket, strict=True))
    return top // 2, left - left // 2 if flip else left // 2


def frame_photo(image: Image.Image, face: Face, ratio: float) -> Image.Image:
    """As much of a photo as may be learned in its own shape, the head as near to the middle as the photo allows.

    Args:
        image: the photo.
        face: the person's.
        ratio: longer side by shorter side at the most; above 1.

    Returns:
        RGB; the longer side has `LARGEST` pixels at the most.
    """
    from PIL import Image

    width, height = image.size
    keeps = min(width, math.floor(height * ratio)), min(height, math.floor(width * ratio))
    left, top = (
        max(0, min(round(middle - length / 2), whole - length))
        for middle, length, whole in zip(face.centre, keeps, image.size, strict=True)
    )
    framed = image.crop((left, top, left + keeps[0], top + keeps[1])).convert("RGB")
    framed.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return framed
