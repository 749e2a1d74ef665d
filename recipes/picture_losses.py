"""What chibi-mini's autoencoder learns from: differences of pixels, and a critic of patches.

Squares and absolute differences reward the mean of all pictures that a latent might stand for, which is a blur. A small
convolutional net that learns to tell drawn patches from decoded ones has no such mean to offer: lines become lines and
plain areas plain (PatchGAN, arXiv 1611.07004; for autoencoders, arXiv 2012.09841). Its inner states give a distance
that minds edges more than brightness (feature matching, arXiv 1606.03498).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from long_training import autocast
from torch import nn


def pixels_of(pictures: np.ndarray) -> torch.Tensor:
    """Pictures as the autoencoder takes them: uint8 `(batch, height, width, 3)` to `(batch, 3, …)` in [-1, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def edges(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return pictures[..., 1:, :] - pictures[..., :-1, :], pictures[..., 1:] - pictures[..., :-1]


def reconstruction_loss(made: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """L1, squares and gradients, and L1 of 8×8 means: squares alone blur, the outlines are what makes a chibi, and
    without the means the colour of plain areas is learned last (green stayed grey for the first 30,000 crops)."""
    areas = F.l1_loss(F.avg_pool2d(made, 8), F.avg_pool2d(true, 8))
    sharp = sum((F.l1_loss(a, b) for a, b in zip(edges(made), edges(true), strict=True)), torch.zeros(()))
    return F.l1_loss(made, true) + F.mse_loss(made, true) + 3 * areas + sharp


def psnr_of(made: torch.Tensor, true: torch.Tensor) -> float:
    """Peak signal-to-noise ratio of pictures in [-1, 1], in dB."""
    return float(-10 * np.log10(max(F.mse_loss(made.clamp(-1, 1), true).item() / 4, 1e-9)))


class PatchCritic(nn.Module):
    """Says of every 54 px patch whether it was drawn or decoded; spectrally normalised (arXiv 1802.05957).

    Args:
        width: channels of the first layer; the last ones have four times as many.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        plan = ((3, width, 2), (width, 2 * width, 2), (2 * width, 4 * width, 2), (4 * width, 4 * width, 1))
        normalised = nn.utils.parametrizations.spectral_norm
        self.layers = nn.ModuleList(
            normalised(nn.Conv2d(before, after, 4 if stride == 2 else 3, stride, 1)) for before, after, stride in plan
        )
        self.last = normalised(nn.Conv2d(4 * width, 1, 3, 1, 1))

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Scores `(batch, 1, height / 8, width / 8)`, high for drawn, and the states of each layer before."""
        states = []
        for layer in self.layers:
            pictures = F.leaky_relu(layer(pictures), 0.2)
            states.append(pictures)
        return self.last(pictures), states


@dataclass(frozen=True)
class Verdict:
    """What the critic and the pixels say about a batch.

    Args:
        gradient: of everything at the decoded pictures, to be followed back into the decoder.
        pixels: the pixels' loss.
        features: distance of the critic's states, relative to their size.
        critic: the critic's own hinge loss; 2 is guessing, 0 is certain.
    """

    gradient: torch.Tensor
    pixels: float
    features: float
    critic: float


def judge(made: torch.Tensor, true: torch.Tensor, critic: PatchCritic, share: float) -> Verdict:
    """One look of the critic, from which both sides learn.

    The critic's gradients are left in its weights. Those at the pictures are summed with the pixels', each scaled to
    `share` of the norm of the pixels' own: so none of them can take over, whatever its loss happens to measure (as the
    adaptive weight of arXiv 2012.09841, taken at the picture instead of at the last layer).

    Args:
        made: decoded pictures `(batch, 3, height, width)` in [-1, 1], without history.
        true: the drawings they stand for.
        critic: who looks.
        share: how much the critic's two gradients count, against 1 for the pixels.

    Returns:
        The gradient at `made`, and the losses.
    """
    made = made.detach().requires_grad_()
    count = len(made)
    with autocast():
        scores, states = critic(torch.cat([made, true]))
    scores, features = scores.float(), torch.zeros((), device=made.device)
    for state in states:
        of_made, of_true = state[:count].float(), state[count:].detach().float()
        features = features + F.l1_loss(of_made, of_true) / of_true.abs().mean()
    hinge = F.relu(1 - scores[count:]).mean() + F.relu(1 + scores[:count]).mean()
    pixels = reconstruction_loss(made, true)
    by_pixels, by_features, by_score = (
        torch.autograd.grad(loss, made, retain_graph=True)[0] for loss in (pixels, features, -scores[:count].mean())
    )
    hinge.backward(inputs=list(critic.parameters()))
    size = by_pixels.norm()
    gradient = by_pixels + sum(share * size / part.norm().clamp(min=1e-12) * part for part in (by_features, by_score))
    return Verdict(gradient, pixels.item(), features.item(), hinge.item())
