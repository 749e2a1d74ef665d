"""The adapter's file: written, looked at without reading its weights, and exported for other tools."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.adapters.card import Card, card_from_metadata, card_metadata
from workbench.adapters.family_names import WITH_KOHYA, family_of
from workbench.adapters.header import check_sum, non_finite, read_header, with_metadata
from workbench.adapters.joined import join
from workbench.adapters.keys import diffusers_key, kohya_key, parse_key
from workbench.adapters.scrub import Finding, private_findings, scrubbed
from workbench.adapters.weights import (
    COMPONENTS,
    CONFIG_FIELDS,
    LORA_METADATA,
    LoraWeight,
    Shape,
    misfit,
    module_shapes,
    read_weights,
)
from workbench.adapters.word import (
    PLACES,
    TABLE,
    WORD_KEY,
    describe_words,
    word_vectors,
    words_from_metadata,
    words_metadata,
)
from workbench.config import atomic_write
from workbench.errors import AdapterError

if TYPE_CHECKING:
    import torch

KOHYA_SUFFIX = ".kohya.safetensors"


@dataclass(frozen=True)
class AdapterInfo:
    """What a file's header tells.

    Args:
        path: the file.
        size: its length in bytes.
        card: what it says of itself; None when it says nothing.
        spelling: `diffusers` or `kohya`.
        ranks: the ranks that occur, in order.
        shapes: (component, module) -> Shape.
        data_hash: ModelSpec's hash, as stored; checked when the adapter is imported.
        private: what its metadata gives away of the photos it was trained on.
    """

    path: Path
    size: int
    card: Card | None
    spelling: str
    ranks: tuple[int, ...]
    shapes: dict[tuple[str, str], Shape]
    data_hash: str = ""
    private: tuple[Finding, ...] = ()

    @property
    def components(self) -> tuple[str, ...]:
        """Which parts of the base it changes: `unet` or `transformer`, `text_encoder`, `text_encoder_2`."""
        return tuple(part for part in COMPONENTS if any(where[0] == part for where in self.shapes))

    @property
    def base(self) -> str:
        """The base it was trained on, in words a person knows."""
        return self.card.base if self.card and self.card.base else "an unknown base"


def inspect_adapter(path: Path) -> AdapterInfo:
    """Looks at an adapter without reading a weight and without torch.

    Raises:
        AdapterError: it is no safetensors file, is broken, or is no LoRA for a base of this kind.
    """
    path = Path(path)
    header = read_header(path)
    shapes = module_shapes(header, path.name)
    return AdapterInfo(
        path=path,
        size=header.size,
        card=card_from_metadata(header.metadata, path.name.removesuffix(".safetensors")),
        spelling=next(iter(shapes.values())).spelling,
        ranks=tuple(sorted({shape.rank for shape in shapes.values()})),
        shapes=shapes,
        data_hash=header.metadata.get("modelspec.hash_sha256", ""),
        private=tuple(private_findings(header.metadata)),
    )


def read_card(path: Path) -> Card:
    """An adapter's card; a card with only the file's name when it has none.

    Raises:
        AdapterError: see `inspect_adapter`.
    """
    path = Path(path)
    return inspect_adapter(path).card or Card(name=path.name.removesuffix(".safetensors"), created="")


def check_weights(path: Path) -> None:
    """Reads all of a file once: numbers finite, and equal to the hash that the file gives of itself.

    Raises:
        AdapterError: a weight is NaN or infinite, or the file was altered or damaged on its way.
    """
    header = read_header(path)
    for key in non_finite(path, header):
        raise AdapterError(
            path.name,
            f"its weight {key[:80]!r} holds NaN or infinity, so every picture would be black",
            "Ask whoever made it for another checkpoint",
        )
    check_sum(path, header)


def check_base(info: AdapterInfo, backbone: Any) -> list[str]:
    """Checks that an adapter fits a base.

    Args:
        backbone: an open Backbone.

    Returns:
        Notes for the person, such as that it was trained on another version of the base.

    Raises:
        AdapterError: a layer is missing or has another size; names the adapter's base and this one.
    """
    if reason := misfit(info.shapes, backbone.pipeline):
        raise AdapterError(
            info.path.name,
            f"it was trained on {info.base} and does not fit {backbone.id} ({reason})",
            f"Choose an adapter for {backbone.id}, or open the base it was trained on",
        )
    card = info.card
    if card and card.base_fingerprint and card.base_fingerprint != backbone.fingerprint:
        return [f"{info.path.stem} was trained on {info.base}; on this {backbone.id} the likeness may be weaker"]
    return []


def save_adapter(
    path: Path,
    states: Mapping[str, Mapping[str, torch.Tensor]],
    lora_configs: Mapping[str, Any],
    card: Card,
    backbone: Any,
    prove: bool = True,
) -> Path:
    """Writes `NAME.safetensors` as diffusers does, with its card; and proves it.

    Args:
        path: where; replaced only when all is proven.
        states: of each part of the base that learned, by what the pipeline calls it, what
            `peft.get_peft_model_state_dict(part)` gives: `MODULE.lora_A.weight` -> tensor.
        lora_configs: `{"unet": LoraConfig, "text_encoder": LoraConfig}`, or their dicts.
        card: what the adapter says of itself.
        backbone: the Backbone it was trained on. If it still carries the adapter, the picture it draws is the one
            that the saved file must draw.
        prove: open the file in a fresh pipeline and compare (see `proof`).

    Returns:
        The path.

    Raises:
        AdapterError: nothing to save, weights not finite, or the proof failed. Nothing is left at `path` then, or
            what was there before.
        StorageError: the disk is full or the folder may not be written.
    """
    from workbench.adapters.proof import memory_picture, prove_adapter, unproven

    path = Path(path)
    parsed: dict[tuple[str, str, str], torch.Tensor] = {}
    tensors: dict[str, torch.Tensor] = {}
    table: dict[str, Any] = {}
    for component, state in states.items():
        for text, tensor in state.items():
            key = parse_key(f"{component}.{text.removeprefix('base_model.model.')}")
            if key is None:
                raise AdapterError(card.name, f"{text!r} is not a LoRA weight", "Save only what peft's LoRA trained")
            name = diffusers_key(key.component, key.module, key.role)
            parsed[key.component, key.module, key.role] = tensor
            tensors[name] = tensor.detach().to("cpu").contiguous()
            if not bool(tensor.isfinite().all()):
                raise AdapterError(
                    card.name,
                    f"the trained weight {name!r} is NaN or infinite",
                    "Train again with a lower learning rate",
                )
        if state:
            table |= {f"{component}.{key}": value for key, value in _config_fields(lora_configs[component]).items()}
    if not tensors:
        raise AdapterError(card.name, "there is no weight to save", "Train the adapter first")
    prediction = str(backbone.pipeline.scheduler.config.get("prediction_type", ""))
    metadata = card_metadata(card, prediction) | {LORA_METADATA: json.dumps(table, indent=2, sort_keys=True)}
    downs = {place[0]: parsed[(*place, "down")] for place in PLACES if (*place, "down") in parsed}
    if downs:
        tables = {component: getattr(backbone.pipeline, component).get_input_embeddings() for component in downs}
        rows = {component: getattr(table, "base_layer", table).weight for component, table in tables.items()}
        metadata[WORD_KEY] = words_metadata(describe_words(card.trigger, downs, rows))
    blob = adapter_bytes(tensors, metadata)
    if not prove:
        atomic_write(path, blob)
        return path
    with unproven(path, blob) as waiting:
        prove_adapter(waiting, backbone, memory_picture(backbone, parsed))
    atomic_write(path, blob)
    return path


def _config_fields(config: Any) -> dict[str, Any]:
    table = config if isinstance(config, Mapping) else config.to_dict() if hasattr(config, "to_dict") else vars(config)
    fields = {key: table[key] for key in CONFIG_FIELDS if table.get(key) is not None}
    return {key: sorted(value) if isinstance(value, set | frozenset) else value for key, value in fields.items()}


def adapter_bytes(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> bytes:
    """The whole file: equal weights and words give equal bytes. ModelSpec's hash of the weights is added."""
    import hashlib

    from safetensors.torch import save

    blob = save(dict(tensors))
    length = int.from_bytes(blob[:8], "little")
    digest = hashlib.sha256(memoryview(blob)[8 + length :]).hexdigest()
    return with_metadata(blob, {"format": "pt"} | dict(metadata) | {"modelspec.hash_sha256": f"0x{digest}"})


