"""What is made of a picture that is there; styles; parts of a chibi."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.config import home
from workbench.errors import GenerationError
from workbench.generation import Engine, Picture, Request, picture_png, read_record
from workbench.generation.again import enlarged_picture, larger, redrawn, remixed, second_pass_suits, varied
from workbench.generation.regions import REGIONS, parse_region, region_mask
from workbench.generation.styles import find_style, own_styles, shipped_styles, styles
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw

PROMPT = "chibi of zkq person, smiling"


@pytest.fixture
def picture(engine: Engine) -> Picture:
    return engine.generate(Request(PROMPT, "sad", count=1, steps=4, seed=9, guidance=3.0, adapters=[("mia", 0.7)]))[0]


def test_variations_and_remix_keep_all_else(engine: Engine, picture: Picture) -> None:
    near = varied(picture.record, 0.2, 100, 3)
    assert (near.seed, near.count, near.negative, near.adapters) == (9, 3, "sad", (("mia", 0.7),))
    assert [each.record["variation"]["seed"] for each in engine.generate(near)] == [100, 101, 102]
    remix = remixed(picture.record, "chibi of zkq person, angry")
    assert (remix.prompt, remix.seed, remix.count, remix.guidance) == ("chibi of zkq person, angry", 9, 1, 3.0)
    assert remixed(picture.record, PROMPT, "").negative == ""


def test_parts_drawn_anew(engine: Engine, picture: Picture) -> None:
    mask = parse_region("0,0,0.5,1")
    [new] = engine.generate(redrawn(picture.record, picture.image, 0.8, mask, "chibi of zkq person, angry"))
    old, after = np.asarray(picture.image, np.int16), np.asarray(new.image, np.int16)
    np.testing.assert_array_equal(after[:, 16:], old[:, 16:])
    assert np.abs(after[:, :12] - old[:, :12]).mean() > 1
    assert len(list((home() / "starts" / "mia").glob("*.png"))) == 2


def test_larger_by_the_base_and_without_it(engine: Engine, picture: Picture) -> None:
    request = larger(picture.record, picture.image, 2)
    assert request.size == 64 and request.start and request.start.noise == 0.3
    assert engine.generate(request)[0].image.size == (64, 64)
    twice = enlarged_picture(enlarged_picture(picture, 2), 2)
    assert twice.image.size == (128, 128) and twice.record["enlarge"] == 4
    again = engine.remake(read_record(picture_png(enlarged_picture(picture, 2))))
    np.testing.assert_array_equal(np.asarray(again.image), np.asarray(enlarged_picture(picture, 2).image))
    with pytest.raises(GenerationError, match="8 times"):
        enlarged_picture(twice, 2)
    with pytest.raises(GenerationError, match="more than 2048"):
        larger(picture.record, Image.new("RGB", (1024, 1024)), 4)
    assert second_pass_suits("stable-diffusion-1.5") and not second_pass_suits("chibi-mini")


@pytest.mark.parametrize("name", REGIONS)
def test_parts_are_where_the_world_draws_them(name: str) -> None:
    """Changing one attribute of a drawing changes pixels inside its part only, or nearly so."""
    who = replace(sample_character(2), hair_style="bun", facial_hair="none", glasses="none")
    scene = {"headwear": "none", "tilt": 0.0, "turn": 0.0, "pose": "standing", "background": "blue"}
    other = {
        "hair": (replace(who, hair_style="wavy"), {}),
        "face": (who, {"expression": "angry"}),
        "clothes": (who, {"clothing": "suit", "clothing_colour": "green"}),
        "headwear": (who, {"headwear": "cap"}),
        "around": (who, {"background": "beach"}),
    }[name]
    usual = {"expression": "laughing", "clothing": "hoodie", "clothing_colour": "red"}
    before = draw(who, sample_scene(1, **(scene | usual)), "chibi", 256)
    after = draw(other[0], sample_scene(1, **(scene | usual | other[1])), "chibi", 256)
    moved = np.abs(np.asarray(before, np.int16) - np.asarray(after, np.int16)).max(-1) > 24
    inside = np.asarray(region_mask(name)) > 127
    assert moved.sum() > 300 and moved[inside].sum() > 0.9 * moved.sum()


def test_regions_that_are_none() -> None:
    assert np.asarray(parse_region("hair+face")).mean() > np.asarray(parse_region("hair")).mean()
    for wrong in ("feet", "0.5,0.5,0.4,1", "0,0,2,1", "a,b,c,d"):
        with pytest.raises(GenerationError, match=r"Choose|Say"):
            parse_region(wrong)


def test_shipped_styles_and_own_ones() -> None:
    assert {"beach", "pixel"} <= set(shipped_styles())
    assert all(each.words and each.words_zh for each in shipped_styles().values())
    assert find_style("pixel").apply("chibi", "sad") == (
        "chibi, pixel art, 16-bit game sprite, limited palette", "sad, photo, blurry",
    )  # fmt: skip
    own_styles().parent.mkdir(parents=True, exist_ok=True)
    own_styles().write_text("mine:\n  words: Mine\n  wishes: {clothing: kimono}\n", encoding="utf-8")
    assert styles()["mine"].wishes == {"clothing": "kimono"} and "beach" in styles()
    with pytest.raises(GenerationError, match="Did you mean beach"):
        find_style("beech")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: {wishs: {}}", "Did you mean wishes"),
        ("a: {wishes: {clothing: armour}}", "Choose t-shirt"),
        ("a: {reads: all}", "world or any"),
        ("a: {prompt: [x]}", "prompt cannot be"),
        ("a: 3", "says nothing"),
        ("[1]", "by name"),
        ("a: {", "cannot be read"),
    ],
)
def test_own_styles_that_make_no_sense(text: str, told: str) -> None:
    own_styles().parent.mkdir(parents=True, exist_ok=True)
    own_styles().write_text(text, encoding="utf-8")
    with pytest.raises(GenerationError, match=told):
        styles()


def test_the_form_of_styles_is_where_messages_say(root: Path) -> None:
    assert "wishes:" in (root / "docs" / "create.md").read_text(encoding="utf-8")
