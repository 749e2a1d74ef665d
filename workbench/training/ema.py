"""A running average of the adapter (arXiv 2312.02696, §3): calmer than the last step, whose batch was one of many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

PREFIX = "average/"


class Average:
    """The exponential moving average of what learns."""

    def __init__(self, state: Mapping[str, torch.Tensor], decay: float) -> None:
        """
        Args:
            state: what learns, by name; the tensors themselves, which the optimizer changes in place.
            decay: share of the average that stays at each step; 0 keeps none.
        """
        self._state, self._decay = dict(state), decay
        self._average = {name: tensor.detach().clone() for name, tensor in state.items()} if decay else {}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes a step in.

        The first steps are far from where the run ends, so the decay starts small: min(decay, (1 + n) / (10 + n)).

        Args:
            step: from 1.
        """
        if self._average:
            decay = min(self._decay, (1 + step) / (10 + step))
            torch._foreach_lerp_(list(self._average.values()), list(self._state.values()), 1 - decay)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Inside the block the adapter is its average: for previews and for saving. Without a decay nothing happens."""
        kept = {name: self._state[name].clone() for name in self._average}
        self._put(self._average)
        try:
            yield
        finally:
            self._put(kept)

    def settle(self) -> None:
        """Makes the adapter its average for good."""
        self._put(self._average)

    def state(self) -> dict[str, torch.Tensor]:
        """What a checkpoint has to keep, beside the adapter's own tensors."""
        return {f"{PREFIX}{name}": tensor for name, tensor in self._average.items()}

    def load(self, state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Takes its own out of a checkpoint's tensors and returns the others.

        A checkpoint that was made without an average gives it its adapter to start from.
        """
        others = {name: tensor for name, tensor in state.items() if not name.startswith(PREFIX)}
        for name, tensor in self._average.items():
            tensor.copy_(state.get(f"{PREFIX}{name}", others[name]))
        return others

    @torch.no_grad()
    def _put(self, values: Mapping[str, torch.Tensor]) -> None:
        for name, tensor in values.items():
            self._state[name].copy_(tensor)
