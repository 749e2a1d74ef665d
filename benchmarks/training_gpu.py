"""Milliseconds per picture seen on random weights in the true shapes of the large families, against the roofline.

python -m benchmarks.training --gpu            on a GPU
python -m benchmarks.training --gpu --tiny     rehearsal in tiny shapes, on any machine; its figures mean nothing
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

# The chip's dense bf16 peak that can be reached, H200 and H100: 790 TFLOP/s in large matrix products.
ROOF = 790e12
LORA = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2")
ATTENTION = LORA[:4]


@dataclass(frozen=True)
class Shape:
    """A family's denoiser in its true shape.

    Args:
        name: what it is called in the results.
        side: of the pictures in pixels.
        flops: of one picture's training step (forward, backward through a frozen base), from the networks' sizes.
        build: makes the denoiser; True for tiny.
        inputs: makes the denoiser's arguments for a batch; (batch, tiny, device, dtype).
        quantise: keep the base in nf4.
    """

    name: str
    side: int
    flops: float
    build: Callable[[bool], torch.nn.Module]
    inputs: Callable[[int, bool, torch.device, torch.dtype], dict[str, Any]]
    quantise: bool = False


def _sd15(tiny: bool) -> torch.nn.Module:
    from diffusers import UNet2DConditionModel

    if tiny:
        return UNet2DConditionModel(
            sample_size=8, block_out_channels=(16, 32), layers_per_block=1, cross_attention_dim=32, norm_num_groups=4,
            attention_head_dim=8, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        )  # fmt: skip
    return UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8)


def _sdxl(tiny: bool) -> torch.nn.Module:
    from diffusers import UNet2DConditionModel

    common: dict[str, Any] = {
        "addition_embed_type": "text_time", "use_linear_projection": True,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    }  # fmt: skip
    if tiny:
        return UNet2DConditionModel(
            sample_size=8, block_out_channels=(16, 32, 32), layers_per_block=1, transformer_layers_per_block=(1, 1, 1),
            attention_head_dim=(2, 4, 4), cross_attention_dim=32, norm_num_groups=4, addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=80, **common,
        )  # fmt: skip
    return UNet2DConditionModel(
        sample_size=128, block_out_channels=(320, 640, 1280), layers_per_block=2,
        transformer_layers_per_block=(1, 2, 10), attention_head_dim=(5, 10, 20), cross_attention_dim=2048,
        addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816, **common,
    )  # fmt: skip


def _flux(tiny: bool) -> torch.nn.Module:
    from diffusers import FluxTransformer2DModel

    if tiny:
        return FluxTransformer2DModel(
            in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=32, pooled_projection_dim=32, guidance_embeds=True, axes_dims_rope=(4, 6, 6),
        )  # fmt: skip
    return FluxTransformer2DModel(guidance_embeds=True)


def _unet_inputs(side: int, width: int, tiny_width: int, pooled: tuple[int, int] = (0, 0)) -> Any:
    def make(batch: int, tiny: bool, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
        cells = 8 if tiny else side // 8
        like = {"device": device, "dtype": dtype}
        made: dict[str, Any] = {
            "sample": torch.randn(batch, 4, cells, cells, **like),
            "timestep": torch.randint(0, 1000, (batch,), device=device),
            "encoder_hidden_states": torch.randn(batch, 77, tiny_width if tiny else width, **like),
        }
        if any(pooled):
            made["added_cond_kwargs"] = {
                "text_embeds": torch.randn(batch, pooled[tiny], **like),
                "time_ids": torch.ones(batch, 6, **like),
            }
        return made

    return make


def _flux_inputs(batch: int, tiny: bool, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    tokens, words = (16, 8) if tiny else (1024, 512)
    side = int(tokens**0.5)
    like = {"device": device, "dtype": dtype}
    places = torch.zeros(tokens, 3, **like)
    places[:, 1] = torch.arange(tokens, device=device) // side
    places[:, 2] = torch.arange(tokens, device=device) % side
    return {
        "hidden_states": torch.randn(batch, tokens, 16 if tiny else 64, **like),
        "timestep": torch.rand(batch, **like),
        "guidance": torch.ones(batch, **like),
        "encoder_hidden_states": torch.randn(batch, words, 32 if tiny else 4096, **like),
        "pooled_projections": torch.randn(batch, 32 if tiny else 768, **like),
        "img_ids": places,
        "txt_ids": torch.zeros(words, 3, **like),
    }


SHAPES = (
    Shape("sd15", 512, 1.72e12, _sd15, _unet_inputs(512, 768, 32)),
    Shape("sdxl", 1024, 14.2e12, _sdxl, _unet_inputs(1024, 2048, 32, (1280, 32))),
    Shape("flux-512-nf4", 512, 44.7e12, _flux, _flux_inputs, quantise=True),
)


def measure(shape: Shape, batch: int, tiny: bool, peer: bool = False, compiled: bool = False) -> dict[str, float]:
    """Trains a few steps on random weights.

    Args:
        shape: which family.
        batch: pictures in a step.
        tiny: tiny shapes, for a rehearsal.
        peer: as the published script does it: VAE and text encoder in the step, rank 4 on attention, unfused AdamW,
            the loss read each step.
        compiled: the denoiser compiled by torch.

    Returns:
        `ms_per_picture`, `peak_gib`, `roofline_share`.
    """
    from peft import LoraConfig

    from workbench.training.memory import quantise_layers

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    half = torch.bfloat16 if device.type == "cuda" else torch.float32
    torch.backends.cuda.matmul.allow_tf32 = True
    with torch.device(device):
        network: Any = shape.build(tiny).to(half).requires_grad_(False)
    if shape.quantise and device.type == "cuda":
        quantise_layers(network, "4bit")
    elif not peer:
        network.to(memory_format=torch.channels_last)
    rank, targets = (4, ATTENTION) if peer else (16, LORA)
    network.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=list(targets)))
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in learned:
        parameter.data = parameter.data.float()
    optimizer = torch.optim.AdamW(learned, lr=1e-4, fused=not peer)
    side_work = _script_work(shape, batch, tiny, device, half) if peer else (lambda: None)
    if compiled:
        network = torch.compile(network)
    inputs = shape.inputs(batch, tiny, device, half)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    paces = []
    for step in range(4 if tiny else 20):
        began = time.perf_counter()
        side_work()
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = network(**inputs, return_dict=False)[0].float().square().mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if peer:
            loss.item()
        if device.type == "cuda" and (peer or step % 5 == 4):
            torch.cuda.synchronize()
        paces.append(time.perf_counter() - began)
    steady = paces[len(paces) // 2 :]
    seconds = sum(steady) / len(steady) / batch
    peak = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else 0.0
    return {"ms_per_picture": 1000 * seconds, "peak_gib": peak, "roofline_share": shape.flops / seconds / ROOF}


def _script_work(shape: Shape, batch: int, tiny: bool, device: torch.device, dtype: torch.dtype) -> Callable[[], None]:
    """What the published script does beside the denoiser in each step: VAE and text encoder, in their true shapes."""
    from diffusers import AutoencoderKL
    from transformers import CLIPTextConfig, CLIPTextModel

    channels = (8, 8, 16, 16) if tiny else (128, 256, 512, 512)
    width = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    if not tiny:
        width = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    with torch.device(device):
        vae = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=channels, layers_per_block=2, latent_channels=4, norm_num_groups=4 if tiny else 32,
        ).to(dtype)  # fmt: skip
        text = CLIPTextModel(CLIPTextConfig(**width)).to(dtype)
    side = 64 if tiny else shape.side

    @torch.no_grad()
    def work() -> None:
        vae.encode(torch.rand(batch, 3, side, side).to(device, dtype)).latent_dist.sample()
        text(torch.zeros(batch, 77, dtype=torch.long, device=device))

    return work


def random_sd15(folder: Path, tiny: bool) -> Path:
    """Writes a whole Stable Diffusion 1.5 in its true shapes with random weights, to launch a real run on.

    The vocabulary is chibi-mini's: smaller than CLIP's, and read in the same time.
    """
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    from workbench.config import ROOT

    tokenizer = CLIPTokenizer.from_pretrained(ROOT / "workbench" / "backbones" / "chibi_mini" / "tokenizer")
    channels = (8, 8, 16, 16) if tiny else (128, 256, 512, 512)
    width = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    if not tiny:
        width = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    StableDiffusionPipeline(
        vae=AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=channels, layers_per_block=2, latent_channels=4, norm_num_groups=4 if tiny else 32,
            sample_size=64 if tiny else 512,
        ),
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(tokenizer), max_position_embeddings=tokenizer.model_max_length,
                bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, **width,
            )
        ),
        tokenizer=tokenizer,
        unet=_sd15(tiny),
        scheduler=DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).to(torch.float16 if torch.cuda.is_available() else torch.float32).save_pretrained(folder)  # fmt: skip
    return folder


def table(tiny: bool, compiled: bool) -> dict[str, Any]:
    """All families: ours at the largest batch that fits and at 1, and the script's way at 1."""
    results: dict[str, Any] = {}
    for shape in SHAPES:
        ours: dict[str, Any] = {}
        for batch in (1, 4, 8, 16, 32):
            try:
                ours[str(batch)] = measure(shape, batch, tiny, compiled=compiled)
            except torch.OutOfMemoryError:
                break
            finally:
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
            if tiny and batch == 4:
                break
        best = min(ours.values(), key=lambda row: row["ms_per_picture"])
        results[shape.name] = {"ours": ours, "best": best, "script": measure(shape, 1, tiny, peer=True)}
    return results
