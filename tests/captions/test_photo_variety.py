"""How photo-like drawings are made as varied as photographs: what may change, and what must be left of the person."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import torch
from loaded import load_recipe

from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw

SIZE = 96


@pytest.fixture(scope="module")
def variety() -> ModuleType:
    return load_recipe("photo_variety")


@pytest.fixture(scope="module")
def places(variety: ModuleType) -> torch.Tensor:
    made: torch.Tensor = variety.as_tensor(variety.backdrops(6, SIZE))
    return made


@pytest.fixture(scope="module")
def people(variety: ModuleType) -> torch.Tensor:
    drawn = [draw(sample_character(s), sample_scene(s), "photo", SIZE, transparent=True) for s in range(300, 308)]
    made: torch.Tensor = variety.as_tensor(np.stack([np.asarray(each) for each in drawn]))
    return made


def made(variety: ModuleType, people: torch.Tensor, places: torch.Tensor, seed: int = 1) -> torch.Tensor:
    result: torch.Tensor = variety.varied(people, places, SIZE, torch.Generator().manual_seed(seed))
    return result


def test_backdrops_are_cluttered_and_follow_from_their_seed(variety: ModuleType) -> None:
    some = variety.backdrops(12, SIZE, 3)
    assert some.shape == (12, SIZE, SIZE, 3) and some.dtype == np.uint8
    assert np.array_equal(some, variety.backdrops(12, SIZE, 3))
    assert not np.array_equal(some, variety.backdrops(12, SIZE, 4))
    assert np.median(some.std(axis=(1, 2)).mean(1)) > 20, "hardly anything is in them"
    sharpness = np.abs(np.diff(some.astype(float), axis=2)).mean(axis=(1, 2, 3))
    assert sharpness.max() > 2 * sharpness.min(), "all are as sharp as each other"


def test_the_same_chance_gives_the_same_photos_and_colours_stay_colours(
    variety: ModuleType, people: torch.Tensor, places: torch.Tensor
) -> None:
    photos = made(variety, people, places)
    assert photos.shape == (8, 3, SIZE, SIZE)
    assert photos.min() >= 0 and photos.max() <= 1
    assert torch.equal(photos, made(variety, people, places))
    assert not torch.equal(photos, made(variety, people, places, seed=2))


def test_a_person_stays_and_the_place_does_not(variety: ModuleType, people: torch.Tensor, places: torch.Tensor) -> None:
    """The face changes with who is there, the corner above it with where that is."""
    others = made(variety, people.flip(0), places)
    elsewhere = made(variety, people, 1 - places)
    photos = made(variety, people, places)
    middle, third = slice(3 * SIZE // 8, 5 * SIZE // 8), slice(0, SIZE // 8)
    changed = lambda one, other, part: (one - other)[:, :, part, part].abs().mean().item()  # noqa: E731
    assert changed(photos, others, middle) > 4 * changed(photos, elsewhere, middle)
    assert changed(photos, elsewhere, third) > 4 * changed(photos, others, third)


def test_what_is_hidden_is_known_to_the_reader(variety: ModuleType) -> None:
    from workbench.captions.reader import ANSWERS, TRAIT_NAMES

    assert set(variety.HIDES) < set(ANSWERS) and not set(variety.HIDES) & set(TRAIT_NAMES)
