"""The subjects: always the same, never ones that were trained on, and prompts that give nobody away."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.identity.judge_data import HELD_OUT_SEEDS, JUDGE_SEEDS
from benchmarks.identity.people import (
    SUBJECT_SEEDS,
    TAKEN_SEEDS,
    TRIGGER,
    Subject,
    named_prompt,
    prompt,
    subjects,
    write_selfies,
)
from workbench.errors import WorkbenchError
from workbench.world.character import CHARACTER_WORDS, EXPRESSIONS, HEADWEAR
from workbench.world.pack import TRAINING_SEEDS
from workbench.world.words import trait_phrases

SOMEONE = Subject(SUBJECT_SEEDS)


def test_nothing_was_trained_on_the_subjects() -> None:
    assert all(seeds in TAKEN_SEEDS for seeds in (TRAINING_SEEDS, JUDGE_SEEDS, HELD_OUT_SEEDS))
    assert all(subject.seed not in TAKEN_SEEDS for subject in subjects(SUBJECT_SEEDS, 24))


@pytest.mark.parametrize("seed", [-1, TAKEN_SEEDS.start - 3, TAKEN_SEEDS.start, JUDGE_SEEDS, TAKEN_SEEDS.stop - 1])
def test_seeds_that_were_trained_on_are_refused(seed: int) -> None:
    with pytest.raises(WorkbenchError, match="training data"):
        subjects(seed, 24)


@pytest.mark.parametrize("seed", [0, TAKEN_SEEDS.start - 24, TAKEN_SEEDS.stop])
def test_other_seeds_are_free(seed: int) -> None:
    assert [subject.seed for subject in subjects(seed, 24)] == list(range(seed, seed + 24))


@pytest.mark.parametrize("seed", range(SUBJECT_SEEDS, SUBJECT_SEEDS + 24))
def test_selfies_differ_in_expression_and_place(seed: int) -> None:
    subject = Subject(seed)
    assert len(subject.selfie_scenes) == 10 and len(subject.reference_scenes) == 5
    first = subject.selfie_scenes[:5]
    assert len({scene.background for scene in first}) == len({scene.expression for scene in first}) == 5
    assert sum(scene.headwear != "none" for scene in first) <= 1
    assert not set(subject.selfie_scenes) & set(subject.reference_scenes)


def test_prompts_cover_the_words_evenly() -> None:
    scenes = SOMEONE.scenes(8)
    assert {scene.expression for scene in scenes} == set(EXPRESSIONS)
    for name in ("clothing", "clothing_colour", "background"):
        assert len({getattr(scene, name) for scene in scenes}) == 8
    hats = [scene.headwear for scene in scenes]
    assert hats[::2] == ["none"] * 4 and len(set(hats[1::2])) == 4 and "none" not in hats[1::2]
    assert set(hats) <= set(HEADWEAR)
    assert SOMEONE.scenes(4) != Subject(SUBJECT_SEEDS + 1).scenes(4)
    assert len(SOMEONE.scenes(30)) == 30


@pytest.mark.parametrize("seed", range(SUBJECT_SEEDS, SUBJECT_SEEDS + 24))
def test_prompts_name_the_scene_and_no_trait(seed: int) -> None:
    subject = Subject(seed)
    told = set(trait_phrases(subject.character.to_dict()))
    told |= {f"{word} hair" for word in CHARACTER_WORDS["hair_colour"]} | {"skin", "eyes", "glasses", "child", "old"}
    for scene in subject.scenes(8):
        words = prompt(scene)
        assert words.startswith(f"chibi of {TRIGGER} person, {scene.expression}")
        assert scene.clothing in words and scene.background in words
        assert not [phrase for phrase in told if f" {phrase}" in words]
        assert TRIGGER not in prompt(scene, "") and prompt(scene, "").startswith("chibi of a person, ")


def test_the_other_prompt_names_all_traits() -> None:
    words = named_prompt(SOMEONE.character, SOMEONE.scenes(1)[0])
    assert [phrase for phrase in trait_phrases(SOMEONE.character.to_dict()) if phrase not in words] == []
    assert TRIGGER not in words


def test_everything_comes_again_from_the_seed(tmp_path: Path) -> None:
    again = Subject(SUBJECT_SEEDS)
    assert again.character == SOMEONE.character and again.scenes(8) == SOMEONE.scenes(8)
    assert np.array_equal(np.asarray(again.truth(1)[0]), np.asarray(SOMEONE.truth(1)[0]))
    folder = write_selfies(SOMEONE, 2, tmp_path / "photos")
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["selfie-1.jpg", "selfie-2.jpg"]
    pictures = [np.asarray(Image.open(file)) for file in files]
    assert pictures[0].shape == (640, 640, 3)
    assert all(np.abs(one.astype(int) - other).mean() > 3 for one, other in pairwise(pictures))
    before = [file.read_bytes() for file in files]
    write_selfies(again, 2, folder)
    assert [file.read_bytes() for file in files] == before
