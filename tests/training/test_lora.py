"""The adapter on the base."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from workbench.backbones import Backbone, open_backbone
from workbench.errors import TrainingError
from workbench.training.lora import attach_lora

TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2"]


def test_a_fresh_adapter_changes_nothing(backbone: Backbone) -> None:
    noisy, timesteps, text = torch.randn(1, 4, 8, 8), torch.tensor([500]), {"text": torch.randn(1, 64, 32)}
    with torch.no_grad():
        before = backbone.predict(noisy, timesteps, text)
        attach_lora(backbone, rank=4, alpha=4, targets=TARGETS, text_rank=2)
        assert torch.equal(backbone.predict(noisy, timesteps, text), before)


def test_only_the_adapter_learns_and_in_full_precision(base: Path) -> None:
    half = open_backbone(base, device="cpu", dtype=torch.bfloat16)
    adapter = attach_lora(half, rank=4, alpha=4, targets=TARGETS, text_rank=2)
    for part in ("unet", "text_encoder"):
        parameters = adapter.parameters(part)
        assert parameters and all(parameter.dtype == torch.float32 for parameter in parameters)
        named = {name for name, parameter in adapter.part(part).named_parameters() if parameter.requires_grad}
        assert all("lora_" in name for name in named) and len(named) == len(parameters)
    assert half.denoiser.conv_in.weight.dtype == torch.bfloat16


def test_every_target_is_found_in_every_block(backbone: Backbone) -> None:
    adapter = attach_lora(backbone, rank=4, alpha=8, targets=TARGETS, text_rank=2)
    names = adapter.saved_state("unet")
    blocks = {name.split(".transformer_blocks")[0] for name in names}
    assert len(blocks) == 4  # one transformer on the way down, one in the middle, two on the way up
    assert len(names) == len(blocks) * (4 + 4 + 2) * 2  # two attentions, two feed-forward layers, two matrices
    assert adapter.configs["unet"].lora_alpha == 8 and adapter.configs["text_encoder"].lora_alpha == 4
    assert len(adapter.saved_state("text_encoder")) == 2 * 6 * 2  # two layers, six targets, two matrices


def test_without_a_text_part(backbone: Backbone) -> None:
    adapter = attach_lora(backbone, rank=4, alpha=4, targets=TARGETS)
    assert adapter.saved_state("text_encoder") == {}
    assert not any(parameter.requires_grad for parameter in backbone.text_encoders["text_encoder"].parameters())


@pytest.mark.parametrize("target", ["to_z", "q", "net.0"])
def test_a_target_that_is_no_layer_is_named(backbone: Backbone, target: str) -> None:
    with pytest.raises(TrainingError) as caught:
        attach_lora(backbone, rank=4, alpha=4, targets=["to_q", target])
    words = str(caught.value)
    assert f"ends in {target}" in words and "to_out.0" in words and "ff.net.2" in words


def test_the_seed_decides_the_start_and_nothing_else_is_disturbed(base: Path) -> None:
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed * 7)
        before = torch.random.get_rng_state()
        states.append(attach_lora(open_backbone(base, "cpu"), rank=4, alpha=4, targets=TARGETS, seed=seed).state())
        torch.random.set_rng_state(before)
    first, same, other = states
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_state_goes_back_where_it_came_from(base: Path) -> None:
    one = attach_lora(open_backbone(base, "cpu"), rank=4, alpha=4, targets=TARGETS, text_rank=2, seed=1)
    for parameter in one.parameters("unet") + one.parameters("text_encoder"):
        torch.nn.init.normal_(parameter)
    other = attach_lora(open_backbone(base, "cpu"), rank=4, alpha=4, targets=TARGETS, text_rank=2, seed=2)
    other.load_state(one.state())
    assert all(torch.equal(value, other.state()[name]) for name, value in one.state().items())


def test_state_of_another_rank_is_refused(base: Path) -> None:
    one = attach_lora(open_backbone(base, "cpu"), rank=4, alpha=4, targets=TARGETS)
    other = attach_lora(open_backbone(base, "cpu"), rank=8, alpha=4, targets=TARGETS)
    with pytest.raises(TrainingError, match="another adapter"):
        other.load_state(one.state())


def test_rates_of_the_parts_and_lora_plus_by_hand(base: Path) -> None:
    adapter = attach_lora(open_backbone(base, "cpu"), rank=2, alpha=2, targets=["to_q"], text_rank=2)
    groups = adapter.groups(1e-3, 1e-4, ratio=8)
    assert [rate for _, rate in groups] == pytest.approx([1e-3, 8e-3, 1e-4, 8e-4])
    names = {
        id(parameter): name for part in adapter.configs for name, parameter in adapter.part(part).named_parameters()
    }
    which = [{name.split(".lora_")[1][0] for name in (names[id(each)] for each in group)} for group, _ in groups]
    assert which == [{"A"}, {"B"}, {"A"}, {"B"}], "the second matrix, which starts at zero, learns faster"
    assert [rate for _, rate in adapter.groups(1e-3, 1e-4)] == [1e-3, 1e-4]
