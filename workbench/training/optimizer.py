"""The optimizer, and the learning rate as a plain function of the step."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

import torch

from workbench.errors import ConfigError

# What Prodigy learns of the whole run lies beside the settings in its parameter groups; a setting is what is not here.
LEARNED_BY_GROUP = ("d", "d_max", "d_numerator", "d_denom", "d_hat", "k")


def make_optimizer(
    groups: Sequence[tuple[Sequence[torch.nn.Parameter], float]], kind: str, weight_decay: float
) -> torch.optim.Optimizer:
    """Makes the optimizer.

    Args:
        groups: (parameters, learning rate) pairs; empty ones are left out.
        kind: `adamw`; `adamw8bit` (arXiv 2110.02861), which keeps its state in a quarter of the memory; `adafactor`
            (arXiv 1804.04235), which keeps rows and columns of it; `prodigy` (arXiv 2306.06101), which finds one
            learning rate for all and does not look at those given.
        weight_decay: decoupled, as in arXiv 1711.05101.

    Raises:
        ConfigError: if a package is missing or does not work here.
    """
    tables = [{"params": list(parameters), "lr": rate, "peak": rate} for parameters, rate in groups if parameters]
    if kind == "adamw":
        return torch.optim.AdamW(tables, weight_decay=weight_decay, fused=True)
    if kind == "adafactor":
        # torch's own: without momentum, the rate bounded by the step's number, errors clipped by their size.
        return torch.optim.Adafactor(tables, weight_decay=weight_decay)
    optimizer: torch.optim.Optimizer
    if kind == "prodigy":
        try:
            from prodigyopt import Prodigy
        except ImportError as error:
            raise _missing(kind, "prodigyopt") from error
        # It makes one estimate for all groups and wants them to take it whole.
        for table in tables:
            table["lr"] = table["peak"] = 1.0
        with redirect_stdout(io.StringIO()):  # it says which decay it uses
            optimizer = Prodigy(tables, weight_decay=weight_decay, safeguard_warmup=True, use_bias_correction=True)
        return optimizer
    try:
        from bitsandbytes.optim import AdamW8bit
    except (ImportError, OSError, RuntimeError) as error:
        raise _missing(kind, "bitsandbytes") from error
    optimizer = AdamW8bit(tables, weight_decay=weight_decay)
    return optimizer


def _missing(kind: str, package: str) -> ConfigError:
    return ConfigError(
        "train.optimizer",
        f"{kind} needs {package}, which does not load here",
        f"Install it (pip install {package}) or use train.optimizer=adamw",
    )


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


def largest_norm(clip: float) -> float:
    """The gradient norm that is not exceeded; 0 stands for none (arXiv 1211.5063, §3.2)."""
    return clip or float("inf")


def optimizer_state(optimizer: Any) -> dict[int, dict[str, Any]]:
    """What the optimizer remembers of each parameter, by the parameter's number."""
    return dict(optimizer.state_dict()["state"])


def group_state(optimizer: Any) -> list[dict[str, float]]:
    """What the optimizer has learned of each group of parameters: numbers that are no settings."""
    return [
        {name: float(group[name]) for name in LEARNED_BY_GROUP if name in group} for group in optimizer.param_groups
    ]


def load_optimizer_state(
    optimizer: Any, state: dict[int, dict[str, Any]], groups: Sequence[Mapping[str, float]] = ()
) -> None:
    """Takes over what `optimizer_state` and `group_state` gave; rates and weight decay stay those of the settings."""
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    for group, learned in zip(optimizer.param_groups, groups, strict=False):
        group.update({name: type(group[name])(value) for name, value in learned.items() if name in group})
