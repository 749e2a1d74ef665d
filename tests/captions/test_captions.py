"""Captions and the reader: what is read from drawings whose truth is known, and what a person may correct."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from workbench.captions import TRAITS, caption, check_traits, read_picture, read_scene, read_traits
from workbench.captions.colours import measure_colours, to_lab
from workbench.captions.reader import ANSWERS, probabilities, truth
from workbench.errors import ConfigError
from workbench.world.character import CHARACTER_WORDS, SCENE_WORDS, Character, sample_character, sample_scene
from workbench.world.draw import draw


def selfies(character: Character, seed: int, count: int = 4) -> list[Image.Image]:
    scenes = [
        replace(sample_scene(seed * 10 + i, headwear="none", light="daylight"), tilt=0.0, turn=0.1)
        for i in range(count)
    ]
    return [draw(character, scene, "photo", 256, seed=i) for i, scene in enumerate(scenes)]


def test_a_caption_names_the_scene_and_leaves_the_person_to_the_trigger() -> None:
    assert caption("zkq", "person", "photo", "smiling, blue background") == (
        "photo of zkq person, smiling, blue background"
    )
    assert caption("zkq", "person", "chibi", "") == "chibi of zkq person"


def test_traits_a_person_gave_are_checked_and_put_in_form() -> None:
    assert check_traits({"hair_colour": "Pink", "freckles": "yes"}) == {"hair_colour": "pink", "freckles": True}
    with pytest.raises(ConfigError, match="hair_colour"):
        check_traits({"hair_color": "pink"})
    with pytest.raises(ConfigError, match="Did you mean blonde"):
        check_traits({"hair_colour": "blond"})
    with pytest.raises(ConfigError, match="neither yes nor no"):
        check_traits({"freckles": "some"})
    assert set(TRAITS) == {*CHARACTER_WORDS, "freckles", "earrings"}


def test_answers_and_truth_agree() -> None:
    character, scene = sample_character(3), sample_scene(3)
    right = truth(character, scene, "photo")
    assert ANSWERS["hair_style"][right["hair_style"]] == character.hair_style
    assert ANSWERS["freckles"][right["freckles"]] is character.freckles
    assert ANSWERS["style"][right["style"]] == "photo"
    assert set(ANSWERS) == {*CHARACTER_WORDS, "freckles", "earrings", *SCENE_WORDS, "style"}


def test_the_reader_knows_photos_from_chibis() -> None:
    for seed in range(6):
        for style in ("chibi", "photo"):
            picture = draw(sample_character(seed), sample_scene(seed), style, 256)
            assert read_picture(picture)["style"].value == style


def test_visible_traits_are_read_from_selfies_of_people_never_trained_on() -> None:
    hits: dict[str, list[bool]] = {}
    for seed in range(300, 316):
        character = sample_character(seed)
        read = read_traits(selfies(character, seed))
        for name in ("hair_style", "hair_colour", "skin", "glasses", "facial_hair"):
            hits.setdefault(name, []).append(read[name].value == getattr(character, name))
            assert 0 <= read[name].confidence <= 1
    share = {name: float(np.mean(values)) for name, values in hits.items()}
    assert share["glasses"] >= 0.9 and share["facial_hair"] >= 0.8, share
    assert share["hair_colour"] >= 0.6 and share["hair_style"] >= 0.6 and share["skin"] >= 0.5, share


def test_scene_words_are_read() -> None:
    right = 0
    for seed in range(320, 332):
        scene = sample_scene(seed, light="daylight")
        read = read_scene(draw(sample_character(seed), scene, "photo", 256))
        right += read["clothing_colour"].value == scene.clothing_colour
        right += read["background"].value == scene.background
    assert right >= 17, f"{right} of 24"


def test_measured_colours_follow_the_picture() -> None:
    hatless = [True] * 4
    dark = measure_colours(selfies(replace(sample_character(5), skin="dark", hair_style="short"), 5), hatless)
    pale = measure_colours(selfies(replace(sample_character(5), skin="pale", hair_style="short"), 5), hatless)
    words = list(CHARACTER_WORDS["skin"])
    deep, fair = [words.index("dark"), words.index("brown")], [words.index("pale"), words.index("light")]
    assert dark["skin"][deep].sum() > dark["skin"][fair].sum() + 0.25
    assert pale["skin"][fair].sum() > pale["skin"][deep].sum() + 0.25
    assert np.isclose(dark["skin"].sum(), 1) and np.isclose(dark["hair_colour"].sum(), 1)


def test_the_colour_of_hair_is_not_measured_on_a_hat() -> None:
    person = replace(sample_character(5), hair_colour="blonde", hair_style="long")
    scenes = [replace(sample_scene(7), headwear=word, light="daylight", turn=0.0, tilt=0.0) for word in ("none", "hat")]
    bare, hat = (draw(person, scene, "photo", 256) for scene in scenes)
    alone = measure_colours([bare], [True])
    assert np.allclose(measure_colours([bare, hat, hat], [True, False, False])["hair_colour"], alone["hair_colour"])
    assert not np.allclose(measure_colours([bare, hat, hat], [True] * 3)["hair_colour"], alone["hair_colour"], atol=0.1)
    assert "hair_colour" not in measure_colours([hat], [False]), "nothing is known, so nothing is said"


def test_lab_of_known_colours() -> None:
    # White is L*=100 without colour; sRGB red is (53.2, 80.1, 67.2) by CIE 15 with D65.
    assert np.allclose(to_lab(np.array([255.0, 255.0, 255.0])), [100, 0, 0], atol=0.1)
    assert np.allclose(to_lab(np.array([255.0, 0.0, 0.0])), [53.2, 80.1, 67.2], atol=0.2)


def test_what_is_read_does_not_depend_on_the_precision_of_a_run() -> None:
    import torch

    picture = draw(sample_character(3), sample_scene(3), "chibi", 256)
    with torch.autocast("cpu", torch.bfloat16):
        inside = probabilities([picture])
    for name, said in probabilities([picture]).items():
        np.testing.assert_array_equal(inside[name], said)
