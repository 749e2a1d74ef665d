"""One sheet that shows a person's photos above and the avatars made of them below."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

PAPER = (250, 248, 245)
INK = (45, 42, 50)
FAINT = (128, 122, 132)
MARGIN = 48
GAP = 20
TILE = 288
COLUMNS = 4
ROUNDNESS = 20


def compose_sheet(
    title: str,
    photos: Sequence[Image.Image],
    avatars: Sequence[tuple[Image.Image, str]],
    note: str = "",
) -> Image.Image:
    """Draws the sheet.

    Args:
        title: the line at the top.
        photos: of any size; shown as squares in one row, the first eight of them.
        avatars: pictures with their labels, in rows of four.
        note: small print at the bottom, such as what made them and how long it took.

    Returns:
        An RGB picture.
    """
    width = 2 * MARGIN + COLUMNS * TILE + (COLUMNS - 1) * GAP
    # Photos share one row: the more there are, the smaller each is.
    shown = photos[:8]
    side = min(TILE, (width - 2 * MARGIN - (len(shown) - 1) * GAP) // max(1, len(shown)))
    rows = -(-len(avatars) // COLUMNS)
    photos_top = MARGIN + 56 + 40
    avatars_top = photos_top + side + GAP + 52
    height = avatars_top + rows * (TILE + 36 + GAP) - GAP + MARGIN + (30 if note else 0)
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN), title, INK, ImageFont.load_default(34))
    _heading(draw, MARGIN, photos_top - 32, "photos")
    for index, photo in enumerate(shown):
        _paste(sheet, photo, MARGIN + index * (side + GAP), photos_top, side)
    _heading(draw, MARGIN, avatars_top - 32, "avatars")
    for index, (picture, label) in enumerate(avatars):
        left = MARGIN + index % COLUMNS * (TILE + GAP)
        top = avatars_top + index // COLUMNS * (TILE + 36 + GAP)
        _paste(sheet, picture, left, top, TILE)
        _label(draw, left, top + TILE + 10, label)
    if note:
        draw.text((MARGIN, height - MARGIN), note, FAINT, ImageFont.load_default(15))
    return sheet


def _heading(draw: ImageDraw.ImageDraw, left: int, top: int, words: str) -> None:
    draw.text((left, top), words, FAINT, ImageFont.load_default(18))


def _label(draw: ImageDraw.ImageDraw, left: int, top: int, words: str) -> None:
    font = ImageFont.load_default(16)
    while draw.textlength(words, font) > TILE and len(words) > 1:
        words = words.removesuffix("…")[:-1] + "…"
    draw.text((left + TILE / 2, top), words, INK, font, anchor="ma")


def _paste(sheet: Image.Image, picture: Image.Image, left: int, top: int, side: int) -> None:
    tile = ImageOps.fit(picture.convert("RGB"), (side, side), Image.Resampling.LANCZOS)
    # Corners are drawn four times as large and shrunk, which is how PIL gets smooth edges.
    mask = Image.new("L", (side * 4, side * 4))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, side * 4 - 1, side * 4 - 1), ROUNDNESS * 4, fill=255)
    sheet.paste(tile, (left, top), mask.resize((side, side), Image.Resampling.LANCZOS))
