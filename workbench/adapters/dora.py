"""DoRA files of other programs, brought as the LoRA nearest to them.

A DoRA (arXiv 2402.09353) adds up @ down to a layer's weight W and then gives each of its columns a length m of its own:

    W' = m · V / ‖V‖,  V = W + alpha / rank · up @ down

What it changes depends on W, so its base has to be there. Of W' - W the largest directions are kept; they mix, resize
and export like any other LoRA. Files name m `dora_scale` (kohya's names) or `lora_magnitude_vector` (peft's).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.adapters.complete import without_weights
from workbench.adapters.file import check_base, check_weights, inspect_adapter
from workbench.adapters.formats import weights_bytes
from workbench.adapters.header import Header, read_header
from workbench.adapters.keys import parse_key
from workbench.adapters.weights import LORA_METADATA, LoraWeight, read_weights
from workbench.errors import AdapterError
from workbench.training.directions import directions, enough, halves

if TYPE_CHECKING:
    import torch

ENDINGS = (".dora_scale", ".lora_magnitude_vector.weight", ".lora_magnitude_vector")
NEEDS_BASE = "it is a DoRA, and what that changes depends on the base it was trained on"
WAY_OUT = "Name that base: workbench adapters import FILE --base NAME"


def lengths(header: Header) -> dict[tuple[str, str], str]:
    """The keys of a DoRA's lengths by component and module; empty for every other file."""
    found = {}
    for text in header.tensors:
        ending = next((each for each in ENDINGS if text.endswith(each)), None)
        if ending is None:
            continue
        stem = text.removesuffix(ending).removesuffix(".default")
        parsed = parse_key(f"{stem}.lora_down.weight") or parse_key(f"{stem}.lora_A.weight")
        if parsed:
            found[parsed.component, parsed.module] = text
    return found


def plain_lora(source: bytes, name: str, backbone: Any) -> tuple[bytes, str]:
    """A DoRA file as a LoRA file.

    Args:
        source: the whole file; its header is checked here.
        name: what to call it in errors.
        backbone: the open base it was trained on, without adapters.

    Returns:
        The file in diffusers' spelling, and what to tell of it.

    Raises:
        AdapterError: it is broken, does not fit the base, or its lengths do not fit its layers.
    """
    from safetensors.torch import load_file

    with tempfile.TemporaryDirectory() as scratch:
        file, stripped = Path(scratch) / "whole.safetensors", Path(scratch) / f"{name}.safetensors"
        file.write_bytes(source)
        header = read_header(file)
        check_weights(file)
        keys = lengths(header)
        stripped.write_bytes(without_weights(file, header, set(keys.values())))
        check_base(inspect_adapter(stripped), backbone)
        weights, tensors = read_weights(stripped), load_file(file)
        metadata = _metadata(header)
    if strange := sorted(set(keys) - set(weights)):
        raise AdapterError(
            name, f"it gives {'.'.join(strange[0])} a length but does not change it",
            "Ask whoever made it for a plain LoRA",
        )  # fmt: skip
    kept = whole = 0.0
    for (component, module), key in keys.items():
        own = _layer(getattr(backbone.pipeline, component), module)
        length = tensors[key]
        # The first DoRAs of kohya's form have a length for each input; peft's are laid down for each output.
        by_input = key.endswith(ENDINGS[0]) and length.dim() > 1 and length.shape[0] == 1 < own.shape[0]
        if length.numel() != own.shape[1 if by_input else 0]:
            raise AdapterError(
                name, f"it has {length.numel()} lengths for {component}.{module} {tuple(own.shape)}",
                "Fetch the file again, or ask whoever made it for a plain LoRA",
            )  # fmt: skip
        change = dora_change(own, weights[component, module], length, by_input)
        weights[component, module], held = nearest(change)
        size = float(change.square().sum())
        kept, whole = kept + held * size, whole + size
    held = kept / whole if whole else 1.0
    told = f"It was a DoRA; here it is the LoRA nearest to it on {backbone.id}, which holds {held:.1%} of its change"
    return weights_bytes(weights, metadata), told


def _metadata(header: Header) -> dict[str, str]:
    """A file's metadata without what was said of the form its weights had."""
    gone = (LORA_METADATA, "modelspec.hash_sha256", "format")
    return {
        key: value for key, value in header.metadata.items() if key not in gone and not key.startswith("ss_network_")
    }


def dora_change(own: torch.Tensor, weight: LoraWeight, length: torch.Tensor, by_input: bool = False) -> torch.Tensor:
    """W' - W of one layer, in float32; see the top of this file.

    Args:
        own: W, (out, in) or (out, in, k, k).
        weight: what is added to it.
        length: m, a number for each output, in any shape.
        by_input: whether it is one for each input.
    """
    own = own.detach().float().cpu()
    added = weight.up.float().flatten(1) @ weight.down.float().flatten(1) * (weight.alpha / weight.rank)
    whole = own + added.reshape(own.shape)
    axis = 1 if by_input else 0
    sizes = whole.transpose(0, axis).flatten(1).norm(dim=1).clamp(min=1e-12)
    shape = [1] * own.dim()
    shape[axis] = -1
    return whole * (length.float().flatten() / sizes).reshape(shape) - own


def nearest(change: torch.Tensor) -> tuple[LoraWeight, float]:
    """The LoRA nearest to a layer's change, and which share of it that holds."""
    left, values, right = directions(change)
    energy = float(change.square().sum())
    rank = enough(values, energy)
    up, down = halves(left, values, right, rank, change.shape[2:])
    held = float(values[:rank].square().sum()) / max(energy, 1e-30)
    return LoraWeight(down.contiguous(), up.contiguous(), float(rank)), held


def _layer(network: Any, module: str) -> torch.Tensor:
    """The base's own weight of a layer; text encoders may have one more part in front of its name."""
    for name, layer in network.named_modules():
        if name.removeprefix("text_model.").replace(".base_layer", "") == module and hasattr(layer, "weight"):
            found: torch.Tensor = layer.weight
            return found
    raise AdapterError(module, "the base has no such layer", "Choose the base it was trained on")
