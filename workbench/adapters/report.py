"""What a file is, for somebody who was handed one: its family, size and origin, which programs read it, and a proof."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.adapters import family_names
from workbench.adapters.card import OWN_BASE
from workbench.adapters.complete import gains, layers_apart, strength_warnings
from workbench.adapters.file import AdapterInfo, check_base, check_weights, inspect_adapter
from workbench.adapters.header import read_header
from workbench.adapters.proof import Proof, prove_adapter
from workbench.adapters.scrub import Finding
from workbench.adapters.weights import LoraWeight, read_weights
from workbench.adapters.word import PLACES, TABLE
from workbench.errors import AdapterError

# Width of what a UNet's cross-attention reads; by it the families of Stable Diffusion differ.
_WIDTHS = {768: "sd1", 1024: "sd2", 2048: "sdxl"}
_KINDS = (
    (r"(attn|attention|self_attn)[12]?\.", "attention"), (r"\b(ff|mlp|fc[12])\b|ff_context", "feed-forward"),
    (r"resnets\.|conv", "convolutions"), (r"proj_(in|out)", "projections"), (r"time_|emb", "time embedding"),
)  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """Whether a program reads a file.

    Args:
        program: its name.
        reads: `yes`, `no`, or `partly`.
        note: why, or what to do.
    """

    program: str
    reads: str
    note: str = ""


@dataclass(frozen=True)
class Report:
    """What was found in a file.

    Args:
        family: `sd1`, `sdxl`, …, or empty when nothing tells.
        spelling: `diffusers` or `kohya`.
        ranks, alphas: those that occur.
        targets: how many layers of each kind it changes, by part of the base: `unet: attention 32`.
        dtypes: number formats of its weights.
        parameters: how many numbers it holds.
        trained_on: base, steps, resolution, as far as it tells.
        strongest: the layer that is changed most, and how strongly (see `complete.gains`).
        readers: which programs read it as it is.
        private: what its metadata gives away.
        warnings: what a person should know before using it.
        proof: what opening it in a fresh base gave; None when that was not asked for or not possible.
        no_proof: why there is none.
    """

    family: str
    spelling: str
    ranks: tuple[int, ...]
    alphas: tuple[float, ...]
    targets: tuple[str, ...]
    dtypes: tuple[str, ...]
    parameters: int
    trained_on: tuple[str, ...]
    strongest: tuple[str, float]
    readers: tuple[Reader, ...]
    private: tuple[Finding, ...]
    warnings: tuple[str, ...]
    proof: Proof | None
    no_proof: str


def report_adapter(path: Path, backbone: Any = None, no_proof: str = "no base was given") -> Report:
    """Looks at a whole file, and proves it when there is a base.

    Args:
        path: an adapter file; it need not be on the shelf.
        backbone: the open Backbone to prove it with.
        no_proof: why there is no base.

    Raises:
        AdapterError: it cannot be read; or it does not fit the base (all layers that do not are counted and some
            named), or the proof failed.
    """
    path = Path(path)
    info, header = inspect_adapter(path), read_header(path)
    check_weights(path)
    weights = read_weights(path)
    sizes = gains(weights)
    strongest = max(sizes.items(), key=lambda item: item[1], default=((next(iter(weights))), 0.0))
    warnings = strength_warnings(weights)
    proof = None
    if backbone is not None:
        apart, fit = layers_apart(info.shapes, backbone.pipeline)
        if apart and fit:
            raise AdapterError(
                path.name,
                f"{len(apart)} of its {len(apart) + len(fit)} layers do not fit {backbone.id}: {', '.join(apart[:6])}"
                + ("…" if len(apart) > 6 else ""),
                "Open the base it was trained on",
            )
        warnings += check_base(info, backbone)
        proof, no_proof = prove_adapter(path, backbone), ""
    return Report(
        family=family_of(info),
        spelling=info.spelling,
        ranks=info.ranks,
        alphas=tuple(sorted({weight.alpha for weight in weights.values()})),
        targets=_targets(info),
        dtypes=tuple(sorted({tensor.dtype for tensor in header.tensors.values()})),
        parameters=sum(weight.up.numel() + weight.down.numel() for weight in weights.values()),
        trained_on=_trained_on(info, header.metadata),
        strongest=(".".join(strongest[0]), strongest[1]),
        readers=readers(info, weights),
        private=info.private,
        warnings=tuple(warnings),
        proof=proof,
        no_proof=no_proof,
    )


def family_of(info: AdapterInfo) -> str:
    """What kind of base it needs: what its card says, else what its layers look like; empty when neither tells."""
    if info.card and info.card.family:
        return info.card.family
    widths = {
        shape.inputs for (component, module), shape in info.shapes.items()
        if component == "unet" and re.search(r"attn2\.to_[kv]$", module)
    }  # fmt: skip
    known = _WIDTHS.get(widths.pop(), "") if len(widths) == 1 else ""
    return known or family_names.family_of(set(info.shapes))


def readers(info: AdapterInfo, weights: Mapping[tuple[str, str], LoraWeight]) -> tuple[Reader, ...]:
    """Which programs read a file as it is.

    By their own loaders: diffusers' `load_lora_weights` (`lora_conversion_utils.py`), A1111 and Forge's `networks.py`,
    ComfyUI's `comfy/lora.py` (it knows both spellings, and of alphas only those that are tensors).
    """
    kohya, word = info.spelling == "kohya", bool(weights.keys() & set(PLACES))
    alphas = {weight.alpha for where, weight in weights.items() if where not in PLACES}
    unscaled = all(weight.alpha == weight.rank for weight in weights.values())
    export = "`workbench adapters export` writes the file it reads"
    if kohya and word:
        diffusers = Reader("diffusers", "no", "it refuses a word that is bundled; export it for diffusers")
    elif kohya and len(alphas) > 1:
        diffusers = Reader("diffusers", "partly", "it takes one alpha for all layers; export it for diffusers")
    else:
        diffusers = Reader("diffusers", "yes")
    if not kohya and family_of(info) not in family_names.WITH_KOHYA:
        export = "its family has no kohya spelling"
    a1111 = Reader("kohya, A1111, Forge", "yes") if kohya else Reader("kohya, A1111, Forge", "no", export)
    if kohya:
        comfy = Reader("ComfyUI", "yes", "write `embedding:WORD` for the learned word" if word else "")
    elif word:
        comfy = Reader("ComfyUI", "partly", f"it skips the learned word; {export}")
    elif unscaled:
        comfy = Reader("ComfyUI", "yes")
    else:
        scales = {weight.alpha / weight.rank for weight in weights.values()}
        instead = f"it misses the alpha: use strength {scales.pop():g}, or export" if len(scales) == 1 else ""
        comfy = Reader("ComfyUI", "partly", instead or f"it misses the alphas, which differ; {export}")
    peft = Reader("PEFT", "no", "`workbench adapters export --format peft` writes the folder it reads")
    found = (diffusers, a1111, comfy, peft)
    if info.card and info.card.base == OWN_BASE:
        return tuple(
            Reader(each.program, each.reads, "; ".join(filter(None, [each.note, f"only with {OWN_BASE} as its base"])))
            for each in found
        )
    return found


def _targets(info: AdapterInfo) -> tuple[str, ...]:
    lines = []
    for component in info.components:
        modules = [module for part, module in info.shapes if part == component]
        counts = Counter(_kind(module) for module in modules)
        lines.append(f"{component}: " + ", ".join(f"{kind} {number}" for kind, number in counts.most_common()))
    return tuple(lines)


def _kind(module: str) -> str:
    if module == TABLE:
        return "a learned word"
    return next((kind for pattern, kind in _KINDS if re.search(pattern, module)), "other layers")


def _trained_on(info: AdapterInfo, metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Base, person, steps and sizes in words, as far as a file tells."""
    card, lines = info.card, [info.base]
    if card and card.trigger:
        lines.append(f"trigger {card.trigger} {card.class_noun}".strip())
    steps = card.steps if card and card.steps else metadata.get("ss_steps", "")
    if steps:
        lines.append(f"{steps!s:.12} steps")
    if card and card.resolution:
        lines.append(f"{card.resolution} px")
    if (photos := metadata.get("ss_num_train_images", "")).isdigit():
        lines.append(f"{photos:.9} photos counted with repeats")
    if card and card.parents:
        lines.append(f"mixed from {', '.join(card.parents)}")
    return tuple(lines)
