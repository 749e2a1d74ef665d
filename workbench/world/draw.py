"""Pixels from the world: one call for both ways of drawing."""

from __future__ import annotations

import io
from typing import Literal

import resvg_py
from PIL import Image

from workbench.world.character import Character, Scene
from workbench.world.chibi import chibi_svg

Style = Literal["chibi", "photo"]


def raster(svg: str, size: int) -> Image.Image:
    """Renders an SVG document to a square RGBA picture of `size` pixels."""
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def draw(
    character: Character, scene: Scene, style: Style = "chibi", size: int = 256, seed: int = 0,
    transparent: bool = False,
) -> Image.Image:  # fmt: skip
    """Draws a character in a scene.

    Args:
        character: who is drawn.
        scene: how: expression, clothing, headwear, background, pose, light.
        style: `chibi`, or `photo` for a photo-like portrait.
        size: width and height in pixels.
        seed: camera noise and framing of a photo-like drawing; chibis do not depend on it.
        transparent: no background, RGBA; at the edges of a photo-like person some of its colour stays.

    Returns:
        An RGB picture (RGBA when transparent), the same for the same arguments.
    """
    if style == "chibi":
        picture = raster(chibi_svg(character, scene, transparent), size)
        return picture if transparent else picture.convert("RGB")
    if style == "photo":
        from workbench.world.portrait import draw_photo

        return draw_photo(character, scene, seed=seed, size=size, transparent=transparent)
    raise ValueError(f"style is 'chibi' or 'photo', not {style!r}")
