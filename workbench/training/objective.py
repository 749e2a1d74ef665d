"""The loss: what the denoiser should have said, how far off it was, and how much each noise level counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from workbench.backbones import Backbone, Words


def min_snr_weight(snr: torch.Tensor, gamma: float, prediction: str) -> torch.Tensor:
    """Min-SNR weights (arXiv 2303.09556, §3.4): no noise level pulls harder than `gamma` on the clean picture.

    On the clean picture the weight is min(snr, gamma). An error in epsilon is one in the clean picture divided by
    snr, an error in the velocity is divided by snr + 1; so the same weight, written for them, is
    min(snr, gamma) / snr and min(snr, gamma) / (snr + 1).

    Args:
        snr: (batch,) signal-to-noise ratios; 0 and infinity are allowed.
        gamma: the cap; 0 weighs all noise levels alike.
        prediction: `epsilon`, `v_prediction`, or `flow`, whose noise levels are weighed by how often they are drawn
            (arXiv 2403.03206, §3.1) and not a second time here.

    Returns:
        (batch,) finite weights. At snr 0 (zero terminal SNR) it is the limit: 1 for epsilon, 0 for the velocity.
    """
    if gamma <= 0 or prediction == "flow":
        return torch.ones_like(snr)
    if prediction == "epsilon":
        # min(snr, gamma) / snr = min(1, gamma / snr), which is not 0 / 0 at 0.
        return (gamma / snr.clamp(min=torch.finfo(snr.dtype).tiny)).clamp(max=1.0)
    return snr.clamp(max=gamma) / (snr + 1)


def example_losses(
    predicted: torch.Tensor, target: torch.Tensor, snr: torch.Tensor, gamma: float, prediction: str
) -> torch.Tensor:
    """Weighted mean squared error of each example.

    Args:
        predicted, target: (batch, c, h, w).
        snr: (batch,) at the examples' timesteps.
        gamma, prediction: see `min_snr_weight`.

    Returns:
        (batch,) losses in float32.
    """
    errors = (predicted.float() - target.float()).square().flatten(1).mean(1)
    return errors * min_snr_weight(snr, gamma, prediction)


class Objective(nn.Module):
    """Base and adapter as one module that turns a batch into a loss for each of its examples.

    It is a module so that `accelerator.prepare` can wrap it: gradients are then averaged over processes.
    """

    def __init__(self, backbone: Backbone, gamma: float, train_text: bool) -> None:
        """
        Args:
            backbone: with the adapter attached.
            gamma: see `min_snr_weight`.
            train_text: the text encoders are part of what learns.
        """
        super().__init__()
        self.denoiser = backbone.denoiser
        self.text_encoders = nn.ModuleDict(backbone.text_encoders if train_text else {})
        self.gamma = gamma
        # In a list, so that the backbone's networks are not registered a second time.
        self._backbone = [backbone]
        self._lora: list[Any] = [module for module in self.modules() if isinstance(module, BaseTunerLayer)]

    def forward(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor, text: Words) -> torch.Tensor:
        """Latents, noise (b, c, h, w), timesteps (b,), encoded words or, where they learn, token ids → losses (b,)."""
        backbone = self._backbone[0]
        with self._no_double_casts():
            if self.text_encoders:
                text = backbone.encode_text(text)
            predicted = backbone.predict(backbone.noisy(latents, noise, timesteps), timesteps, text)
        target = backbone.target(latents, noise, timesteps)
        return example_losses(predicted, target, backbone.snr(timesteps), self.gamma, backbone.prediction)

    @contextmanager
    def _no_double_casts(self) -> Iterator[None]:
        """Under autocast, peft would carry each input to the adapter's float32 and autocast straight back to half
        precision: a tenth of a step on a CPU. Without autocast the cast is needed."""
        casts = not torch.is_autocast_enabled(self._backbone[0].device.type)
        for module in self._lora:
            module.cast_input_dtype_enabled = casts
        try:
            yield
        finally:
            for module in self._lora:
                module.cast_input_dtype_enabled = True
