"""The loss and its weights, against values worked out by hand."""

from __future__ import annotations

import pytest
import torch

from workbench.backbones import Backbone
from workbench.dataset.encode import EncodedSet
from workbench.training.batches import draw_batch
from workbench.training.lora import attach_lora
from workbench.training.objective import Objective, Weighting, example_losses, learn_in_parts

TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]


def test_a_loss_for_each_example() -> None:
    target = torch.zeros(2, 1, 2, 2)
    predicted = torch.stack([torch.full((1, 2, 2), 2.0), torch.tensor([[[1.0, 0], [0, 0]]])])
    losses = example_losses(predicted, target, torch.tensor([1.0, 1.0]), Weighting(), "v_prediction")
    assert losses.tolist() == pytest.approx([4.0 * 0.5, 0.25 * 0.5])


def test_the_objective_is_finite_at_pure_noise_and_learns_only_the_adapter(backbone: Backbone) -> None:
    attach_lora(backbone, rank=2, alpha=2, targets=TARGETS, text_rank=2)
    objective = Objective(backbone, Weighting(), train_text=True)
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
        by_ids = Objective(backbone, Weighting(), True)(latents, noise, timesteps, backbone.tokenize(prompts))
        by_text = Objective(backbone, Weighting(), False)(latents, noise, timesteps, backbone.encode_text(prompts))
    torch.testing.assert_close(by_ids, by_text)


def test_half_precision_is_near_full_precision(backbone: Backbone) -> None:
    attach_lora(backbone, rank=2, alpha=2, targets=TARGETS)
    objective = Objective(backbone, Weighting(), False)
    batch = (torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8), torch.tensor([10, 700]))
    text = {"text": torch.randn(2, 64, 32)}
    full = objective(*batch, text)
    with torch.autocast("cpu", torch.bfloat16):
        half = objective(*batch, text)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, full, rtol=0.05, atol=0.01)
    half.sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in objective.parameters() if p.requires_grad)


def test_a_mask_and_a_bend_by_hand() -> None:
    predicted, target = torch.tensor([[[[3.0, 1.0]]]]), torch.zeros(1, 1, 1, 2)
    mask = torch.tensor([[[[1.0, 0.0]]]])
    plain, masked, bent = (
        example_losses(predicted, target, torch.ones(1), weighting, "epsilon", where).item()
        for weighting, where in ((Weighting(0.0), None), (Weighting(0.0), mask), (Weighting(0.0, bend=4.0), mask))
    )
    assert (plain, masked, bent) == (5.0, 9.0, 8.0)  # (9 + 1) / 2; 9 alone; 2 * 4 * (√(9 + 16) - 4)


def test_debiased_takes_the_place_of_min_snr() -> None:
    predicted, target = torch.full((1, 1, 1, 1), 2.0), torch.zeros(1, 1, 1, 1)
    loss = example_losses(predicted, target, torch.tensor([16.0]), Weighting(debiased=True), "epsilon")
    assert loss.item() == 1.0  # 2² / √16


def test_the_base_teaches_the_rows_it_is_asked_for(backbone: Backbone) -> None:
    adapter = attach_lora(backbone, rank=2, alpha=2, targets=TARGETS, text_rank=2)
    objective = Objective(backbone, Weighting(0.0), train_text=True)
    ids = backbone.tokenize(["chibi of a person", "photo of zkq person"])
    batch = (torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8), torch.tensor([300, 300]), ids)
    taught = torch.tensor([True, False])
    fresh = objective(*batch, None, taught)
    assert fresh[0] < 1e-9, "a fresh adapter says what the base says"
    assert fresh[1] == objective(*batch)[1]
    for parameter in adapter.parameters("unet") + adapter.parameters("text_encoder"):
        torch.nn.init.normal_(parameter, std=0.3)
    moved = objective(*batch, None, taught)
    assert moved[0] > 0 and moved[1] == objective(*batch)[1]
    moved[0].backward()
    assert any(bool(parameter.grad.any()) for parameter in adapter.parameters("unet") if parameter.grad is not None)


def test_the_base_says_what_it_would_say_to_other_words(backbone: Backbone) -> None:
    """The lesson of an anchor: the trigger's caption is held to what the base says when it is told the traits."""
    noisy = (torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8), torch.tensor([700, 700]))
    told = backbone.encode_text(["chibi of a person with red hair, smiling"] * 2)
    with torch.no_grad():
        said = backbone.predict(backbone.noisy(*noisy), noisy[2], told)
    adapter = attach_lora(backbone, rank=2, alpha=2, targets=TARGETS, text_rank=2)
    for parameter in adapter.parameters("unet") + adapter.parameters("text_encoder"):
        torch.nn.init.normal_(parameter, std=0.3)
    objective = Objective(backbone, Weighting(0.0), train_text=True)
    ids = backbone.tokenize(["chibi of zkq person, smiling"] * 2)
    losses = objective(*noisy, ids, None, torch.tensor([True, True]), told)
    with torch.no_grad():
        own = backbone.predict(backbone.noisy(*noisy), noisy[2], backbone.encode_text(ids))
    torch.testing.assert_close(losses, (own - said).square().mean((1, 2, 3)))
    losses.mean().backward()
    assert any(bool(parameter.grad.any()) for parameter in adapter.parameters("unet") if parameter.grad is not None)


def test_parts_of_a_batch_give_its_gradients(backbone: Backbone, data: EncodedSet) -> None:
    adapter = attach_lora(backbone, rank=2, alpha=2, targets=TARGETS)
    for parameter in adapter.parameters("unet"):
        torch.nn.init.normal_(parameter, std=0.1)
    objective, batch = Objective(backbone, Weighting(), False), draw_batch(data, 0, 0, 4, backbone.timesteps)
    gradients, losses = [], []
    for parts in (1, 2, 4):
        losses.append(learn_in_parts(objective, batch, parts, torch.Tensor.backward))
        gradients.append(
            [parameter.grad.clone() for parameter in adapter.parameters("unet") if parameter.grad is not None]
        )
        objective.zero_grad()
    for later in (1, 2):
        torch.testing.assert_close(losses[later], losses[0])
        torch.testing.assert_close(gradients[later], gradients[0], rtol=1e-3, atol=1e-6)
