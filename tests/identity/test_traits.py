"""Trait agreement: the right person's own drawings agree more than anyone else's."""

from __future__ import annotations

import numpy as np

from workbench.identity import rank_pictures, trait_agreement
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw


def chibis(person: int, count: int = 3) -> list:
    return [draw(sample_character(person), sample_scene(1000 * person + i), "chibi", 256) for i in range(count)]


def test_own_pictures_agree_more_than_others() -> None:
    people = range(400, 410)
    drawn = {person: chibis(person) for person in people}
    table = np.array(
        [
            [trait_agreement(drawn[shown], sample_character(person).to_dict()).score for shown in people]
            for person in people
        ]
    )
    assert (table.argmax(axis=1) == np.arange(len(table))).mean() >= 0.9
    assert np.diag(table).mean() > table[~np.eye(len(table), dtype=bool)].mean() + 0.35


def test_photos_are_told_from_chibis_in_the_style_score() -> None:
    character = sample_character(402)
    photo = draw(character, sample_scene(7), "photo", 256)
    assert trait_agreement(chibis(402), character.to_dict()).style > 0.9
    assert trait_agreement([photo], character.to_dict()).style < 0.1


def test_unknown_traits_are_not_scored() -> None:
    agreement = trait_agreement(chibis(403, 1), {"glasses": sample_character(403).glasses})
    assert set(agreement.per_trait) == {"glasses"}
    nothing = trait_agreement(chibis(403, 1), {})
    assert nothing.score == 0 and nothing.per_trait == {}


def test_ranking_puts_the_person_first_and_photos_last() -> None:
    traits = sample_character(404).to_dict()
    photo = draw(sample_character(404), sample_scene(1), "photo", 256)
    order = rank_pictures([photo, chibis(409, 1)[0], chibis(404, 1)[0]], traits)
    assert order == [2, 1, 0]
