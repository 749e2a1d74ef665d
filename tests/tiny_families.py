"""Bases of a few thousand random weights in the true format of each family, for tests.

They have every part, every kind of layer and every file that the real ones have, only narrower, and draw 32 px.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tiny import END, PICTURE_SIZE, START, TOKENS, byte_letters, make_tiny_base, vocabulary

FLOW = ("flux", "sd3", "qwen-image", "z-image")
CHAT = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"


def make_tiny(family: str, folder: Path, seed: int = 0, **changes: Any) -> Path:
    """Writes a random base of a family.

    Args:
        family: as in `Backbone.family`.
        folder: where to write it; made when missing.
        seed: of the random weights.
        changes: of the scheduler's configuration.

    Returns:
        The folder.
    """
    import torch

    if family == "sd1":
        return make_tiny_base(folder, seed=seed, **changes)
    makers = {"sdxl": _sdxl, "flux": _flux, "sd3": _sd3, "qwen-image": _qwen_image, "z-image": _z_image}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        makers[family](changes).save_pretrained(folder)
    return folder


def name_it(folder: Path, name: str, **facts: Any) -> str:
    """Names a base in the person's own catalogue.

    Returns:
        The name.
    """
    from workbench.backbones import own_catalogue

    file = own_catalogue()
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{name}:", f"  source: {json.dumps(str(folder))}"]
    lines += [f"  {key}: {json.dumps(value)}" for key, value in facts.items()]
    with file.open("a", encoding="utf-8") as opened:
        opened.write("\n".join(lines) + "\n")
    return name


def without(folder: Path, part: str, copy: Path) -> Path:
    """A copy of a base that lacks a part's weights."""
    shutil.copytree(folder, copy)
    for file in (copy / part).glob("*.safetensors"):
        file.unlink()
    return copy


def clip_tokenizer() -> Any:
    from transformers import CLIPTokenizer

    vocab, merges = vocabulary()
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=TOKENS)


def clip(hidden: int, projection: bool = False, act: str = "quick_gelu") -> Any:
    """A CLIP text encoder of two layers."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    vocab, _ = vocabulary()
    config = CLIPTextConfig(
        vocab_size=len(vocab), hidden_size=hidden, intermediate_size=2 * hidden, projection_dim=hidden,
        num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=TOKENS, hidden_act=act,
        bos_token_id=vocab[START], eos_token_id=vocab[END], pad_token_id=vocab[END],
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)


def kl_vae(channels: int = 4, **more: Any) -> Any:
    """A KL autoencoder that halves pictures twice."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(8, 8, 16), layers_per_block=1, latent_channels=channels, norm_num_groups=4,
        sample_size=PICTURE_SIZE, **more,
    )  # fmt: skip


def flow_vae() -> Any:
    return kl_vae(scaling_factor=0.36, shift_factor=0.11, use_quant_conv=False, use_post_quant_conv=False)


def _t5(width: int) -> tuple[Any, Any]:
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(chr(code), -3.0) for code in range(ord("!"), ord("~") + 1)]
    tokenizer = T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=512)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=width, d_kv=8, d_ff=32, num_layers=1, num_heads=2,
        feed_forward_proj="gated-gelu", dropout_rate=0.0,
    )  # fmt: skip
    return tokenizer, T5EncoderModel(config)


def _qwen_tokenizer() -> Any:
    from transformers import Qwen2Tokenizer

    marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    vocab = {letter: index for index, letter in enumerate(byte_letters())}
    tokenizer = Qwen2Tokenizer(vocab=vocab, merges=[], model_max_length=4096)
    tokenizer.add_special_tokens({"additional_special_tokens": marks[1:]})
    tokenizer.chat_template = CHAT
    return tokenizer


def _flow_scheduler(changes: dict[str, Any], **usual: Any) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, **(usual | changes))


