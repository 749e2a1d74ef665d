"""An adapter's weights in one spelling, whatever file they came from, and how they are put on a pipeline."""

from __future__ import annotations

import json
import math
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.adapters.header import FRESH_COPY, Header, check_sum, non_finite, read_header
from workbench.adapters.joined import rows_of, split
from workbench.adapters.keys import diffusers_key, parse_key, what_else
from workbench.adapters.patterns import EITHER_NAME, pattern_value, refuse_patterns
from workbench.adapters.word import TABLE, word_halves, words_from_metadata
from workbench.errors import AdapterError

if TYPE_CHECKING:
    import torch

COMPONENTS = ("unet", "transformer", "text_encoder", "text_encoder_2")
LORA_METADATA = "lora_adapter_metadata"
# The fields of a LoraConfig that change what the weights mean. The rest stays out: newer fields stop older readers,
# and one of them holds the folder of the base.
CONFIG_FIELDS = ("r", "lora_alpha", "target_modules", "rank_pattern", "alpha_pattern", "use_rslora", "lora_bias")


@dataclass(frozen=True)
class Shape:
    """What one module's LoRA adds to, as far as the header tells: the spelling of its keys, sizes and rank."""

    spelling: str
    inputs: int
    outputs: int
    rank: int


@dataclass(frozen=True)
class LoraWeight:
    """One module's LoRA: the change is `alpha / rank * up @ down`.

    Args:
        down: (rank, in) or (rank, in, k, k).
        up: (out, rank) or (out, rank, 1, 1).
        alpha: see above; equal to the rank when the file names none.
    """

    down: torch.Tensor
    up: torch.Tensor
    alpha: float

    @property
    def rank(self) -> int:
        return int(self.down.shape[0])


