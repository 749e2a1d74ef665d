"""The running average, by hand."""

from __future__ import annotations

import pytest
import torch

from workbench.training.ema import Average


def test_by_hand() -> None:
    weight = torch.zeros(2)
    average = Average({"w": weight}, decay=0.5)
    weight.fill_(1.0)
    average.update(1)  # decay min(0.5, 2 / 11): 0 · 2/11 + 1 · 9/11
    weight.fill_(2.0)
    average.update(2)  # decay min(0.5, 3 / 12): 9/11 · 1/4 + 2 · 3/4
    weight.fill_(3.0)
    average.update(100)  # decay 0.5
    expected = 0.5 * (9 / 44 + 1.5) + 1.5
    with average.shown():
        assert weight.tolist() == pytest.approx([expected] * 2)
    assert weight.tolist() == [3.0, 3.0], "training goes on from its own weights"
    average.settle()
    assert weight.tolist() == pytest.approx([expected] * 2)


def test_a_checkpoint_takes_it_along() -> None:
    weight = torch.zeros(2)
    average = Average({"w": weight}, decay=0.9)
    weight.fill_(1.0)
    average.update(1)
    kept = {name: tensor.clone() for name, tensor in ({"w": weight} | average.state()).items()}
    other = torch.zeros(2)
    later = Average({"w": other}, decay=0.9)
    assert later.load(kept).keys() == {"w"}
    assert torch.equal(later.state()["average/w"], average.state()["average/w"])
    later.load({"w": torch.full((2,), 7.0)})
    assert later.state()["average/w"].tolist() == [7.0, 7.0], "a checkpoint without one starts from its adapter"


def test_without_a_decay_nothing_is_kept() -> None:
    weight = torch.zeros(2)
    average = Average({"w": weight}, decay=0.0)
    average.update(1)
    with average.shown():
        weight.fill_(1.0)
    assert weight.tolist() == [1.0, 1.0] and average.state() == {}
