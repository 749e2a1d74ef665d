"""The families of base models that can be opened: how each is recognised and which parts make one whole.

Nothing here loads torch, so that a wrong base is told at once.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """A family of bases.

    Attributes:
        name: as in `Backbone.family`.
        words: what people call it.
        pipeline: diffusers' class of whole pipelines, which `model_index.json` names.
        backbone: module below this folder and class that open one.
        denoiser: folder of the network that an adapter changes.
        parts: folders of all networks, without which there is no picture.
        optional: of those, the ones that a base may come without.
        steps, guidance: how its bases are sampled when the catalogue does not say better; see `Backbone`.
    """

    name: str
    words: str
    pipeline: str
    backbone: tuple[str, str]
    denoiser: str
    parts: tuple[str, ...]
    steps: int
    guidance: float
    optional: tuple[str, ...] = ()


FAMILIES = {
    family.name: family
    for family in (
        Family(
            "sd1", "Stable Diffusion 1.x", "StableDiffusionPipeline", ("unet", "UNetBackbone"),
            "unet", ("unet", "text_encoder", "vae"), 25, 7.5,
        ),
        Family(
            "sdxl", "Stable Diffusion XL", "StableDiffusionXLPipeline", ("sdxl", "SDXLBackbone"),
            "unet", ("unet", "text_encoder", "text_encoder_2", "vae"), 28, 6.0,
        ),
        Family(
            "sd3", "Stable Diffusion 3", "StableDiffusion3Pipeline", ("sd3", "SD3Backbone"),
            "transformer", ("transformer", "text_encoder", "text_encoder_2", "text_encoder_3", "vae"), 28, 4.5,
            optional=("text_encoder_3",),
        ),
        Family(
            "flux", "FLUX.1", "FluxPipeline", ("flux", "FluxBackbone"),
            "transformer", ("transformer", "text_encoder", "text_encoder_2", "vae"), 28, 3.5,
        ),
        Family(
            "qwen-image", "Qwen-Image", "QwenImagePipeline", ("qwen_image", "QwenImageBackbone"),
            "transformer", ("transformer", "text_encoder", "vae"), 50, 4.0,
        ),
        Family(
            "z-image", "Z-Image", "ZImagePipeline", ("z_image", "ZImageBackbone"),
            "transformer", ("transformer", "text_encoder", "vae"), 28, 5.0,
        ),
    )
}  # fmt: skip
BY_PIPELINE = {family.pipeline: family for family in FAMILIES.values()}


def known_families() -> str:
    """The families' names in words: for an error's way out."""
    return ", ".join(family.words for family in FAMILIES.values())