def module_shapes(header: Header, name: str) -> dict[tuple[str, str], Shape]:
    """Sorts a header's tensors into LoRA modules, without reading them.

    Returns:
        (component, module) -> Shape.

    Raises:
        AdapterError: there are weights that are not a LoRA of a known family, or halves missing.
    """
    found: dict[tuple[str, str], dict[str, tuple[int, ...]]] = {}
    spellings: dict[tuple[str, str], str] = {}
    words = {word.key: word for word in words_from_metadata(header.metadata)}
    for text, tensor in header.tensors.items():
        if word := words.get(text):
            if tensor.shape != (len(word.ids), len(word.rows) // 4 // len(word.ids)):
                raise AdapterError(name, f"what it learned of the word {word.text!r} has another size", FRESH_COPY)
            found[word.place] = {"down": (len(word.ids), word.size), "up": tensor.shape[::-1]}
            spellings[word.place] = "kohya"
            continue
        key = parse_key(text)
        if key is None or (key.role != "alpha" and len(tensor.shape) < 2):
            raise AdapterError(
                name,
                f"it is {what_else(list(header.tensors))}, not a LoRA for a base of this kind (weight {text[:80]!r})",
                "Choose a plain LoRA of a family that can be opened here",
            )
        halves = found.setdefault((key.component, key.module), {})
        if key.role in halves:
            raise AdapterError(name, f"two of its weights mean the same ({text[:80]!r})", FRESH_COPY)
        halves[key.role] = tensor.shape
        spellings[key.component, key.module] = key.spelling
    shapes = {}
    for where, halves in found.items():
        if not {"down", "up"} <= set(halves):
            raise AdapterError(name, f"half of the weight for {where[1]!r} is missing", FRESH_COPY)
        down, up = halves["down"], halves["up"]
        if down[0] != up[1] or 0 in (*down, *up):
            raise AdapterError(name, f"the two halves of the weight for {where[1]!r} do not fit", FRESH_COPY)
        for part, start, stop in rows_of(*where, up[0]) or [(where[1], 0, up[0])]:
            shapes[where[0], part] = Shape(spellings[where], down[1], stop - start, down[0])
    return shapes


def read_weights(path: Path) -> dict[tuple[str, str], LoraWeight]:
    """Reads an adapter file of any spelling, checked first.

    Returns:
        (component, module) -> LoraWeight, on the CPU, in the file's own precision.

    Raises:
        AdapterError: the file is broken, no LoRA for this kind of base, holds NaN or infinity, or is not what it was
            saved as.
    """
    from safetensors.torch import load_file

    header = read_header(path)
    shapes = module_shapes(header, path.name)
    for key in non_finite(path, header):
        raise AdapterError(path.name, f"its weight {key[:80]!r} holds NaN or infinity", FRESH_COPY)
    check_sum(path, header)
    halves: dict[tuple[str, str], dict[str, Any]] = {}
    words = {word.key: word for word in words_from_metadata(header.metadata)}
    for text, tensor in load_file(path).items():
        if word := words.get(text):
            down, up = word_halves(word, tensor)
            halves[word.place] = {"down": down, "up": up}
            continue
        key_ = parse_key(text)
        assert key_ is not None  # module_shapes has refused the others
        halves.setdefault((key_.component, key_.module), {})[key_.role] = tensor
    alphas = stored_alphas(header.metadata, shapes, path.name)
    weights: dict[tuple[str, str], LoraWeight] = {}
    for where, found in halves.items():
        alpha = float(found["alpha"]) if "alpha" in found else alphas.get(where, float(found["down"].shape[0]))
        if not math.isfinite(alpha):
            raise AdapterError(path.name, f"the alpha of {where[1]!r} is not a number", FRESH_COPY)
        weights |= split(*where, LoraWeight(found["down"], found["up"], alpha))
    return weights


def stored_alphas(
    metadata: Mapping[str, str], shapes: Mapping[tuple[str, str], Shape], name: str
) -> dict[tuple[str, str], float]:
    """The alphas that diffusers' `lora_adapter_metadata` gives, by module; empty when the file has none."""
    if LORA_METADATA not in metadata:
        return {}
    alphas = {}
    try:
        table = json.loads(metadata[LORA_METADATA])
        refuse_patterns(table, name)
        for component in COMPONENTS:
            if f"{component}.lora_alpha" not in table:
                continue
            pattern = {
                key.replace(EITHER_NAME, "").replace("text_model.", ""): value
                for key, value in _pattern(table, component).items()
            }
            for where, shape in shapes.items():
                if where[0] == component:
                    alpha = float(pattern_value(pattern, where[1], table[f"{component}.lora_alpha"]))
                    # Rank-stabilised LoRA divides by the root of the rank (arXiv 2312.03732).
                    rooted = bool(table.get(f"{component}.use_rslora"))
                    alphas[where] = alpha * math.sqrt(shape.rank) if rooted else alpha
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise AdapterError(name, "its LoRA metadata cannot be read", FRESH_COPY) from error
    return alphas


def _pattern(table: Mapping[str, Any], component: str) -> dict[str, Any]:
    return dict(table.get(f"{component}.alpha_pattern") or {})


def lora_config(weights: Mapping[tuple[str, str], LoraWeight], component: str) -> dict[str, Any]:
    """The LoraConfig fields, as diffusers' metadata spells them, that describe these weights exactly."""
    mine = {module: weight for (part, module), weight in weights.items() if part == component}
    rank = Counter(weight.rank for weight in mine.values()).most_common(1)[0][0]
    alpha = Counter(weight.alpha for weight in mine.values()).most_common(1)[0][0]
    start = f"^{EITHER_NAME}" if component.startswith("text_encoder") else "^"
    # "^" keeps peft from taking `proj_out` for every module whose name ends so.
    return {
        f"{component}.r": rank,
        f"{component}.lora_alpha": alpha,
        f"{component}.target_modules": sorted(mine),
        f"{component}.rank_pattern": {f"{start}{key}": w.rank for key, w in mine.items() if w.rank != rank},
        f"{component}.alpha_pattern": {f"{start}{key}": w.alpha for key, w in mine.items() if w.alpha != alpha},
    }


def adapted_layers(model: Any) -> dict[str, tuple[int, int]]:
    """The layers of a model that a LoRA can change: module name -> (inputs, outputs).

    Works on a bare model and on one that has adapters already.
    """
    from torch import nn

    layers = {}
    for name, module in model.named_modules():
        short = name.removeprefix("text_model.").replace(".base_layer", "")
        if isinstance(module, nn.Embedding) and short == TABLE:
            layers[short] = (module.num_embeddings, module.embedding_dim)
        if ".lora_" in name or not isinstance(module, nn.Linear | nn.Conv2d):
            continue
        inputs = module.in_features if isinstance(module, nn.Linear) else module.in_channels
        layers[short] = (inputs, module.out_features if isinstance(module, nn.Linear) else module.out_channels)
    return layers


def misfit(shapes: Mapping[tuple[str, str], Shape], pipeline: Any) -> str:
    """Words for the first module that does not fit a pipeline, or empty text when all fit."""
    for component in sorted({part for part, _ in shapes}):
        model = getattr(pipeline, component, None)
        layers = adapted_layers(model) if model is not None else {}
        for (part, module), shape in shapes.items():
            if part != component:
                continue
            if module not in layers:
                return f"the base has no layer {component}.{module}"
            if layers[module] != (shape.inputs, shape.outputs):
                theirs, ours = f"{shape.inputs} to {shape.outputs}", "{} to {}".format(*layers[module])
                return f"its layer {component}.{module} is {theirs}, the base's is {ours}"
    return ""


@contextmanager
def quiet() -> Iterator[None]:
    """Silences the loaders of diffusers and peft: what they warn of is checked here weight by weight."""
    from diffusers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)


