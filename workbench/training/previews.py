"""Previews: the same prompts at the same seeds again and again, so that one sees the adapter learn."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from workbench.backbones import Backbone
from workbench.config import atomic_write
from workbench.dataset.pictures import make_pictures

GAP = 4


def draw_preview(
    backbone: Backbone, prompts: Sequence[str], seed: int, path: Path, quick: bool = False
) -> list[Image.Image]:
    """Draws one picture for each prompt with the adapter as it is now and saves them side by side.

    Args:
        backbone: with the adapter attached.
        prompts: what to draw; without any, nothing is drawn or written.
        seed: of the first picture; the next ones count up.
        path: of the row, a PNG.
        quick: with half of the base's sampling steps: enough to see where it goes.

    Returns:
        The pictures.

    Raises:
        StorageError: if the row cannot be written.
    """
    if not prompts:
        return []
    pictures = make_pictures(
        backbone, prompts, [seed + index for index in range(len(prompts))], steps=backbone.steps // 2 if quick else 0
    )
    buffer = io.BytesIO()
    row(pictures).save(buffer, "PNG")
    atomic_write(path, buffer.getvalue())
    return pictures


def row(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures of one height side by side on white."""
    width = sum(picture.width for picture in pictures) + GAP * (len(pictures) - 1)
    canvas = Image.new("RGB", (width, max(picture.height for picture in pictures)), "white")
    left = 0
    for picture in pictures:
        canvas.paste(picture, (left, 0))
        left += picture.width + GAP
    return canvas
