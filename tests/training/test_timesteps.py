"""Noise levels, against values worked out by hand."""

from __future__ import annotations

import pytest
import torch

from workbench.training.timesteps import draw_levels, even_quantiles, logit_normal, shifted


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_each_part_of_the_range_gives_one() -> None:
    quantiles = even_quantiles(10, generator())
    assert sorted((quantiles * 10).long().tolist()) == list(range(10))
    levels = draw_levels(10, 1000, generator())
    assert sorted((levels // 100).tolist()) == list(range(10)) and levels.dtype == torch.int64


def test_logit_normal_by_hand() -> None:
    # The quantile 0.8413 of a normal distribution is 1; sigmoid(1) = 0.7311.
    levels = logit_normal(torch.tensor([0.0, 0.5, 0.841345]))
    assert levels.tolist() == pytest.approx([0.0, 0.5, 0.731059], abs=1e-4)
    assert logit_normal(torch.tensor([0.841345]), mean=1.0, spread=0.5).tolist() == pytest.approx([0.817574], abs=1e-4)


def test_shift_by_hand() -> None:
    levels = torch.tensor([0.0, 0.25, 0.5, 1.0])
    assert shifted(levels, 3.0).tolist() == pytest.approx([0.0, 0.5, 0.75, 1.0])
    assert torch.equal(shifted(levels, 1.0), levels)


def test_levels_stay_in_range_and_lean_where_they_should() -> None:
    even, middle, noisy = (
        draw_levels(1000, 1000, generator(1), spread, shift).float() for spread, shift in ((0, 1), (1.0, 1), (0, 3.0))
    )
    assert all(float(levels.min()) >= 0 and float(levels.max()) <= 999 for levels in (even, middle, noisy))
    assert float(middle.std()) < 0.8 * float(even.std()) and float(noisy.mean()) > float(even.mean()) + 100
