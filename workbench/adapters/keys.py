"""The names that weights go by in adapter files, read into one spelling and written in two.

*diffusers* spelling (`unet.down_blocks.0…attn1.to_q.lora_A.weight`) is what peft makes and what this project saves.
*kohya* spelling (`lora_unet_down_blocks_0…attn1_to_q.lora_down.weight` with an `alpha` for each module) is what
ComfyUI, A1111 and most shared adapters use. The older diffusers spellings are read too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from workbench.adapters.word import TABLE

Role = Literal["down", "up", "alpha"]

# kohya writes "_" for "."; these are the words of Stable Diffusion 1.x modules that hold a "_" of their own.
_WORDS = (
    "down_blocks", "up_blocks", "mid_block", "transformer_blocks", "time_emb_proj", "time_embedding", "conv_shortcut",
    "conv_in", "conv_out", "proj_in", "proj_out", "to_out", "to_q", "to_k", "to_v", "linear_1", "linear_2",
    "text_model", "self_attn", "q_proj", "k_proj", "v_proj", "out_proj", "text_projection",
)  # fmt: skip
_WORD = re.compile(r"(?<![^_])(" + "|".join(_WORDS) + r")(?![^_])")

_KOHYA = re.compile(r"lora_(unet|te|te1)_(.+)\.(lora_down\.weight|lora_up\.weight|alpha)")
_DIFFUSERS = re.compile(
    r"(unet|transformer|text_encoder|text_encoder_2)\.(.+?)(?:\.lora_(A|B)|\.lora(?:_linear_layer)?\.(down|up)|_lora\.(down|up))(?:\.default)?\.weight"
)
# peft's names for a change of a token table; they have no ".weight".
_TABLE = re.compile(r"(text_encoder)\.(?:text_model\.)?(embeddings\.token_embedding)\.lora_embedding_(A|B)")

# What a file is when its keys are none of ours, by a piece of its keys.
_OTHERS = {
    "hada_w": "a LoHa adapter", "lokr_": "a LoKr adapter", "dora_scale": "a DoRA adapter",
    "lora_magnitude_vector": "a DoRA adapter", "lora_mid": "a LoCon adapter with a middle layer",
    "lora_te2": "an adapter for SDXL", "lora_unet_input_blocks": "an adapter for SDXL",
    "lora_unet_output_blocks": "an adapter for SDXL", "lora_unet_double_blocks": "an adapter for Flux",
    "text_encoder_2.": "an adapter for SDXL", "transformer.": "an adapter for a transformer family",
    "lora_transformer": "an adapter for a transformer family",
    "diffusion_model.": "a whole model, or another family's adapter", "first_stage_model": "a whole model",
    "bundle_emb.": "a LoRA with another tool's textual inversion inside",
    "string_to_param": "a textual inversion", "emb_params": "a textual inversion",
}  # fmt: skip


@dataclass(frozen=True)
class LoraKey:
    """One weight of an adapter.

    Args:
        component: `unet` or `text_encoder`.
        module: the module's dotted name inside it, for the text encoder without the leading `text_model.` (which
            transformers 5 dropped).
        role: `down` (rank, in), `up` (out, rank) or `alpha` (a scalar).
        spelling: `diffusers` or `kohya`.
    """

    component: str
    module: str
    role: Role
    spelling: str


def parse_key(key: str) -> LoraKey | None:
    """Reads a weight's name in any spelling; None when it is no LoRA weight of a Stable Diffusion 1.x model."""
    if match := _KOHYA.fullmatch(key):
        component = "unet" if match[1] == "unet" else "text_encoder"
        role: Role = "alpha" if match[3] == "alpha" else "down" if "down" in match[3] else "up"
        return LoraKey(component, _short(component, dotted(match[2])), role, "kohya")
    if match := _DIFFUSERS.fullmatch(key):
        module = match[2].replace(".processor.", ".")
        if match[5] and module.endswith("to_out"):
            module += ".0"  # the oldest spelling left the index of the first layer out
        role = "down" if match[3] == "A" or "down" in (match[4], match[5]) else "up"
        return LoraKey(match[1], _short(match[1], module), role, "diffusers")
    if match := _TABLE.fullmatch(key):
        return LoraKey(match[1], match[2], "down" if match[3] == "A" else "up", "diffusers")
    return None


def dotted(name: str) -> str:
    """`down_blocks_0_attn1_to_q` -> `down_blocks.0.attn1.to_q`."""
    return _WORD.sub(lambda word: word[1].replace("_", "\0"), name).replace("_", ".").replace("\0", "_")


def _short(component: str, module: str) -> str:
    return module.removeprefix("text_model.") if component == "text_encoder" else module


def _long(component: str, module: str) -> str:
    # Readers built on transformers 4 know only the prefixed name; those on 5 read both.
    return f"text_model.{module}" if component == "text_encoder" else module


def diffusers_key(component: str, module: str, role: Role) -> str:
    """`unet.….lora_A.weight` or `text_encoder.text_model.….lora_A.weight`; alpha has no key of its own there."""
    half = "A" if role == "down" else "B"
    ending = f"lora_embedding_{half}" if module == TABLE else f"lora_{half}.weight"
    return f"{component}.{_long(component, module)}.{ending}"


def kohya_key(component: str, module: str, role: Role) -> str:
    """`lora_unet_….lora_down.weight`, `lora_te_text_model_….alpha`, as sd-scripts writes for SD 1.x."""
    prefix = "lora_unet_" if component == "unet" else "lora_te_"
    return (
        prefix + _long(component, module).replace(".", "_") + (".alpha" if role == "alpha" else f".lora_{role}.weight")
    )


def what_else(keys: list[str]) -> str:
    """Words for a file whose keys are not those of an SD 1.x LoRA: "an adapter for SDXL"."""
    for piece, words in _OTHERS.items():
        if any(piece in key for key in keys):
            return words
    return "something else"
