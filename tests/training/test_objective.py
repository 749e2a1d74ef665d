"""The loss and its weights, against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from workbench.backbones import Backbone
from workbench.training.lora import attach_lora
from workbench.training.objective import Objective, example_losses, min_snr_weight

TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]


def test_min_snr_weights_by_hand() -> None:
    snr = torch.tensor([0.25, 1.0, 5.0, 20.0])
    # epsilon: min(snr, 5) / snr; velocity: min(snr, 5) / (snr + 1)
    assert min_snr_weight(snr, 5.0, "epsilon").tolist() == pytest.approx([1.0, 1.0, 1.0, 0.25])
    assert min_snr_weight(snr, 5.0, "v_prediction").tolist() == pytest.approx([0.2, 0.5, 5 / 6, 5 / 21])


def test_min_snr_weights_at_the_ends_of_the_schedule() -> None:
    ends = torch.tensor([0.0, 1e-38, 1e38, math.inf])
    for prediction in ("epsilon", "v_prediction"):
        weights = min_snr_weight(ends, 5.0, prediction)
        assert bool(weights.isfinite().all()), weights
        assert weights[-1] == 0
    assert min_snr_weight(ends, 5.0, "epsilon")[0] == 1
    assert min_snr_weight(ends, 5.0, "v_prediction")[0] == 0


def test_without_gamma_all_noise_levels_count_the_same() -> None:
    assert min_snr_weight(torch.tensor([0.0, 3.0, math.inf]), 0.0, "v_prediction").tolist() == [1, 1, 1]


def test_a_loss_for_each_example() -> None:
    target = torch.zeros(2, 1, 2, 2)
    predicted = torch.stack([torch.full((1, 2, 2), 2.0), torch.tensor([[[1.0, 0], [0, 0]]])])
    losses = example_losses(predicted, target, torch.tensor([1.0, 1.0]), 5.0, "v_prediction")
    assert losses.tolist() == pytest.approx([4.0 * 0.5, 0.25 * 0.5])


def test_the_objective_is_finite_at_pure_noise_and_learns_only_the_adapter(backbone: Backbone) -> None:
    attach_lora(backbone, rank=2, alpha=2, targets=TARGETS, text_rank=2)
    objective = Objective(backbone, 5.0, train_text=True)
    ids = backbone.tokenize(["photo of zkq person", "chibi"])
    losses = objective(torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8), torch.tensor([0, 999]), ids)
    assert losses.shape == (2,) and bool(losses.isfinite().all())
    assert losses[1] == 0, "at pure noise the velocity says nothing of the clean picture"
    losses.sum().backward()
    learning = {name for name, parameter in objective.named_parameters() if parameter.grad is not None}
    assert learning == {name for name, _ in objective.named_parameters() if "lora_" in name}


def test_ids_and_embeddings_give_the_same_loss(backbone: Backbone) -> None:
    latents, noise, timesteps = torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8), torch.tensor([10, 700])
    prompts = ["photo of zkq person", "chibi"]
    with torch.no_grad():
        by_ids = Objective(backbone, 5.0, True)(latents, noise, timesteps, backbone.tokenize(prompts))
        by_text = Objective(backbone, 5.0, False)(latents, noise, timesteps, backbone.encode_text(prompts))
    torch.testing.assert_close(by_ids, by_text)


def test_half_precision_is_near_full_precision(backbone: Backbone) -> None:
    attach_lora(backbone, rank=2, alpha=2, targets=TARGETS)
    objective = Objective(backbone, 5.0, False)
    batch = (torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8), torch.tensor([10, 700]))
    text = {"text": torch.randn(2, 64, 32)}
    full = objective(*batch, text)
    with torch.autocast("cpu", torch.bfloat16):
        half = objective(*batch, text)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, full, rtol=0.05, atol=0.01)
    half.sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in objective.parameters() if p.requires_grad)
