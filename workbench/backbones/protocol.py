"""What every base model offers to the rest of the workbench, whatever its family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


class Backbone(Protocol):
    """A base model that is open: it encodes pictures and words, and predicts what noise hides.

    Latents leave and enter scaled the way the denoiser wants them; nobody else multiplies by a scaling factor.

    Attributes:
        id: the catalogue's name, the hub id, or the folder's name; never a full path, for it is written into cards.
        family: decides which adapters fit: `sd1`.
        resolution: side of the pictures it was trained on, in pixels.
        latent_channels: channels of a latent.
        latent_scale: pixels along one side of a latent's cell.
        prediction: what the denoiser was trained to say: `epsilon` or `v_prediction`.
        timesteps: number of noise levels; 0 is nearly clean, `timesteps - 1` (nearly) pure noise.
        steps: sampling steps that make a good picture.
        guidance: classifier-free guidance that makes a good picture.
        guidance_rescale: how much of the guidance's extra contrast is taken back (arXiv 2305.08891).
        pipeline: the diffusers pipeline, for whole pictures and for its adapter loader.
        denoiser: the network that an adapter changes.
        text_encoder: the network that reads prompts.
        device: where the networks are.
        dtype: of the networks' weights.
    """

    id: str
    family: str
    resolution: int
    latent_channels: int
    latent_scale: int
    prediction: str
    timesteps: int
    steps: int
    guidance: float
    guidance_rescale: float
    pipeline: Any
    denoiser: torch.nn.Module
    text_encoder: torch.nn.Module
    device: torch.device
    dtype: torch.dtype

    @property
    def fingerprint(self) -> str:
        """Hash of everything that decides what the base draws: weights, structure, vocabulary, noise schedule."""
        ...

    def encode_images(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Images (b, 3, h, w) in [-1, 1] → mean and standard deviation of their latents, each (b, c, h/f, w/f) fp32."""
        ...

    def tokenize(self, prompts: Sequence[str]) -> torch.Tensor:
        """Prompts → token ids (b, n), padded and cut to the length the text encoder reads."""
        ...

    def encode_text(self, prompts: Sequence[str] | torch.Tensor) -> torch.Tensor:
        """Prompts, or their token ids (b, n) → text embeddings (b, n, d). Gradients flow where they are enabled."""
        ...

    def noisy(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Latents and noise (b, c, h, w) at timesteps (b,) → what the denoiser sees (b, c, h, w)."""
        ...

    def predict(self, noisy: torch.Tensor, timesteps: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        """Noisy latents (b, c, h, w), timesteps (b,), text embeddings (b, n, d) → prediction (b, c, h, w)."""
        ...

    def target(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """What `predict` should have said (b, c, h, w): the noise, or the velocity (arXiv 2202.00512, appendix D)."""
        ...

    def snr(self, timesteps: torch.Tensor) -> torch.Tensor:
        """Signal-to-noise ratio (b,) at timesteps (b,); 0 at the last one of a base with zero terminal SNR."""
        ...
