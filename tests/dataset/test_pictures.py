"""Pictures the base draws for a data set, and the words it is asked with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench.backbones import Backbone
from workbench.captions import Reading
from workbench.dataset.pictures import cached_pictures, make_pictures
from workbench.dataset.prompts import anchor_orders, class_orders, photo_caption

TRAITS = {"age": "old", "hair_style": "short", "hair_colour": "brown", "glasses": "round", "skin": "light"}


def test_a_picture_does_not_depend_on_its_neighbours(backbone: Backbone) -> None:
    together = make_pictures(backbone, ["chibi", "photo"], [5, 6], steps=2)
    alone = make_pictures(backbone, ["photo"], [6], steps=2)[0]
    assert together[1].size == (32, 32)
    difference = np.abs(np.asarray(together[1], np.int16) - np.asarray(alone, np.int16))
    assert difference.max() <= 1  # rounding depends on the batch's size
    assert np.asarray(together[0]).tolist() != np.asarray(together[1]).tolist()


def test_progress_is_told_and_networks_keep_their_mode(backbone: Backbone) -> None:
    told: list[tuple[int, int]] = []
    backbone.denoiser.train()
    try:
        make_pictures(backbone, ["chibi"] * 9, list(range(9)), steps=1, on_picture=lambda *done: told.append(done))
        assert backbone.denoiser.training and not backbone.text_encoders["text_encoder"].training
    finally:
        backbone.denoiser.eval()
    assert told == [(8, 9), (9, 9)]


def test_only_what_is_missing_is_drawn(backbone: Backbone, tmp_path: Path) -> None:
    told: list[int] = []
    first = cached_pictures(backbone, ["chibi", "photo"], [1, 2], tmp_path, steps=1)
    again = cached_pictures(
        backbone, ["photo", "a", "chibi"], [2, 3, 1], tmp_path, steps=1, on_picture=lambda done, all_: told.append(all_)
    )
    assert told == [1]
    assert np.array_equal(again[0], first[1]) and np.array_equal(again[2], first[0])


@pytest.mark.parametrize("change", [{"steps": 2}, {"guidance": 3.0}])
def test_other_ways_of_drawing_are_other_pictures(backbone: Backbone, tmp_path: Path, change: dict[str, int]) -> None:
    cached_pictures(backbone, ["chibi"], [1], tmp_path, **({"steps": 1} | {}))
    cached_pictures(backbone, ["chibi"], [1], tmp_path, **({"steps": 1} | change))
    assert len(list(tmp_path.iterdir())) == 2


def test_half_written_pictures_are_drawn_again(backbone: Backbone, tmp_path: Path) -> None:
    whole = cached_pictures(backbone, ["chibi"], [1], tmp_path, steps=1)[0]
    file = next(tmp_path.iterdir())
    file.write_bytes(file.read_bytes()[:60])
    assert np.array_equal(cached_pictures(backbone, ["chibi"], [1], tmp_path, steps=1)[0], whole)


def test_anchors_are_asked_for_by_traits_and_captioned_with_the_trigger() -> None:
    orders = anchor_orders(TRAITS, "zkq", "man", count=3, seed=0)
    for order in orders:
        assert order.prompt.startswith("chibi of an old person with short brown hair, light skin, round glasses, ")
        assert order.caption.startswith("chibi of zkq man, ")
        scene = order.caption.removeprefix("chibi of zkq man, ")
        assert order.prompt.endswith(scene) and "hair" not in scene
    assert len({order.caption for order in orders}) == 3, "every anchor has the same scene"
    assert orders == anchor_orders(TRAITS, "zkq", "man", count=3, seed=0)
    assert orders != anchor_orders(TRAITS, "zkq", "man", count=3, seed=1)


def test_nothing_read_still_gives_a_prompt() -> None:
    assert anchor_orders({}, "zkq", "person", count=1, seed=0)[0].prompt.startswith("chibi of a person with ")


def test_class_pictures_name_nobody() -> None:
    for order in class_orders("woman", count=4, seed=0):
        assert order.prompt == order.caption and order.prompt.startswith("chibi of a woman, ")


def test_a_photos_caption_says_only_what_is_sure() -> None:
    scene = {"expression": Reading("smiling", 0.9), "headwear": Reading("cap", 0.3), "background": Reading("blue", 0.8)}
    assert photo_caption("zkq", "person", scene) == "photo of zkq person, smiling, blue background"
