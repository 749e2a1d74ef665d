"""A frozen network's weights in bfloat16 beside those in float32, for CPUs that compute in half precision.

Autocast rounds the weights of convolutions and linear layers to bfloat16 each time they are used, frozen ones too: for
a small network a twentieth of a training step, and as much of a picture. Rounded once, the numbers are the same.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

Halves = tuple[tuple[int, int], torch.Tensor, torch.Tensor | None]


class HalfLinear(nn.Linear):
    """`torch.nn.Linear` that keeps its frozen weights in bfloat16 too, for CPU autocast."""

    halves: Halves | None = None

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not _wanted(self.weight):
            return super().forward(input)
        weight, bias = _kept(self)
        return F.linear(input, weight, bias)


class HalfConv2d(nn.Conv2d):
    """`torch.nn.Conv2d` that keeps its frozen weights in bfloat16 too, for CPU autocast."""

    halves: Halves | None = None

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not _wanted(self.weight):
            return super().forward(input)
        weight, bias = _kept(self)
        return self._conv_forward(input, weight, bias)


def _wanted(weight: torch.Tensor) -> bool:
    if weight.requires_grad or weight.dtype != torch.float32 or torch.compiler.is_compiling():
        return False  # what is compiled rounds in passing
    return torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16


def _kept(layer: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The layer's weights in bfloat16: rounded anew after they were replaced, or written to in place."""
    weight, bias = layer.weight, layer.bias
    state = (weight.data_ptr(), weight._version)
    if layer.halves is None or layer.halves[0] != state:
        with torch.no_grad():
            layer.halves = (state, weight.bfloat16(), None if bias is None else bias.bfloat16())
    return layer.halves[1], layer.halves[2]


def keep_halves(network: nn.Module) -> int:
    """Lets a network's linear and convolutional layers keep their weights in bfloat16; names and results stay the same.

    What writes to the weights through `.data` has to call this again.

    Args:
        network: is changed in place; layers that learn are computed as ever.

    Returns:
        How many layers.
    """
    changed = 0
    module: Any
    for module in network.modules():
        if type(module) in (nn.Linear, HalfLinear):
            module.__class__ = HalfLinear
        elif type(module) in (nn.Conv2d, HalfConv2d):
            module.__class__ = HalfConv2d
        else:
            continue
        module.halves = None
        changed += 1
    return changed
