"""A person of the world as pictures of a pack, drawn without any model."""

from __future__ import annotations

from typing import Any

from PIL import Image

from workbench.generation import Picture
from workbench.packs import EXPRESSIONS
from workbench.world.character import sample_character
from workbench.world.draw import draw

WHO = sample_character(3)
WORN = {"background": "green", "clothing": "hoodie", "clothing_colour": "red"}


def drawing(expression: str, **scene: str) -> Image.Image:
    return draw(WHO, EXPRESSIONS[expression].scene(**(WORN | scene)), "chibi", 256)


def picture(expression: str, seed: int = 5) -> Picture:
    """A picture as the engine would give it."""
    record: dict[str, Any] = {
        "format": 1, "prompt": f"chibi of zkq person, {expression}", "negative": "", "seed": seed, "steps": 20,
        "guidance": 4.0, "guidance_rescale": 0.5, "size": 256, "base": "chibi-mini", "base_fingerprint": "f" * 64,
        "adapters": [{"name": "mia", "strength": 1.0, "sha256": "a" * 64}], "versions": {}, "notes": [],
        "created": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip
    return Picture(drawing(expression), record)
