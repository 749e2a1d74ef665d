"""Candidates of Create in the order of their likeness, with what is on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from workbench.config import home
from workbench.dataset import build_dataset
from workbench.identity.candidates import in_words, photos_of, rank_candidates
from workbench.identity.likeness import Likeness, WorldScorer
from workbench.photos import add_photos, create_subject, judge_photos, load_subject, open_photo
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw

SELFIES = sorted((Path(__file__).resolve().parents[2] / "examples" / "selfies").glob("*.jpg"))


def chibi(person: int) -> Image.Image:
    return draw(sample_character(person), sample_scene(90 * person), "chibi", 256)


def photos(person: int, count: int = 3) -> list[Image.Image]:
    scenes = [sample_scene(60 * person + i, headwear="none", light="daylight") for i in range(count)]
    return [draw(sample_character(person), scene, "photo", 256, seed=i) for i, scene in enumerate(scenes)]


@pytest.mark.slow
def test_the_person_comes_first(scorer: WorldScorer) -> None:
    build_dataset(home() / "datasets" / "mia", [(photo, "photo of zkq person") for photo in photos(721)])
    pictures = [chibi(724), Image.new("RGB", (256, 256), "teal"), chibi(721)]
    ranking = rank_candidates("mia", pictures, sample_character(721).to_dict(), scorer)
    assert ranking.order == [2, 0, 1] and ranking.note == ""
    assert [one.verdict == "unknown" for one in ranking.found] == [False, True, False]
    assert "✓" in in_words(ranking.found[2]) and "unknown: " in in_words(ranking.found[1])


def test_without_photos_the_card_s_traits_decide() -> None:
    ranking = rank_candidates("stranger", [chibi(724), chibi(721)], sample_character(721).to_dict())
    assert ranking.order == [1, 0] and ranking.found == [] and "no photos" in ranking.note
    assert rank_candidates("stranger", [chibi(724), chibi(721)]).order == [0, 1]
    assert rank_candidates("stranger", []).order == []


@pytest.mark.slow
def test_photos_that_no_training_saw_are_held_out() -> None:
    subject = create_subject("mia")
    add_photos(subject, judge_photos([open_photo(path) for path in SELFIES[:3]]))
    learnt, held_out = photos_of("mia")
    assert len(learnt) == 3 and held_out == []
    build_dataset(home() / "datasets" / "mia", [(photo, "photo of zkq person") for photo in learnt[:2]])
    learnt, held_out = photos_of(load_subject("mia").name)
    assert len(learnt) == 2 and len(held_out) == 1


def test_a_likeness_in_words() -> None:
    found = Likeness(
        0.8, 0.93, "likely", domain="photo", traits={"hair_colour": "✓", "glasses": "✗"}, face_distance=0.41
    )
    assert in_words(found) == (
        "likely (93%); face 0.41 from photos held out (same below 0.6) · hair colour ✓, glasses ✗"
    )
    assert in_words(Likeness(0.1, None, "unknown", "no face")) == "unknown: no face"
