"""A prompt without its adapter: the trigger word becomes what the card says of the person."""

from __future__ import annotations

import pytest

from workbench.adapters import Card
from workbench.generation.plain_words import plain_words

MIA = Card(name="mia", trigger="zkq", class_noun="person", traits={"hair_style": "wavy", "hair_colour": "chestnut"})


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("chibi of zkq person, smiling", "chibi of a person with long wavy chestnut hair, smiling"),
        ("chibi of a ZKQ person", "chibi of a person with long wavy chestnut hair"),
        ("zkq waving", "a person with long wavy chestnut hair waving"),
        ("chibi of a person, zkqx", "chibi of a person, zkqx"),
    ],
)
def test_the_trigger_word_becomes_words(prompt: str, expected: str) -> None:
    assert plain_words(prompt, [MIA]) == expected


def test_what_a_stranger_s_card_says_is_checked() -> None:
    card = Card(name="x", trigger="a.b", traits={"hair_style": "<script>", "skin": ["pale"], "glasses": "round"})
    assert plain_words("chibi of a.b person, aXb", [card]) == "chibi of a person with round glasses, aXb"
    assert plain_words("chibi of a cat", [Card(name="style")]) == "chibi of a cat"
