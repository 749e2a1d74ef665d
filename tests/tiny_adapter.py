"""Adapters for the tiny base: random weights that change its pictures visibly, saved as a finished training would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.adapters import Card, save_adapter

UNET_TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "conv1"]
TEXT_TARGETS = ["q_proj", "k_proj", "v_proj", "out_proj"]


def carry_adapter(backbone: Any, seed: int = 1, rank: int = 4, alpha: float = 2.0, text: bool = True) -> dict[str, Any]:
    """Puts a random adapter on an open base, as training does.

    Returns:
        The arguments of `save_adapter` that describe it.
    """
    import torch
    from peft import LoraConfig, get_peft_model_state_dict

    pipeline, denoiser = backbone.pipeline, backbone.denoiser_name
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        targets = UNET_TARGETS if denoiser == "unet" else list(backbone.targets)
        configs = {denoiser: LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets, init_lora_weights=False)}
        for part in backbone.text_encoders if text else ():
            configs[part] = LoraConfig(r=2, lora_alpha=3, target_modules=TEXT_TARGETS, init_lora_weights=False)
        for part, config in configs.items():
            getattr(pipeline, part).add_adapter(config)
    return {
        "states": {part: get_peft_model_state_dict(getattr(pipeline, part)) for part in configs},
        "lora_configs": configs,
    }


def card_for(backbone: Any, name: str, **more: Any) -> Card:
    """A card as the recipe would fill it."""
    return Card(
        **{
            "name": name,
            "trigger": "zkq",
            "base": backbone.id,
            "base_fingerprint": backbone.fingerprint,
            "family": backbone.family,
            "resolution": backbone.resolution,
            "rank": 4,
            "alpha": 2.0,
            "created": "2026-01-02T03:04:05+00:00",
        }
        | more
    )


def make_adapter(path: Path, base: Path, seed: int = 1, **more: Any) -> Path:
    """Writes a random adapter for the base in a folder; `more` goes onto its card."""
    from workbench.backbones import open_backbone

    backbone = open_backbone(base, device="cpu")
    return save_adapter(
        path,
        **carry_adapter(backbone, seed),
        card=card_for(backbone, path.stem, **more),
        backbone=backbone,
        prove=False,
    )
