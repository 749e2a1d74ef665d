"""Held-out photos are tried and not learned from."""

from __future__ import annotations

import pytest
import torch

from workbench.backbones import Backbone
from workbench.dataset.encode import EncodedSet
from workbench.errors import TrainingError
from workbench.training.batches import choose_examples
from workbench.training.lora import attach_lora
from workbench.training.objective import Objective, Weighting
from workbench.training.validation import Validation, hold_out


def test_the_last_photos_are_never_chosen(data: EncodedSet) -> None:
    kept, held = hold_out(data, 1)
    assert held == data.kinds["photo"][-1:]
    chosen = {example for step in range(12) for example, _ in choose_examples(kept, 0, step, 4)}
    assert chosen == set(range(len(data))) - set(held)
    assert hold_out(data, 0) == (data, ())


def test_one_photo_must_be_left(data: EncodedSet) -> None:
    with pytest.raises(TrainingError, match="of 3 photos 3 would be held out"):
        hold_out(data, 3)


def test_the_loss_changes_with_the_adapter_alone(backbone: Backbone, data: EncodedSet) -> None:
    adapter = attach_lora(backbone, rank=2, alpha=2, targets=["to_q", "to_v"], dropout=0.5)
    objective = Objective(backbone, Weighting(), False).train()
    kept, held = hold_out(data, 1)
    validation = Validation(objective, backbone, kept, held, seed=3)
    first = validation.loss()
    torch.rand(7)
    assert validation.loss() == first and objective.training and first is not None and first > 0
    for parameter in adapter.parameters("unet"):
        torch.nn.init.normal_(parameter, std=0.5)
    assert validation.loss() != first
    assert Validation(objective, backbone, data, (), seed=3).loss() is None