def _sdxl(changes: dict[str, Any]) -> Any:
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=PICTURE_SIZE // 4, in_channels=4, out_channels=4, block_out_channels=(16, 16, 32),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=2, transformer_layers_per_block=(1, 1, 2), attention_head_dim=8, norm_num_groups=4,
        cross_attention_dim=48, use_linear_projection=True, addition_embed_type="text_time",
        addition_time_embed_dim=8, projection_class_embeddings_input_dim=6 * 8 + 32,
    )  # fmt: skip
    scheduler = EulerDiscreteScheduler(
        **({"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1} | changes)
    )
    return StableDiffusionXLPipeline(
        vae=kl_vae(scaling_factor=0.13), text_encoder=clip(16), text_encoder_2=clip(32, projection=True, act="gelu"),
        tokenizer=clip_tokenizer(), tokenizer_2=clip_tokenizer(), unet=unet, scheduler=scheduler,
    )  # fmt: skip


def _flux(changes: dict[str, Any]) -> Any:
    from diffusers import FluxPipeline, FluxTransformer2DModel

    tokenizer, t5 = _t5(24)
    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=24, pooled_projection_dim=16, guidance_embeds=True,
        axes_dims_rope=(4, 6, 6),
    )  # fmt: skip
    return FluxPipeline(
        scheduler=_flow_scheduler(changes, shift=3.0, use_dynamic_shifting=True), vae=flow_vae(),
        text_encoder=clip(16), tokenizer=clip_tokenizer(), text_encoder_2=t5, tokenizer_2=tokenizer,
        transformer=transformer,
    )  # fmt: skip


def _sd3(changes: dict[str, Any]) -> Any:
    from diffusers import SD3Transformer2DModel, StableDiffusion3Pipeline

    tokenizer, t5 = _t5(64)
    transformer = SD3Transformer2DModel(
        sample_size=PICTURE_SIZE // 4, patch_size=2, in_channels=4, out_channels=4, num_layers=2,
        attention_head_dim=8, num_attention_heads=4, joint_attention_dim=64, caption_projection_dim=32,
        pooled_projection_dim=16 + 32, pos_embed_max_size=16, qk_norm="rms_norm", dual_attention_layers=(0,),
    )  # fmt: skip
    return StableDiffusion3Pipeline(
        transformer=transformer, scheduler=_flow_scheduler(changes, shift=3.0), vae=flow_vae(),
        text_encoder=clip(16, projection=True), tokenizer=clip_tokenizer(),
        text_encoder_2=clip(32, projection=True, act="gelu"), tokenizer_2=clip_tokenizer(),
        text_encoder_3=t5, tokenizer_3=tokenizer,
    )  # fmt: skip


def _qwen_image(changes: dict[str, Any]) -> Any:
    from diffusers import AutoencoderKLQwenImage, QwenImagePipeline, QwenImageTransformer2DModel
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    tokenizer = _qwen_tokenizer()
    text = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 2048,
        "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}, "rope_theta": 10000.0,
    }  # fmt: skip
    sight = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 32}
    transformer = QwenImageTransformer2DModel(
        patch_size=2, in_channels=16, out_channels=4, num_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, axes_dims_rope=(4, 6, 6),
    )  # fmt: skip
    vae = AutoencoderKLQwenImage(
        base_dim=8, z_dim=4, dim_mult=[1, 1, 2], num_res_blocks=1, temperal_downsample=[False, False],
        latents_mean=[0.1, -0.2, 0.3, 0.0], latents_std=[1.5, 0.8, 1.1, 0.9],
    )  # fmt: skip
    return QwenImagePipeline(
        scheduler=_flow_scheduler(changes, use_dynamic_shifting=True, base_shift=0.5, max_shift=0.9), vae=vae,
        text_encoder=Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=sight)),
        tokenizer=tokenizer, transformer=transformer,
    )  # fmt: skip


def _z_image(changes: dict[str, Any]) -> Any:
    from diffusers import ZImagePipeline, ZImageTransformer2DModel
    from transformers import Qwen3Config, Qwen3Model

    tokenizer = _qwen_tokenizer()
    text = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=32, num_hidden_layers=2, head_dim=16,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=1024,
    )  # fmt: skip
    transformer = ZImageTransformer2DModel(
        in_channels=4, dim=32, n_layers=1, n_refiner_layers=1, n_heads=2, n_kv_heads=2, cap_feat_dim=32,
        axes_dims=[4, 6, 6], axes_lens=[1024, 64, 64],
    )  # fmt: skip
    return ZImagePipeline(
        scheduler=_flow_scheduler(changes, shift=3.0), vae=flow_vae(), text_encoder=Qwen3Model(text),
        tokenizer=tokenizer, transformer=transformer,
    )  # fmt: skip
