"""Bases in Qwen-Image format (arXiv 2508.02324)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from workbench.backbones.catalogue import Entry
from workbench.backbones.common import in_full
from workbench.backbones.flow import JOINT_ATTENTION, FlowBackbone, pack, unpack
from workbench.backbones.protocol import Words

LONGEST = 1024  # tokens of a prompt, without the instruction around it


class QwenImageBackbone(FlowBackbone):
    """An open Qwen-Image base: a language model's words guide a transformer; latents are a film of one picture."""

    family = "qwen-image"
    targets = (*JOINT_ATTENTION, "img_mlp.net.0.proj", "img_mlp.net.2", "txt_mlp.net.0.proj", "txt_mlp.net.2")

    def __init__(self, pipeline: Any, entry: Entry, source: Path) -> None:
        pipeline.vae.register_to_config(latent_channels=int(pipeline.vae.config.z_dim))
        super().__init__(pipeline, entry, source)
        shape = (1, self.latent_channels, 1, 1)
        self._mean = torch.tensor(pipeline.vae.config.latents_mean, device=self.device).view(shape)
        self._std = torch.tensor(pipeline.vae.config.latents_std, device=self.device).view(shape)

    @torch.no_grad()
    def encode_images(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with in_full(self.pipeline.vae):
            latent = self.pipeline.vae.encode(images.to(self.device, torch.float32)[:, :, None]).latent_dist
        return (latent.mean[:, :, 0] - self._mean) / self._std, latent.std[:, :, 0] / self._std

    def drawn_form(self, latents: torch.Tensor) -> torch.Tensor:
        return pack(latents)

    @torch.no_grad()
    def decode_drawn(self, drawn: torch.Tensor, height: int, width: int) -> torch.Tensor:
        latents = unpack(drawn, height // self.latent_scale, width // self.latent_scale)
        film = (latents * self._std + self._mean)[:, :, None].to(self.pipeline.vae.dtype)
        decoded: torch.Tensor = self.pipeline.vae.decode(film, return_dict=False)[0][:, :, 0]
        return decoded

    def tokenize(self, prompts: Sequence[str]) -> Words:
        template, instruction = self.pipeline.prompt_template_encode, self.pipeline.prompt_template_encode_start_idx
        batch = self.pipeline.tokenizer(
            [template.format(prompt) for prompt in prompts],
            max_length=LONGEST + instruction, padding=True, truncation=True, return_tensors="pt",
        )  # fmt: skip
        return {"ids": batch.input_ids.to(self.device), "mask": batch.attention_mask.to(self.device)}

    def encode_text(self, prompts: Sequence[str] | Words) -> Words:
        words = self._words(prompts)
        hidden = self.pipeline.text_encoder(
            input_ids=words["ids"], attention_mask=words["mask"], output_hidden_states=True
        ).hidden_states[-1]
        # The instruction before the prompt is left out; what pads is zero.
        start = self.pipeline.prompt_template_encode_start_idx
        mask = words["mask"][:, start:]
        return {"text": hidden[:, start:] * mask[..., None].to(hidden), "mask": mask}

    def unread(self, prompt: str) -> str:
        ids = self.pipeline.tokenizer(prompt, truncation=False, verbose=False).input_ids
        return str(self.pipeline.tokenizer.decode(ids[LONGEST:])).strip() if len(ids) > LONGEST else ""

    def predict(self, noisy: torch.Tensor, timesteps: torch.Tensor, text: Words) -> torch.Tensor:
        height, width = noisy.shape[-2:]
        said = self.denoiser(
            hidden_states=pack(noisy).to(self.dtype),
            timestep=self.sigmas(timesteps).to(self.dtype),
            encoder_hidden_states=text["text"].to(self.dtype),
            encoder_hidden_states_mask=text["mask"],
            img_shapes=[[(1, height // 2, width // 2)]] * len(noisy),
            return_dict=False,
        )[0]
        return unpack(said, height, width)

    def drawing(self, negatives: Sequence[str], guidance: float, guidance_rescale: float) -> dict[str, Any]:
        # Without a negative prompt there is no guidance; a space is what the makers use for none.
        return {"negative_prompt": [negative or " " for negative in negatives], "true_cfg_scale": guidance}
