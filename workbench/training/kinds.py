"""Kinds of adapters, by peft's own configurations, and how each becomes a LoRA file that every tool opens.

    lora     W + s·B·A                                      arXiv 2106.09685
    rslora   the same with s = alpha / √rank                arXiv 2312.03732
    pissa    starts from the largest directions of W        arXiv 2404.02948
    dora     direction and length of W's columns apart      arXiv 2402.09353
    loha     two low-rank matrices multiplied by element    arXiv 2108.06098
    lokr     a Kronecker product of small matrices          arXiv 2309.14859
    oft      W rotated by small blocks                      arXiv 2306.07280

What only some tools read is saved as the LoRA nearest to it: of the change of each layer, the largest directions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from peft import LoHaConfig, LoKrConfig, LoraConfig, OFTConfig, PeftConfig
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

KINDS = ("lora", "rslora", "pissa", "dora", "loha", "lokr", "oft")
PLAIN = ("lora", "rslora")
# PiSSA is not defined for convolutions; peft 0.21's OFT gives wrong results on them (it forgets the padding).
LINEAR_ONLY = ("pissa", "oft")
MOST_RANK = 128
ENOUGH = 0.999  # share of the change's energy (sum of squares) at which more rank is not worth its bytes


def make_config(kind: str, rank: int, alpha: float, targets: Sequence[str], dropout: float) -> PeftConfig:
    """peft's configuration of an adapter.

    Args:
        kind: one of `KINDS`.
        rank: of the matrices; for `oft` the size of the blocks that rotate.
        alpha: the change is scaled by alpha / rank; `oft` has no such scale.
        targets: layers, by the end of their names.
        dropout: share of the inputs, or for some kinds of the adapter, that is switched off at each step.
    """
    layers = list(targets)
    if kind == "loha":
        return LoHaConfig(r=rank, alpha=alpha, target_modules=layers, module_dropout=dropout)  # type: ignore[arg-type]
    if kind == "lokr":
        return LoKrConfig(r=rank, alpha=alpha, target_modules=layers, module_dropout=dropout)  # type: ignore[arg-type]
    if kind == "oft":
        return OFTConfig(r=0, oft_block_size=rank, target_modules=layers, module_dropout=dropout)
    return LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]  # peft declares a whole number and computes with any
        target_modules=layers,
        lora_dropout=dropout,
        use_rslora=kind == "rslora",
        use_dora=kind == "dora",
        init_lora_weights="pissa" if kind == "pissa" else True,
    )


def start_of(kind: str, network: nn.Module, adapter: str) -> dict[str, torch.Tensor]:
    """What has to be remembered of an adapter's first weights: PiSSA took them out of the base's own."""
    if kind != "pissa":
        return {}
    return {
        name.replace(f".{adapter}", ""): parameter.detach().clone()
        for name, parameter in network.named_parameters()
        if ".lora_" in name
    }


def plain_lora(
    kind: str, network: nn.Module, state: Mapping[str, torch.Tensor], config: PeftConfig, start: Mapping[str, Any]
) -> tuple[dict[str, torch.Tensor], PeftConfig, str]:
    """An adapter of any kind as a LoRA.

    Args:
        kind: one of `KINDS`.
        network: that carries it; left as it is.
        state, config: as peft saves them.
        start: see `start_of`.

    Returns:
        State and configuration of the LoRA, and what to tell of the conversion; empty when there was none.
    """
    if kind in PLAIN:
        return dict(state), config, ""
    if kind == "pissa":
        assert isinstance(config, LoraConfig)
        # W - s·B₀·A₀ + s·B·A is the base's own W with a LoRA of twice the rank.
        joined = {}
        for name, tensor in state.items():
            first = start[name].to(tensor)
            second = ".lora_B." in name
            joined[name] = torch.cat([tensor, -first], 1) if second else torch.cat([tensor, first], 0)
        doubled = LoraConfig(r=2 * config.r, lora_alpha=2 * config.lora_alpha, target_modules=config.target_modules)
        return joined, doubled, ""
    changes = layer_changes(network)
    factors = {name: _directions(change) for name, change in changes.items()}
    rank = max(_enough(values) for _, values, _ in factors.values())
    lora = {}
    for name, (left, values, right) in factors.items():
        roots = torch.zeros(rank)
        roots[: min(rank, len(values))] = values[:rank].sqrt()
        shape = changes[name].shape
        down, up = roots[:, None] * _padded(right, rank), _padded(left.T, rank).T * roots
        lora[f"{name}.lora_A.weight"] = down.reshape(rank, *shape[1:]).contiguous()
        lora[f"{name}.lora_B.weight"] = up.reshape(shape[0], rank, *([1] * (len(shape) - 2))).contiguous()
    kept = sum(float(values[:rank].square().sum()) for _, values, _ in factors.values())
    whole = sum(float(change.square().sum()) for change in changes.values())
    told = f"saved as a LoRA of rank {rank}, which holds {kept / max(whole, 1e-30):.1%} of what the {kind} learned"
    return lora, LoraConfig(r=rank, lora_alpha=rank, target_modules=sorted(changes)), told


@torch.no_grad()
def layer_changes(network: nn.Module) -> dict[str, torch.Tensor]:
    """What an adapter adds to the weight of each layer it is on: layer's name -> tensor like the weight, fp32, CPU."""
    changes = {}
    for name, layer in network.named_modules():
        if isinstance(layer, BaseTunerLayer):
            base: Any = layer.get_base_layer()
            own = base.weight.data
            # A copy is merged into, for taking a change away again would leave its rounding behind.
            base.weight.data = own.float().clone()
            layer.merge()
            changes[name] = (base.weight.data - own.float()).cpu()
            base.weight.data = own
            layer.merged_adapters.clear()
    return changes


def _directions(change: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(out, n), (n,), (n, in): the singular directions of a layer's change, the largest first, `MOST_RANK` at most."""
    left, values, right = torch.linalg.svd(change.flatten(1), full_matrices=False)
    return left[:, :MOST_RANK], values[:MOST_RANK], right[:MOST_RANK]


def _enough(values: torch.Tensor) -> int:
    share = values.square().cumsum(0) / values.square().sum().clamp(min=1e-30)
    return int((share < ENOUGH).sum()) + 1 if len(values) else 1


def _padded(rows: torch.Tensor, count: int) -> torch.Tensor:
    missing = count - len(rows)
    return torch.cat([rows, rows.new_zeros(missing, rows.shape[1])]) if missing > 0 else rows[:count]
