"""All stickers of a pack on one page, to look at and to show."""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image, ImageDraw

from workbench.packs.compose import Look, sticker
from workbench.packs.expressions import EXPRESSIONS
from workbench.packs.lettering import INK, font_for

PAPER = (255, 248, 241)
TILE, GAP, LABEL = 232, 16, 30


def pack_sheet(cuts: Mapping[str, Image.Image], look: Look | None = None, columns: int = 4) -> Image.Image:
    """Draws the page.

    Args:
        cuts: cut-out pictures by expression.
        look: how the stickers look.
        columns: stickers in a row.

    Returns:
        An RGB picture.
    """
    look = look or Look()
    rows = -(-len(cuts) // columns)
    width = columns * (TILE + GAP) + GAP
    sheet = Image.new("RGBA", (width, max(1, rows) * (TILE + LABEL + GAP) + GAP), (*PAPER, 255))
    draw = ImageDraw.Draw(sheet)
    for index, (name, cut) in enumerate(cuts.items()):
        x, y = GAP + (index % columns) * (TILE + GAP), GAP + (index // columns) * (TILE + LABEL + GAP)
        draw.rounded_rectangle((x, y, x + TILE, y + TILE), 24, (222, 231, 240, 255))
        known = EXPRESSIONS.get(name)
        words = (known.says_zh if look.words == "zh" else known.says) if known and look.words else ""
        sheet.alpha_composite(sticker(cut, (TILE - 16, TILE - 16), look, words), (x + 8, y + 8))
        title = known.title if known else name
        font = font_for(title, 20)
        draw.text((x + TILE / 2, y + TILE + LABEL / 2 + 2), title, INK, font, anchor="mm")
    return sheet.convert("RGB")
