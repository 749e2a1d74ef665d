"""Weighted words change what the encoders say at their places, in every family, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_families import make_tiny, name_it

from workbench.backbones import FAMILIES, open_backbone
from workbench.errors import GenerationError
from workbench.generation import Engine, Request, picture_png, read_record
from workbench.generation.weights import Weighted, applied, carried_over, count_tokens, parse_weights


def test_weights_are_taken_out_and_put_back() -> None:
    weighted = parse_weights(
        "chibi of zkq person, (smiling:1.3), ( red hoodie : .5)，（微笑：1.2）(a pair of (nested))"
    )
    assert weighted.weights == (("smiling", 1.3), ("red hoodie", 0.5), ("微笑", 1.2))
    assert weighted.text == "chibi of zkq person, smiling, red hoodie，微笑(a pair of (nested))"
    assert parse_weights(weighted.written()) == weighted
    assert parse_weights("a (plain) prompt at 10:30") == Weighted("a (plain) prompt at 10:30")
    twice = parse_weights("red hat, (red:1.5) hoodie")
    assert twice.written() == "(red:1.5) hat, red hoodie", "the first place of the word gets it"
    with pytest.raises(GenerationError, match="0 to 2"):
        parse_weights("(smiling:30)")


def test_weights_follow_a_translation() -> None:
    weighted = parse_weights("(微笑:1.3), (恐龙:2)")
    carried, notes = carried_over(weighted, "smiling", {"微笑": "smiling", "恐龙": ""}.__getitem__)
    assert carried == Weighted("smiling", (("smiling", 1.3),)) and "恐龙" in notes[0] and len(notes) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_only_the_words_places_are_weighted(family: str, tmp_path: Path) -> None:
    folder = make_tiny(family, tmp_path / family)
    backbone = open_backbone(name_it(folder, f"tiny-{family}", family=family, resolution=32), device="cpu")
    prompt, negative = parse_weights("chibi of a person, (smiling:1.5)"), Weighted("smiling photo of nobody")
    with torch.no_grad():
        plain = backbone.encode_text([prompt.text, negative.text])["text"]
        with applied(backbone, prompt, negative):
            said = backbone.encode_text([prompt.text, negative.text])["text"]
        after = backbone.encode_text([prompt.text, negative.text])["text"]
    assert torch.equal(plain, after), "the encoders are as they were"
    assert torch.equal(said[1], plain[1]), "the negative prompt says the word without a weight"
    changed = (said[0] != plain[0]).any(-1)
    assert 0 < int(changed.sum()) < int((plain[0] != 0).any(-1).sum())
    # A weight of 0 is the mean of the others; each other weight lies on the line through it.
    with torch.no_grad(), applied(backbone, parse_weights("chibi of a person, (smiling:0)"), negative):
        mean = backbone.encode_text([prompt.text, negative.text])["text"][0][changed]
    torch.testing.assert_close(said[0][changed], mean + 1.5 * (plain[0][changed] - mean), atol=1e-4, rtol=1e-4)
    engine = Engine(backbone)

    def draw(words: str) -> bytes:
        return engine.generate(Request(words, "photo", count=1, steps=2))[0].image.tobytes()

    assert draw("chibi, (smiling:1)") == draw("chibi, smiling") != draw("chibi, (smiling:1.8)")
    used, room = count_tokens(backbone, "chibi, (smiling:1.8)")
    assert used == count_tokens(backbone, "chibi, smiling")[0] > 1 and (room == 0 or room > used)


def test_the_recipe_keeps_the_weights(engine: Engine) -> None:
    [picture] = engine.generate(Request("chibi of zkq person, (smiling:1.4)", count=1, steps=2, seed=8))
    record = read_record(picture_png(picture))
    assert record["prompt"] == "chibi of zkq person, (smiling:1.4)" and "said" not in record
    np.testing.assert_array_equal(np.asarray(engine.remake(record).image), np.asarray(picture.image))


def test_a_prompt_that_is_too_long_is_counted(engine: Engine) -> None:
    used, room = count_tokens(engine.backbone, "smiling " * 200)
    assert used > room > 0
