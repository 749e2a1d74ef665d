"""Bases in Stable Diffusion 3 format (arXiv 2403.03206): SD 3.5 medium, large and large turbo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from workbench.backbones.catalogue import Entry
from workbench.backbones.common import clip_length, unread_by
from workbench.backbones.flow import JOINT_ATTENTION, FlowBackbone
from workbench.backbones.protocol import Words

LONGEST = 256  # tokens that T5 reads of a prompt


class SD3Backbone(FlowBackbone):
    """An open SD3 base: words of two CLIP encoders and, if it is there, T5 guide a transformer over latents."""

    family = "sd3"
    text_names = ("text_encoder", "text_encoder_2")
    targets = (*JOINT_ATTENTION, "ff.net.0.proj", "ff.net.2", "ff_context.net.0.proj", "ff_context.net.2")

    def __init__(self, pipeline: Any, entry: Entry, source: Path) -> None:
        self.patch = int(pipeline.transformer.config.patch_size)
        super().__init__(pipeline, entry, source)

    def tokenize(self, prompts: Sequence[str]) -> Words:
        first, second, third = self.pipeline.tokenizer, self.pipeline.tokenizer_2, self.pipeline.tokenizer_3
        words = {
            "ids": self._ids(first, prompts, clip_length(first, self.pipeline.text_encoder)),
            "ids_2": self._ids(second, prompts, clip_length(second, self.pipeline.text_encoder_2)),
        }
        if self.pipeline.text_encoder_3 is not None:
            words["ids_3"] = self._ids(third, prompts, LONGEST)
        return words

    def encode_text(self, prompts: Sequence[str] | Words) -> Words:
        words = self._words(prompts)
        first = self.pipeline.text_encoder(words["ids"], output_hidden_states=True)
        second = self.pipeline.text_encoder_2(words["ids_2"], output_hidden_states=True)
        clip = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)
        width = int(self.pipeline.transformer.config.joint_attention_dim)
        if "ids_3" in words:
            long = self.pipeline.text_encoder_3(words["ids_3"])[0]
        else:
            # The base was trained to do without T5: zeros stand for its words.
            long = clip.new_zeros(len(clip), LONGEST, width)
        clip = torch.nn.functional.pad(clip, (0, width - clip.shape[-1]))
        return {
            "text": torch.cat([clip, long.to(clip)], dim=1),
            "pooled": torch.cat([first.text_embeds, second.text_embeds], dim=-1),
        }

    def unread(self, prompt: str) -> str:
        if self.pipeline.text_encoder_3 is not None:
            return unread_by(self.pipeline.tokenizer_3, prompt, LONGEST)
        return unread_by(
            self.pipeline.tokenizer, prompt, clip_length(self.pipeline.tokenizer, self.pipeline.text_encoder)
        )

    def predict(self, noisy: torch.Tensor, timesteps: torch.Tensor, text: Words) -> torch.Tensor:
        predicted: torch.Tensor = self.denoiser(
            hidden_states=noisy.to(self.dtype),
            timestep=self.sigmas(timesteps) * self.timesteps,
            encoder_hidden_states=text["text"].to(self.dtype),
            pooled_projections=text["pooled"].to(self.dtype),
            return_dict=False,
        )[0]
        return predicted
