"""The wording of captions, and the check of traits that a person typed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from workbench.errors import ConfigError
from workbench.world.character import CHARACTER_WORDS

# The traits a person can correct, in the order of how much they are seen; yes/no traits have no words.
TRAITS: dict[str, tuple[str, ...]] = {
    "hair_style": tuple(CHARACTER_WORDS["hair_style"]),
    "hair_colour": tuple(CHARACTER_WORDS["hair_colour"]),
    "skin": tuple(CHARACTER_WORDS["skin"]),
    "glasses": tuple(CHARACTER_WORDS["glasses"]),
    "facial_hair": tuple(CHARACTER_WORDS["facial_hair"]),
    "eye_colour": tuple(CHARACTER_WORDS["eye_colour"]),
    "age": tuple(CHARACTER_WORDS["age"]),
    "eye_shape": tuple(CHARACTER_WORDS["eye_shape"]),
    "face_shape": tuple(CHARACTER_WORDS["face_shape"]),
    "brows": tuple(CHARACTER_WORDS["brows"]),
    "freckles": (),
    "earrings": (),
}


def subject_phrase(trigger: str, class_noun: str) -> str:
    """How captions and prompts name a subject: `zkq person`."""
    return f"{trigger} {class_noun}".strip()


def caption(trigger: str, class_noun: str, style: str, scene_words: str) -> str:
    """The caption of a training picture.

    Args:
        trigger: the word that stands for the person.
        class_noun: what the person is one of, such as `person`.
        style: the domain word, `photo` or `chibi`.
        scene_words: what is to stay editable: `smiling, wearing a red hoodie, blue background`; may be empty.

    Returns:
        `photo of zkq person, smiling, wearing a red hoodie, blue background`. Traits are never named: that is how
        they come to belong to the trigger.
    """
    opening = f"{style} of {subject_phrase(trigger, class_noun)}"
    return f"{opening}, {scene_words}" if scene_words else opening


def check_traits(traits: Mapping[str, Any]) -> dict[str, Any]:
    """Checks traits that a person gave.

    Returns:
        The traits with yes/no values as booleans, words in lower case.

    Raises:
        ConfigError: an unknown trait or word, naming the nearest known one.
    """
    checked: dict[str, Any] = {}
    for name, value in traits.items():
        if name not in TRAITS:
            near = difflib.get_close_matches(name, TRAITS, 1)
            hint = f"Did you mean {near[0]}" if near else f"Traits are {', '.join(TRAITS)}"
            raise ConfigError(f"traits.{name}", "there is no such trait", hint)
        words = TRAITS[name]
        if not words:
            text = str(value).lower()
            if text not in ("true", "false", "yes", "no", "1", "0"):
                raise ConfigError(f"traits.{name}", f"{value!r} is neither yes nor no", "Write true or false")
            checked[name] = text in ("true", "yes", "1")
            continue
        word = str(value).lower()
        if word not in words:
            near = difflib.get_close_matches(word, words, 1)
            hint = f"Did you mean {near[0]}? It" if near else "It"
            raise ConfigError(f"traits.{name}", f"{value!r} is not known", f"{hint} can be {', '.join(words)}")
        checked[name] = word
    return checked
