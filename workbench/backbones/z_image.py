"""Bases in Z-Image format (arXiv 2511.22699): Z-Image and Z-Image-Turbo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from workbench.backbones.flow import FlowBackbone
from workbench.backbones.protocol import Words

LONGEST = 512  # tokens of a prompt and of the talk around it


class ZImageBackbone(FlowBackbone):
    """An open Z-Image base: a language model's words and the latents are one row of tokens for one transformer."""

    family = "z-image"
    noise_dtype = torch.float32
    targets = ("to_q", "to_k", "to_v", "to_out.0", "feed_forward.w1", "feed_forward.w2", "feed_forward.w3")

    def tokenize(self, prompts: Sequence[str]) -> Words:
        tokenizer = self.pipeline.tokenizer
        talks = [
            tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True, enable_thinking=True
            )
            for prompt in prompts
        ]
        batch = tokenizer(talks, padding="max_length", max_length=LONGEST, truncation=True, return_tensors="pt")
        return {"ids": batch.input_ids.to(self.device), "mask": batch.attention_mask.to(self.device)}

    def encode_text(self, prompts: Sequence[str] | Words) -> Words:
        words = self._words(prompts)
        mask = words["mask"].bool()
        hidden = self.pipeline.text_encoder(
            input_ids=words["ids"], attention_mask=mask, output_hidden_states=True
        ).hidden_states[-2]
        return {"text": hidden, "mask": mask}

    def unread(self, prompt: str) -> str:
        ids = self.pipeline.tokenizer(prompt, truncation=False, verbose=False).input_ids
        room = LONGEST - 8  # the marks of a talk take about eight tokens
        return str(self.pipeline.tokenizer.decode(ids[room:])).strip() if len(ids) > room else ""

    def predict(self, noisy: torch.Tensor, timesteps: torch.Tensor, text: Words) -> torch.Tensor:
        # This family counts time from noise to picture, and says the way back.
        said = self.denoiser(
            list(noisy.to(self.dtype)[:, :, None]),
            1 - self.sigmas(timesteps),
            [words[kept] for words, kept in zip(text["text"].to(self.dtype), text["mask"], strict=True)],
            return_dict=False,
        )[0]
        return -torch.stack(list(said))[:, :, 0]

    def drawing(self, negatives: Sequence[str], guidance: float, guidance_rescale: float) -> dict[str, Any]:
        # This pipeline counts guidance from 0, where every other counts from 1.
        return {"negative_prompt": list(negatives), "guidance_scale": max(0.0, guidance - 1)}
