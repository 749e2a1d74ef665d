"""The matrices of low rank that are nearest to a layer's change: its largest directions (Eckart and Young, 1936)."""

from __future__ import annotations

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
    left: torch.Tensor, values: torch.Tensor, right: torch.Tensor, rank: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The largest directions as a LoRA's two matrices; zeros where there are fewer.

    The singular values are shared evenly between both: neither gets too small for half precision.

    Args:
        left, values, right: see `directions`.
        rank: so many.

    Returns:
        up (out, rank) and down (rank, in), float32.
    """
    import torch.nn.functional as F

    roots = values[:rank].sqrt()
    missing = rank - len(roots)
    up, down = left[:, :rank] * roots, roots[:, None] * right[:rank]
    return F.pad(up, (0, missing)).float(), F.pad(down, (0, 0, 0, missing)).float()
