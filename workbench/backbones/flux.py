"""Bases in FLUX.1 format: FLUX.1 [dev], [schnell], [krea-dev]."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from workbench.backbones.catalogue import Entry
from workbench.backbones.common import clip_length, unread_by
from workbench.backbones.flow import JOINT_ATTENTION, FlowBackbone, pack, unpack
from workbench.backbones.protocol import Words

LONGEST = 512  # tokens that T5 reads of a prompt
# A base distilled from a guided one learns as if it were not guided; the adapter then works at any guidance.
TRAINING_GUIDANCE = 1.0


class FluxBackbone(FlowBackbone):
    """An open FLUX.1 base: CLIP's summary and T5's words guide a transformer over 2×2 squares of latents."""

    family = "flux"
    text_names = ("text_encoder",)
    # `proj_out` of the single blocks is left out: the name also ends the final layer's.
    targets = (
        *JOINT_ATTENTION, "ff.net.0.proj", "ff.net.2", "ff_context.net.0.proj", "ff_context.net.2", "proj_mlp",
    )  # fmt: skip

    def __init__(self, pipeline: Any, entry: Entry, source: Path) -> None:
        super().__init__(pipeline, entry, source)
        self._guided = bool(pipeline.transformer.config.guidance_embeds)

    def tokenize(self, prompts: Sequence[str]) -> Words:
        first, second = self.pipeline.tokenizer, self.pipeline.tokenizer_2
        return {
            "ids": self._ids(first, prompts, clip_length(first, self.pipeline.text_encoder)),
            "ids_2": self._ids(second, prompts, LONGEST),
        }

    def encode_text(self, prompts: Sequence[str] | Words) -> Words:
        words = self._words(prompts)
        pooled = self.pipeline.text_encoder(words["ids"]).pooler_output
        return {"text": self.pipeline.text_encoder_2(words["ids_2"])[0], "pooled": pooled}

    def unread(self, prompt: str) -> str:
        return unread_by(self.pipeline.tokenizer_2, prompt, LONGEST)

    def predict(self, noisy: torch.Tensor, timesteps: torch.Tensor, text: Words) -> torch.Tensor:
        height, width = noisy.shape[-2:]
        device, dtype = noisy.device, self.dtype
        places = self.pipeline._prepare_latent_image_ids(len(noisy), height // 2, width // 2, device, dtype)
        guidance = torch.full((len(noisy),), TRAINING_GUIDANCE, device=device) if self._guided else None
        said = self.denoiser(
            hidden_states=pack(noisy).to(dtype),
            timestep=self.sigmas(timesteps).to(dtype),
            guidance=guidance,
            pooled_projections=text["pooled"].to(dtype),
            encoder_hidden_states=text["text"].to(dtype),
            txt_ids=torch.zeros(text["text"].shape[1], 3, device=device, dtype=dtype),
            img_ids=places,
            return_dict=False,
        )[0]
        return unpack(said, height, width)

    def drawn_form(self, latents: torch.Tensor) -> torch.Tensor:
        return pack(latents)

    def decode_drawn(self, drawn: torch.Tensor, height: int, width: int) -> torch.Tensor:
        latents = unpack(drawn, height // self.latent_scale, width // self.latent_scale)
        return super().decode_drawn(latents, height, width)

    def drawing(self, negatives: Sequence[str], guidance: float, guidance_rescale: float) -> dict[str, Any]:
        # Guidance is an input of the distilled denoiser. A negative prompt needs the slow way, two passes a step.
        told: dict[str, Any] = {"guidance_scale": guidance}
        if any(negatives):
            told |= {"negative_prompt": list(negatives), "true_cfg_scale": max(guidance, 1.5)}
        return told
