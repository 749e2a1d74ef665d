"""What every base model offers to the rest of the workbench, whatever its family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import torch

    from workbench.backbones.phases import Phases

Words: TypeAlias = "dict[str, torch.Tensor]"
"""Prompts as tensors, each named and with the prompts along its first dimension.

Before the text encoders have read them: token ids, `ids` and, where there are more encoders, `ids_2` and `ids_3`;
some families add `mask`. Afterwards: what the denoiser is told, `text` (b, n, d) and, by family, `pooled` (b, d) or
`mask` (b, n). Either may hold `cut` (b, 2): pixels that were cut off a picture at its top and left, for families that
are told of it.
"""


def pick(words: Words, rows: torch.Tensor) -> Words:
    """The rows of some prompts, in the order asked for."""
    return {name: tensor[rows] for name, tensor in words.items()}


class Backbone(Protocol):
    """A base model that is open: it encodes pictures and words, and predicts what noise hides.

    Latents leave and enter scaled the way the denoiser wants them, as a grid (b, c, h, w); nobody else multiplies by a
    scaling factor, and whoever packs the grid into tokens unpacks them again.

    Attributes:
        id: the catalogue's name, the hub id, or the folder's name; never a full path, for it is written into cards.
        opened_as: what `open_backbone` was told, to open it again; it may be a path and stays on this machine.
        family: decides which adapters fit: `sd1`, `sdxl`, `flux`, `sd3`, `qwen-image` or `z-image`.
        resolution: side of the pictures it was trained on, in pixels.
        latent_channels: channels of a latent.
        latent_scale: pixels along one side of a latent's cell.
        size_multiple: pixels that a picture's sides must be a multiple of.
        prediction: what the denoiser was trained to say: `epsilon`, `v_prediction`, or `flow` (noise - latents).
        timesteps: number of noise levels; 0 is nearly clean, `timesteps - 1` (nearly) pure noise.
        shift: how far this family's training leans towards noise (arXiv 2403.03206, §5.3.2): noise level u in [0, 1)
            becomes shift·u / (1 + (shift - 1)·u). 1 is even.
        steps: sampling steps that make a good picture.
        guidance: classifier-free guidance that makes a good picture.
        guidance_rescale: how much of the guidance's extra contrast is taken back (arXiv 2305.08891).
        targets: layers of the denoiser that an adapter changes when nothing else is said, by the end of their names.
        pipeline: the diffusers pipeline, for whole pictures and for its adapter loader.
        denoiser: the network that an adapter changes.
        denoiser_name: what the pipeline calls it: `unet` or `transformer`.
        text_encoders: those text encoders that an adapter can change, by what the pipeline calls them.
        device: where the networks are.
        dtype: of the networks' weights.
        phases: which networks have their weights, of a base that was opened in phases; else None.
    """

    id: str
    opened_as: str
    family: str
    resolution: int
    latent_channels: int
    latent_scale: int
    size_multiple: int
    prediction: str
    timesteps: int
    shift: float
    steps: int
    guidance: float
    guidance_rescale: float
    targets: tuple[str, ...]
    pipeline: Any
    denoiser: torch.nn.Module
    denoiser_name: str
    text_encoders: Mapping[str, torch.nn.Module]
    device: torch.device
    dtype: torch.dtype
    phases: Phases | None

    @property
    def fingerprint(self) -> str:
        """Hash of everything that decides what the base draws: weights, structure, vocabulary, noise schedule."""
        ...

    def hold(self, *roles: str) -> None:
        """Asks for the weights of `text`, `vae` or `denoiser`, and gives all others back.

        Without effect unless the base was opened in phases: then everything is there all the time.
        """
        ...

    def encode_images(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Images (b, 3, h, w) in [-1, 1] → mean and standard deviation of their latents, each (b, c, h/f, w/f) fp32."""
        ...

    def noise(self, generator: torch.Generator, height: int, width: int) -> torch.Tensor:
        """The noise that the pipeline itself would begin with (1, c, h/f, w/f), for pictures of this many pixels."""
        ...

    def drawn_form(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents (b, c, h, w) → as the pipeline takes them for a start and gives them as `output_type="latent"`."""
        ...

    def decode_drawn(self, drawn: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """What the pipeline gives as `output_type="latent"` → images (b, 3, height, width) in [-1, 1]."""
        ...

    def tokenize(self, prompts: Sequence[str]) -> Words:
        """Prompts → token ids, padded and cut to the length the text encoders read."""
        ...

    def encode_text(self, prompts: Sequence[str] | Words) -> Words:
        """Prompts, or what `tokenize` made of them → what the denoiser is told. Gradients flow where enabled."""
        ...

    def unread(self, prompt: str) -> str:
        """The end of a prompt that no text encoder reads because the prompt is too long; empty when all is read."""
        ...

    def noisy(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Latents and noise (b, c, h, w) at timesteps (b,) → what the denoiser sees (b, c, h, w)."""
        ...

    def predict(self, noisy: torch.Tensor, timesteps: torch.Tensor, text: Words) -> torch.Tensor:
        """Noisy latents (b, c, h, w), timesteps (b,), what `encode_text` gave → prediction (b, c, h, w)."""
        ...

    def target(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """What `predict` should have said (b, c, h, w): noise, velocity (arXiv 2202.00512, appendix D), or flow."""
        ...

    def snr(self, timesteps: torch.Tensor) -> torch.Tensor:
        """Signal-to-noise ratio (b,) at timesteps (b,); 0 at the last one of a base with zero terminal SNR."""
        ...

    def drawing(self, negatives: Sequence[str], guidance: float, guidance_rescale: float) -> dict[str, Any]:
        """The pipeline's arguments for guidance, which each family calls by other names.

        Args:
            negatives: what to keep away from, one for each picture; empty texts for nothing.
            guidance: classifier-free guidance; of a distilled family, what its denoiser is told instead.
            guidance_rescale: see above; families whose pipelines have no such thing do without.
        """
        ...
