"""Examined once, used by many tests: finding a face takes a third of a second."""

from __future__ import annotations

import pytest
from real_photos import PEOPLE, as_photo, portrait, variations

from workbench.photos import Examination, Photo, examine
from workbench.world.character import sample_character, sample_scene
from workbench.world.portrait import draw_photo


@pytest.fixture(scope="session")
def portraits() -> dict[str, Photo]:
    return {person: as_photo(portrait(person), f"{person}.jpg", 95) for person in PEOPLE}


@pytest.fixture(scope="session")
def real_sets() -> dict[str, list[Examination]]:
    """Five examined photos of each person."""
    return {
        person: [examine(as_photo(image, f"{person}-{i}.jpg")) for i, image in enumerate(variations(portrait(person)))]
        for person in PEOPLE
    }


@pytest.fixture(scope="session")
def drawn_set() -> list[Examination]:
    """Six drawn photos of one character."""
    who = sample_character(3)
    photos = [as_photo(draw_photo(who, sample_scene(k), seed=k, size=512), f"drawn-{k}.jpg") for k in range(6)]
    return [examine(photo) for photo in photos]
