"""Opens a base of any family, and says clearly when it cannot be used."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.backbones.catalogue import catalogue
from workbench.backbones.detect import CONVERT, detect
from workbench.backbones.families import BY_PIPELINE, FAMILIES, Family
from workbench.backbones.locate import check_class, locate, read_index
from workbench.errors import BackboneError

if TYPE_CHECKING:
    import torch
    from torch import nn

    from workbench.backbones.catalogue import Entry
    from workbench.backbones.protocol import Backbone


def open_backbone(
    name: str | Path,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    phased: bool = False,
) -> Backbone:
    """Opens a base model.

    Args:
        name: a name in the catalogue, a folder in diffusers' format, a single `.safetensors` file, or a hub id.
        device: where its networks go; None picks the best there is.
        dtype: of its weights; None picks what suits the device.
        phased: its networks get their weights when `Backbone.hold` asks for them. A single file is read whole into
            the computer's memory each time, and one part of it goes to the device.

    Raises:
        BackboneError: if there is no such base, it is broken or incomplete, it cannot be fetched, its family is not
            known, or it is not what its name says.
    """
    source, entry = locate(str(name))
    family = check_folder(source) if source.is_dir() else FAMILIES[detect(source).family]
    if entry.family and entry.family != family.name:
        raise BackboneError(
            entry.id,
            f"it is called {FAMILIES[entry.family].words} and is {family.words}",
            "Correct its family in bases.yaml, or give the base that was meant",
        )

    import torch

    quiet_libraries()
    from workbench.device import SMALL, halves_quickly, pick_device, pick_dtype

    chosen = pick_device(device)
    chosen_dtype = dtype or pick_dtype(chosen)
    try:
        if phased:
            pipeline, load = _without_weights(source, family, entry, chosen_dtype)
        elif source.is_dir():
            pipeline = _open_folder(source, family, chosen_dtype)
        else:
            from workbench.backbones.single_file import open_single_file

            pipeline = open_single_file(source, entry, chosen_dtype)
        for part in _parts(pipeline, family):
            _complete(getattr(pipeline, part), part, entry.id)
        _settle(pipeline, chosen)
        module, kind = family.backbone
        backbone: Backbone = getattr(import_module(f"workbench.backbones.{module}"), kind)(pipeline, entry, source)
        if phased:
            from workbench.backbones.phases import Phases

            networks: dict[str, dict[str, nn.Module]] = {"text": {}, "vae": {}, "denoiser": {}}
            for part in _parts(pipeline, family):
                networks["text" if part.startswith("text") else "vae" if part == "vae" else "denoiser"][part] = getattr(
                    pipeline, part
                )
            backbone.phases = Phases(networks, load, chosen)
        elif halves_quickly(chosen) and sum(map(torch.Tensor.numel, backbone.denoiser.parameters())) < SMALL:
            from workbench.backbones.cpu_half import keep_halves

            for network in (backbone.denoiser, *backbone.text_encoders.values()):
                keep_halves(network)
    except torch.OutOfMemoryError as error:
        raise BackboneError(
            entry.id, f"it does not fit into the memory of {chosen}", "Close other programs, or choose a smaller base"
        ) from error
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise _broken(entry.id, error) from error
    except Exception as error:
        # safetensors' own class, which derives from nothing more special.
        if type(error).__name__ == "SafetensorError":
            raise _broken(entry.id, error) from error
        raise
    backbone.opened_as = str(name) if str(name) in catalogue() else str(source.absolute())
    return backbone


def quiet_libraries() -> None:
    """Loads the libraries, without notes to programmers (of parts that are not installed and not needed) and without
    bars of milliseconds.

    Call it before anything else of theirs is imported. Where there is no NVIDIA GPU nothing can be quantised, and they
    go without bitsandbytes, which each of them would load for a second; it stays there for who imports it.
    """
    import logging
    import sys

    import torch

    absent = "bitsandbytes"
    hidden: dict[str, Any] = {} if torch.cuda.is_available() or absent in sys.modules else {absent: None}
    sys.modules.update(hidden)  # to who asks whether it is installed, None says no
    try:
        import diffusers.utils.logging
        import transformers.utils.logging
        from peft.import_utils import is_bnb_available

        is_bnb_available()  # asked once, remembered
    finally:
        for name in hidden:
            sys.modules.pop(name, None)  # a thread that loads ahead may have been here

    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def check_folder(folder: Path) -> Family:
    """Tells a diffusers folder's family, and that all its parts are there and are what the index says.

    Raises:
        BackboneError: names what is missing or does not fit.
    """
    index = read_index(folder / "model_index.json")
    check_class(folder.name, index)
    family = BY_PIPELINE[str(index["_class_name"])]
    for part in family.parts:
        if part in family.optional and not (index.get(part) or [None])[0]:
            continue
        if list((folder / part).glob("*.safetensors")):
            continue
        if list((folder / part).glob("*.bin")):
            raise BackboneError(
                folder.name,
                f"there is no safetensors file in {part}/",
                f"Its .bin files can run code when they are opened. {CONVERT}",
            )
        raise BackboneError(
            folder.name,
            f"its {'autoencoder' if part == 'vae' else part.replace('_', ' ')} is missing: there is no safetensors "
            f"file in {part}/",
            f"Fetch it again, or copy {part}/ from another base of the family {family.words}",
        )
    _check_denoiser(folder, family)
    return family


def _check_denoiser(folder: Path, family: Family) -> None:
    """A denoiser of another family than the index says would open and draw nonsense, or fail half way."""
    try:
        config = json.loads((folder / family.denoiser / "config.json").read_text(encoding="utf-8"))
        kind = str(config.get("_class_name", ""))
    except (OSError, ValueError, AttributeError) as error:
        raise _broken(folder.name, error) from error
    sizes = config.get("addition_embed_type") == "text_time"
    other = ""
    if family.denoiser == "unet" and sizes != (family.name == "sdxl"):
        other = FAMILIES["sdxl" if sizes else "sd1"].words
    elif family.name == "sd1" and config.get("in_channels", 4) in (8, 9):
        other = "an inpainting or editing base"
    elif family.denoiser == "transformer" and (wanted := _transformer(family)) != kind:
        other = f"{kind}, not {wanted}"
    if other:
        raise BackboneError(
            folder.name,
            f"it says that it is {family.words}, and its {family.denoiser} is of another kind ({other})",
            "Fetch it again: files of two bases are mixed in it",
        )


def _transformer(family: Family) -> str:
    return {
        "sd3": "SD3Transformer2DModel", "flux": "FluxTransformer2DModel", "qwen-image": "QwenImageTransformer2DModel",
        "z-image": "ZImageTransformer2DModel",
    }[family.name]  # fmt: skip


def _open_folder(folder: Path, family: Family, dtype: torch.dtype, **more: Any) -> Any:
    """diffusers' pipeline of a folder; with parts that are given, or read."""
    import diffusers

    if family.name == "sd1":
        more |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    index = read_index(folder / "model_index.json")
    for part in family.optional:
        if not (index.get(part) or [None])[0]:
            more |= {part: None, part.replace("text_encoder", "tokenizer"): None}
    return getattr(diffusers, family.pipeline).from_pretrained(
        folder,
        variant=_variant(folder, family),
        dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
        **more,
    )


