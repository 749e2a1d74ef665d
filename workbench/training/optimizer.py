"""The optimizer, and the learning rate as a plain function of the step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from workbench.errors import ConfigError

KINDS = ("adamw", "adamw8bit")


def make_optimizer(
    groups: Sequence[tuple[Sequence[torch.nn.Parameter], float]], kind: str, weight_decay: float
) -> torch.optim.Optimizer:
    """Makes the optimizer.

    Args:
        groups: (parameters, learning rate) pairs; empty ones are left out.
        kind: `adamw`, or `adamw8bit` (arXiv 2110.02861), which keeps its state in a quarter of the memory.
        weight_decay: decoupled, as in arXiv 1711.05101.

    Raises:
        ConfigError: if bitsandbytes is not installed or does not work here.
    """
    tables = [{"params": list(parameters), "lr": rate, "peak": rate} for parameters, rate in groups if parameters]
    if kind == "adamw":
        return torch.optim.AdamW(tables, weight_decay=weight_decay, fused=True)
    try:
        from bitsandbytes.optim import AdamW8bit
    except (ImportError, OSError, RuntimeError) as error:
        raise ConfigError(
            "train.optimizer", "adamw8bit needs bitsandbytes, which does not load here", "Use train.optimizer=adamw"
        ) from error
    optimizer: torch.optim.Optimizer = AdamW8bit(tables, weight_decay=weight_decay)
    return optimizer


def rate_share(step: int, steps: int, schedule: str, warmup: float) -> float:
    """The share of the peak learning rate that a step gets.

    Args:
        step: from 0.
        steps: of the whole run.
        schedule: after warm-up: `cosine` and `linear` fall to 0 at the end, `constant` stays.
        warmup: share of the steps in which the rate rises, in equal steps, to its peak.

    Returns:
        Between 0 and 1, and above 0 in the first step.
    """
    rising = round(warmup * steps)
    if step < rising:
        return (step + 1) / rising
    progress = (step - rising) / max(1, steps - rising)
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    return 1 - progress if schedule == "linear" else 1.0


def set_rate(optimizer: Any, share: float) -> float:
    """Sets every group's learning rate to its share of the peak; returns the first group's."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * share
    return float(optimizer.param_groups[0]["lr"])


def optimizer_state(optimizer: Any) -> dict[int, dict[str, Any]]:
    """What the optimizer remembers of each parameter, by the parameter's number."""
    return dict(optimizer.state_dict()["state"])


def load_optimizer_state(optimizer: Any, state: dict[int, dict[str, Any]]) -> None:
    """Takes over what `optimizer_state` gave; learning rates and weight decay stay those of the settings."""
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
