"""What can be said of a picture without its adapter: the person's traits in words, instead of the trigger word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.generation.record import request_from_record
from workbench.generation.request import Request
from workbench.world.character import CHARACTER_WORDS
from workbench.world.words import traits_words

if TYPE_CHECKING:
    from workbench.adapters import Card


def plain_words(prompt: str, cards: Iterable[Card]) -> str:
    """A prompt in which no adapter is called any more.

    Args:
        prompt: as the picture was made with it.
        cards: of its adapters. The person of each is described by the traits on the card, which is the most that a
            program without the adapter can be told.

    Returns:
        `chibi of a person with wavy chestnut hair and round glasses, smiling` for `chibi of zkq person, smiling`.
    """
    for card in cards:
        trigger = card.trigger.strip()
        if not trigger:
            continue
        noun = card.class_noun.strip() or "person"
        # A card may come from anyone: what is no word of the world is not spoken.
        said = {key: str(value) for key, value in card.traits.items() if str(value) in CHARACTER_WORDS.get(key, ())}
        age = said.pop("age", "")
        who = f"a {age} {noun}" if age and age not in noun else f"a {noun}"
        if traits := traits_words(said):
            who += f" with {traits}"
        pattern = rf"(?:\b(?:an?|the)\s+)?(?<!\w){re.escape(trigger)}(?!\w)(?:\s+{re.escape(noun)}\b)?"
        prompt = re.sub(pattern, who.replace("\\", "\\\\"), prompt, flags=re.IGNORECASE)
    return prompt


def plain_request(record: Mapping[str, Any], words: str) -> Request:
    """What the base draws from words alone, beside a picture: its seed and settings, nobody's adapter.

    Not from a photo or near another seed, even when that one was: words alone is words alone.

    Args:
        record: of the picture it stands beside.
        words: see `plain_words`.

    Raises:
        GenerationError: the words are empty or too long.
    """
    old = request_from_record(record)
    return Request(words, old.negative, old.seed, 1, old.steps, old.guidance, adapters=(), size=old.size)
