"""How noisy the pictures of a step are: quantiles in [0, 1), spread evenly, bent towards the levels that matter."""

from __future__ import annotations

import torch


def even_quantiles(size: int, random: torch.Generator) -> torch.Tensor:
    """One number in each of `size` equal parts of [0, 1), in random order: every step sees easy and hard levels.

    The low-discrepancy sampler of arXiv 2107.00630, appendix I.

    Args:
        size: of the batch.
        random: draws the order and the place inside each part.

    Returns:
        (size,) quantiles.
    """
    parts = torch.randperm(size, generator=random)
    return (parts + torch.rand(size, generator=random)) / size


def logit_normal(quantiles: torch.Tensor, mean: float = 0.0, spread: float = 1.0) -> torch.Tensor:
    """Gathers levels in the middle: those whose logit is normally distributed (arXiv 2403.03206, §3.1).

    Args:
        quantiles: (b,) in [0, 1).
        mean: of the logit; above 0 leans towards noise.
        spread: of the logit, its standard deviation.

    Returns:
        (b,) in [0, 1].
    """
    tiny = torch.finfo(quantiles.dtype).tiny
    return torch.sigmoid(mean + spread * torch.special.ndtri(quantiles.clamp(min=tiny)))


def shifted(levels: torch.Tensor, shift: float) -> torch.Tensor:
    """Leans towards noise, as larger pictures need: s·u / (1 + (s - 1)·u) (arXiv 2403.03206, §5.3.2).

    Args:
        levels: (b,) in [0, 1].
        shift: s; 1 changes nothing, 3 is what SD3 takes at 1024 px.

    Returns:
        (b,) in [0, 1].
    """
    return shift * levels / (1 + (shift - 1) * levels)


def draw_levels(
    size: int, timesteps: int, random: torch.Generator, spread: float = 0.0, shift: float = 1.0
) -> torch.Tensor:
    """Draws a step's noise levels.

    Args:
        size: of the batch.
        timesteps: number of noise levels.
        random: see `even_quantiles`.
        spread: of `logit_normal`; 0 draws all levels alike.
        shift: see `shifted`.

    Returns:
        (size,) whole numbers from 0 to `timesteps - 1`.
    """
    levels = even_quantiles(size, random)
    if spread > 0:
        levels = logit_normal(levels, spread=spread)
    if shift != 1:
        levels = shifted(levels, shift)
    return (levels * timesteps).long().clamp(max=timesteps - 1)
