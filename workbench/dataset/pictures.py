"""Pictures that the base itself draws for a data set; made once, then found again by their content."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image, UnidentifiedImageError

from workbench.backbones import Backbone
from workbench.backbones.phases import draw_latents
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
    calls = _calls(backbone, prompts, seeds, steps, guidance, size)
    pictures: list[Image.Image] = []
    latents: list[torch.Tensor] = []
    done = 0
    networks = [backbone.denoiser, *backbone.text_encoders.values()]
    was_training = [network.training for network in networks]
    for network in networks:
        network.eval()  # dropout would draw another picture each time
    try:
        if backbone.phases is not None:  # all words, then all latents, then all pictures
            hear_prompts(backbone, prompts, guidance, size)
        for call in calls:
            if backbone.phases is None:
                pictures += backbone.pipeline(**call).images
            else:
                latents += draw_latents(backbone, **call).split(1)
            done += len(call["prompt"])
            if on_picture:
                on_picture(done, len(prompts))
        if latents:
            backbone.hold("vae")
            pictures += [_decoded(backbone, each, size) for each in latents]
    finally:
        for network, training in zip(networks, was_training, strict=True):
            network.train(training)
    return pictures


def hear_prompts(backbone: Backbone, prompts: Sequence[str], guidance: float = 0.0, size: int = 0) -> None:
    """Lets the text encoders of a base in phases read prompts that are drawn later; see `make_pictures`."""
    if backbone.phases is not None:
        for call in _calls(backbone, prompts, [0] * len(prompts), 0, guidance, size or backbone.resolution):
            backbone.phases.said(backbone, call)


def _calls(
    backbone: Backbone, prompts: Sequence[str], seeds: Sequence[int], steps: int, guidance: float, size: int
) -> list[dict[str, Any]]:
    """The pipeline's arguments for pictures, so many at a time as are quick."""
    at_once = max(1, min(8, PIXELS_AT_ONCE // (size * size)))
    return [
        {
            "prompt": list(prompts[start : start + at_once]),
            "generator": [torch.Generator("cpu").manual_seed(seed) for seed in seeds[start : start + at_once]],
            "num_inference_steps": steps or backbone.steps,
            "height": size,
            "width": size,
            **backbone.drawing(
                [""] * len(prompts[start : start + at_once]), guidance or backbone.guidance, backbone.guidance_rescale
            ),
        }
        for start in range(0, len(prompts), at_once)
    ]


def _decoded(backbone: Backbone, latents: torch.Tensor, size: int) -> Image.Image:
    drawn = backbone.decode_drawn(latents, size, size).float()
    picture: Image.Image = backbone.pipeline.image_processor.postprocess(drawn, output_type="pil")[0]
    return picture


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
    found = {key: picture for key in keys if (picture := opened(cache / f"{key}.png"))}
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
        picture.save(buffer, "PNG", compress_level=1)  # as the data set, which it is copied to
        atomic_write(cache / f"{keys[index]}.png", buffer.getvalue())
        found[keys[index]] = picture
    return [found[key] for key in keys]


def _key(backbone: Backbone, prompt: str, seed: int, steps: int, guidance: float) -> str:
    facts = [backbone.fingerprint, prompt, seed, steps, guidance, backbone.guidance_rescale, backbone.resolution]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def opened(path: Path) -> Image.Image | None:
    """The picture, or None when it is not there or not what was kept: it is drawn again then."""
    try:
        with Image.open(path) as picture:
            picture.verify()  # reading the pixels alone does not look at their checksums
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except (FileNotFoundError, UnidentifiedImageError, OSError, SyntaxError):
        return None
