"""What can be made of a picture that is there: variations, a remix, parts drawn anew, a larger one.

Each is a new `Request` from the picture's record, so what comes out has a whole recipe of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workbench.backbones.catalogue import reads_world_words
from workbench.errors import GenerationError
from workbench.generation.beginning import enlarged
from workbench.generation.record import Picture, request_from_record
from workbench.generation.request import ENLARGEMENTS, SIZES, Request, Start, Variation
from workbench.generation.starts import keep_start

if TYPE_CHECKING:
    from PIL.Image import Image

# Noise of the second pass: enough to draw lines anew, too little to draw another picture.
SECOND_PASS = 0.3


def varied(record: Mapping[str, Any], strength: float, seed: int, count: int = 4) -> Request:
    """Pictures near one: its own noise, turned towards that of other seeds.

    Args:
        strength: 0 (the same) to 1 (others).
        seed: of the first variation; the next ones count up.

    Raises:
        GenerationError: something is out of range.
    """
    return replace(request_from_record(record, count), variation=Variation(seed, strength))


def remixed(record: Mapping[str, Any], prompt: str, negative: str | None = None) -> Request:
    """The same seed and settings with other words.

    Raises:
        GenerationError: the prompt is empty or too long.
    """
    request = request_from_record(record)
    return replace(request, prompt=prompt, negative=request.negative if negative is None else negative)


def redrawn(
    record: Mapping[str, Any], image: Image, noise: float, mask: Image | None = None, prompt: str = "", count: int = 1
) -> Request:
    """A picture drawn again from itself.

    Args:
        image: the picture.
        noise: how much of it may change, see `Start`.
        mask: white where it may change; None: everywhere.
        prompt: other words; empty keeps the picture's.

    Raises:
        GenerationError: something is out of range.
        StorageError, VaultError: the picture cannot be kept, see `keep_start`.
    """
    request = request_from_record(record, count)
    owner = request.adapters[0][0] if request.adapters else ""
    start = Start(keep_start(image, owner), noise, keep_start(mask, owner) if mask else "")
    return replace(request, prompt=prompt or request.prompt, start=start, variation=None, enlarge=1)


def second_pass_suits(base: str) -> bool:
    """Whether a base can draw larger than it was trained on; one of the chibi world's words knows one size only."""
    return not reads_world_words(base)


def larger(record: Mapping[str, Any], image: Image, factor: int, noise: float = SECOND_PASS) -> Request:
    """A picture at a higher resolution, drawn by the base in a second pass.

    Args:
        image: the picture.
        factor: 2 or 4.
        noise: see `SECOND_PASS`.

    Raises:
        GenerationError: that would be larger than pictures may be.
    """
    size = image.width * factor
    if factor not in ENLARGEMENTS or size > SIZES[1]:
        raise GenerationError(
            "The enlargement", f"{size} px is more than {SIZES[1]}",
            "Choose a smaller factor, or enlarge without the base",
        )  # fmt: skip
    return replace(redrawn(record, image, noise), size=size)


def enlarged_picture(picture: Picture, factor: int) -> Picture:
    """The picture enlarged by Lanczos, and the record that draws it and enlarges it.

    Raises:
        GenerationError: together with what was enlarged before that would be more than four times.
    """
    whole = int(picture.record.get("enlarge", 1)) * factor
    if whole not in ENLARGEMENTS:
        raise GenerationError("The enlargement", f"it would be {whole} times in all", "Choose 2 or 4 in all")
    return Picture(enlarged(picture.image, factor), picture.record | {"enlarge": whole})
