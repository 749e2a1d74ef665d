"""What the families share: an open diffusers pipeline with its networks frozen, and its KL autoencoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from workbench.backbones.catalogue import Entry
from workbench.backbones.families import FAMILIES
from workbench.backbones.fingerprint import fingerprint_base
from workbench.backbones.phases import Phases
from workbench.backbones.protocol import Words

ATTENTION_AND_FEED_FORWARD = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2")


class PipelineBackbone:
    """The part of a `Backbone` that its diffusers pipeline answers alike in every family; see there for the attributes.

    A family adds how words become numbers, what its denoiser is told, and how it is sampled.
    """

    family: str
    denoiser_name = "transformer"
    text_names: tuple[str, ...] = ()
    targets: tuple[str, ...] = ATTENTION_AND_FEED_FORWARD
    shift = 1.0
    noise_dtype: torch.dtype | None = None  # that a family's pipeline always begins with; None: that of its weights

    def __init__(self, pipeline: Any, entry: Entry, source: Path) -> None:
        """Takes over a pipeline.

        Args:
            pipeline: already on its device.
            entry: what the catalogue knows about it.
            source: the folder or file its weights were read from.
        """
        self.pipeline = pipeline
        self.denoiser = getattr(pipeline, self.denoiser_name)
        self.text_encoders = {name: getattr(pipeline, name) for name in self.text_names}
        self.device: torch.device = self.denoiser.device
        self.dtype: torch.dtype = self.denoiser.dtype
        for network in pipeline.components.values():
            if isinstance(network, torch.nn.Module):
                network.requires_grad_(False).eval()
        self.id = entry.id
        self.opened_as = str(source)
        usual = FAMILIES[self.family]
        self.steps, self.guidance = entry.steps or usual.steps, entry.guidance or usual.guidance
        self.guidance_rescale = entry.guidance_rescale
        self.latent_channels = int(pipeline.vae.config.latent_channels)
        self.latent_scale = int(pipeline.vae_scale_factor)
        self.timesteps = int(pipeline.scheduler.config.num_train_timesteps)
        self.phases: Phases | None = None
        self._source, self._rest = source, entry.rest

    def hold(self, *roles: str) -> None:
        if self.phases is not None:
            self.phases.hold(*roles)

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint_base(self._source, self._rest)

    @torch.no_grad()
    def encode_images(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        vae = self.pipeline.vae
        # A photo is encoded once and seen hundreds of times: half precision would save nothing and blur it for good.
        with in_full(vae):
            latent = vae.encode(images.to(self.device, torch.float32)).latent_dist
        shift = getattr(vae.config, "shift_factor", None) or 0.0
        scale = float(vae.config.scaling_factor)
        return (latent.mean - shift) * scale, latent.std * scale

    def noise(self, generator: torch.Generator, height: int, width: int) -> torch.Tensor:
        shape = (1, self.latent_channels, height // self.latent_scale, width // self.latent_scale)
        # Drawn in the pipeline's number format: rounding afterwards would give other numbers.
        return torch.randn(shape, generator=generator, dtype=self.noise_dtype or self.dtype).to(self.device)

    def drawn_form(self, latents: torch.Tensor) -> torch.Tensor:
        return latents

    @torch.no_grad()
    def decode_drawn(self, drawn: torch.Tensor, height: int, width: int) -> torch.Tensor:
        vae = self.pipeline.vae
        shift = getattr(vae.config, "shift_factor", None) or 0.0
        with in_full(vae, kept=vae.dtype != torch.float16):
            latents = drawn.to(vae.dtype) / vae.config.scaling_factor + shift
            decoded: torch.Tensor = vae.decode(latents, return_dict=False)[0]
        return decoded

    def _words(self, prompts: Sequence[str] | Words) -> Words:
        """What `encode_text` was given, as token ids."""
        return prompts if isinstance(prompts, dict) else self.tokenize(prompts)

    def tokenize(self, prompts: Sequence[str]) -> Words:
        raise NotImplementedError

    def _ids(self, tokenizer: Any, prompts: Sequence[str], longest: int) -> torch.Tensor:
        """(b, longest) token ids, padded and cut."""
        batch = tokenizer(list(prompts), padding="max_length", max_length=longest, truncation=True, return_tensors="pt")
        ids: torch.Tensor = batch.input_ids
        return ids.to(self.device)


@contextmanager
def in_full(vae: torch.nn.Module, kept: bool = False) -> Iterator[None]:
    """Computes in float32 inside the block, whatever the weights' type; float16 overflows in many autoencoders.

    Args:
        kept: do nothing.
    """
    usual = next(vae.parameters()).dtype
    if not kept:
        vae.to(torch.float32)
    try:
        yield
    finally:
        vae.to(usual)


def clip_length(tokenizer: Any, text_encoder: Any) -> int:
    """How many tokens a CLIP text encoder reads."""
    return int(min(tokenizer.model_max_length, text_encoder.config.max_position_embeddings))


def unread_by(tokenizer: Any, prompt: str, longest: int) -> str:
    """The end of a prompt beyond the first `longest` tokens, marks of beginning and end included."""
    ids = tokenizer(prompt, truncation=False, verbose=False).input_ids
    return str(tokenizer.decode(ids[longest - 1 : -1])).strip() if len(ids) > longest else ""
