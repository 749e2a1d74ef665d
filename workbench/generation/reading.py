"""A prompt as a base reads it: bases that know only the words of the chibi world get it translated, and it is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.backbones.catalogue import reads_world_words
from workbench.captions import ReadAs, read_as
from workbench.generation.request import Request

if TYPE_CHECKING:
    from workbench.adapters import Card


def read_prompt(prompt: str, base: str, cards: Iterable[Card] = ()) -> ReadAs:
    """Reads a prompt for a base.

    Args:
        prompt: as a person wrote it.
        base: its name.
        cards: of the adapters in use; how they call their persons stays as it is.

    Returns:
        The prompt unchanged for bases that read any English.
    """
    return read_as(prompt, _called(cards)) if reads_world_words(base) else ReadAs(prompt)


def read_request(request: Request, base: str, cards: Iterable[Card] = ()) -> tuple[Request, ReadAs]:
    """The request with its prompts as the base reads them, and how the prompt was read."""
    if not reads_world_words(base):
        return request, ReadAs(request.prompt)
    called = _called(cards)
    read, against = read_as(request.prompt, called), read_as(request.negative, called, otherwise="")
    told = ReadAs(read.text, (*read.left_out, *against.left_out), read.changed)
    return replace(request, prompt=read.text, negative=against.text), told


def _called(cards: Iterable[Card]) -> list[str]:
    return [f"{card.trigger} {card.class_noun}".strip() for card in cards if card.trigger]
