"""What the flow-matching families share: the straight line between picture and noise (arXiv 2209.03003, 2403.03206).

At noise level s in (0, 1] the denoiser sees (1 - s)·picture + s·noise and says how the line runs: noise - picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from workbench.backbones.catalogue import Entry
from workbench.backbones.common import PipelineBackbone

USUAL_RESOLUTION = 1024
JOINT_ATTENTION = (
    "to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out",
)  # fmt: skip


class FlowBackbone(PipelineBackbone):
    """An open base with a transformer that was trained by flow matching; see `Backbone` for its attributes."""

    prediction = "flow"
    patch = 2  # latent cells along one side of what the transformer takes for one token

    def __init__(self, pipeline: Any, entry: Entry, source: Path) -> None:
        super().__init__(pipeline, entry, source)
        self.resolution = entry.resolution or int(pipeline.vae.config.get("sample_size", USUAL_RESOLUTION))
        self.size_multiple = self.latent_scale * self.patch
        self.shift = training_shift(pipeline.scheduler.config, (self.resolution // self.size_multiple) ** 2)

    def sigmas(self, timesteps: torch.Tensor) -> torch.Tensor:
        """Timesteps (b,) → shares of noise (b,): 0 is nearly clean, the last one pure noise."""
        return (timesteps.to(torch.float32) + 1) / self.timesteps

    def noisy(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        sigma = self.sigmas(timesteps).view(-1, 1, 1, 1)
        return (1 - sigma) * latents + sigma * noise

    def target(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        return noise - latents

    def snr(self, timesteps: torch.Tensor) -> torch.Tensor:
        sigma = self.sigmas(timesteps)
        return ((1 - sigma) / sigma).square()

    def drawing(self, negatives: Sequence[str], guidance: float, guidance_rescale: float) -> dict[str, Any]:
        return {"negative_prompt": list(negatives), "guidance_scale": guidance}


def training_shift(config: Any, tokens: int) -> float:
    """How far a scheduler's configuration leans towards noise for pictures of so many tokens.

    Where it depends on the size, the exponent runs linearly from `base_shift` at `base_image_seq_len` tokens to
    `max_shift` at `max_image_seq_len`, as diffusers' pipelines compute it (`calculate_shift`).
    """
    if not config.get("use_dynamic_shifting"):
        return float(config.get("shift", 1.0))
    least, most = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
    low, high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
    return math.exp(low + (high - low) * (tokens - least) / (most - least))


def pack(latents: torch.Tensor) -> torch.Tensor:
    """Latents (b, c, h, w) → tokens (b, h/2·w/2, 4c): each token is a square of 2×2 cells."""
    b, c, h, w = latents.shape
    return latents.view(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(b, h * w // 4, 4 * c)


def unpack(tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Undoes `pack`; height and width are those of the latents."""
    b, _, c = tokens.shape
    grid = tokens.view(b, height // 2, width // 2, c // 4, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return grid.reshape(b, c // 4, height, width)