def _variant(folder: Path, family: Family) -> str | None:
    files = (folder / family.denoiser).glob("*.safetensors")
    return "fp16" if all(".fp16." in path.name for path in files) else None


def _without_weights(
    source: Path, family: Family, entry: Entry, dtype: torch.dtype
) -> tuple[Any, Callable[[str], nn.Module]]:
    """A pipeline whose networks have no weights yet, and what reads one of them anew."""
    from workbench.backbones.phases import empty
    from workbench.backbones.single_file import bare_part, load_part, open_single_file

    if source.is_dir():
        index = read_index(source / "model_index.json")
        parts = [part for part in family.parts if (index.get(part) or [None])[0]]
        bare = {part: bare_part(source, part, index[part], dtype) for part in parts}
        pipeline = _open_folder(source, family, dtype, **bare)
    else:
        pipeline = open_single_file(source, entry, dtype)
    for part in _parts(pipeline, family):
        if not source.is_dir():
            _complete(getattr(pipeline, part), part, entry.id)
        empty(getattr(pipeline, part))

    def load(part: str) -> nn.Module:
        try:
            if source.is_dir():
                network = load_part(source, part, index[part], dtype, _variant(source, family))
            else:
                network = getattr(open_single_file(source, entry, dtype), part)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise _broken(entry.id, error) from error
        _complete(network, part, entry.id)
        return network

    return pipeline, load


def _parts(pipeline: Any, family: Family) -> list[str]:
    return [part for part in family.parts if part not in family.optional or getattr(pipeline, part) is not None]


def _complete(network: nn.Module, part: str, name: str) -> None:
    """Raises BackboneError when weights are missing: the libraries leave them empty and only warn."""
    empty = [key for key, weight in network.named_parameters() if weight.is_meta]
    if empty:
        raise BackboneError(name, f"weights of its {part} are missing ({empty[0]})", "Fetch it again")


def _settle(pipeline: Any, device: torch.device) -> None:
    """Puts a pipeline on its device in the form that is quick there."""
    from workbench.backbones.phases import lay_out

    pipeline.set_progress_bar_config(disable=True)
    pipeline.to(device)
    if getattr(pipeline, "unet", None) is None:
        return
    for name in ("unet", "vae"):
        lay_out(getattr(pipeline, name), name, device)
    if device.type == "cpu":
        from workbench.backbones.unet import CpuAttention

        pipeline.unet.set_attn_processor(CpuAttention())


def _broken(name: str, error: Exception) -> BackboneError:
    first = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return BackboneError(name, f"its files are broken ({first})", "Fetch or install it again")
