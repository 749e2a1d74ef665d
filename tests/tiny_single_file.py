"""Writes a tiny base as one file, with the names that the families' first code gave, as community bases are shared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

UNET = "model.diffusion_model."
RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection",
}  # fmt: skip
TOP = {
    "conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2", "conv_norm_out": "out.0",
    "conv_out": "out.2",
}  # fmt: skip


def write_single_file(folder: Path, file: Path, leave_out: str = "", marks: tuple[str, ...] = (), **words: str) -> Path:
    """Writes a diffusers folder of SD 1.x, SDXL or a transformer family as one file.

    Args:
        folder: the base.
        file: where to write.
        leave_out: weights whose names begin so are left out.
        marks: empty weights by which some files say how they were trained, such as `v_pred`.
        words: of the file's metadata, `.` written as `__`.

    Returns:
        The file.
    """
    import diffusers
    import torch
    from safetensors.torch import save_file

    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder, local_files_only=True)
    if hasattr(pipeline, "unet"):
        state = _whole(pipeline)
    else:
        state = {UNET + name: weight for name, weight in _transformer(pipeline).items()}
    state |= {mark: torch.zeros(0) for mark in marks}
    kept = {
        name: weight.contiguous().clone()
        for name, weight in state.items()
        if not (leave_out and name.startswith(leave_out))
    }
    save_file(kept, file, {name.replace("__", "."): word for name, word in words.items()} | {"format": "pt"})
    return file


def _whole(pipeline: Any) -> dict[str, Any]:
    state = {UNET + name: weight for name, weight in _unet(pipeline.unet).items()}
    state |= {f"first_stage_model.{name}": weight for name, weight in _vae(pipeline.vae).items()}
    first = {f"transformer.{_long(name)}": weight for name, weight in pipeline.text_encoder.state_dict().items()}
    if not hasattr(pipeline, "text_encoder_2"):
        return state | {f"cond_stage_model.{name}": weight for name, weight in first.items()}
    state |= {f"conditioner.embedders.0.{name}": weight for name, weight in first.items()}
    second = _open_clip(pipeline.text_encoder_2.state_dict())
    return state | {f"conditioner.embedders.1.model.{name}": weight for name, weight in second.items()}


def _long(name: str) -> str:
    return name if name.startswith("text_model.") else f"text_model.{name}"


def _unet(unet: Any) -> dict[str, Any]:
    layers = int(unet.config.layers_per_block)
    attends = [hasattr(block, "attentions") for block in unet.up_blocks]
    state = {}
    for name, weight in unet.state_dict().items():
        module, _, kind = name.rpartition(".")
        parts = module.split(".")
        if module in TOP:
            new = TOP[module]
        elif parts[0] == "mid_block":
            place = {"resnets.0": 0, "attentions.0": 1, "resnets.1": 2}[".".join(parts[1:3])]
            new = ".".join([f"middle_block.{place}", *_inner(parts[1], parts[3:])])
        else:
            block, what, index = int(parts[1]), parts[2], int(parts[3])
            down = parts[0] == "down_blocks"
            row = block * (layers + 1) + (1 if down else 0)
            if what == "downsamplers":
                new = f"input_blocks.{row + layers}.0.op"
            elif what == "upsamplers":
                new = f"output_blocks.{row + layers}.{2 if attends[block] else 1}.conv"
            else:
                side = "input_blocks" if down else "output_blocks"
                new = ".".join([f"{side}.{row + index}.{int(what == 'attentions')}", *_inner(what, parts[4:])])
        state[f"{new}.{kind}"] = weight
    return state


def _inner(what: str, parts: list[str]) -> list[str]:
    return [RESNET[parts[0]]] if what == "resnets" else parts


def _vae(vae: Any) -> dict[str, Any]:
    count = len(vae.config.block_out_channels)
    state = {}
    for name, weight in vae.state_dict().items():
        new = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
        new = new.replace("mid_block.resnets.0", "mid.block_1").replace("mid_block.resnets.1", "mid.block_2")
        if "mid_block.attentions.0" in new:
            new = new.replace("mid_block.attentions.0", "mid.attn_1").replace("group_norm", "norm")
            new = new.replace("to_out.0", "proj_out")
            for letter in "qkv":
                new = new.replace(f"to_{letter}.", f"{letter}.")
            weight = weight[:, :, None, None] if weight.ndim == 2 else weight
        for index in range(count):
            new = new.replace(f"encoder.down_blocks.{index}.resnets", f"encoder.down.{index}.block")
            new = new.replace(f"encoder.down_blocks.{index}.downsamplers.0", f"encoder.down.{index}.downsample")
            new = new.replace(f"decoder.up_blocks.{index}.resnets", f"decoder.up.{count - 1 - index}.block")
            new = new.replace(f"decoder.up_blocks.{index}.upsamplers.0", f"decoder.up.{count - 1 - index}.upsample")
        state[new] = weight
    return state


def _open_clip(state: dict[str, Any]) -> dict[str, Any]:
    import torch

    renamed = {}
    for name, weight in state.items():
        short = _long(name).removeprefix("text_model.")
        if name == "text_projection.weight":
            renamed["text_projection"] = weight.T
        elif short.startswith("embeddings.position_embedding"):
            renamed["positional_embedding"] = weight
        elif short.startswith("embeddings.token_embedding"):
            renamed["token_embedding.weight"] = weight
        elif short.startswith("final_layer_norm"):
            renamed[short.replace("final_layer_norm", "ln_final")] = weight
        elif "q_proj" in short:
            joined = torch.cat([state[name.replace("q_proj", f"{letter}_proj")] for letter in "qkv"])
            place = short.replace("encoder.layers", "transformer.resblocks").replace("self_attn", "attn")
            renamed[place.replace("q_proj.", "in_proj_")] = joined
        elif "k_proj" not in short and "v_proj" not in short:
            place = short.replace("encoder.layers", "transformer.resblocks").replace("self_attn", "attn")
            place = place.replace("layer_norm1", "ln_1").replace("layer_norm2", "ln_2")
            renamed[place.replace("fc1", "c_fc").replace("fc2", "c_proj")] = weight
    return renamed


def _transformer(pipeline: Any) -> dict[str, Any]:
    state = dict(pipeline.transformer.state_dict())
    kind = type(pipeline.transformer).__name__
    if kind == "QwenImageTransformer2DModel":
        return state
    if kind == "ZImageTransformer2DModel":
        return _z_image(state)
    if kind == "SD3Transformer2DModel":
        return _sd3(state, int(pipeline.transformer.config.num_layers))
    raise ValueError(kind)


SD3 = {
    "pos_embed.proj": "x_embedder.proj", "pos_embed.pos_embed": "pos_embed", "proj_out": "final_layer.linear",
    "time_text_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_text_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "time_text_embed.text_embedder.linear_1": "y_embedder.mlp.0",
    "time_text_embed.text_embedder.linear_2": "y_embedder.mlp.2",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
    "attn.norm_added_q": "context_block.attn.ln_q", "attn.norm_added_k": "context_block.attn.ln_k",
    "attn.norm_q": "x_block.attn.ln_q", "attn.norm_k": "x_block.attn.ln_k", "attn2.norm_q": "x_block.attn2.ln_q",
    "attn2.norm_k": "x_block.attn2.ln_k", "attn.to_out.0": "x_block.attn.proj", "attn2.to_out.0": "x_block.attn2.proj",
    "attn.to_add_out": "context_block.attn.proj", "attn.to_q": "x_block.attn.qkv", "attn2.to_q": "x_block.attn2.qkv",
    "attn.add_q_proj": "context_block.attn.qkv", "norm1.linear": "x_block.adaLN_modulation.1",
    "norm1_context.linear": "context_block.adaLN_modulation.1", "ff.net.0.proj": "x_block.mlp.fc1",
    "ff.net.2": "x_block.mlp.fc2", "ff_context.net.0.proj": "context_block.mlp.fc1",
    "ff_context.net.2": "context_block.mlp.fc2",
}  # fmt: skip


def _sd3(state: dict[str, Any], layers: int) -> dict[str, Any]:
    import torch

    renamed = {}
    for name, weight in state.items():
        if any(piece in name for piece in (".to_k.", ".to_v.", ".add_k_proj.", ".add_v_proj.")):
            continue
        for first in ("to_q", "add_q_proj"):
            if f".{first}." in name:
                others = [name.replace(first, first.replace("q", letter)) for letter in "qkv"]
                weight = torch.cat([state[other] for other in others])
        if name.startswith(("norm_out.", f"transformer_blocks.{layers - 1}.norm1_context.")):
            weight = torch.cat(weight.chunk(2)[::-1])  # shift before scale
        module, _, kind = name.rpartition(".")
        block, inner = (".".join(module.split(".")[:2]), ".".join(module.split(".")[2:]))
        if block.startswith("transformer_blocks"):
            new = f"{block.replace('transformer_blocks', 'joint_blocks')}.{SD3[inner]}.{kind}"
        else:
            new = SD3.get(name) or f"{SD3.get(module, module)}.{kind}"
        renamed[new] = weight
    return renamed


def _z_image(state: dict[str, Any]) -> dict[str, Any]:
    import torch

    renamed = {}
    for name, weight in state.items():
        if name.endswith(("attention.to_k.weight", "attention.to_v.weight")):
            continue
        if name.endswith("attention.to_q.weight"):
            stem = name.removesuffix("to_q.weight")
            renamed[stem + "qkv.weight"] = torch.cat([state[f"{stem}to_{letter}.weight"] for letter in "qkv"])
            continue
        new = name.replace("attention.to_out.0", "attention.out")
        new = new.replace("attention.norm_q", "attention.q_norm").replace("attention.norm_k", "attention.k_norm")
        new = new.replace("all_x_embedder.2-1", "x_embedder").replace("all_final_layer.2-1", "final_layer")
        renamed[new] = weight
    return renamed
