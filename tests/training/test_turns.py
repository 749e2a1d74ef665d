"""Batches of one size each, in an order that follows from the step alone, in which nobody is forgotten."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from workbench.backbones import Backbone
from workbench.dataset import build_dataset
from workbench.dataset.encode import EncodedSet, encode
from workbench.training.batches import choose_examples, draw_batch
from workbench.training.techniques import drawing_of
from workbench.training.turns import choose_grid, kind_shares, turn_of


@pytest.fixture
def mixed(backbone: Backbone, tmp_path: Path) -> EncodedSet:
    """Three high photos, a wide one, a square one; two square anchors; two square class pictures."""
    random = np.random.default_rng(0)

    def pictures(*sizes: tuple[int, int]) -> list[tuple[Image.Image, str]]:
        return [(Image.fromarray(random.integers(0, 255, (h, w, 3), np.uint8)), "photo") for w, h in sizes]

    high, wide, square = (24, 40), (40, 24), (32, 32)
    examples = build_dataset(
        tmp_path / "mia",
        photos=pictures(high, wide, high, square, high),
        anchors=pictures(square, square),
        class_pictures=pictures(square, square),
    )
    return encode(backbone, examples, flips=True, ratio=2.0)


def test_turns_by_hand() -> None:
    # Multiples of 0.618… modulo 1: 0.62, 0.24, 0.85, 0.47, 0.09, 0.71, 0.33, 0.94
    assert [turn_of([0.5, 0.5], number) for number in range(8)] == [
        (1, 0), (0, 0), (1, 1), (0, 1), (0, 2), (1, 2), (0, 3), (1, 3),
    ]  # fmt: skip
    assert [turn_of([3, 1, 1], number)[0] for number in range(8)] == [1, 0, 2, 0, 0, 1, 0, 2]
    assert turn_of([1.0], 5) == (0, 5)


def test_everyone_has_its_share_at_any_time() -> None:
    shares = [0.5, 0.3, 0.15, 0.05]
    count = Counter[int]()
    for number in range(400):
        who, before = turn_of(shares, number)
        assert before == count[who]
        count[who] += 1
        assert all(abs(count[each] - share * (number + 1)) < 3 for each, share in enumerate(shares))


def test_a_batch_holds_one_size_and_every_example_comes_as_often(mixed: EncodedSet) -> None:
    # All that is square, all that is high, all that is wide: of the photos a fifth, three fifths and a fifth.
    assert [kind_shares(mixed, number) for number in range(3)] == [[0.2, 1, 1], [0.6, 0, 0], [0.2, 0, 0]]
    seen, steps, size = Counter[int](), 300, 4
    for step in range(steps):
        number, _ = choose_grid(mixed, step)
        chosen = choose_examples(mixed, 0, step, size)
        assert all(mixed.grids[number].views[example] for example, _ in chosen)
        seen.update(example for example, _ in chosen)
    # A third of all pictures for each kind, in equal parts for its examples.
    for kind, members in mixed.kinds.items():
        for example in members:
            assert seen[example] == pytest.approx(steps * size / 3 / len(members), rel=0.08), (kind, example)


def test_batches_of_buckets_are_drawn_again_alike_and_shared(mixed: EncodedSet, backbone: Backbone) -> None:
    shapes = set()
    for step in range(12):
        whole = draw_batch(mixed, 3, step, 4, 1000)
        again = draw_batch(mixed, 3, step, 4, 1000)
        assert torch.equal(whole.latents, again.latents) and whole.examples == again.examples
        assert whole.latents.shape == whole.noise.shape and whole.text["cut"].shape == (4, 2)
        halves = [draw_batch(mixed, 3, step, 4, 1000, process, 2) for process in range(2)]
        for process, half in enumerate(halves):
            assert torch.equal(half.latents, whole.latents[process::2])
            assert torch.equal(half.text["cut"], whole.text["cut"][process::2])
        shapes.add(tuple(whole.latents.shape[-2:]))
    assert shapes == {(8, 8), (10, 6), (6, 10)}


def test_masks_have_each_grids_shape(backbone: Backbone, mixed: EncodedSet) -> None:
    drawing = drawing_of({"mask": 0.8}, backbone, mixed)
    for step in range(6):
        batch = draw_batch(mixed, 3, step, 4, 1000, drawing=drawing)
        assert batch.mask is not None and batch.mask.shape[-2:] == batch.latents.shape[-2:]
