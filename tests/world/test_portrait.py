"""Photo-like portraits: deterministic, faces a detector accepts, every attribute visible."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

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
from workbench.world.palette import skin_colour
from workbench.world.portrait import draw_photo

dlib = pytest.importorskip("dlib")

PLAIN = Character(hair_style="short", variation=11)
STILL = Scene(background="gray", expression="neutral")


def pixels(character: Character, scene: Scene, seed: int = 0, size: int = 256) -> np.ndarray:
    return np.asarray(draw_photo(character, scene, seed, size), dtype=np.int16)


@pytest.mark.parametrize("size", [128, 256, 512])
def test_picture_has_the_asked_size(size: int) -> None:
    picture = draw_photo(sample_character(3), sample_scene(3), 1, size)
    assert picture.size == (size, size)
    assert picture.mode == "RGB"


def test_a_transparent_photo_has_the_same_colours_and_says_what_the_person_covers() -> None:
    scene = replace(STILL, headwear="none")
    cut = np.asarray(draw_photo(PLAIN, scene, 4, 128, transparent=True))
    assert np.array_equal(cut[..., :3], np.asarray(draw_photo(PLAIN, scene, 4, 128)))
    cover = cut[..., 3]
    assert not cover[:10].any() and not cover[:60, :16].any(), "above and beside the head is nobody"
    assert (cover[48:72, 56:72] == 255).all() and (cover[-8:, 40:88] == 255).all(), "face and chest are somebody"
    assert 0.2 < (cover > 127).mean() < 0.7


def test_odd_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="even"):
        draw_photo(PLAIN, STILL, size=255)


def test_same_arguments_give_the_same_pixels_and_another_seed_another_photo() -> None:
    character, scene = sample_character(7), sample_scene(7)
    first = pixels(character, scene, 5)
    draw_photo(sample_character(8), sample_scene(8))  # nothing drawn in between may matter
    assert np.array_equal(first, pixels(character, scene, 5))
    assert not np.array_equal(first, pixels(character, scene, 6))


CHOICES = [
    (name, word)
    for table in (CHARACTER_WORDS, SCENE_WORDS)
    for name, words in table.items()
    if name != "pose"
    for word in words
]


@pytest.mark.parametrize(("name", "word"), CHOICES)
def test_every_word_draws_and_shows(name: str, word: str) -> None:
    """Each word changes a visible part of the picture against another word of its table."""
    other = next(each for each in (CHARACTER_WORDS | SCENE_WORDS)[name] if each != word)

    def drawn(value: Any) -> np.ndarray:
        if name in CHARACTER_WORDS:
            return pixels(replace(PLAIN, **{name: value}), STILL)
        return pixels(PLAIN, replace(STILL, **{name: value}))

    # Framing and noise are the same for one character in one scene; a scene's words move the frame a little as well.
    change = np.abs(drawn(word) - drawn(other)).max(axis=-1) > 14
    assert change.sum() >= 24, f"{name}={word} looks like {name}={other}"


def test_skin_on_the_photo_keeps_the_order_of_the_words() -> None:
    """Cheeks get darker from pale to dark, and are never far from the palette's colour."""
    bright = []
    for word in ("pale", "light", "tan", "brown", "dark"):
        character = replace(PLAIN, skin=word)
        cheeks = pixels(character, STILL)[122:134, 104:152].reshape(-1, 3)
        middle = np.median(cheeks, axis=0)
        bright.append(middle.mean())
        assert np.abs(middle - np.array(skin_colour(character))).mean() < 60
    assert bright == sorted(bright, reverse=True)
    assert bright[0] - bright[-1] > 80


def test_hair_colour_is_seen() -> None:
    """Blue, pink and ginger hair are told apart by their largest channel."""
    for word, channel in (("blue", 2), ("teal", 1), ("ginger", 0)):
        top = pixels(replace(PLAIN, hair_colour=word), STILL)[36:50, 112:144].reshape(-1, 3)
        assert int(np.argmax(np.median(top, axis=0))) in ((channel,) if word != "teal" else (1, 2))


def test_a_hat_does_not_move_the_freckles() -> None:
    freckled = replace(PLAIN, freckles=True)
    masks = []
    for scene in (STILL, replace(STILL, headwear="bow")):
        # Noise, light and framing are the photo's own: freckles are compared by their number of dark spots.
        change = np.abs(pixels(freckled, scene) - pixels(PLAIN, scene)).max(axis=-1) > 12
        masks.append(change.sum())
    assert min(masks) > 20
    assert max(masks) < 2.5 * min(masks)


@pytest.mark.parametrize("size", [256, 512])
def test_a_face_detector_finds_the_faces(size: int) -> None:
    """dlib's frontal HOG detector, which judges real photos, accepts ours: at most one of 12 may be missed."""
    detector = dlib.get_frontal_face_detector()
    boxes = []
    for seed in range(12):
        scene = sample_scene(seed)
        scene = replace(scene, turn=float(np.clip(scene.turn, -0.59, 0.59)))
        picture = draw_photo(sample_character(seed), scene, size=size)
        found = detector(np.asarray(picture), 1 if size < 400 else 0)
        assert len(found) <= 1
        boxes += [((box.left() + box.right()) / 2 / size, (box.top() + box.bottom()) / 2 / size, box.width() / size)
                  for box in found]  # fmt: skip
    assert len(boxes) >= 11
    x, y, width = np.mean(boxes, axis=0)
    assert x == pytest.approx(0.5, abs=0.02)
    assert y == pytest.approx(0.48, abs=0.025)
    assert width == pytest.approx(0.37, abs=0.03)