def attach(pipeline: Any, weights: Mapping[tuple[str, str], LoraWeight], adapter: str, name: str) -> None:
    """Puts an adapter on a pipeline through diffusers' own loaders and checks that every weight arrived.

    Args:
        pipeline: of any family; shapes must fit (see `misfit`).
        adapter: what the pipeline shall call it; without dots.
        name: what to call it in an error.

    Raises:
        AdapterError: a weight is missing in the model afterwards; the adapter is taken off again.
    """
    tensors: dict[str, Any] = {}
    for (component, module), weight in weights.items():
        tensors[diffusers_key(component, module, "down")] = weight.down
        tensors[diffusers_key(component, module, "up")] = weight.up
    try:
        for component in sorted({part for part, _ in weights}):
            with quiet():
                _load(pipeline, component, tensors, adapter, lora_config(weights, component))
        if difference := loaded_difference(pipeline, weights, adapter):
            raise AdapterError(name, difference, FRESH_COPY)
    except BaseException:
        detach(pipeline, adapter)
        raise


def _load(pipeline: Any, component: str, tensors: dict[str, Any], adapter: str, config: dict[str, Any]) -> None:
    """Calls diffusers' loader of one part of a pipeline."""
    common = {
        "network_alphas": None, "adapter_name": adapter, "metadata": config, "low_cpu_mem_usage": True,
        "_pipeline": pipeline,
    }  # fmt: skip
    part = getattr(pipeline, component)
    if component.startswith("text_encoder"):
        pipeline.load_lora_into_text_encoder(tensors, text_encoder=part, prefix=component, **common)
    elif component == "unet":
        pipeline.load_lora_into_unet(tensors, unet=part, **common)
    else:
        part.load_lora_adapter(tensors, prefix=component, **common)


def detach(pipeline: Any, adapter: str) -> None:
    """Takes an adapter off a pipeline; nothing happens when it is not on it."""
    from diffusers.utils.peft_utils import delete_adapter_layers

    for component, part in parts(pipeline).items():
        if adapter in (getattr(part, "peft_config", None) or {}):
            if component.startswith("text_encoder"):
                delete_adapter_layers(part, adapter)
            else:
                part.delete_adapters([adapter])


def parts(pipeline: Any) -> dict[str, Any]:
    """The networks of a pipeline that an adapter can change, by what the pipeline calls them."""
    there = {component: getattr(pipeline, component, None) for component in COMPONENTS}
    return {component: part for component, part in there.items() if part is not None}


def carried(pipeline: Any) -> list[str]:
    """The names of the adapters on a pipeline."""
    return sorted({name for part in parts(pipeline).values() for name in getattr(part, "peft_config", None) or {}})


def lora_layers(pipeline: Any, adapter: str) -> dict[tuple[str, str], Any]:
    """peft's layers that an adapter on a pipeline consists of: (component, module) -> LoraLayer."""
    from peft.tuners.lora import LoraLayer

    return {
        (component, name.removeprefix("text_model.")): module
        for component, part in parts(pipeline).items()
        for name, module in part.named_modules()
        if isinstance(module, LoraLayer) and (adapter in module.lora_A or adapter in module.lora_embedding_A)
    }


def layer_halves(layer: Any, adapter: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The two matrices, down and up, that an adapter has in one of peft's layers."""
    if adapter in layer.lora_embedding_A:
        return layer.lora_embedding_A[adapter].detach(), layer.lora_embedding_B[adapter].detach()
    return layer.lora_A[adapter].weight.detach(), layer.lora_B[adapter].weight.detach()


def loaded_difference(pipeline: Any, weights: Mapping[tuple[str, str], LoraWeight], adapter: str) -> str:
    """Compares what is on a pipeline with what should be, weight by weight and scale by scale.

    Returns:
        Words for the first difference, or empty text.
    """
    import torch

    there = lora_layers(pipeline, adapter)
    if there.keys() != weights.keys():
        component, module_name = sorted(there.keys() ^ weights.keys())[0]
        missing = (component, module_name) in weights
        return f"{component}.{module_name} was {'not taken over' if missing else 'changed without a weight for it'}"
    for where, weight in weights.items():
        layer = there[where]
        scale = layer.scaling[adapter]
        if not math.isclose(scale, weight.alpha / weight.rank, rel_tol=1e-6):
            return f"{'.'.join(where)} is scaled by {scale:g} and should be by {weight.alpha / weight.rank:g}"
        for tensor, stored in zip(layer_halves(layer, adapter), (weight.down, weight.up), strict=True):
            if not torch.equal(tensor.cpu(), stored.to(tensor.dtype)):
                return f"{'.'.join(where)} holds other numbers than the file"
    return ""
