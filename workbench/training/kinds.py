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

from workbench.training.directions import directions, enough, halves

KINDS = ("lora", "rslora", "pissa", "dora", "loha", "lokr", "oft")
PLAIN = ("lora", "rslora")
# PiSSA is not defined for convolutions; peft 0.21's OFT gives wrong results on them (it forgets the padding).
LINEAR_ONLY = ("pissa", "oft")


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
    factors = {name: directions(change) for name, change in changes.items()}
    energies = {name: float(change.square().sum()) for name, change in changes.items()}
    rank = max(enough(values, energies[name]) for name, (_, values, _) in factors.items())
    lora = {}
    for name, found in factors.items():
        up, down = halves(*found, rank, changes[name].shape[2:])
        lora[f"{name}.lora_A.weight"], lora[f"{name}.lora_B.weight"] = down.contiguous(), up.contiguous()
    kept = sum(float(values[:rank].square().sum()) for _, values, _ in factors.values())
    held = kept / max(sum(energies.values()), 1e-30)
    told = f"saved as a LoRA of rank {rank}, which holds {held:.1%} of what the {kind} learned"
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
