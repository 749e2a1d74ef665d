"""The matrices of low rank that are nearest to a layer's change: its largest directions (Eckart and Young, 1936)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

ENOUGH = 0.999  # share of a change's energy (sum of squares) at which more rank is not worth its bytes
MOST_RANK = 128


def directions(change: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The largest singular directions of a layer's change, `MOST_RANK` at most.

    Args:
        change: (out, in) or (out, in, k, k).

    Returns:
        (out, n), (n,), (n, in · k · k); their product is the change, or nearly.
    """
    import torch

    left, values, right = torch.linalg.svd(change.flatten(1), full_matrices=False)
    # Copies: parts would keep the whole in memory, and a large base has a thousand layers.
    return left[:, :MOST_RANK].clone(), values[:MOST_RANK].clone(), right[:MOST_RANK].clone()


def enough(values: torch.Tensor, energy: float) -> int:
    """How many directions hold `ENOUGH` of a change's energy; all there are when they do not, one at least.

    Args:
        values: see `directions`.
        energy: the change's own sum of squares.
    """
    short = int((values.square().cumsum(0) < ENOUGH * energy).sum())
    return max(1, min(len(values), short + 1))


def halves(
    left: torch.Tensor, values: torch.Tensor, right: torch.Tensor, rank: int, kernel: Sequence[int] = ()
) -> tuple[torch.Tensor, torch.Tensor]:
    """The largest directions as a LoRA's two halves; zeros where there are fewer.

    The singular values are shared evenly between both: neither gets too small for half precision.

    Args:
        left, values, right: see `directions`.
        rank: so many.
        kernel: of a convolution, (k, k); empty for a linear layer.

    Returns:
        up (out, rank) and down (rank, in), of a convolution (out, rank, 1, 1) and (rank, in, k, k); float32.
    """
    import torch.nn.functional as F

    roots = values[:rank].sqrt()
    missing = rank - len(roots)
    up, down = F.pad(left[:, :rank] * roots, (0, missing)), F.pad(roots[:, None] * right[:rank], (0, 0, 0, missing))
    return up.reshape(len(left), rank, *[1] * len(kernel)).float(), down.reshape(rank, -1, *kernel).float()
