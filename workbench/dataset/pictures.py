"""Pictures that the base itself draws for a data set; made once, then found again by their content."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from PIL import Image, UnidentifiedImageError

from workbench.backbones import Backbone
from workbench.config import atomic_write

# A 256 px picture needs 1 MB of activations at its widest layer; this many fill a CPU's cache or keep a GPU busy.
PIXELS_AT_ONCE = 8 * 512 * 512


@torch.no_grad()
def make_pictures(
    backbone: Backbone,
    prompts: Sequence[str],
    seeds: Sequence[int],
    steps: int = 0,
    guidance: float = 0.0,
    size: int = 0,
    on_picture: Callable[[int, int], None] | None = None,
) -> list[Image.Image]:
    """Draws one picture for each prompt, several at a time.

    A picture's noise comes from its own seed on the CPU, so it is the same one whatever is drawn beside it.

    Args:
        backbone: what draws; with an adapter attached, the adapter's pictures.
        prompts: one for each picture.
        seeds: one for each picture.
        steps: sampling steps; 0 takes the base's own.
        guidance: classifier-free guidance; 0 takes the base's own.
        size: side in pixels; 0 takes the base's own.
        on_picture: called with (pictures done, pictures in all) after each batch.

    Returns:
        RGB pictures in the order of the prompts.
    """
    size = size or backbone.resolution
    at_once = max(1, min(8, PIXELS_AT_ONCE // (size * size)))
    pictures: list[Image.Image] = []
    networks = [backbone.denoiser, *backbone.text_encoders.values()]
    was_training = [network.training for network in networks]
    for network in networks:
        network.eval()  # dropout would draw another picture each time
    try:
        for start in range(0, len(prompts), at_once):
            some = slice(start, start + at_once)
            pictures += backbone.pipeline(
                prompt=list(prompts[some]),
                generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds[some]],
                num_inference_steps=steps or backbone.steps,
                height=size,
                width=size,
                **backbone.drawing([""] * len(prompts[some]), guidance or backbone.guidance, backbone.guidance_rescale),
            ).images
            if on_picture:
                on_picture(len(pictures), len(prompts))
    finally:
        for network, training in zip(networks, was_training, strict=True):
            network.train(training)
    return pictures


def cached_pictures(
    backbone: Backbone,
    prompts: Sequence[str],
    seeds: Sequence[int],
    cache: Path,
    steps: int = 0,
    guidance: float = 0.0,
    on_picture: Callable[[int, int], None] | None = None,
) -> list[Image.Image]:
    """`make_pictures` by the bare base, of which each picture is drawn only the first time it is asked for.

    Args:
        cache: folder of pictures, named by the hash of all that decides them.
        others: see `make_pictures`.

    Raises:
        StorageError: if a picture cannot be kept.
    """
    keys = [
        _key(backbone, prompt, seed, steps or backbone.steps, guidance or backbone.guidance)
        for prompt, seed in zip(prompts, seeds, strict=True)
    ]
    found = {key: picture for key in keys if (picture := _open(cache / f"{key}.png"))}
    missing = [index for index, key in enumerate(keys) if key not in found]
    made = make_pictures(
        backbone,
        [prompts[index] for index in missing],
        [seeds[index] for index in missing],
        steps=steps,
        guidance=guidance,
        on_picture=on_picture,
    )
    for index, picture in zip(missing, made, strict=True):
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        atomic_write(cache / f"{keys[index]}.png", buffer.getvalue())
        found[keys[index]] = picture
    return [found[key] for key in keys]


def _key(backbone: Backbone, prompt: str, seed: int, steps: int, guidance: float) -> str:
    facts = [backbone.fingerprint, prompt, seed, steps, guidance, backbone.guidance_rescale, backbone.resolution]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _open(path: Path) -> Image.Image | None:
    """The picture, or None when it is not there or not whole: it is drawn again then."""
    try:
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except (FileNotFoundError, UnidentifiedImageError, OSError, SyntaxError):
        return None
