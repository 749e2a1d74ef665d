"""How much an error counts: by its noise level, by its size, and by where in the picture it is."""

from __future__ import annotations

import torch

# SD 1.5's last noise level has a signal-to-noise ratio of 0.0047; below it nothing is learned that could count more.
LEAST_SNR = 0.0047


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


def debiased_weight(snr: torch.Tensor, prediction: str) -> torch.Tensor:
    """Debiased estimation (arXiv 2310.08442, §3.3): noisy levels, where the picture takes shape, count more.

    The weight of an error in epsilon is 1 / √snr. An error in the velocity is one in epsilon times (snr + 1) / snr
    (see `min_snr_weight`), so its weight is √snr / (snr + 1).

    Args:
        snr: (batch,) signal-to-noise ratios; 0 and infinity are allowed.
        prediction: see `min_snr_weight`.

    Returns:
        (batch,) finite weights.
    """
    if prediction == "flow":
        return torch.ones_like(snr)
    bounded = snr.clamp(min=LEAST_SNR)
    if prediction == "epsilon":
        return bounded.rsqrt()
    # √s / (s + 1) = 1 / (√s + 1 / √s), which is not ∞ / ∞ without noise.
    return 1 / (snr.sqrt() + snr.clamp(min=torch.finfo(snr.dtype).tiny).rsqrt())


def huber(difference: torch.Tensor, bend: float) -> torch.Tensor:
    """Pseudo-Huber loss (arXiv 2403.16728, §4.1): squared for small errors, straight for large ones.

    2c·(√(d² + c²) - c): an odd photo among few pulls less. It is d² to first order, so learning rates stay what
    they are.

    Args:
        difference: d, of any shape.
        bend: c, the size of error where the straight part begins; 0 gives the squared error.

    Returns:
        The loss of each element.
    """
    if bend <= 0:
        return difference.square()
    return 2 * bend * ((difference.square() + bend**2).sqrt() - bend)


def masked_mean(errors: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """The mean error of each example, counting places by a mask.

    Args:
        errors: (b, c, h, w).
        mask: (b, 1, h, w) weights that are not all 0, or None for the plain mean.

    Returns:
        (b,) means: a mask of equal weights changes nothing.
    """
    if mask is None:
        return errors.flatten(1).mean(1)
    return (errors * mask).flatten(1).mean(1) / mask.flatten(1).mean(1)


def offset_noise(noise: torch.Tensor, shifts: torch.Tensor, strength: float) -> torch.Tensor:
    """Noise with a brightness of its own, so that a base learns dark and bright pictures too.

    N. Guttenberg, "Diffusion with offset noise", https://www.crosslabs.org/blog/diffusion-with-offset-noise.

    Args:
        noise: (b, c, h, w) standard normal.
        shifts: (b, c, 1, 1) standard normal.
        strength: 0 changes nothing, 0.05 to 0.1 is usual.

    Returns:
        (b, c, h, w).
    """
    return noise + strength * shifts if strength else noise
