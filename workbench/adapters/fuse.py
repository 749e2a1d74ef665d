"""An adapter built into a base for good: the result is a base of its own, which every program opens without LoRA.

The base's files are copied, and in those of the changed networks each weight becomes W + strength · alpha / rank ·
up · down. Nothing else is touched: names, precision, configuration and tokenizer stay as they were.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.adapters.complete import named
from workbench.adapters.mix import Part, mix
from workbench.adapters.shelf import find_adapter
from workbench.adapters.weights import LoraWeight, attach, detach, read_weights
from workbench.adapters.word import TABLE
from workbench.backbones import locate, open_backbone
from workbench.config import atomic_write, storage_errors
from workbench.errors import AdapterError

if TYPE_CHECKING:
    import torch

# Rounding to half precision moves a picture by less; a weight that was missed moves it by more.
TOLERANCE = 0.02


@dataclass(frozen=True)
class Fused:
    """A new base.

    Args:
        folder: where it is.
        layers: how many layers were changed.
        difference: mean difference of a picture (0 to 1) from the one that base and adapter draw together.
        change: mean difference from the base's own picture.
    """

    folder: Path
    layers: int
    difference: float
    change: float


def fuse_adapters(adapters: Sequence[tuple[str, float]], base: str, target: Path, folder: Path | None = None) -> Fused:
    """Builds adapters into a copy of a base, and proves that it draws what base and adapters draw together.

    Args:
        adapters: names on the shelf with strengths.
        base: a base as `open_backbone` takes it.
        target: the new base's folder; must not be there yet.

    Raises:
        AdapterError: an adapter is missing or does not fit, the folder is taken, a weight has no place in the base's
            files, or the picture differs. Nothing is left at the target then.
        BackboneError: the base cannot be opened.
    """
    if target.exists():
        raise AdapterError(str(target), "there is something of that name already", "Choose a new folder")
    entries = [find_adapter(name, folder) for name, _ in adapters]
    parts = [
        Part(entry.name, read_weights(entry.path), strength)
        for entry, (_, strength) in zip(entries, adapters, strict=True)
    ]
    weights = mix(parts, "cat").weights
    source, found = locate(base)
    try:
        with storage_errors(target):
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(".*", "*.bin", "*.ckpt", "*.pt", "*.msgpack"))
        for component in sorted({part for part, _ in weights}):
            _fuse_part(target / component, {at: weight for (part, at), weight in weights.items() if part == component})
        words = ", ".join(f"{name} × {strength:g}" for name, strength in adapters)
        licences = "; ".join(f"{entry.name}: {entry.card.licence or 'not stated'}" for entry in entries)
        scopes = "; ".join(f"{entry.name}: {entry.card.scope or 'not stated'}" for entry in entries)
        triggers = ", ".join(dict.fromkeys(entry.card.trigger for entry in entries if entry.card.trigger))
        atomic_write(
            target / "README.md", _readme(target.name, found.id, found.licence, words, licences, scopes, triggers)
        )
        difference, change = _compare(target, base, weights)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    if not change > 0 or not difference <= min(TOLERANCE, change / 2):
        shutil.rmtree(target, ignore_errors=True)
        raise AdapterError(
            target.name, f"fused, it draws another picture (difference {difference:.4f}, change {change:.4f})",
            "Please report this",
        )  # fmt: skip
    return Fused(target, len(weights), difference, change)


def _fuse_part(folder: Path, weights: Mapping[str, LoraWeight]) -> None:
    """Changes the weights in a network's safetensors files, one file at a time."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    left = set(weights)
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as opened:
            metadata = opened.metadata()
        tensors, changed = load_file(file), False
        for key, tensor in tensors.items():
            module = key.removesuffix(".weight").removeprefix("text_model.")
            if key.endswith(".weight") and module in weights:
                tensors[key] = added(tensor, weights[module], module)
                left.discard(module)
                changed = True
        if changed:
            unfinished = file.with_name(f".writing-{file.name}")
            save_file(tensors, unfinished, metadata)
            unfinished.replace(file)
    if left:
        raise AdapterError(folder.name, f"the base has no weights for {named(sorted(left))}", "Choose its own base")


def added(tensor: torch.Tensor, weight: LoraWeight, module: str) -> torch.Tensor:
    """A weight with an adapter's change added, in its own shape and precision."""
    change = weight.up.flatten(1).float() @ weight.down.flatten(1).float() * (weight.alpha / weight.rank)
    change = change.T if module == TABLE else change
    if change.numel() != tensor.numel():
        raise AdapterError(module, "it has another size in the base", "Choose the base it was trained on")
    return (tensor.float() + change.reshape(tensor.shape)).to(tensor.dtype)


def _compare(target: Path, base: str, weights: Mapping[tuple[str, str], LoraWeight]) -> tuple[float, float]:
    """Draws with base and adapter together and with the new base: mean difference, and change from the base alone."""
    import torch

    from workbench.adapters.proof import draw_small

    backbone: Any = open_backbone(base, dtype=torch.float32)
    without = draw_small(backbone)
    attach(backbone.pipeline, weights, "fused", target.name)
    together = draw_small(backbone)
    detach(backbone.pipeline, "fused")
    del backbone
    fused: Any = open_backbone(target, dtype=torch.float32)
    drawn = draw_small(fused)
    return float(abs(drawn - together).mean()), float(abs(drawn - without).mean())


def _readme(name: str, base: str, licence: str, words: str, licences: str, scopes: str, triggers: str) -> str:
    return (
        f"# {name}\n\nThe base {base} with {words} built in, made with the chibi LoRA workbench.\n\n"
        f"- Trigger: {triggers or 'none'}\n- Licence of the base: {licence}\n- Licence of the adapters: {licences}\n"
        f"- Agreed use: {scopes}\n"
    )
