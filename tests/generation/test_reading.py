"""Prompts are translated for the base that reads the world's words, and the record keeps what it was told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench.backbones import open_backbone
from workbench.generation import Engine, Request, picture_png, read_record
from workbench.generation.reading import read_prompt, read_request

SAID = "zkq的萌版，圆眼镜，恐龙"
READ = "chibi of zkq person, round glasses"


@pytest.fixture(scope="module")
def world_engine(base: Path, shelf_folder: Path) -> Engine:
    """The tiny base under the name of the one that reads the world's words."""
    backbone = open_backbone(base, device="cpu")
    backbone.id = "chibi-mini"
    return Engine(backbone, shelf_folder)


def test_the_base_is_told_the_translation_and_the_person_what_was_understood(world_engine: Engine) -> None:
    request = Request(SAID, negative="specs, dragon", count=1, steps=2, seed=3, adapters=[("mia", 1.0)])
    [picture] = world_engine.generate(request)
    assert picture.record["prompt"] == READ and picture.record["said"] == SAID
    assert picture.record["negative"] == "glasses"
    assert picture.notes[:2] == [f"Read as: {READ}", "Left out, since the base does not know it: 恐龙, dragon"]
    assert not any("does not say" in note for note in picture.notes), "the trigger word is said"

    plain = Request(READ, negative="glasses", count=1, steps=2, seed=3, adapters=[("mia", 1.0)])
    [same] = world_engine.generate(plain)
    assert same.image.tobytes() == picture.image.tobytes() and "said" not in same.record


def test_a_record_makes_the_picture_again(world_engine: Engine) -> None:
    [picture] = world_engine.generate(Request("grinning redhead", count=1, steps=2, seed=4))
    record = read_record(picture_png(picture))
    again = world_engine.remake(record)
    np.testing.assert_array_equal(np.asarray(again.image), np.asarray(picture.image))
    assert again.record["said"] == record["said"] == "grinning redhead"


def test_other_bases_get_the_prompt_as_it_is(engine: Engine) -> None:
    [picture] = engine.generate(Request(SAID, count=1, steps=1))
    assert picture.record["prompt"] == SAID and "said" not in picture.record


def test_reading_for_a_base_by_name() -> None:
    assert read_prompt("specs", "chibi-mini").text == "glasses"
    assert not read_prompt("specs", "stable-diffusion-1.5").changed
    nothing_known = Request("smiling", negative="dragon")
    request, told = read_request(nothing_known, "chibi-mini")
    assert request.negative == "" and told == ["Left out, since the base does not know it: dragon"]


def test_weights_survive_the_translation(world_engine: Engine) -> None:
    read = read_prompt("a chibi person, (微笑:1.3), (圆眼镜：0.5)", "chibi-mini").text
    assert "(smiling:1.3)" in read and "(round glasses:0.5)" in read
    [picture] = world_engine.generate(Request("chibi of a person, (恐龙:1.5), smiling", count=1, steps=2))
    assert any("'恐龙' has no effect" in note for note in picture.notes)
    [picture] = world_engine.generate(Request("chibi of a person, (微笑:1.5)", count=1, steps=2, seed=4))
    assert picture.record["prompt"] == "chibi of a person, (smiling:1.5)"
    again = world_engine.remake(read_record(picture_png(picture)))
    assert again.image.tobytes() == picture.image.tobytes() and again.record["said"] == picture.record["said"]
