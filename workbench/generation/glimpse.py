"""What a picture looks like while it is being drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from workbench.backbones import Backbone

LOOKS = 4  # at most so many for one picture: each costs a decoding


def is_time_to_look(step: int, steps: int) -> bool:
    """Whether to look after a step, counted from 1: a few times, and not at the end, when the picture itself comes."""
    return step < steps and step % max(1, -(-steps // (LOOKS + 1))) == 0


def glimpse(backbone: Backbone, latents: torch.Tensor, side: int) -> Image | None:
    """The picture as it is after a step.

    Args:
        latents: in the form the pipeline has them.
        side: of the picture in pixels.

    Returns:
        What the base believes the picture will be, where its sampler keeps that (DPM-Solver++, arXiv 2211.01095, which
        computes with it), else the picture with the noise that is left. None when there is nothing to see.
    """
    import torch

    scheduler = backbone.pipeline.scheduler
    believed: Any = getattr(scheduler, "model_outputs", None)
    if believed and str(scheduler.config.get("algorithm_type", "")).startswith("dpmsolver++"):
        latents = believed[-1] if believed[-1] is not None else latents
    with torch.no_grad():
        decoded = backbone.decode_drawn(latents, side, side)
    if not bool(decoded.isfinite().all()):
        return None
    image: Image = backbone.pipeline.image_processor.postprocess(decoded.float())[0]
    return image
