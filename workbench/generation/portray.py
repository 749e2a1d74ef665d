"""A picture of what an adapter draws, for the card of one that was made from others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.adapters import Card, ShelfEntry, find_adapter, thumbnail_uri
from workbench.adapters.rewrite import rewrite_card
from workbench.adapters.shelf import read_entry
from workbench.generation.engine import Engine
from workbench.generation.request import Request

SEED = 7  # the same for what is tried before and what was made


def portrait_prompt(cards: Sequence[Card]) -> str:
    """Words that call everyone whose cards these are, at least one."""
    triggers = " ".join(dict.fromkeys(card.trigger for card in cards if card.trigger))
    return " ".join(f"chibi of {triggers} {cards[0].class_noun or 'person'}, smiling".split())


def portray(engine: Engine, name: str, prompt: str, folder: Path | None = None) -> ShelfEntry:
    """Draws with an adapter of the shelf and puts the picture on its card.

    Args:
        engine: on the adapter's base.
        name: of the adapter.
        prompt: what is drawn, at full strength; see `portrait_prompt`.
        folder: the shelf; None takes the usual one.

    Returns:
        The adapter as it is on the shelf now.

    Raises:
        AdapterError: there is no such adapter, or it does not fit the base.
        StorageError: the file cannot be written; it is as before then.
    """
    entry = find_adapter(name, folder)
    picture = engine.generate(Request(prompt=prompt, seed=SEED, count=1, adapters=((entry.name, 1.0),)))[0]
    rewrite_card(entry.path, thumbnail=thumbnail_uri(picture.image))
    return read_entry(entry.path)
