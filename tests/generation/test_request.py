"""Requests and preferences check themselves and say the way out."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.errors import GenerationError
from workbench.generation import Preferences, Request, choices
from workbench.generation.reading import read_prompt


@pytest.mark.parametrize(
    ("changed", "thing"),
    [
        ({"prompt": "  "}, "The prompt"),
        ({"prompt": "x" * 5000}, "The prompt"),
        ({"prompt": None}, "The prompt"),
        ({"negative": "x" * 5000}, "The negative prompt"),
        ({"seed": -1}, "The seed"),
        ({"seed": 2**32}, "The seed"),
        ({"seed": 1.5}, "The seed"),
        ({"count": 0}, "The number of candidates"),
        ({"count": 17}, "The number of candidates"),
        ({"count": True}, "The number of candidates"),
        ({"steps": 151}, "The steps"),
        ({"steps": -1}, "The steps"),
        ({"guidance": 0.5}, "The guidance"),
        ({"guidance": float("nan")}, "The guidance"),
        ({"size": 8}, "The size"),
        ({"size": 4096}, "The size"),
        ({"adapters": [("mia", 2.5)]}, "The strength of 'mia'"),
        ({"adapters": [("mia", float("inf"))]}, "The strength of 'mia'"),
        ({"adapters": [("mia", "1")]}, "The strength of 'mia'"),
        ({"adapters": [("mia", 1), ("mia", 0.5)]}, "The adapter 'mia'"),
        ({"adapters": "mia"}, "The adapters"),
        ({"adapters": [("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1)]}, "The adapters"),
    ],
)
def test_what_is_out_of_range_is_named(changed: dict[str, Any], thing: str) -> None:
    with pytest.raises(GenerationError) as caught:
        Request(**({"prompt": "chibi of a person"} | changed))
    assert caught.value.thing == thing and caught.value.way_out


def test_the_whole_range_is_taken() -> None:
    Request("x", seed=2**32 - 1, count=16, steps=150, guidance=30, adapters=[("a", -2), ("b", 2.0)], size=2048)
    Request("x", seed=0, count=1, steps=0, guidance=1, size=64)


def test_preferences_write_the_prompt_the_base_has_learnt() -> None:
    scene = Preferences(expression="smiling", clothing="hoodie", clothing_colour="red", background="blue")
    assert scene.prompt("zkq") == "chibi of zkq person, smiling, wearing a red hoodie, blue background"
    anyone = Preferences(hair_style="straight", hair_colour="black", headwear="cat ears", background="park")
    assert anyone.prompt() == "chibi of a person with long straight black hair, cat ears, in the park"
    assert Preferences(age="old", pose="waving").prompt() == "chibi of an old person, waving"
    assert Preferences(age="child").prompt() == "chibi of a child"
    assert (
        Preferences(hair_style="bun", extra=" holding a cup, ")
        .prompt("zkq", "woman")
        .startswith("chibi of zkq woman with ")
    )
    assert Preferences().prompt() == "chibi of a person"


def test_every_choice_writes_a_prompt() -> None:
    seen = set()
    for name, words in choices().items():
        for word in words:
            seen.add(Preferences(**{name: word}).prompt("zkq"))
    # Choices such as "none" and "standing" are the unsaid default; all others say something of their own.
    assert len(seen) > 70


def test_a_word_that_is_not_in_the_list_is_refused() -> None:
    with pytest.raises(GenerationError, match="kimono"):
        Preferences(clothing="toga")


def test_eyes_are_a_preference() -> None:
    assert Preferences(eye_colour="green").prompt() == "chibi of a person with green eyes"
    words = Preferences(eye_colour="green", hair_style="bun").prompt()
    assert read_prompt(words, "chibi-mini").text == words, "the base knows each of them"
    with pytest.raises(GenerationError, match="eye colour"):
        Preferences(eye_colour="pink")
