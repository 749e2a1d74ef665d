"""Bases with a convolutional UNet in Stable Diffusion 1.x format: chibi-mini, SD 1.5 and what was tuned from it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0

from workbench.backbones.catalogue import Entry
from workbench.backbones.fingerprint import fingerprint_folder


class UNetBackbone:
    """An open base with a UNet, a CLIP text encoder and a KL autoencoder; see `Backbone` for its attributes."""

    family = "sd1"

    def __init__(self, pipeline: Any, entry: Entry, folder: Path) -> None:
        """Takes over a pipeline.

        Args:
            pipeline: a `StableDiffusionPipeline`, already on its device.
            entry: what the catalogue knows about it.
            folder: where its weights were read from.
        """
        self.pipeline = pipeline
        self.denoiser = pipeline.unet
        self.text_encoder = pipeline.text_encoder
        self.device: torch.device = pipeline.unet.device
        self.dtype: torch.dtype = pipeline.unet.dtype
        for network in (pipeline.unet, pipeline.text_encoder, pipeline.vae):
            network.requires_grad_(False).eval()

        self.id = entry.id
        self.steps, self.guidance, self.guidance_rescale = entry.steps, entry.guidance, entry.guidance_rescale
        self.latent_channels = int(pipeline.vae.config.latent_channels)
        self.latent_scale = int(pipeline.vae_scale_factor)
        self.resolution = int(pipeline.unet.config.sample_size) * self.latent_scale
        self.prediction = str(pipeline.scheduler.config.prediction_type)
        self.timesteps = int(pipeline.scheduler.config.num_train_timesteps)
        # Share of the signal's variance that is left at each noise level, (timesteps,).
        self._signal = pipeline.scheduler.alphas_cumprod.double().to(self.device, torch.float32)
        self._folder = folder

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint_folder(self._folder)

    @torch.no_grad()
    def encode_images(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        vae = self.pipeline.vae
        # A photo is encoded once and seen hundreds of times: half precision would save nothing and blur it for good.
        vae.to(torch.float32)
        try:
            latent = vae.encode(images.to(self.device, torch.float32)).latent_dist
        finally:
            vae.to(self.dtype)
        shift = getattr(vae.config, "shift_factor", None) or 0.0
        scale = float(vae.config.scaling_factor)
        return (latent.mean - shift) * scale, latent.std * scale

    def tokenize(self, prompts: Sequence[str]) -> torch.Tensor:
        tokenizer = self.pipeline.tokenizer
        longest = min(tokenizer.model_max_length, self.text_encoder.config.max_position_embeddings)
        batch = tokenizer(list(prompts), padding="max_length", max_length=longest, truncation=True, return_tensors="pt")
        ids: torch.Tensor = batch.input_ids
        return ids.to(self.device)

    def encode_text(self, prompts: Sequence[str] | torch.Tensor) -> torch.Tensor:
        ids = prompts if isinstance(prompts, torch.Tensor) else self.tokenize(prompts)
        text: torch.Tensor = self.text_encoder(ids)[0]
        return text

    def noisy(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        signal = self._signal[timesteps].view(-1, 1, 1, 1)
        return signal.sqrt() * latents + (1 - signal).sqrt() * noise

    def predict(self, noisy: torch.Tensor, timesteps: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        predicted: torch.Tensor = self.denoiser(
            noisy.to(self.dtype), timesteps, encoder_hidden_states=text.to(self.dtype), return_dict=False
        )[0]
        return predicted

    def target(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        if self.prediction == "epsilon":
            return noise
        signal = self._signal[timesteps].view(-1, 1, 1, 1)
        return signal.sqrt() * noise - (1 - signal).sqrt() * latents

    def snr(self, timesteps: torch.Tensor) -> torch.Tensor:
        signal = self._signal[timesteps]
        return signal / (1 - signal)


class CpuAttention:
    """Attention on a CPU: written out in half precision, fused in full.

    Measured with torch 2.13 on two cores with AMX, a training step of chibi-mini with 8 pictures, in seconds of CPU
    time: in bfloat16 0.27 written out and 0.36 fused, in float32 0.64 and 0.52.
    """

    def __init__(self) -> None:
        self._plain, self._fused = AttnProcessor(), AttnProcessor2_0()

    def __call__(
        self,
        attn: Any,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        temb: torch.Tensor | None = None,
    ) -> torch.Tensor:
        half = torch.is_autocast_enabled("cpu") or hidden_states.dtype == torch.bfloat16
        processor = self._plain if half else self._fused
        result: torch.Tensor = processor(attn, hidden_states, encoder_hidden_states, attention_mask, temb)
        return result


def open_unet(folder: Path, entry: Entry, device: torch.device, dtype: torch.dtype) -> UNetBackbone:
    """Opens a diffusers folder in Stable Diffusion 1.x format.

    Args:
        folder: with `model_index.json`.
        entry: what the catalogue knows about it.
        device: where its networks go.
        dtype: of its weights there.

    Raises:
        OSError, ValueError, RuntimeError: what diffusers says of a broken folder.
    """
    half_only = all(".fp16." in path.name for path in (folder / "unet").glob("*.safetensors"))
    pipeline = StableDiffusionPipeline.from_pretrained(
        folder,
        variant="fp16" if half_only else None,
        dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    pipeline.to(device)
    if device.type == "cpu":
        pipeline.unet.set_attn_processor(CpuAttention())
    else:
        pipeline.unet.to(memory_format=torch.channels_last)
    return UNetBackbone(pipeline, entry, folder)
