"""Who is who in a set: the rule on made-up distances, on real faces and on drawn ones."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.photos import Examination, judge_set
from workbench.photos.people import compare_people


def person(seed: int, count: int, spread: float = 0.4) -> list[np.ndarray]:
    """Embeddings of one person, about `spread` apart; persons of different seeds are about 0.8 apart."""
    rng = np.random.default_rng([seed, 7])
    middle = rng.normal(size=128)
    middle *= np.sqrt(max(0.0, 0.8**2 - spread**2)) / np.sqrt(2) / np.linalg.norm(middle)
    around = rng.normal(size=(count, 128))
    around *= spread / np.sqrt(2) / np.linalg.norm(around, axis=1, keepdims=True)
    return list(middle + around)


@pytest.mark.parametrize("count", range(1, 21))
def test_one_person_is_one_person(count: int) -> None:
    for seed in range(10):
        assert compare_people(person(seed, count)).likeness == ["same"] * count


@pytest.mark.parametrize("count", range(2, 20))
@pytest.mark.parametrize("spread", [0.15, 0.3, 0.45])
def test_a_stranger_is_found_at_any_place_in_the_list(count: int, spread: float) -> None:
    for seed in range(5):
        photos = person(seed, count, spread)
        place = seed % (count + 1)
        photos.insert(place, person(seed + 100, 1)[0])
        expected = ["same"] * (count + 1)
        expected[place] = "stranger"
        assert compare_people(photos).likeness == expected


@pytest.mark.parametrize(("count", "strangers"), [(5, 2), (8, 4), (11, 9), (6, 5)])
def test_several_different_strangers(count: int, strangers: int) -> None:
    photos = person(1, count) + [person(200 + i, 1)[0] for i in range(strangers)]
    assert compare_people(photos).likeness == ["same"] * count + ["stranger"] * strangers


def test_a_smaller_second_person_is_taken_out() -> None:
    compared = compare_people(person(1, 5) + person(2, 3))
    assert compared.likeness == ["same"] * 5 + ["stranger"] * 3
    assert not compared.notes


@pytest.mark.parametrize("counts", [(2, 2), (3, 3), (1, 1), (1, 1, 1), (4, 4, 4)])
def test_nobody_is_chosen_among_equals(counts: tuple[int, ...]) -> None:
    compared = compare_people([e for seed, count in enumerate(counts) for e in person(seed, count)])
    assert set(compared.likeness) == {"stranger"}
    assert [note.code for note in compared.notes] == ["different_people"]


def test_the_order_does_not_matter() -> None:
    photos = person(1, 6) + person(2, 2)
    order = np.random.default_rng(0).permutation(8)
    shuffled = compare_people([photos[i] for i in order]).likeness
    assert shuffled == [compare_people(photos).likeness[i] for i in order]


def test_what_is_nearly_too_far_is_unsure() -> None:
    away = np.zeros(128)
    away[0] = 0.65
    assert compare_people([np.zeros(128), away]).likeness == ["unsure", "unsure"]
    away[0] = 0.49
    assert compare_people([*person(1, 3, 0.05), person(1, 1, 0.05)[0] + away]).likeness[-1] == "unsure"


def test_nothing_to_compare() -> None:
    assert compare_people([]).likeness == []


def codes(examined: list[Examination]) -> list[list[str]]:
    return [[problem.code for problem in judgement.problems] for judgement in judge_set(examined).judgements]


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_a_real_stranger_among_real_photos(real_sets: dict[str, list[Examination]], count: int) -> None:
    for one, other in (("astronaut", "hopper"), ("hopper", "astronaut")):
        mixed = [*real_sets[one][:count], real_sets[other][0]]
        assert codes(mixed) == [[]] * count + [["not_same_person"]]


def test_two_and_two_real_people_are_left_to_the_person_to_choose(real_sets: dict[str, list[Examination]]) -> None:
    verdict = judge_set(real_sets["astronaut"][:2] + real_sets["hopper"][:2])
    assert not verdict.ready
    assert "different_people" in [note.code for note in verdict.notes]


def test_drawn_photos_of_one_character_are_one_person(drawn_set: list[Examination]) -> None:
    assert codes(drawn_set) == [[]] * 6


def test_a_real_face_among_drawn_ones_and_the_other_way_round(
    drawn_set: list[Examination], real_sets: dict[str, list[Examination]]
) -> None:
    for real in real_sets.values():
        assert codes([*drawn_set[:4], real[0]])[-1] == ["not_same_person"]
        assert codes([*real[:4], drawn_set[0]])[-1] == ["not_same_person"]
