"""The chibi world: characters from seeds, drawings that show every attribute, captions that tell no lies."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from workbench.world.character import (
    CHARACTER_WORDS,
    SCENE_WORDS,
    Character,
    Scene,
    sample_character,
    sample_scene,
)
from workbench.world.chibi import chibi_svg
from workbench.world.draw import draw
from workbench.world.pack import CHUNK, Pack, character_of, render_pack, scene_of
from workbench.world.words import describe, scene_words, traits_words

PLAIN = Character(variation=3)
STILL = Scene(expression="neutral")


def pixels(character: Character, scene: Scene, size: int = 96) -> np.ndarray:
    return np.asarray(draw(character, scene, "chibi", size), dtype=np.int16)


def test_there_is_enough_to_choose_from() -> None:
    assert len(CHARACTER_WORDS["hair_style"]) >= 12
    assert len(SCENE_WORDS["clothing"]) >= 8
    assert len(SCENE_WORDS["expression"]) >= 8


def test_same_seed_same_person_and_picture() -> None:
    assert sample_character(5) == sample_character(5)
    assert sample_scene(5) == sample_scene(5)
    assert np.array_equal(pixels(sample_character(5), sample_scene(5)), pixels(sample_character(5), sample_scene(5)))
    people = {sample_character(seed) for seed in range(200)}
    assert len(people) == 200


def test_children_wear_no_beards() -> None:
    crowd = [sample_character(seed) for seed in range(800)]
    children = [c for c in crowd if c.age == "child"]
    assert children and all(c.facial_hair == "none" and c.hair_colour not in ("gray", "white") for c in children)


@pytest.mark.parametrize("name", [n for n in CHARACTER_WORDS if n != "age"])
def test_every_word_of_a_character_is_drawn(name: str) -> None:
    seen = [pixels(replace(PLAIN, **{name: word}), STILL) for word in CHARACTER_WORDS[name]]
    for i, one in enumerate(seen):
        for other in seen[i + 1 :]:
            assert (np.abs(one - other).max(axis=2) > 24).mean() > 0.001, f"two values of {name} look the same"


@pytest.mark.parametrize("name", [n for n in SCENE_WORDS if n != "light"])
def test_every_word_of_a_scene_is_drawn(name: str) -> None:
    seen = [pixels(PLAIN, replace(STILL, **{name: word})) for word in SCENE_WORDS[name]]
    for i, one in enumerate(seen):
        for other in seen[i + 1 :]:
            assert (np.abs(one - other).max(axis=2) > 24).mean() > 0.001, f"two values of {name} look the same"


@pytest.mark.parametrize("flag", ["freckles", "earrings"])
def test_yes_no_traits_are_drawn(flag: str) -> None:
    assert not np.array_equal(pixels(PLAIN, STILL, 256), pixels(replace(PLAIN, **{flag: True}), STILL, 256))


def test_a_sticker_has_no_background() -> None:
    sticker = np.asarray(draw(PLAIN, STILL, transparent=True, size=64))
    assert sticker.shape == (64, 64, 4)
    assert sticker[0, 0, 3] == 0 and sticker[32, 32, 3] == 255
    assert "<image" not in chibi_svg(PLAIN, STILL), "a drawing is paths only"


def test_people_described_alike_still_differ() -> None:
    assert not np.array_equal(pixels(PLAIN, STILL), pixels(replace(PLAIN, variation=4), STILL))


def test_an_unknown_scene_attribute_is_refused() -> None:
    with pytest.raises(TypeError, match="weather"):
        sample_scene(1, weather="rain")
    with pytest.raises(ValueError, match="oil"):
        draw(PLAIN, STILL, "oil")  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(40))
def test_a_whole_caption_says_exactly_what_is_drawn(seed: int) -> None:
    character, scene = sample_character(seed), sample_scene(seed)
    for style in ("chibi", "photo"):
        text = describe(character, scene, style, seed, completeness=1.0)
        assert text.startswith(style)
        assert character.hair_colour in text or character.hair_style == "bald"
        assert f"{character.skin} skin" in text
        assert ("glasses" in text) == (character.glasses != "none")
        assert (scene.headwear in text) == (scene.headwear != "none")
        assert scene.expression in text and scene.clothing in text and scene.clothing_colour in text
        assert ("freckles" in text) == character.freckles
        assert ("waving" in text or "cheering" in text) == (style == "chibi" and scene.pose != "standing")
        assert (scene.light in text) == (style == "photo")


def test_captions_vary_in_wording_and_completeness() -> None:
    character, scene = sample_character(9), sample_scene(9)
    assert len({describe(character, scene, "chibi", seed) for seed in range(20)}) > 10
    short = [len(describe(character, scene, "chibi", seed, 0.3)) for seed in range(20)]
    whole = [len(describe(character, scene, "chibi", seed, 1.0)) for seed in range(20)]
    assert np.mean(short) < 0.7 * np.mean(whole)


def test_words_speak_of_what_is_known_only() -> None:
    assert traits_words({"hair_style": "bob", "hair_colour": "pink", "glasses": "none"}) == "pink bob hair"
    words = scene_words({"expression": "smiling", "clothing": "overalls", "clothing_colour": "blue"})
    assert words == "smiling, wearing blue overalls"
    assert scene_words({"clothing": "hoodie", "clothing_colour": "orange"}) == "wearing an orange hoodie"
    assert scene_words({}) == ""


def test_fields_and_words_agree() -> None:
    assert {f.name for f in fields(Character)} >= set(CHARACTER_WORDS)
    assert {f.name for f in fields(Scene)} >= set(SCENE_WORDS)


def test_packs_hold_the_same_drawings_and_continue(tmp_path) -> None:  # type: ignore[no-untyped-def]
    render_pack(tmp_path, "chibi", 10, size=32, processes=1)
    pack = Pack(tmp_path, "chibi", size=32)
    assert len(pack) == CHUNK
    expected = np.asarray(draw(character_of(7), scene_of(7, "chibi"), "chibi", 32, seed=7))
    assert np.array_equal(pack[7], expected)
    before = (tmp_path / "chibi-32-00000.npy").stat().st_mtime_ns
    render_pack(tmp_path, "chibi", 10, size=32, processes=1)
    assert (tmp_path / "chibi-32-00000.npy").stat().st_mtime_ns == before, "a finished chunk is not drawn again"
    render_pack(tmp_path, "chibi", 10, size=32, processes=1, transparent=True)
    cut = Pack(tmp_path, "chibi", size=32, transparent=True)
    sticker = draw(character_of(7), scene_of(7, "chibi"), "chibi", 32, seed=7, transparent=True)
    assert np.array_equal(cut[7], np.asarray(sticker)), "with what is covered, beside the others"
    assert np.array_equal(Pack(tmp_path, "chibi", size=32)[7], expected)
