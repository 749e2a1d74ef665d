"""Which part of a photo counts: the head, more than the wall behind it."""

from __future__ import annotations

import torch

from workbench.photos.crop import FACE_SHARE, FACE_X, FACE_Y

# Half-axes of the head with its hair, in shares of the crop's side, seen from the middle of the face box (brows to
# chin): ears and hair stand out to the sides, hair above, and the neck belongs to the person too.
HEAD_X, HEAD_Y = 0.95 * FACE_SHARE, 1.2 * FACE_SHARE
EDGE = 0.35  # share of the half-axes over which the mask falls


def head_mask(height: int, width: int, outside: float) -> torch.Tensor:
    """A soft ellipse around the head of a face crop, which has the head always in the same place (`photos.crop`).

    Args:
        height, width: of the mask: a latent's.
        outside: weight of what is not head, 0 to 1.

    Returns:
        (1, height, width) weights, 1 on the head.
    """
    y = (torch.arange(height) + 0.5) / height - FACE_Y
    x = (torch.arange(width) + 0.5) / width - FACE_X
    distance = ((y / HEAD_Y).square()[:, None] + (x / HEAD_X).square()[None, :]).sqrt()
    inside = ((1 + EDGE - distance) / EDGE).clamp(0, 1)
    return (outside + (1 - outside) * inside)[None]
