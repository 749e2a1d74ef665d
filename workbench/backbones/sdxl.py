"""Bases in Stable Diffusion XL format (arXiv 2307.01952): SDXL 1.0, Illustrious, NoobAI, Pony and their relatives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from workbench.backbones.catalogue import Entry
from workbench.backbones.common import clip_length, unread_by
from workbench.backbones.protocol import Words
from workbench.backbones.unet import UNetBackbone


class SDXLBackbone(UNetBackbone):
    """An open base with SDXL's UNet, which is told the words of two text encoders, a summary of them, and sizes."""

    family = "sdxl"
    text_names = ("text_encoder", "text_encoder_2")

    def __init__(self, pipeline: Any, entry: Entry, source: Path) -> None:
        super().__init__(pipeline, entry, source)
        if self.dtype == torch.float16:
            # The autoencoder that most SDXL bases carry overflows in float16 and draws black; diffusers decodes in
            # float32 when the autoencoder says so, and community files often do not say it.
            pipeline.vae.register_to_config(force_upcast=True)

    def tokenize(self, prompts: Sequence[str]) -> Words:
        first, second = self.pipeline.tokenizer, self.pipeline.tokenizer_2
        return {
            "ids": self._ids(first, prompts, clip_length(first, self.pipeline.text_encoder)),
            "ids_2": self._ids(second, prompts, clip_length(second, self.pipeline.text_encoder_2)),
        }

    def encode_text(self, prompts: Sequence[str] | Words) -> Words:
        words = self._words(prompts)
        first = self.pipeline.text_encoder(words["ids"], output_hidden_states=True)
        second = self.pipeline.text_encoder_2(words["ids_2"], output_hidden_states=True)
        # The last layer but one of each; the summary is the second's alone.
        told = {
            "text": torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1),
            "pooled": second.text_embeds,
        }
        return told | {"cut": words["cut"]} if "cut" in words else told

    def unread(self, prompt: str) -> str:
        tokenizer = self.pipeline.tokenizer_2
        return unread_by(tokenizer, prompt, clip_length(tokenizer, self.pipeline.text_encoder_2))

    def predict(self, noisy: torch.Tensor, timesteps: torch.Tensor, text: Words) -> torch.Tensor:
        height, width = (side * self.latent_scale for side in noisy.shape[-2:])
        # Size of the original, where it was cut, size of the cut (§2.2 of the paper). What the pipeline tells when it
        # draws is told here too: a picture of full size, not cut. The true size of a small photo would teach the
        # adapter to look small. In aspect buckets it is the bucket's size, and where the picture was cut.
        size = torch.tensor([[height, width]], device=noisy.device).expand(len(noisy), -1)
        cut = text["cut"] if "cut" in text else torch.zeros_like(size)
        predicted: torch.Tensor = self.denoiser(
            noisy.to(self.dtype),
            timesteps,
            encoder_hidden_states=text["text"].to(self.dtype),
            added_cond_kwargs={
                "text_embeds": text["pooled"].to(self.dtype),
                "time_ids": torch.cat([size, cut, size], 1).to(self.dtype),
            },
            return_dict=False,
        )[0]
        return predicted
