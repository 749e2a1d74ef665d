"""Saved means proven: the file is opened as a stranger would, and must draw the picture it was trained to draw.

A fresh pipeline of the same base opens the file with nothing but diffusers' `load_lora_weights`. Every weight must
arrive, with its scale; the picture must change; and it must be the picture that the model in memory draws at the
same seed. Where there is no model in memory, the reference is plain arithmetic: W + alpha / rank * up @ down.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.adapters.file import check_base, check_weights, inspect_adapter
from workbench.adapters.weights import (
    LoraWeight,
    adapted_layers,
    attach,
    carried,
    layer_halves,
    loaded_difference,
    lora_layers,
    parts,
    quiet,
    read_weights,
)
from workbench.adapters.word import PLACES, TABLE
from workbench.config import atomic_write
from workbench.errors import AdapterError

if TYPE_CHECKING:
    import numpy as np
    import torch

SEED, STEPS = 7, 3
LARGEST_PICTURE = 256  # px; a small picture proves as much as a large one
# Equal arithmetic gives equal pixels; merged weights round differently, and half precision more so.
TOLERANCE = 0.02  # of the whole range of a pixel, for the mean difference
REPORT = "Please report this: the file was written wrongly"
LEAST_CHANGE = 1e-7  # mean difference below which the adapter does nothing


@dataclass(frozen=True)
class Proof:
    """What was measured.

    Args:
        difference: mean difference of pixels (0 to 1) from the reference picture; 0 means bit for bit the same.
        change: mean difference from the picture without the adapter.
        modules: how many layers it changes.
        plain: whether diffusers' own `load_lora_weights` was enough. It misreads some right files in kohya's
            spelling (an alpha that differs between layers, a text encoder without `out_proj`) and refuses a word that
            is bundled; those are opened with this project's reader instead.
    """

    difference: float
    change: float
    modules: int
    plain: bool = True


@contextmanager
def unproven(path: Path, content: bytes) -> Iterator[Path]:
    """A file beside its place, for as long as the block proves it.

    The dot keeps it off the shelf; the number is of the process, without which it is a leftover (`privacy.sweep`).

    Args:
        path: where it goes once it is proven.
        content: the whole file.

    Raises:
        AdapterError: the block's own, under the name that it will have.
        StorageError: the disk is full or the folder may not be written.
    """
    waiting = path.with_name(f".unproven-{os.getpid()}-{path.name}")
    try:
        atomic_write(waiting, content)
        yield waiting
    except AdapterError as error:
        if error.thing != waiting.name:
            raise
        raise AdapterError(path.name, error.reason, error.way_out) from error
    finally:
        waiting.unlink(missing_ok=True)


def prove_adapter(path: Path, backbone: Any, reference: np.ndarray | None = None) -> Proof:
    """Opens an adapter file in a fresh pipeline and compares.

    Args:
        path: the file, of any spelling.
        backbone: the open Backbone it belongs to; left as it is, or, when several processes share it, with the file's
            adapter in place of its own.
        reference: the picture that the model in memory draws (see `memory_picture`); None adds the file's weights to
            the fresh pipeline's by hand and takes that one's picture.

    Raises:
        AdapterError: the file cannot be used, a weight did not arrive, nothing changes, or the picture differs.
    """
    import torch

    from workbench.backbones import open_backbone
    from workbench.backbones.phases import in_pieces

    path = Path(path)
    name = path.name
    info = inspect_adapter(path)
    check_base(info, backbone)
    check_weights(path)
    weights = read_weights(path)
    if not any(bool(weight.up.any()) and bool(weight.down.any()) and weight.alpha for weight in weights.values()):
        raise AdapterError(name, "it changes nothing: all its weights are zero", "Train it for more steps")

    # Weights merged in half precision would lose a weak adapter in the rounding.
    dtype = torch.float32 if reference is None else backbone.dtype
    phased = backbone.phases is not None and reference is not None
    if in_pieces(backbone.denoiser):
        # No process has room for a whole one. Bare again, the one in pieces is what a fresh one would be.
        opened = backbone
        opened.pipeline.unload_lora_weights()
    else:
        backbone.hold()  # of a base in phases, the memory is for the fresh one now
        opened = open_backbone(backbone.opened_as, device=backbone.device, dtype=dtype, phased=phased)
    fresh = opened.pipeline
    without = draw_small(opened)
    opened.hold("denoiser")
    if info.spelling == "kohya" and weights.keys() & set(PLACES):
        difference = "diffusers does not read a word that is bundled"
    else:
        difference = _load_plainly(fresh, path, info.spelling) or loaded_difference(fresh, weights, "proof")
    if difference and info.spelling == "kohya":
        fresh.unload_lora_weights()
        attach(fresh, weights, "proof", name)
    elif difference:
        raise AdapterError(name, f"opened again, {difference}", REPORT)
    drawn = draw_small(opened)
    if reference is None:
        fresh.unload_lora_weights()
        merge(fresh, weights)
        reference = draw_small(opened)
    proof = Proof(
        float(abs(drawn - reference).mean()), float(abs(drawn - without).mean()), len(weights), not difference
    )
    if not proof.change > LEAST_CHANGE:
        raise AdapterError(name, "opened again, it changes nothing in the picture", "Train it for more steps")
    if not proof.difference <= min(TOLERANCE, proof.change / 2):
        raise AdapterError(
            name,
            f"opened again, it draws another picture than the trained model (difference {proof.difference:.4f}, "
            f"change {proof.change:.4f})",
            REPORT,
        )
    return proof


def _load_plainly(pipeline: Any, path: Path, spelling: str) -> str:
    """Opens a file with diffusers' own reader; returns why it would not read a file in kohya's spelling."""
    try:
        with quiet():
            pipeline.load_lora_weights(str(path.parent), weight_name=path.name, adapter_name="proof")
    except (AssertionError, AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        if spelling != "kohya":
            raise AdapterError(path.name, f"diffusers does not open it again ({error})", REPORT) from error
        return f"diffusers does not read this spelling of the family ({type(error).__name__})"
    return ""


def memory_picture(backbone: Any, state: Mapping[tuple[str, str, str], torch.Tensor]) -> np.ndarray | None:
    """The small picture that a model draws which still carries the adapter it was trained with.

    Args:
        backbone: the Backbone that was trained.
        state: (component, module, `down` or `up`) -> tensor: the weights that are about to be saved.

    Returns:
        None when the backbone carries no adapter, or one with other numbers (an older checkpoint is being saved).

    Raises:
        AdapterError: layers were trained that are not among the weights, or the other way round.
    """
    import torch
    from peft import LoraConfig

    pipeline = backbone.pipeline
    layers = {where: layer for adapter in carried(pipeline) for where, layer in lora_layers(pipeline, adapter).items()}
    configs = [
        each for part in parts(pipeline).values() for each in (getattr(part, "peft_config", None) or {}).values()
    ]
    # What was trained as another kind of adapter is saved as the LoRA nearest to it.
    if not layers or any(not isinstance(config, LoraConfig) for config in configs):
        return None
    if odd := layers.keys() ^ {(component, module) for component, module, _ in state}:
        raise AdapterError(
            "The adapter", f"{'.'.join(sorted(odd)[0])} was trained and not saved, or the other way round", REPORT
        )
    for (component, module), layer in layers.items():
        (adapter,) = layer.scaling
        for role, loaded in zip(("down", "up"), layer_halves(layer, adapter), strict=True):
            given = state[component, module, role]
            if not torch.equal(loaded.to(given), given.detach()):
                return None
    return draw_small(backbone)


def draw_small(backbone: Any) -> np.ndarray:
    """A quick picture with a fixed seed: (h, w, 3) floats in [0, 1]."""
    import torch

    from workbench.backbones.phases import draw_latents

    pipeline = backbone.pipeline
    models = list(parts(pipeline).values())
    training = [model.training for model in models]
    size = min(backbone.resolution, LARGEST_PICTURE)
    try:
        for model in models:
            model.eval()  # dropout would make the picture another one each time
        pipeline.set_progress_bar_config(disable=True)
        with torch.no_grad():
            latents = draw_latents(
                backbone,
                prompt=["a chibi of zkq person, smiling"],
                height=size,
                width=size,
                num_inference_steps=STEPS,
                generator=torch.Generator("cpu").manual_seed(SEED),
                **backbone.drawing([""], 3.0, 0.0),
            )
            backbone.hold("vae")
            picture = pipeline.image_processor.postprocess(
                backbone.decode_drawn(latents, size, size).float(), output_type="np"
            )[0]
    finally:
        for model, mode in zip(models, training, strict=True):
            model.train(mode)
    array: np.ndarray = picture
    return array


def merge(pipeline: Any, weights: dict[tuple[str, str], LoraWeight]) -> None:
    """Adds an adapter into a bare pipeline's own weights: W + alpha / rank * up @ down. There is no way back."""
    import torch

    for component in {part for part, _ in weights}:
        model = parts(pipeline)[component]
        known = adapted_layers(model)
        for name, module in model.named_modules():
            short = name.removeprefix("text_model.")
            if short in known and (component, short) in weights:
                weight = weights[component, short]
                up, down = weight.up.float(), weight.down.float()
                change = (up.flatten(1) @ down.flatten(1)) * (weight.alpha / weight.rank)
                change = (change.T if short == TABLE else change).reshape(module.weight.shape)
                with torch.no_grad():
                    module.weight += change.to(module.weight)
