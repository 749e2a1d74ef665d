"""The loss: what the denoiser should have said, how far off it was, and how much each noise level counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from workbench.backbones import Backbone, Words, pick
from workbench.backbones.phases import in_pieces
from workbench.training.batches import Batch
from workbench.training.weighting import debiased_weight, huber, masked_mean, min_snr_weight


@dataclass(frozen=True)
class Weighting:
    """How errors become losses.

    Args:
        gamma: see `min_snr_weight`.
        debiased: weigh noise levels by `debiased_weight` instead.
        bend: see `huber`.
    """

    gamma: float = 5.0
    debiased: bool = False
    bend: float = 0.0


def example_losses(
    predicted: torch.Tensor,
    target: torch.Tensor,
    snr: torch.Tensor,
    weighting: Weighting,
    prediction: str,
    mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """Weighted mean error of each example.

    Args:
        predicted, target: (batch, c, h, w).
        snr: (batch,) at the examples' timesteps.
        weighting: how errors become losses.
        prediction: see `min_snr_weight`.
        mask: (batch, 1, h, w) weights of places, or None.

    Returns:
        (batch,) losses in float32.
    """
    errors = masked_mean(huber(predicted.float() - target.float(), weighting.bend), mask)
    if weighting.debiased:
        return errors * debiased_weight(snr, prediction)
    return errors * min_snr_weight(snr, weighting.gamma, prediction)


class Objective(nn.Module):
    """Base and adapter as one module that turns a batch into a loss for each of its examples.

    It is a module so that `accelerator.prepare` can wrap it: gradients are then averaged over processes.
    """

    def __init__(self, backbone: Backbone, weighting: Weighting, train_text: bool) -> None:
        """
        Args:
            backbone: with the adapter attached.
            weighting: how errors become losses.
            train_text: the text encoders are part of what learns.
        """
        super().__init__()
        self.denoiser = backbone.denoiser
        self.text_encoders = nn.ModuleDict(backbone.text_encoders if train_text else {})
        self.weighting = weighting
        # In a list, so that the backbone's networks are not registered a second time.
        self._backbone = [backbone]
        self._lora: list[Any] = [module for module in self.modules() if isinstance(module, BaseTunerLayer)]
        self._together = in_pieces(backbone.denoiser)

    def forward(
        self,
        latents: torch.Tensor,
        noise: torch.Tensor,
        timesteps: torch.Tensor,
        text: Words,
        mask: torch.Tensor | None = None,
        taught: torch.Tensor | None = None,
        told: Words | None = None,
    ) -> torch.Tensor:
        """Computes the losses.

        Args:
            latents, noise: (b, c, h, w).
            timesteps: (b,).
            text: encoded words or, where the text encoders learn, token ids.
            mask: (b, 1, h, w) weights of places.
            taught: (b,) true where the base's own prediction is the target (learning without forgetting, arXiv
                1606.09282): what the base says of a class is to stay, whatever picture it is asked about, and the
                trigger word is to call what the base draws when it is told the person's traits.
            told: encoded words that the base hears where it teaches; None tells it `text`.

        Returns:
            (b,) losses.
        """
        backbone = self._backbone[0]
        noisy = backbone.noisy(latents, noise, timesteps)
        with self._no_double_casts():
            predicted = backbone.predict(noisy, timesteps, self._encoded(text))
        target = backbone.target(latents, noise, timesteps)
        if taught is not None:
            target = self._teach(target, noisy, timesteps, text, taught, told)
        return example_losses(predicted, target, backbone.snr(timesteps), self.weighting, backbone.prediction, mask)

    def _encoded(self, text: Words) -> Words:
        return self._backbone[0].encode_text(text) if self.text_encoders else text

    @torch.no_grad()
    def _teach(
        self,
        target: torch.Tensor,
        noisy: torch.Tensor,
        timesteps: torch.Tensor,
        text: Words,
        taught: torch.Tensor,
        told: Words | None,
    ) -> torch.Tensor:
        """The target with the bare base's prediction in the rows that it teaches."""
        rows = taught.nonzero()[:, 0]
        if not len(rows) and not self._together:
            return target
        # Of processes that share the base, those with nothing to be taught run it too: the others need their pieces.
        asked = rows if len(rows) else rows.new_zeros(1)
        for module in self._lora:
            module._disable_adapters = True  # what `enable_adapters(False)` does, without touching what learns
        try:
            words = self._encoded(pick(text, asked)) if told is None else pick(told, asked)
            said = self._backbone[0].predict(noisy[asked], timesteps[asked], words)
        finally:
            for module in self._lora:
                module._disable_adapters = False
        return target.index_copy(0, rows, said[: len(rows)].to(target))

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


def learn_in_parts(objective: Any, batch: Batch, parts: int, backward: Callable[[torch.Tensor], None]) -> torch.Tensor:
    """Computes a batch's losses and their gradients, so many parts of it one after the other.

    Args:
        objective: an `Objective`, perhaps wrapped.
        batch: what the step learns from.
        parts: how many; the batch must be a multiple of it.
        backward: adds a loss's gradients, as `Accelerator.backward` does.

    Returns:
        (b,) weighted losses, without gradients.
    """
    losses = []
    for part in batch.parts(parts):
        errors = objective(part.latents, part.noise, part.timesteps, part.text, part.mask, part.taught, part.told)
        losses.append(part.weights * errors)
        backward(losses[-1].mean() / parts)
    return torch.cat(losses).detach()
