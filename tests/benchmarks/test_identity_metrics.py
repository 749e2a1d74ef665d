"""The benchmark's formulas against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from benchmarks.identity.metrics import (
    agreement,
    bootstrap,
    copies,
    distance,
    diversity,
    pair_distances,
    passing,
    per_attribute,
    ranks,
    threshold_at,
    thumbnail,
    within,
)

FOUND = np.array([[1, 2, 0], [1, 0, 0], [3, 2, 0], [1, 2, 5]])
RIGHT = np.array([1, 2, 0])


def flat(*colours: float) -> np.ndarray:
    return np.stack([np.full((32, 32, 3), colour) for colour in colours])


def test_agreement_is_the_share_of_right_answers() -> None:
    # Three of four, three of four, three of four: nine of twelve.
    assert agreement(FOUND, RIGHT) == pytest.approx(9 / 12)
    assert per_attribute(FOUND, RIGHT) == pytest.approx([3 / 4, 3 / 4, 3 / 4])
    assert agreement(FOUND, FOUND) == 1.0


def test_agreement_with_an_answer_of_its_own_for_each_picture() -> None:
    right = np.array([[1, 2, 0], [2, 0, 0], [3, 1, 1], [1, 2, 5]])
    assert agreement(FOUND, right) == pytest.approx(9 / 12)
    assert per_attribute(FOUND, right) == pytest.approx([3 / 4, 3 / 4, 3 / 4])


def test_ranks_count_who_is_nearer_and_ties_count_against() -> None:
    similarity = np.array([[0.9, 0.5, 0.1], [0.2, 0.5, 0.4], [0.5, 0.5, 0.1], [0.3, 0.1, 0.2]])
    assert ranks(similarity, 1).tolist() == [1, 0, 1, 2]
    assert within(ranks(similarity, 1), 1) == 0.25
    assert within(ranks(similarity, 1), 2) == 0.75
    assert within(ranks(similarity, 1), 3) == 1.0


@pytest.mark.parametrize(("rate", "threshold"), [(0.0, 100.0), (0.01, 99.0), (0.05, 95.0), (1.0, float("-inf"))])
def test_threshold_lets_no_more_impostors_pass(rate: float, threshold: float) -> None:
    impostors = np.arange(1.0, 101.0)
    assert threshold_at(impostors, rate) == threshold
    assert passing(impostors, threshold) == rate


def test_few_impostors_give_the_strictest_threshold() -> None:
    assert threshold_at(np.array([0.1, 0.7, 0.3]), 0.01) == 0.7
    assert passing(np.array([0.6, 0.7, 0.8, 0.9]), 0.7) == 0.5


def test_distances_of_flat_pictures() -> None:
    assert distance(*flat(0.25, 0.75)) == pytest.approx(0.5)
    assert sorted(pair_distances(flat(0, 0.5, 0.75))) == pytest.approx([0.25, 0.5, 0.75])
    assert diversity(flat(0, 0.5, 0.75)) == pytest.approx(0.5)
    assert diversity(flat(0.3)) == 0.0


def test_a_thumbnail_is_the_mean_of_each_patch() -> None:
    picture = Image.new("RGB", (64, 64), (255, 0, 0))
    picture.paste((0, 0, 255), (32, 0, 64, 64))
    small = thumbnail(picture)
    assert small.shape == (32, 32, 3)
    assert small[0, 0].tolist() == [1, 0, 0] and small[31, 31].tolist() == [0, 0, 1]


def test_a_copy_is_nearer_than_half_of_the_nearest_photos() -> None:
    photos = flat(0.2, 0.6, 1.0)  # nearest two: 0.4 apart, so the limit is 0.2
    pictures = flat(0.25, 0.39, 0.41, 0.8)
    # 0.05 from a photo: a copy. 0.19: a copy. 0.19 from the second: a copy. 0.2: none.
    assert copies(pictures, photos) == pytest.approx(3 / 4)


def test_a_mirrored_photo_is_a_copy_too() -> None:
    photo = np.zeros((1, 32, 32, 3))
    photo[:, :, :8] = 1.0
    assert copies(photo[:, :, ::-1], photo) == 1.0
    assert copies(np.full((1, 32, 32, 3), 0.5), photo) == 0.0


def test_bootstrap_of_equal_values_has_no_width() -> None:
    estimate = bootstrap(np.full(6, 0.7))
    assert (estimate.mean, estimate.low, estimate.high, estimate.count) == pytest.approx((0.7, 0.7, 0.7, 6))


def test_bootstrap_interval_is_that_of_a_mean() -> None:
    values = np.array([0.0, 1.0] * 50)
    estimate = bootstrap(values)
    # The mean's standard error is 0.5 / sqrt(100); 1.96 of it on either side.
    assert estimate.mean == 0.5
    assert estimate.low == pytest.approx(0.5 - 0.098, abs=0.012)
    assert estimate.high == pytest.approx(0.5 + 0.098, abs=0.012)
    assert bootstrap(values) == estimate


def test_bootstrap_of_a_ratio() -> None:
    values = np.array([0.2, 0.4, 0.6])
    estimate = bootstrap(values, 2 * values)
    assert (estimate.mean, estimate.low, estimate.high) == pytest.approx((0.5, 0.5, 0.5))
    assert bootstrap(values, np.zeros(3)).mean == 0.0


def test_a_mean_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="no subjects"):
        bootstrap(np.array([]))
