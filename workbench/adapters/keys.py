"""The names that weights go by in adapter files, read into one spelling and written in two.

*diffusers* spelling (`unet.down_blocks.0…attn1.to_q.lora_A.weight`) is what peft makes and what this project saves.
*kohya* spelling (`lora_unet_down_blocks_0…attn1_to_q.lora_down.weight` with an `alpha` for each module) is what
ComfyUI, A1111 and most shared adapters use. The older diffusers spellings are read too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from workbench.adapters.family_names import TRANSFORMERS, flux_module, flux_name, sdxl_module, sdxl_name
from workbench.adapters.word import TABLE

Role = Literal["down", "up", "alpha"]
_COMPONENTS = {"unet": "unet", "te": "text_encoder", "te1": "text_encoder", "te2": "text_encoder_2"}

# kohya writes "_" for "."; these are the words of modules that hold a "_" of their own.
_WORDS = (
    "down_blocks", "up_blocks", "mid_block", "transformer_blocks", "time_emb_proj", "time_embedding", "conv_shortcut",
    "conv_in", "conv_out", "proj_in", "proj_out", "to_out", "to_q", "to_k", "to_v", "linear_1", "linear_2",
    "text_model", "self_attn", "q_proj", "k_proj", "v_proj", "out_proj", "text_projection", "add_embedding",
    "single_transformer_blocks", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out", "img_mlp", "txt_mlp",
    "img_mod", "txt_mod", "feed_forward", "noise_refiner", "context_refiner", "adaLN_modulation", "cap_embedder",
)  # fmt: skip
_WORD = re.compile(r"(?<![^_])(" + "|".join(_WORDS) + r")(?![^_])")

_KOHYA = re.compile(r"lora_(unet|te|te1|te2)_(.+)\.(lora_down\.weight|lora_up\.weight|alpha)")
_DIFFUSERS = re.compile(
    r"(unet|transformer|text_encoder|text_encoder_2)\.(.+?)(?:\.lora_(A|B)|\.lora(?:_linear_layer)?\.(down|up)|_lora\.(down|up))(?:\.default)?\.weight"
)
# peft's names for a change of a token table; they have no ".weight".
_TABLE = re.compile(
    r"(text_encoder|text_encoder_2)\.(?:text_model\.)?(embeddings\.token_embedding)\.lora_embedding_(A|B)"
)

# What a file is when its keys are none of ours, by a piece of its keys.
_OTHERS = {
    "hada_w": "a LoHa adapter", "lokr_": "a LoKr adapter", "dora_scale": "a DoRA adapter",
    "lora_magnitude_vector": "a DoRA adapter", "lora_mid": "a LoCon adapter with a middle layer",
    "lora_unet_joint_blocks": "an adapter for SD 3 in another tool's spelling",
    "lora_te3": "an adapter that changes T5", "lora_transformer": "an adapter for a transformer family",
    "diffusion_model.": "a whole model, or another family's adapter", "first_stage_model": "a whole model",
    "bundle_emb.": "a LoRA with another tool's textual inversion inside",
    "string_to_param": "a textual inversion", "emb_params": "a textual inversion",
}  # fmt: skip


@dataclass(frozen=True)
class LoraKey:
    """One weight of an adapter.

    Args:
        component: what the pipeline calls the network: `unet`, `transformer`, `text_encoder`, `text_encoder_2`.
        module: the module's dotted name inside it, for text encoders without the leading `text_model.` (which
            transformers 5 dropped). FLUX.1's joined layers have a name of their own (see `family_names.joined`).
        role: `down` (rank, in), `up` (out, rank) or `alpha` (a scalar).
        spelling: `diffusers` or `kohya`.
    """

    component: str
    module: str
    role: Role
    spelling: str


def parse_key(key: str) -> LoraKey | None:
    """Reads a weight's name in any spelling; None when it is no LoRA weight of a known family."""
    if match := _KOHYA.fullmatch(key):
        component = _COMPONENTS[match[1]]
        if component == "unet" and match[2].startswith((*TRANSFORMERS, "single_transformer_blocks")):
            component = "transformer"
        role: Role = "alpha" if match[3] == "alpha" else "down" if "down" in match[3] else "up"
        return LoraKey(component, _short(component, _module(component, match[2])), role, "kohya")
    if match := _DIFFUSERS.fullmatch(key):
        module = match[2].replace(".processor.", ".")
        if match[5] and module.endswith("to_out"):
            module += ".0"  # the oldest spelling left the index of the first layer out
        role = "down" if match[3] == "A" or "down" in (match[4], match[5]) else "up"
        return LoraKey(match[1], _short(match[1], module), role, "diffusers")
    if match := _TABLE.fullmatch(key):
        return LoraKey(match[1], match[2], "down" if match[3] == "A" else "up", "diffusers")
    return None


def _module(component: str, name: str) -> str:
    if component == "transformer":
        return flux_module(name) or dotted(name)
    if component == "unet" and (module := sdxl_module(name)):
        # What is inside an attention still has "_" for "."; the place before it has not.
        head, mark, rest = module.partition("attentions.")
        index, _, inside = rest.partition(".")
        return f"{head}{mark}{index}.{dotted(inside)}" if mark else module
    return dotted(name)


def dotted(name: str) -> str:
    """`down_blocks_0_attn1_to_q` -> `down_blocks.0.attn1.to_q`."""
    return _WORD.sub(lambda word: word[1].replace("_", "\0"), name).replace("_", ".").replace("\0", "_")


def _short(component: str, module: str) -> str:
    return module.removeprefix("text_model.") if component.startswith("text_encoder") else module


def _long(component: str, module: str) -> str:
    # Readers built on transformers 4 know only the prefixed name; those on 5 read both.
    return f"text_model.{module}" if component.startswith("text_encoder") else module


def diffusers_key(component: str, module: str, role: Role) -> str:
    """`unet.….lora_A.weight` or `text_encoder.text_model.….lora_A.weight`; alpha has no key of its own there."""
    half = "A" if role == "down" else "B"
    ending = f"lora_embedding_{half}" if module == TABLE else f"lora_{half}.weight"
    return f"{component}.{_long(component, module)}.{ending}"


def kohya_key(component: str, module: str, role: Role, family: str = "sd1") -> str:
    """`lora_unet_….lora_down.weight`, `lora_te_text_model_….alpha`, as sd-scripts writes them for a family."""
    if component.startswith("text_encoder"):
        number = "2" if component == "text_encoder_2" else "" if family == "sd1" else "1"
        name = f"lora_te{number}_{_long(component, module).replace('.', '_')}"
    elif family == "sdxl":
        name = f"lora_unet_{sdxl_name(module)}"
    else:
        name = f"lora_unet_{flux_name(module) if family == 'flux' else module.replace('.', '_')}"
    return name + (".alpha" if role == "alpha" else f".lora_{role}.weight")


def what_else(keys: list[str]) -> str:
    """Words for a file whose keys are not those of a LoRA of a known family: "a LoHa adapter"."""
    for piece, words in _OTHERS.items():
        if any(piece in key for key in keys):
            return words
    return "something else"
