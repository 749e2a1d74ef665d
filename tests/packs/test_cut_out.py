"""The cut-out against the world's own transparency, which is the truth."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from workbench.errors import PackError
from workbench.packs.cut_out import background, cut_out, oklab
from workbench.world.character import Character, Scene, sample_character, sample_scene
from workbench.world.draw import draw


def alpha(image: Image.Image) -> np.ndarray:
    return np.asarray(image.getchannel("A"), dtype=np.float32) / 255


@pytest.mark.parametrize(("who", "colour"), [(3, "green"), (4, "blue"), (6, "pink"), (7, "yellow"), (8, "gray")])
def test_a_flat_background_is_cut_exactly(who: int, colour: str) -> None:
    person, scene = sample_character(who), sample_scene(who - 3, background=colour)
    cut = cut_out(draw(person, scene, "chibi", 256))
    true = draw(person, scene, "chibi", 256, transparent=True)
    wrong = np.abs(alpha(cut) - alpha(true))
    assert wrong.mean() < 0.004 and (wrong > 0.5).sum() < 150
    assert 0.002 < ((alpha(cut) > 0.05) & (alpha(cut) < 0.95)).mean() < 0.05, "the edge is soft"


def test_no_seam_of_the_background_is_left() -> None:
    """Laid on black, the edge holds no green that the person has not."""
    scene = Scene(background="green", clothing_colour="red", clothing="hoodie")
    person = Character(hair_colour="black")
    cut = cut_out(draw(person, scene, "chibi", 256))
    pixels = np.asarray(cut, dtype=np.int16)
    edge = (pixels[..., 3] > 40) & (pixels[..., 3] < 250)
    red, green, blue = (pixels[..., channel][edge] for channel in range(3))
    assert edge.sum() > 100 and (green > np.maximum(red, blue) + 25).mean() < 0.03


def test_noise_as_a_model_leaves_it() -> None:
    person, scene = sample_character(3), sample_scene(0, background="blue")
    drawn = np.asarray(draw(person, scene, "chibi", 256), dtype=np.float32)
    noisy = drawn + np.random.default_rng(0).normal(0, 4, drawn.shape)
    slope = np.linspace(-5, 5, 256)[:, None, None]
    cut = cut_out(Image.fromarray(np.clip(noisy + slope, 0, 255).astype(np.uint8)))
    true = draw(person, scene, "chibi", 256, transparent=True)
    assert np.abs(alpha(cut) - alpha(true)).mean() < 0.012


def test_white_eyes_stay_on_white() -> None:
    person, scene = sample_character(3), Scene(background="white", clothing_colour="red")
    cut, true = cut_out(draw(person, scene, "chibi", 256)), draw(person, scene, "chibi", 256, transparent=True)
    face = np.s_[105:150, 85:170]
    assert alpha(true)[face].min() == 1 and alpha(cut)[face].min() > 0.9


def test_a_place_is_told_apart_from_a_colour() -> None:
    park = draw(sample_character(3), Scene(background="park"), "chibi", 256)
    assert background(np.asarray(park, dtype=np.float32) / 255) is None
    with pytest.raises(PackError, match=r"not one colour.*\[cutout\]"):
        cut_out(park)


def test_a_picture_that_is_all_background() -> None:
    with pytest.raises(PackError, match="nothing could be cut out"):
        cut_out(Image.new("RGB", (64, 64), "pink"))


def test_what_is_cut_already_stays(cuts: dict[str, Image.Image]) -> None:
    assert cut_out(cuts["smile"]).tobytes() == cuts["smile"].tobytes()


def test_oklab_of_known_colours() -> None:
    """The values of its author's page for white, and of CSS Color 4 for red."""
    found = oklab(np.array([[1, 1, 1], [1, 0, 0]], dtype=np.float32))
    assert np.allclose(found, [[1, 0, 0], [0.62796, 0.22486, 0.12585]], atol=2e-3)
