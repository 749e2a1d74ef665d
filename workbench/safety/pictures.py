"""Filters of finished pictures: pluggable; the one that Stable Diffusion bases bring is used where a base has it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from workbench.safety.prompts import is_on

if TYPE_CHECKING:
    from PIL import Image


class PictureFilter(Protocol):
    """Looks at a finished picture."""

    def __call__(self, image: Image.Image) -> str:
        """Why it should not be shown, in words; empty when it may be."""
        ...


Make = Callable[[Path], PictureFilter | None]
_makers: list[Make] = []


def register(make: Make) -> None:
    """Adds a kind of filter.

    Args:
        make: given the folder or file of a base, gives the filter for its pictures, or None when it has none.
    """
    if make not in _makers:
        _makers.append(make)


def filters(base: Path) -> list[PictureFilter]:
    """The filters for a base's pictures; none where they are off, see `is_on`."""
    return [found for make in _makers if (found := make(base)) is not None] if is_on() else []


def blurred(image: Image.Image) -> Image.Image:
    """The picture so blurred that only its colours are left: an eighth of its side."""
    from PIL import Image, ImageFilter

    small = image.convert("RGB").resize((8, 8), Image.Resampling.BOX)
    return small.resize(image.size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(max(image.size) / 16))


@lru_cache(maxsize=1)
def shipped_checker(base: Path) -> PictureFilter | None:
    """The safety checker in a base's own folder (diffusers' `StableDiffusionSafetyChecker`), None without one.

    chibi-mini has none and needs none: it was trained on our drawings alone, which are all dressed.
    """
    folder, processor = base / "safety_checker", base / "feature_extractor"
    if not (folder / "config.json").is_file() or not (processor / "preprocessor_config.json").is_file():
        return None
    import torch
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPImageProcessor

    checker: Any = StableDiffusionSafetyChecker.from_pretrained(folder, use_safetensors=True)
    checker.eval()
    prepare: Any = CLIPImageProcessor.from_pretrained(processor)

    def look(image: Image.Image) -> str:
        import numpy as np

        seen = prepare(image.convert("RGB"), return_tensors="pt").pixel_values
        with torch.no_grad():
            _, found = checker(clip_input=seen, images=[np.asarray(image.convert("RGB"))])
        return "the base's safety checker took it for adult content" if found[0] else ""

    return look


register(shipped_checker)
