"""The forms an adapter travels in: diffusers' file, kohya's file (ComfyUI, A1111, Forge), and peft's folder.

peft keeps one folder per network, `adapter_config.json` beside `adapter_model.safetensors`
(https://huggingface.co/docs/peft/developer_guides/checkpoint); an adapter that changes more than one network becomes
a folder of such folders, named as the pipeline names them: `unet/`, `text_encoder/`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.adapters.card import card_from_metadata, without_folders
from workbench.adapters.complete import named
from workbench.adapters.file import adapter_bytes, export_kohya, inspect_adapter
from workbench.adapters.header import FRESH_COPY, read_header, with_metadata
from workbench.adapters.keys import diffusers_key, parse_key
from workbench.adapters.scrub import scrubbed
from workbench.adapters.shelf import ShelfEntry, import_adapter
from workbench.adapters.weights import COMPONENTS, LORA_METADATA, LoraWeight, lora_config, read_weights
from workbench.adapters.word import TABLE
from workbench.config import atomic_write, make_folder
from workbench.errors import AdapterError

if TYPE_CHECKING:
    import torch

FORMS = ("diffusers", "kohya", "peft")
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PREFIX = "base_model.model."
LARGEST_CONFIG = 2**20
# What of peft's configuration would change the meaning of the weights in a way that no other form can say.
_ALIEN = {
    "use_dora": "DoRA", "modules_to_save": "whole layers beside the LoRA", "layer_replication": "doubled layers",
    "trainable_token_indices": "trained tokens", "megatron_config": "Megatron", "fan_in_fan_out": "transposed layers",
    "lora_bias": "biases", "target_parameters": "bare parameters",
}  # fmt: skip
_CLASSES = {
    "UNet2DConditionModel": "unet", "CLIPTextModel": "text_encoder", "CLIPTextModelWithProjection": "text_encoder_2",
}  # fmt: skip


def export_adapter(path: Path, form: str, target: Path, backbone: Any = None, keep_private: bool = False) -> Path:
    """Writes an adapter in the form that a program reads.

    Args:
        path: an adapter file of any spelling.
        form: one of `FORMS`.
        target: a file, or for `peft` a folder.
        backbone: an open Backbone to prove a new file with; None writes without proof.
        keep_private: whether what the file tells of the photos it was trained on goes along (see `scrub.py`).

    Returns:
        The target.

    Raises:
        AdapterError: the adapter cannot be read, the form is not known, or the new file does not pass the proof.
        StorageError: the target cannot be written.
    """
    if form == "kohya":
        return export_kohya(path, target, backbone, keep_private)
    if form == "peft":
        return export_peft(path, target, keep_private)
    if form != "diffusers":
        raise AdapterError(f"The form {form!r}", "it is not known", f"Choose {', '.join(FORMS)}")
    blob = diffusers_bytes(path, keep_private)
    if backbone is not None:
        from workbench.adapters.proof import prove_adapter

        with tempfile.TemporaryDirectory() as folder:
            unproven = Path(folder) / target.name
            unproven.write_bytes(blob)
            prove_adapter(unproven, backbone)
    atomic_write(target, blob)
    return target


def diffusers_bytes(path: Path, keep_private: bool = False) -> bytes:
    """An adapter file of any spelling as diffusers writes it; one that is so already keeps its weights byte by byte.

    Raises:
        AdapterError: it cannot be read.
    """
    info, header = inspect_adapter(path), read_header(path)
    metadata = dict(header.metadata) if keep_private else scrubbed(header.metadata)
    if info.spelling == "diffusers":
        return with_metadata(path.read_bytes(), metadata)
    metadata = {key: value for key, value in metadata.items() if not key.startswith("ss_network_")}
    return weights_bytes(read_weights(path), metadata)


def weights_bytes(weights: Mapping[tuple[str, str], LoraWeight], metadata: Mapping[str, str]) -> bytes:
    """A whole file in diffusers' spelling from weights and a card's metadata; alphas go where diffusers reads them."""
    tensors: dict[str, torch.Tensor] = {}
    table: dict[str, Any] = {}
    for (component, module), weight in weights.items():
        tensors[diffusers_key(component, module, "down")] = weight.down.contiguous()
        tensors[diffusers_key(component, module, "up")] = weight.up.contiguous()
    for component in sorted({part for part, _ in weights}):
        table |= lora_config(weights, component)
    return adapter_bytes(tensors, dict(metadata) | {LORA_METADATA: json.dumps(table, indent=2, sort_keys=True)})


def export_peft(path: Path, folder: Path, keep_private: bool = False) -> Path:
    """Writes peft's folders, one for each network that the adapter changes.

    `PeftModel.from_pretrained(pipeline.unet, folder / "unet")` opens the result. Text encoders' modules are named as
    the installed transformers names them; `import_peft` reads both generations.

    Raises:
        AdapterError: the adapter cannot be read, or the folder has something in it.
    """
    from peft import LoraConfig

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AdapterError(str(folder), "there is something in it already", "Choose a new folder")
    header, weights = read_header(path), read_weights(path)
    metadata = dict(header.metadata) if keep_private else scrubbed(header.metadata)
    metadata.pop(LORA_METADATA, None)
    card = card_from_metadata(header.metadata, path.stem)
    base = without_folders(card.base) if card else ""
    for component in [part for part in COMPONENTS if any(where[0] == part for where in weights)]:
        # transformers keeps this prefix only where a projection follows the text model.
        before = "text_model." if component == "text_encoder_2" else ""
        mine = {
            (part, before + module.removeprefix("text_model.")): weight
            for (part, module), weight in weights.items()
            if part == component
        }
        fields = {key.partition(".")[2]: value for key, value in lora_config(mine, component).items()}
        config = LoraConfig(**fields, base_model_name_or_path=base or None, inference_mode=True)
        tensors = {}
        for (_, module), weight in mine.items():
            tensors[_peft_key(module, "A")] = weight.down.contiguous()
            tensors[_peft_key(module, "B")] = weight.up.contiguous()
        target = make_folder(folder / component)
        table = {key: sorted(value) if isinstance(value, set) else value for key, value in config.to_dict().items()}
        atomic_write(target / CONFIG, json.dumps(table, indent=2, sort_keys=True, default=str))
        atomic_write(target / WEIGHTS, adapter_bytes(tensors, metadata))
    return folder


def _peft_key(module: str, half: str) -> str:
    return f"{PREFIX}{module}." + (f"lora_embedding_{half}" if module == TABLE else f"lora_{half}.weight")


def is_peft_folder(folder: Path) -> bool:
    """Whether a folder is what peft saves, or holds such folders."""
    return folder.is_dir() and bool(_peft_parts(folder))


def _peft_parts(folder: Path) -> list[Path]:
    places = [folder, *sorted(each for each in folder.iterdir() if each.is_dir())]
    return [place for place in places if (place / CONFIG).is_file()]


def import_peft(
    folder: Path, name: str, shelf_folder: Path | None = None, replace: bool = False, partial: bool = False
) -> ShelfEntry:
    """Puts what peft saved on the shelf, as one file in diffusers' spelling; see `import_adapter`.

    Raises:
        AdapterError: no such folder, something other than plain LoRA, or weights that would not be used.
    """
    return import_adapter(peft_bytes(folder), name, shelf_folder, replace, partial)


def peft_bytes(folder: Path) -> bytes:
    """peft's folders as one file in diffusers' spelling.

    Raises:
        AdapterError: see `import_peft`; weights that nothing here understands are kept under their own names, so that
            whoever opens the file says them.
    """
    from safetensors.torch import load_file

    places = _peft_parts(folder) if folder.is_dir() else []
    if not places:
        raise AdapterError(folder.name, f"there is no {CONFIG} in it", "Give the folder that peft saved")
    tensors: dict[str, torch.Tensor] = {}
    table: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    for place in places:
        config = _config(place)
        file = place / WEIGHTS
        if not file.is_file():
            raise AdapterError(
                place.name, f"there is no {WEIGHTS} in it", "Save it with safe_serialization=True; a .bin can run code"
            )
        header = read_header(file)
        component = _component(place, config, list(header.tensors))
        if f"{component}.r" in table:
            raise AdapterError(folder.name, f"two of its parts are for {component}", "Bring them one at a time")
        for key, tensor in load_file(file).items():
            tensors[_our_key(component, key)] = tensor
        fields = ("r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora", "target_modules")
        table |= {f"{component}.{key}": config[key] for key in fields if config.get(key)}
        if not isinstance(config.get("target_modules"), list):
            table.pop(f"{component}.target_modules", None)  # an expression; the weights' names say it better
        table.setdefault(f"{component}.lora_alpha", config.get("r", 8))
        metadata |= {key: value for key, value in header.metadata.items() if key != "format"}
        if isinstance(base := config.get("base_model_name_or_path"), str) and "modelspec.title" not in metadata:
            metadata.setdefault("ss_sd_model_name", without_folders(base))
    return adapter_bytes(tensors, metadata | {LORA_METADATA: json.dumps(table, indent=2, sort_keys=True)})


def _config(place: Path) -> dict[str, Any]:
    file = place / CONFIG
    try:
        if file.stat().st_size > LARGEST_CONFIG:
            raise ValueError("too long")
        config = json.loads(file.read_text(encoding="utf-8"))
        kind, numbers = config["peft_type"], (config["r"], config["lora_alpha"])
        if not all(isinstance(number, int | float) for number in numbers):
            raise ValueError("r and lora_alpha are no numbers")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise AdapterError(place.name, f"its {CONFIG} cannot be read ({error})", FRESH_COPY) from None
    alien = [words for field, words in _ALIEN.items() if config.get(field)]
    if kind != "LORA" or config.get("bias", "none") != "none":
        alien.append(f"{kind!s:.20} with bias {config.get('bias')!s:.20}")
    if alien:
        raise AdapterError(place.name, f"it is more than a plain LoRA ({', '.join(alien)})", "Save it as a plain LoRA")
    return dict(config)


def _component(place: Path, config: Mapping[str, Any], keys: list[str]) -> str:
    """Which network a peft folder is for: by its name, by the class it was made with, by its layers' names."""
    if place.name in COMPONENTS:
        return place.name
    mapping = config.get("auto_mapping") or {}
    known = str(mapping.get("base_model_class", "")) if isinstance(mapping, dict) else ""
    if known in _CLASSES:
        return _CLASSES[known]
    if "Transformer" in known or any("transformer_blocks" in key and "down_blocks" not in key for key in keys):
        return "unet" if any("down_blocks" in key or "up_blocks" in key for key in keys) else "transformer"
    if any("encoder.layers." in key or TABLE in key for key in keys):
        return "text_encoder"
    if any("_blocks." in key or "_block." in key for key in keys):
        return "unet"
    raise AdapterError(
        place.name, f"it does not say which network it is for (layers {named(keys[:2])})",
        f"Name the folder {', '.join(COMPONENTS[:3])} or transformer",
    )  # fmt: skip


def _our_key(component: str, key: str) -> str:
    rest = key.removeprefix(PREFIX).replace(".default.weight", ".weight")
    parsed = parse_key(f"{component}.{rest}")
    return diffusers_key(parsed.component, parsed.module, parsed.role) if parsed else key
