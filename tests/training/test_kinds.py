"""Every kind of adapter starts as nothing, learns, and is saved as a LoRA that draws the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from peft import set_peft_model_state_dict

from workbench.backbones import open_backbone
from workbench.errors import TrainingError
from workbench.training.kinds import KINDS, LINEAR_ONLY, layer_changes
from workbench.training.lora import attach_lora

NOISY, TIMESTEP, TEXT = torch.randn(1, 4, 8, 8), torch.tensor([500]), {"text": torch.randn(1, 64, 32)}


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_from_nothing_to_a_lora_file(base: Path, kind: str) -> None:
    backbone, fresh = open_backbone(base, "cpu"), open_backbone(base, "cpu")
    bare = backbone.predict(NOISY, TIMESTEP, TEXT)
    targets = ["to_q", "to_v", *(() if kind in LINEAR_ONLY else ("conv1",))]
    adapter = attach_lora(backbone, rank=4, alpha=4, targets=targets, kind=kind)
    torch.testing.assert_close(backbone.predict(NOISY, TIMESTEP, TEXT), bare, atol=1e-5, rtol=1e-4)
    torch.manual_seed(0)
    for parameter in adapter.parameters("unet"):
        parameter.add_(torch.randn_like(parameter), alpha=0.1)
    learned = backbone.predict(NOISY, TIMESTEP, TEXT)
    change = float((learned - bare).abs().max())
    assert change > 0.05

    states, configs, told = adapter.saved()
    assert torch.equal(backbone.predict(NOISY, TIMESTEP, TEXT), learned), "saving changed what is trained"
    assert bool(told) == (kind in ("dora", "loha", "lokr", "oft"))
    fresh.denoiser.add_adapter(configs["unet"])  # type: ignore[operator]
    assert not set_peft_model_state_dict(fresh.denoiser, states["unet"], adapter_name="default").unexpected_keys
    difference = float((fresh.predict(NOISY, TIMESTEP, TEXT) - learned).abs().max())
    assert difference < 0.05 * change, (difference, change, told)


def test_the_change_of_a_layer_by_hand(base: Path) -> None:
    adapter = attach_lora(open_backbone(base, "cpu"), rank=2, alpha=6, targets=["to_q"])
    state = adapter.state()
    for tensor in state.values():
        tensor.normal_()
    changes = layer_changes(adapter.backbone.denoiser)
    name = next(iter(changes))
    down, up = state[f"unet.{name}.lora_A.default.weight"], state[f"unet.{name}.lora_B.default.weight"]
    torch.testing.assert_close(changes[name], 3.0 * up @ down, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", LINEAR_ONLY)
def test_kinds_that_know_no_convolutions_say_so(base: Path, kind: str) -> None:
    with pytest.raises(TrainingError, match="does not change convolutions such as conv1"):
        attach_lora(open_backbone(base, "cpu"), rank=4, alpha=4, targets=["to_q", "conv1"], kind=kind)
