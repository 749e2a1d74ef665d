"""A picture to check by eye: for each subject the selfies, the true chibis, and what rows made of the same scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

TILE, GAP, BETWEEN, MARGIN, HEAD = 112, 4, 20, 24, 30
PAPER, INK = (250, 248, 245), (45, 42, 50)


def compose(subjects: Mapping[str, Sequence[Sequence[Image.Image]]], heads: Sequence[str]) -> Image.Image:
    """Draws the sheet.

    Args:
        subjects: label -> groups of pictures, each group as long as the same group of the others, or shorter.
        heads: what each group is.

    Returns:
        An RGB picture, one line for each subject.
    """
    lengths = [max((len(groups[index]) for groups in subjects.values()), default=0) for index in range(len(heads))]
    lefts = [MARGIN + sum(length * (TILE + GAP) + BETWEEN for length in lengths[:index]) for index in range(len(heads))]
    width = lefts[-1] + lengths[-1] * (TILE + GAP) + MARGIN
    sheet = Image.new("RGB", (width, 2 * MARGIN + HEAD + len(subjects) * (TILE + GAP + 14)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for left, head in zip(lefts, heads, strict=True):
        draw.text((left, MARGIN), head, INK, ImageFont.load_default(18))
    for line, (label, groups) in enumerate(subjects.items()):
        top = MARGIN + HEAD + line * (TILE + GAP + 14)
        draw.text((MARGIN, top), label, INK, ImageFont.load_default(11))
        for left, pictures in zip(lefts, groups, strict=True):
            for index, picture in enumerate(pictures):
                small = picture.convert("RGB").resize((TILE, TILE), Image.Resampling.LANCZOS)
                sheet.paste(small, (left + index * (TILE + GAP), top + 14))
    return sheet
