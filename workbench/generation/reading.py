"""A prompt as a base reads it: bases that know only the words of the chibi world get it translated, and it is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.backbones.catalogue import reads_world_words
from workbench.captions import ReadAs, read_as
from workbench.captions.read_as import SOMEBODY
from workbench.generation.request import Request
from workbench.generation.weights import carried_over, parse_weights

if TYPE_CHECKING:
    from workbench.adapters import Card


def read_prompt(prompt: str, base: str, cards: Iterable[Card] = ()) -> ReadAs:
    """Reads a prompt for a base.

    Args:
        prompt: as a person wrote it; words may be weighted, and stay so.
        base: its name.
        cards: of the adapters in use; how they call their persons stays as it is.

    Returns:
        The prompt unchanged for bases that read any English.

    Raises:
        GenerationError: a weight is too large.
    """
    return _read(prompt, base, _called(cards), SOMEBODY)[0]


def read_request(request: Request, base: str, cards: Iterable[Card] = ()) -> tuple[Request, list[str]]:
    """The request with its prompts as the base reads them, and what the person should be told of it."""
    called = _called(cards)
    prompt, told = _read(request.prompt, base, called, SOMEBODY)
    negative, more = _read(request.negative, base, called, "")
    both = ReadAs(prompt.text, (*prompt.left_out, *negative.left_out), prompt.changed)
    return replace(request, prompt=prompt.text, negative=negative.text), both.notes() + told + more


def _read(text: str, base: str, called: list[str], otherwise: str) -> tuple[ReadAs, list[str]]:
    weighted = parse_weights(text)
    if not reads_world_words(base):
        return ReadAs(text), []
    if not weighted.weights:
        return read_as(text, called, otherwise), []
    read = read_as(weighted.text, called, otherwise)
    carried, notes = carried_over(weighted, read.text, lambda words: read_as(words, called, "").text)
    return ReadAs(carried.written(), read.left_out, read.changed), notes


def _called(cards: Iterable[Card]) -> list[str]:
    return [f"{card.trigger} {card.class_noun}".strip() for card in cards if card.trigger]
