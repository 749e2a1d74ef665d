"""Opens single-file checkpoints, as community bases are shared, without a network.

Stable Diffusion 1.x and XL files hold all networks; what they lack is small and comes with the workbench: the
networks' configurations, the noise schedule, and CLIP's vocabulary. Files of the newer families hold the transformer
alone; the other parts are taken from the base that the catalogue names as `rest`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.backbones.catalogue import HERE, Entry
from workbench.backbones.detect import Checkpoint, detect
from workbench.backbones.families import FAMILIES, Family
from workbench.backbones.locate import fetch_folder, read_index
from workbench.config import find_path
from workbench.errors import BackboneError

if TYPE_CHECKING:
    import torch

CONFIGS = HERE / "configs"
WHOLE = ("sd1", "sdxl")  # families whose single files hold all networks
CLIP_LENGTH = 77
# Where the other parts of a transformer's file usually come from.
USUAL_REST = {
    "flux": "black-forest-labs/FLUX.1-dev", "sd3": "stabilityai/stable-diffusion-3.5-medium",
    "qwen-image": "Qwen/Qwen-Image", "z-image": "Tongyi-MAI/Z-Image",
}  # fmt: skip


def open_single_file(file: Path, entry: Entry, dtype: torch.dtype) -> Any:
    """diffusers' pipeline of a single file, on the CPU.

    Args:
        file: a `.safetensors` file.
        entry: may name the `rest`: a folder or hub id with the parts and configurations that the file lacks.
        dtype: of the weights.

    Raises:
        BackboneError: the file is no base, or lacks a part that is nowhere named.
        OSError, ValueError, RuntimeError: what the libraries say of a broken file.
    """
    found = detect(file)
    family = FAMILIES[found.family]
    rest = _rest(entry, family)
    if family.name in WHOLE:
        pipeline = _whole(file, found, family, rest, dtype)
    else:
        pipeline = _transformer(file, family, rest, dtype)
    if found.prediction or found.zero_snr:
        pipeline.scheduler = type(pipeline.scheduler).from_config(pipeline.scheduler.config, **_schedule(found))
    return pipeline


def _schedule(found: Checkpoint) -> dict[str, Any]:
    changes: dict[str, Any] = {"prediction_type": found.prediction} if found.prediction else {}
    if found.zero_snr:
        # Sampling must begin at pure noise as well (arXiv 2305.08891, §3.3).
        changes |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return changes


def _rest(entry: Entry, family: Family) -> Path | None:
    """The folder of the base that completes a file."""
    if not entry.rest:
        return None
    folder = find_path(entry.rest)
    folder = folder if folder.is_dir() else fetch_folder(entry.rest)
    if (kind := str(read_index(folder / "model_index.json")["_class_name"])) != family.pipeline:
        raise BackboneError(
            entry.id, f"its rest is a {kind}, and the file is {family.words}", "Name a base of the same family"
        )
    return folder


def _whole(file: Path, found: Checkpoint, family: Family, rest: Path | None, dtype: torch.dtype) -> Any:
    import diffusers

    more: dict[str, Any] = {}
    for there, what, parts in (
        (found.vae, "autoencoder (VAE)", ("vae",)),
        (found.text, "text encoders", tuple(part for part in family.parts if part.startswith("text"))),
    ):
        if there:
            continue
        if rest is None:
            raise BackboneError(
                file.name,
                f"its {what} is missing" if what.startswith("auto") else f"its {what} are missing",
                f"Take a file that has it, or name a base to take it from in bases.yaml: {_example(file, family)}",
            )
        index = read_index(rest / "model_index.json")
        more |= {part: load_part(rest, part, index[part], dtype) for part in parts}
    if rest is None:
        more |= {
            part.replace("text_encoder", "tokenizer"): clip_tokenizer(part) for part in family.parts if "text" in part
        }
    if family.name == "sd1":
        more |= {"safety_checker": None, "requires_safety_checker": False}
    return getattr(diffusers, family.pipeline).from_single_file(
        str(file), config=str(rest or CONFIGS / family.name), dtype=dtype, local_files_only=True, **more
    )


def _transformer(file: Path, family: Family, rest: Path | None, dtype: torch.dtype) -> Any:
    import diffusers
    from safetensors.torch import load_file

    if rest is None:
        raise BackboneError(
            file.name,
            f"it holds {family.words}'s transformer alone; text encoders, tokenizers and autoencoder are missing",
            f"Name the base it was made from in bases.yaml: {_example(file, family)}",
        )
    kind = getattr(diffusers, str(read_index(rest / "model_index.json")["transformer"][1]))
    weights = {name.removeprefix("model.diffusion_model."): weight for name, weight in load_file(file).items()}
    transformer = kind.from_single_file(
        weights, config=str(rest), subfolder="transformer", dtype=dtype, local_files_only=True
    )
    return getattr(diffusers, family.pipeline).from_pretrained(
        rest, transformer=transformer, dtype=dtype, use_safetensors=True, local_files_only=True
    )


def load_part(folder: Path, part: str, kind: list[str], dtype: torch.dtype, variant: str | None = None) -> Any:
    """One network of a diffusers folder, on the CPU; `kind` is its library and class, as the index names them."""
    return _kind(kind).from_pretrained(
        folder, subfolder=part, dtype=dtype, use_safetensors=True, local_files_only=True, variant=variant
    )


def bare_part(folder: Path, part: str, kind: list[str], dtype: torch.dtype) -> Any:
    """One network of a diffusers folder in its structure alone: its weights take no memory."""
    from accelerate import init_empty_weights

    made = _kind(kind)
    with init_empty_weights():
        if kind[0] == "diffusers":
            network = made.from_config(made.load_config(folder, subfolder=part, local_files_only=True))
        else:
            network = made(made.config_class.from_pretrained(folder, subfolder=part, local_files_only=True))
    return network.to(dtype)


def _kind(kind: list[str]) -> Any:
    import diffusers
    import transformers

    return getattr({"diffusers": diffusers, "transformers": transformers}[kind[0]], kind[1])


def clip_tokenizer(part: str = "text_encoder") -> Any:
    """CLIP's tokenizer, made from the vocabulary that comes with the workbench.

    Args:
        part: the text encoder it is for. SDXL's second one was trained with "!" as padding.
    """
    from transformers import CLIPTokenizer

    lines = (CONFIGS / "clip" / "merges.txt").read_text(encoding="utf-8").strip().split("\n")[1:]
    merges = [tuple(line.split(" ")) for line in lines]
    letters = _byte_letters()
    # CLIP's order: bytes, bytes at the end of a word, merges, then the two marks.
    tokens = [*letters, *[f"{letter}</w>" for letter in letters], *["".join(merge) for merge in merges]]
    vocabulary = {token: index for index, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}
    padding = "!" if part == "text_encoder_2" else "<|endoftext|>"
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=CLIP_LENGTH, pad_token=padding)  # type: ignore[arg-type]


def _byte_letters() -> list[str]:
    """The printable letters that stand for bytes, in the order of CLIP's vocabulary: the printable bytes first."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [chr(code) for code in printable] + [chr(256 + index) for index in range(256 - len(printable))]


def _example(file: Path, family: Family) -> str:
    rest = USUAL_REST.get(family.name, "a folder or a hub id")
    return f"{file.stem}: {{source: {file.name}, rest: {rest}}}"
