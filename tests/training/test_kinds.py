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


@pytest.mark.parametrize(("kind", "scale"), [("lora", 6 / 4), ("rslora", 6 / 2)])  # alpha / rank, alpha / √rank
def test_the_change_of_a_layer_by_hand(base: Path, kind: str, scale: float) -> None:
    adapter = attach_lora(open_backbone(base, "cpu"), rank=4, alpha=6, targets=["to_q"], kind=kind)
    state = adapter.state()
    for tensor in state.values():
        tensor.normal_()
    changes = layer_changes(adapter.backbone.denoiser)
    name = next(iter(changes))
    down, up = state[f"unet.{name}.lora_A.default.weight"], state[f"unet.{name}.lora_B.default.weight"]
    torch.testing.assert_close(changes[name], scale * up @ down, atol=1e-5, rtol=1e-5)


def test_the_change_of_other_kinds_by_hand(base: Path) -> None:
    def one(kind: str, size: float = 1.0) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
        adapter = attach_lora(open_backbone(base, "cpu"), rank=4, alpha=8, targets=["to_q"], kind=kind)
        state, random = adapter.state(), torch.Generator().manual_seed(0)
        for tensor in state.values():
            tensor.normal_(std=size, generator=random)
        name, change = next(iter(layer_changes(adapter.backbone.denoiser).items()))
        weight = adapter.backbone.denoiser.get_submodule(name).get_base_layer().weight.data  # type: ignore[operator]
        return {key: value for key, value in state.items() if f".{name}." in key}, change, weight

    def part(state: dict[str, torch.Tensor], which: str) -> torch.Tensor:
        return next(value for key, value in state.items() if f".{which}." in key)

    # LoHa: two low-rank matrices, multiplied by element.
    state, change, _ = one("loha")
    first, second = (
        part(state, "hada_w1_a") @ part(state, "hada_w1_b"),
        part(state, "hada_w2_a") @ part(state, "hada_w2_b"),
    )
    torch.testing.assert_close(change, 8 / 4 * first * second, atol=1e-4, rtol=1e-4)

    # DoRA: W + s·B·A, each output's row brought to its own learned length.
    state, change, weight = one("dora")
    moved = weight + 8 / 4 * part(state, "lora_B") @ part(state, "lora_A")
    lengths = part(state, "lora_magnitude_vector")
    expected = lengths[:, None] * moved / moved.norm(dim=1, keepdim=True) - weight
    torch.testing.assert_close(change, expected, atol=1e-4, rtol=1e-4)

    # LoKr: a small matrix, with another one in the place of each of its numbers.
    state, change, _ = one("lokr")
    inner = next((value for key, value in state.items() if key.split(".")[-2] == "lokr_w2"), None)
    inner = part(state, "lokr_w2_a") @ part(state, "lokr_w2_b") if inner is None else inner
    torch.testing.assert_close(change, 8 / 4 * torch.kron(part(state, "lokr_w1"), inner), atol=1e-4, rtol=1e-4)

    # OFT: the inputs turned in blocks, so that no output's row changes its length.
    _, change, weight = one("oft", size=0.03)  # small, for peft takes the first terms of a series
    torch.testing.assert_close((weight + change).norm(dim=1), weight.norm(dim=1), atol=1e-3, rtol=1e-3)
    assert float(change.norm() / weight.norm()) > 0.01


def test_pissa_begins_with_the_largest_directions_of_the_weights(base: Path) -> None:
    bare = open_backbone(base, "cpu")
    adapter = attach_lora(open_backbone(base, "cpu"), rank=4, alpha=4, targets=["to_q"], kind="pissa")
    state = adapter.state()
    key = next(key for key in state if ".lora_A." in key)
    down, up = state[key], state[key.replace(".lora_A.", ".lora_B.")]
    name = key.removeprefix("unet.").split(".lora_A.")[0]
    weight = bare.denoiser.get_submodule(name).weight.data
    left, values, right = torch.linalg.svd(weight)
    largest = left[:, :4] * values[:4] @ right[:4]  # the nearest matrix of rank 4 (Eckart and Young)
    torch.testing.assert_close(up @ down, largest, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", LINEAR_ONLY)
def test_kinds_that_know_no_convolutions_say_so(base: Path, kind: str) -> None:
    with pytest.raises(TrainingError, match="does not change convolutions such as conv1"):
        attach_lora(open_backbone(base, "cpu"), rank=4, alpha=4, targets=["to_q", "conv1"], kind=kind)