def export_kohya(path: Path, target: Path | None = None, backbone: Any = None, keep_private: bool = False) -> Path:
    """Writes `NAME.kohya.safetensors` for ComfyUI, A1111 and the like: kohya's names, an alpha for each module.

    Args:
        path: an adapter file of any spelling.
        target: where to write; beside the file when None.
        backbone: an open Backbone to prove the new file with (see `prove_adapter`); None writes without proof.
        keep_private: whether what the file tells of the photos it was trained on goes along (see `scrub.py`).

    Returns:
        The new file's path.

    Raises:
        AdapterError: the adapter cannot be read, or the new file does not pass the proof.
    """
    import torch

    from workbench.adapters.proof import prove_adapter, unproven

    path = Path(path)
    target = target or path.with_name(path.name.removesuffix(".safetensors") + KOHYA_SUFFIX)
    header = read_header(path)
    card = card_from_metadata(header.metadata, path.stem)
    tensors = {}
    weights = read_weights(path)
    words = {word.place: word for word in words_from_metadata(header.metadata)}
    family = (backbone.family if backbone else card.family if card else "") or family_of(set(weights))
    if family not in WITH_KOHYA:
        raise AdapterError(
            path.name,
            "its family has no kohya spelling that other tools share",
            "Give the file as it is: ComfyUI reads diffusers' spelling of this family",
        )
    named = join(weights) if family == "flux" else weights
    for (component, module), weight in named.items():
        if module == TABLE:
            if (word := words.get((component, module))) is None:
                raise AdapterError(path.name, "it does not say which one word it learned", "Give it in diffusers' form")
            tensors[word.key] = word_vectors(word, weight.up, weight.alpha / weight.rank)
            continue
        tensors[kohya_key(component, module, "down", family)] = weight.down
        tensors[kohya_key(component, module, "up", family)] = weight.up
        tensors[kohya_key(component, module, "alpha", family)] = torch.tensor(weight.alpha, dtype=torch.float32)
    own = header.metadata if keep_private else scrubbed(header.metadata)
    metadata = {key: value for key, value in own.items() if key not in (LORA_METADATA, "format")}
    metadata |= _kohya_words(card, named, family)
    blob = adapter_bytes(tensors, metadata)
    if backbone is not None:
        with unproven(target, blob) as waiting:
            prove_adapter(waiting, backbone)
    atomic_write(target, blob)
    return target


def _kohya_words(card: Card | None, weights: Mapping[tuple[str, str], LoraWeight], family: str) -> dict[str, str]:
    # The keys that A1111 and ComfyUI's loaders show: https://github.com/kohya-ss/sd-scripts, `train_network.py`.
    layers = [weight for place, weight in weights.items() if place not in PLACES]
    ranks, alphas = {weight.rank for weight in layers}, {weight.alpha for weight in layers}
    words = {"ss_network_module": "networks.lora"}
    if len(ranks) == 1:
        words["ss_network_dim"] = str(ranks.pop())
    if len(alphas) == 1:
        words["ss_network_alpha"] = str(alphas.pop())
    if card is not None:
        public = dataclasses.replace(card).public()
        words |= {"ss_output_name": card.name, "ss_sd_model_name": public["base"]}
        words["ss_base_model_version"] = {"sd1": "sd_v1", "sdxl": "sdxl_base_v1-0", "flux": "flux1"}.get(family, family)
    return words
