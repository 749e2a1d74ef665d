"""Bases with a convolutional UNet in Stable Diffusion 1.x format: chibi-mini, SD 1.5 and what was tuned from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0

from workbench.backbones.catalogue import Entry
from workbench.backbones.common import PipelineBackbone, clip_length, unread_by
from workbench.backbones.protocol import Words

# Zero terminal SNR over-exposes guided pictures without it (arXiv 2305.08891, §3.4, whose value this is).
ZERO_SNR_RESCALE = 0.7


class UNetBackbone(PipelineBackbone):
    """An open base with a UNet, CLIP text encoders and a KL autoencoder; see `Backbone` for its attributes."""

    family = "sd1"
    denoiser_name = "unet"
    text_names: tuple[str, ...] = ("text_encoder",)

    def __init__(self, pipeline: Any, entry: Entry, source: Path) -> None:
        super().__init__(pipeline, entry, source)
        self.resolution = entry.resolution or int(pipeline.unet.config.sample_size) * self.latent_scale
        # Every halving inside the autoencoder and the denoiser must come out even.
        self.size_multiple = self.latent_scale * 2 ** (len(pipeline.unet.config.down_block_types) - 1)
        self.prediction = str(pipeline.scheduler.config.prediction_type)
        # Share of the signal's variance that is left at each noise level, (timesteps,).
        self._signal = noise_schedule(pipeline.scheduler).to(self.device)
        if not self.guidance_rescale and not float(self._signal[-1]):
            self.guidance_rescale = ZERO_SNR_RESCALE

    def tokenize(self, prompts: Sequence[str]) -> Words:
        longest = clip_length(self.pipeline.tokenizer, self.pipeline.text_encoder)
        return {"ids": self._ids(self.pipeline.tokenizer, prompts, longest)}

    def encode_text(self, prompts: Sequence[str] | Words) -> Words:
        return {"text": self.pipeline.text_encoder(self._words(prompts)["ids"])[0]}

    def unread(self, prompt: str) -> str:
        tokenizer = self.pipeline.tokenizer
        return unread_by(tokenizer, prompt, clip_length(tokenizer, self.pipeline.text_encoder))

    def noisy(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        signal = self._signal[timesteps].view(-1, 1, 1, 1)
        return signal.sqrt() * latents + (1 - signal).sqrt() * noise

    def predict(self, noisy: torch.Tensor, timesteps: torch.Tensor, text: Words) -> torch.Tensor:
        predicted: torch.Tensor = self.denoiser(
            noisy.to(self.dtype), timesteps, encoder_hidden_states=text["text"].to(self.dtype), return_dict=False
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

    def drawing(self, negatives: Sequence[str], guidance: float, guidance_rescale: float) -> dict[str, Any]:
        # Without any, the pipelines have their own way of saying nothing, which need not be an empty prompt.
        return {
            "negative_prompt": list(negatives) if any(negatives) else None,
            "guidance_scale": guidance,
            "guidance_rescale": guidance_rescale,
        }


def noise_schedule(scheduler: Any) -> torch.Tensor:
    """Share of the signal's variance left at each noise level (timesteps,) fp32, exactly as the scheduler says.

    Some samplers put a tiny number in the place of the zero at the end of a schedule with zero terminal SNR, so that
    they can divide by it; training takes the zero.
    """
    signal = scheduler.alphas_cumprod.double().to(torch.float32)
    if scheduler.config.get("rescale_betas_zero_snr") and float(signal[-1]) < 1e-6:
        signal[-1] = 0.0
    return signal


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
