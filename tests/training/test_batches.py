"""What a step sees follows from (seed, step) alone."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from workbench.backbones import Backbone
from workbench.dataset import Example
from workbench.dataset.encode import EncodedSet, encode
from workbench.training.batches import choose_examples, draw_batch
from workbench.training.techniques import drawing_of


def test_kinds_take_turns_and_every_example_comes_as_often(data: EncodedSet) -> None:
    # 36 pictures, 12 of each kind: each of 3 photos comes 4 times, of 4 anchors 3 times, of 2 others 6 times.
    chosen = [example for step in range(9) for example, _ in choose_examples(data, seed=0, step=step, size=4)]
    assert sorted(Counter(chosen).values()) == [3, 3, 3, 3, 4, 4, 4, 6, 6]


def test_where_the_base_teaches_anchors_come_most_often(backbone: Backbone, examples: list[Example]) -> None:
    taught = encode(backbone, examples, flips=True, teach=True)
    drawing = drawing_of({"teacher": 1}, backbone, taught)
    steps = [draw_batch(taught, 0, step, 8, 1000, drawing=drawing) for step in range(16)]
    counts = Counter(kind for batch in steps for example in batch.examples
                     for kind, members in taught.kinds.items() if example in members)  # fmt: skip
    for kind, count in {"photo": 32, "anchor": 80, "class": 16}.items():
        assert abs(counts[kind] - count) <= 2
    text = taught.text["text"] if taught.text else torch.empty(0)
    assert taught.lessons is not None
    for batch in steps:
        assert batch.taught is not None and batch.told is not None
        assert batch.taught.tolist() == [example not in taught.kinds["photo"] for example in batch.examples]
        for row, example in enumerate(batch.examples):
            rows = [said for said in taught.wordings[example] if torch.equal(batch.text["text"][row], text[said])]
            assert rows and torch.equal(batch.told["text"][row], taught.lessons["text"][rows[0]])
        for part, rows in zip(batch.parts(2), (slice(0, 4), slice(4, 8)), strict=True):
            assert part.told is not None and torch.equal(part.told["text"], batch.told["text"][rows])


def test_both_views_of_a_photo_come_as_often(data: EncodedSet) -> None:
    views = Counter(pair for step in range(18) for pair in choose_examples(data, 0, step, 4))
    for photo in data.kinds["photo"]:
        assert views[photo, 0] == views[photo, 1] == 4


def test_the_order_changes_from_lap_to_lap_and_with_the_seed(data: EncodedSet) -> None:
    laps = [[choose_examples(data, seed, step, 12)[slot][0] for slot in range(0, 12, 3)] for step, seed in
            ((0, 0), (3, 0), (0, 1), (6, 0), (0, 2))]  # fmt: skip
    assert len({tuple(lap) for lap in laps}) > 1


def test_a_step_can_be_drawn_again(data: EncodedSet) -> None:
    one, again = (draw_batch(data, 3, 7, 6, 1000) for _ in range(2))
    for name in ("latents", "noise", "timesteps", "weights"):
        assert torch.equal(getattr(one, name), getattr(again, name))
    assert torch.equal(one.text["text"], again.text["text"])
    for other in (draw_batch(data, 3, 8, 6, 1000), draw_batch(data, 4, 7, 6, 1000)):
        assert not torch.equal(one.noise, other.noise) and not torch.equal(one.timesteps, other.timesteps)


def test_processes_share_one_batch(data: EncodedSet) -> None:
    whole = draw_batch(data, 0, 5, 6, 1000)
    halves = [draw_batch(data, 0, 5, 6, 1000, process, 2) for process in range(2)]
    for process, half in enumerate(halves):
        for name in ("latents", "noise", "timesteps", "weights"):
            assert torch.equal(getattr(half, name), getattr(whole, name)[process::2])
        assert torch.equal(half.text["text"], whole.text["text"][process::2])
    # What gather puts together: the first process' examples, then the second's.
    assert halves[0].examples == halves[1].examples == (*whole.examples[0::2], *whole.examples[1::2])


def test_every_step_sees_all_ranges_of_noise(data: EncodedSet) -> None:
    for step in range(5):
        timesteps = draw_batch(data, 0, step, 10, 1000).timesteps
        assert sorted((timesteps // 100).tolist()) == list(range(10))


def test_noise_levels_and_pictures_do_not_go_together(data: EncodedSet) -> None:
    seen = {example: [] for example in range(len(data))}
    for step in range(100):
        batch = draw_batch(data, 0, step, 6, 1000)
        for example, timestep in zip(batch.examples, batch.timesteps.tolist(), strict=True):
            seen[example].append(timestep)
    for timesteps in seen.values():
        assert sum(timesteps) / len(timesteps) == pytest.approx(500, abs=130)


def test_latents_are_drawn_from_the_posterior(data: EncodedSet) -> None:
    row = data.grids[0].views[0][0]
    drawn = [
        batch.latents[slot]
        for step in range(300)
        for batch in [draw_batch(data, 0, step, 3, 1000)]
        for slot, (example, view) in enumerate(choose_examples(data, 0, step, 3))
        if (example, view) == (0, 0)
    ]
    stack = torch.stack(drawn)
    assert len(drawn) == 50
    # The mean of 50 draws is off by 1/√50 of a standard deviation, and by 4 times that nowhere.
    assert ((stack.mean(0) - data.grids[0].mean[row]).abs() < 5 * data.grids[0].std[row] / 50**0.5).all()
    torch.testing.assert_close(stack.std(0).mean(), data.grids[0].std[row].mean(), rtol=0.1, atol=1e-3)


def test_weights_and_words_belong_to_their_examples(data: EncodedSet) -> None:
    batch = draw_batch(data, 0, 0, 9, 1000)
    assert data.text is not None
    for slot, example in enumerate(batch.examples):
        assert torch.equal(batch.text["text"][slot], data.text["text"][example])
        assert batch.weights[slot] == (0.5 if example in data.kinds["class"] else 1.0)
