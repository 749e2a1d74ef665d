"""Loss of photos that are not learned from: when it rises while the other falls, the run learns by heart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from workbench.backbones import Backbone, pick
from workbench.dataset.encode import EncodedSet
from workbench.device import generator
from workbench.errors import TrainingError

LEVELS = 8
# Far from the streams that the steps draw from.
STREAM = 1 << 50


def hold_out(data: EncodedSet, count: int) -> tuple[EncodedSet, tuple[int, ...]]:
    """Takes the last photos of a data set out of what is learned from.

    Args:
        data: the data set.
        count: how many; 0 takes none.

    Returns:
        The data set without them, and which examples they are.

    Raises:
        TrainingError: if no photo would be left to learn from.
    """
    photos = data.kinds.get("photo", ())
    if count <= 0:
        return data, ()
    if count >= len(photos):
        raise TrainingError(
            "follow.held_out",
            f"of {len(photos)} photos {count} would be held out, and none left to learn from",
            "Hold out fewer, or add photos",
        )
    return replace(data, kinds=data.kinds | {"photo": photos[:-count]}), photos[-count:]


class Validation:
    """Tries held-out photos at fixed noise levels with fixed noise, so that only the adapter changes their loss."""

    def __init__(self, objective: Any, backbone: Backbone, data: EncodedSet, held: tuple[int, ...], seed: int) -> None:
        """
        Args:
            objective: an `Objective`.
            backbone: whose noise levels.
            data: the data set.
            held: see `hold_out`.
            seed: the run's.
        """
        self._objective, self._data, self._held = objective, data, held
        self._levels = ((torch.arange(LEVELS) + 0.5) / LEVELS * backbone.timesteps).long().to(data.device)
        # Each photo at the largest size it has.
        self._grids = [next(grid for grid in data.grids if grid.views[example]) for example in held]
        random = generator(seed, STREAM)
        self._noise = [
            torch.randn((LEVELS, *grid.mean.shape[1:]), generator=random).to(data.device) for grid in self._grids
        ]

    @torch.no_grad()
    def loss(self) -> float | None:
        """The mean loss as the adapter is now; None when no photo is held out."""
        if not self._held:
            return None
        data, training = self._data, self._objective.training
        self._objective.eval()
        losses = []
        for example, grid, noise in zip(self._held, self._grids, self._noise, strict=True):
            row = grid.views[example][0]
            latents = grid.mean[row].expand_as(noise)
            said = torch.full((LEVELS,), data.wordings[example][0], device=data.device)
            text = pick(data.ids if data.text is None else data.text, said)
            if grid.cut is not None:
                text["cut"] = grid.cut[row].expand(LEVELS, -1)
            losses.append(self._objective(latents, noise, self._levels, text))
        self._objective.train(training)
        return float(torch.cat(losses).mean())
