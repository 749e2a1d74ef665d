"""How kohya's spelling names the layers of each family, and back.

Stable Diffusion 1.x, Qwen-Image and Z-Image keep diffusers' names, with "_" for ".". SDXL has the names of its first
code (`input_blocks_4_1`), and so has FLUX.1, whose first code joins several layers in one (`qkv`).
"""

from __future__ import annotations

import re

TRANSFORMERS = ("double_blocks", "single_blocks", "transformer_blocks", "layers", "noise_refiner", "context_refiner")
# Families whose adapters other tools know in kohya's spelling; of the others they read diffusers' spelling.
WITH_KOHYA = ("sd1", "sdxl", "flux", "qwen-image", "z-image")

_RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection",
}  # fmt: skip
_RESNET_BACK = {new.replace(".", "_"): old for old, new in _RESNET.items()}
_TOP = {
    "conv_in": "input_blocks.0.0", "conv_out": "out.2", "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2", "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}  # fmt: skip
_MIDDLE = {"resnets.0": "0", "attentions.0": "1", "resnets.1": "2"}
_LAYERS = 3  # rows of a block of SDXL: two layers, and room for the one that changes the size

_DOUBLE = {
    "img_attn_qkv": "attn.qkv", "txt_attn_qkv": "attn.add_qkv", "img_attn_proj": "attn.to_out.0",
    "txt_attn_proj": "attn.to_add_out", "img_mlp_0": "ff.net.0.proj", "img_mlp_2": "ff.net.2",
    "txt_mlp_0": "ff_context.net.0.proj", "txt_mlp_2": "ff_context.net.2", "img_mod_lin": "norm1.linear",
    "txt_mod_lin": "norm1_context.linear",
}  # fmt: skip
_SINGLE = {"linear1": "linear1", "linear2": "proj_out", "modulation_lin": "norm.linear"}
# Layers that FLUX.1's first code joins: the joined name -> (diffusers' layer, its share of the rows).
_JOINED = {
    "attn.qkv": (("attn.to_q", 1), ("attn.to_k", 1), ("attn.to_v", 1)),
    "attn.add_qkv": (("attn.add_q_proj", 1), ("attn.add_k_proj", 1), ("attn.add_v_proj", 1)),
    "linear1": (("attn.to_q", 1), ("attn.to_k", 1), ("attn.to_v", 1), ("proj_mlp", 4)),
}


def family_of(modules: set[tuple[str, str]]) -> str:
    """Guesses a family from what an adapter changes: (component, module) pairs."""
    names = {module for component, module in modules if component == "transformer"}
    if any(name.startswith("single_transformer_blocks.") for name in names):
        return "flux"
    if any(".img_mlp." in name or ".img_mod." in name for name in names):
        return "qwen-image"
    if any(name.startswith(("layers.", "noise_refiner.", "context_refiner.")) for name in names):
        return "z-image"
    if names:
        return "sd3" if any(".attn2." in name for name in names) else ""
    deep = any(".transformer_blocks.1." in module for component, module in modules if component == "unet")
    return "sdxl" if deep or any(component == "text_encoder_2" for component, _ in modules) else "sd1"


def joined(component: str, module: str) -> tuple[tuple[str, int], ...]:
    """The layers that a joined module of FLUX.1 stands for, each with its share of the rows; empty for others."""
    match = re.fullmatch(r"((?:single_)?transformer_blocks\.\d+)\.(.+)", module)
    parts = _JOINED.get(match[2], ()) if match and component == "transformer" else ()
    return tuple((f"{match[1]}.{part}", share) for part, share in parts) if match else ()


def joins(module: str) -> str:
    """The joined module of FLUX.1 that a layer is part of; empty when it stands alone."""
    match = re.fullmatch(r"((single_)?transformer_blocks\.\d+)\.(.+)", module)
    if not match:
        return ""
    for name, parts in _JOINED.items():
        if (name == "linear1") == bool(match[2]) and match[3] in [part for part, _ in parts]:
            return f"{match[1]}.{name}"
    return ""


def flux_name(module: str) -> str:
    """`transformer_blocks.0.attn.qkv` -> `double_blocks_0_img_attn_qkv`; others with "_" for "."."""
    match = re.fullmatch(r"(single_)?transformer_blocks\.(\d+)\.(.+)", module)
    table = {new: old for old, new in (_SINGLE if match and match[1] else _DOUBLE).items()}
    if match and match[3] in table:
        return f"{'single' if match[1] else 'double'}_blocks_{match[2]}_{table[match[3]]}"
    return module.replace(".", "_")


def flux_module(name: str) -> str:
    """Undoes `flux_name`; empty for other names."""
    match = re.fullmatch(r"(double|single)_blocks_(\d+)_(.+)", name)
    if not match:
        return ""
    module = (_DOUBLE if match[1] == "double" else _SINGLE).get(match[3])
    prefix = "transformer_blocks" if match[1] == "double" else "single_transformer_blocks"
    return f"{prefix}.{match[2]}.{module}" if module else ""


def sdxl_name(module: str) -> str:
    """`down_blocks.1.attentions.0.proj_in` -> `input_blocks_4_1_proj_in`, the names of SDXL's first code."""
    parts = module.split(".")
    if module in _TOP:
        new = _TOP[module]
    elif parts[0] == "mid_block":
        new = ".".join(["middle_block", _MIDDLE[".".join(parts[1:3])], *_inside(parts[1], parts[3:])])
    elif parts[0] in ("down_blocks", "up_blocks"):
        down = parts[0] == "down_blocks"
        side, row, what = "input_blocks" if down else "output_blocks", int(parts[1]) * _LAYERS, parts[2]
        if what == "downsamplers":
            new = f"{side}.{row + _LAYERS}.0.op"
        elif what == "upsamplers":
            new = f"{side}.{row + 2}.2.conv"
        else:
            place = f"{side}.{row + int(parts[3]) + int(down)}.{int(what == 'attentions')}"
            new = ".".join([place, *_inside(what, parts[4:])])
    else:
        new = module
    return new.replace(".", "_")


def sdxl_module(name: str) -> str:
    """Undoes `sdxl_name`, but for what is inside an attention, whose "_" are left; empty for other names."""
    for module, top in _TOP.items():
        if name == top.replace(".", "_"):
            return module
    match = re.fullmatch(r"(input|output)_blocks_(\d+)_(\d)_(.+)|middle_block_(\d)_(.+)", name)
    if not match:
        return ""
    if match[5]:
        where, rest = f"mid_block.{ {value: key for key, value in _MIDDLE.items()}[match[5]] }", match[6]
        return f"{where}.{_RESNET_BACK.get(rest, rest)}"
    down, row, kind, rest = match[1] == "input", int(match[2]), int(match[3]), match[4]
    block, layer = divmod(row - int(down), _LAYERS)
    side = f"{'down' if down else 'up'}_blocks.{block}"
    if rest == "op":
        return f"{side}.downsamplers.0.conv"
    if rest == "conv":
        return f"{side}.upsamplers.0.conv"
    return f"{side}.{('resnets', 'attentions')[kind]}.{layer}.{_RESNET_BACK.get(rest, rest)}"


def _inside(what: str, parts: list[str]) -> list[str]:
    return [_RESNET[parts[0]]] if what == "resnets" else parts
