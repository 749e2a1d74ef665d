"""What makes a run fit: activations computed twice, the frozen base in fewer bits, and the ladder of what is tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from workbench.backbones import Backbone
from workbench.backbones.cpu_half import HalfLinear
from workbench.errors import TrainingError

SMALLEST_SHARE = 2  # the resolution is halved once; smaller pictures are no longer what the base draws


def lower_rung(values: Mapping[str, Any], gpu: bool, resolution: int = 0) -> dict[str, Any]:
    """The next thing that is given up when memory runs out, the one that costs least first.

    1. One part of the base in memory at a time, where the text encoders do not learn: the same result, a slower start.
    2. The step's pictures in more parts, until each is alone: the same result, a little slower.
    3. Activations computed again: the same result, a third slower.
    4. On a GPU, the optimizer's state in 8 bits.
    5. On a GPU, the frozen base in 8, then in 4 bits (arXiv 2305.14314).
    6. Before a run, half the resolution.

    Args:
        values: settings by dotted name, as they are.
        gpu: whether the run is on one.
        resolution: of the pictures in pixels, when it may still be lowered; 0 when it may not.

    Returns:
        The settings to change; empty at the end of the ladder.
    """
    if not values["memory.phased"] and not values["lora.text_encoder"]:
        return {"memory.phased": True}
    parts, batch = int(values["memory.parts"]), int(values["train.batch_size"])
    more = next((count for count in range(parts + 1, batch + 1) if batch % count == 0 and count >= 2 * parts), 0)
    if parts < batch:
        return {"memory.parts": more or batch}
    if not values["memory.checkpointing"]:
        return {"memory.checkpointing": True}
    if gpu and values["train.optimizer"] == "adamw":
        return {"train.optimizer": "adamw8bit"}
    if gpu and values["memory.quantise"] != "4bit":
        return {"memory.quantise": "8bit" if values["memory.quantise"] == "none" else "4bit"}
    if resolution and not values["data.resolution"]:
        return {"data.resolution": resolution // SMALLEST_SHARE}
    return {}


def save_memory(backbone: Backbone, checkpointing: bool, quantise: str) -> None:
    """Prepares an open base, before the adapter is attached.

    Args:
        backbone: is changed in place.
        checkpointing: compute activations again instead of keeping them (arXiv 1604.06174).
        quantise: `none`, `8bit` (arXiv 2208.07339) or `4bit` (nf4, arXiv 2305.14314).

    Raises:
        TrainingError: if the base cannot, or quantisation is wanted without a GPU.
    """
    networks: list[Any] = [backbone.denoiser, *backbone.text_encoders.values()]
    if quantise != "none":
        if backbone.device.type != "cuda":
            raise TrainingError(
                "memory.quantise",
                f"bitsandbytes quantises for training on a GPU only, and this run is on {backbone.device.type}",
                "Set memory.quantise=none",
            )
        if backbone.phases is None:
            quantise_layers(backbone.denoiser, quantise, backbone.device)
        else:
            # Layer by layer on their way to the GPU, which never holds the whole denoiser in full.
            backbone.phases.prepare_denoiser(lambda network: quantise_layers(network, quantise, backbone.device))
    if checkpointing:
        for network in networks:
            # diffusers' name, transformers' new one, and its old one.
            names = (
                "enable_gradient_checkpointing",
                "activation_checkpointing_enable",
                "gradient_checkpointing_enable",
            )
            enable = next((getattr(network, name) for name in names if hasattr(network, name)), None)
            if enable is None:
                raise TrainingError(
                    "memory.checkpointing", f"{type(network).__name__} cannot do it", "Set memory.checkpointing=false"
                )
            enable()


def quantise_layers(network: nn.Module, quantise: str, device: torch.device | None = None) -> int:
    """Swaps a network's linear layers for bitsandbytes', one after the other, so that memory only ever falls.

    Args:
        network: is changed in place.
        quantise: `8bit` or `4bit`.
        device: where the new layers go, quantised on their way; None leaves each where it is.

    Returns:
        How many were swapped.
    """
    import bitsandbytes as bnb

    count = 0
    for parent, name, layer in list(_linear_layers(network)):
        weight = layer.weight.data
        bias = layer.bias is not None
        new: Any
        if quantise == "4bit":
            new = bnb.nn.Linear4bit(
                layer.in_features, layer.out_features, bias, compute_dtype=weight.dtype, quant_type="nf4"
            )
            new.weight = bnb.nn.Params4bit(weight.cpu(), requires_grad=False, quant_type="nf4")
        else:
            new = bnb.nn.Linear8bitLt(layer.in_features, layer.out_features, bias, has_fp16_weights=False)
            new.weight = bnb.nn.Int8Params(weight.cpu(), requires_grad=False, has_fp16_weights=False)
        if layer.bias is not None:
            new.bias = nn.Parameter(layer.bias.data, requires_grad=False)
        setattr(parent, name, new.to(device or weight.device))
        count += 1
    return count


def _linear_layers(network: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
    for parent in network.modules():
        for name, layer in parent.named_children():
            if isinstance(layer, nn.Linear) and type(layer) in (nn.Linear, HalfLinear):
                yield parent, name, layer
