"""How much an error counts, against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from workbench.training.masks import head_mask
from workbench.training.weighting import debiased_weight, huber, masked_mean, min_snr_weight, offset_noise


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


def test_flow_is_not_weighed_a_second_time() -> None:
    snr = torch.tensor([0.0, 3.0, math.inf])
    assert min_snr_weight(snr, 5.0, "flow").tolist() == debiased_weight(snr, "flow").tolist() == [1, 1, 1]


def test_debiased_weights_by_hand() -> None:
    snr = torch.tensor([0.25, 1.0, 4.0, 16.0])
    # epsilon: 1 / √snr; velocity: √snr / (snr + 1)
    assert debiased_weight(snr, "epsilon").tolist() == pytest.approx([2.0, 1.0, 0.5, 0.25])
    assert debiased_weight(snr, "v_prediction").tolist() == pytest.approx([0.4, 0.5, 0.4, 4 / 17])
    for prediction in ("epsilon", "v_prediction"):
        assert bool(debiased_weight(torch.tensor([0.0, 1e-38, 1e38, math.inf]), prediction).isfinite().all())


def test_huber_by_hand() -> None:
    errors = torch.tensor([0.0, 3.0, -3.0, 0.01])
    assert huber(errors, 4.0).tolist() == pytest.approx([0.0, 8.0, 8.0, 1e-4], abs=2e-6)
    assert huber(errors, 0.0).tolist() == pytest.approx([0.0, 9.0, 9.0, 1e-4])
    large = huber(torch.tensor([1000.0, 1001.0]), 1.0)
    assert float(large[1] - large[0]) == pytest.approx(2.0, abs=1e-2), "large errors pull straight: 2c a step"


def test_masked_means_by_hand() -> None:
    errors = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    assert masked_mean(errors, None).tolist() == [2.5]
    assert masked_mean(errors, torch.full((1, 1, 2, 2), 0.3)).tolist() == pytest.approx([2.5])
    assert masked_mean(errors, torch.tensor([[[[1.0, 0.0], [0.0, 0.5]]]])).tolist() == [2.0]  # (1 + 2) / 1.5
    two = torch.cat([errors, errors], 1)  # two channels
    assert masked_mean(two, torch.tensor([[[[1.0, 0.0], [0.0, 0.5]]]])).tolist() == [2.0]


def test_offset_noise_by_hand() -> None:
    noise, shifts = torch.zeros(1, 2, 2, 2), torch.tensor([1.0, -2.0]).view(1, 2, 1, 1)
    assert offset_noise(noise, shifts, 0.1).mean((2, 3)).tolist() == [pytest.approx([0.1, -0.2])]
    assert offset_noise(noise, shifts, 0.0) is noise


def test_the_head_counts_and_its_surroundings_less() -> None:
    mask = head_mask(16, 16, 0.2)
    assert mask.shape == (1, 16, 16)
    assert mask[0, 7, 8] == 1 and mask[0, 3, 8] == 1, "face and hair"
    assert mask[0, 0, 0] == pytest.approx(0.2) and mask[0, 15, 15] == pytest.approx(0.2)
    assert torch.equal(mask, mask.flip(2)), "mirrored photos need the same mask"
    assert torch.equal(head_mask(8, 8, 1.0), torch.ones(1, 8, 8))
