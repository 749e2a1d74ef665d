"""Changes what an adapter says of itself; its weights stay byte by byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.adapters.card import Card, card_from_metadata, card_metadata
from workbench.adapters.header import read_header, with_metadata
from workbench.config import atomic_write

PREDICTION = "modelspec.prediction_type"


def rewrite_card(path: Path, **changes: Any) -> Card:
    """Writes a file's card anew.

    Args:
        path: an adapter file.
        changes: fields of `Card` with their new values: `licence`, `scope`, `author`, `trigger`, `tags`, …

    Returns:
        The card as it is now.

    Raises:
        AdapterError: the file cannot be read, or the card gets too long.
        StorageError: it cannot be written; it is as before then.
    """
    header = read_header(path)
    found = card_from_metadata(header.metadata, path.name.removesuffix(".safetensors"))
    card = replace(found or Card(name=path.name.removesuffix(".safetensors"), created=""), **changes)
    prediction = {"v": "v_prediction"}.get(value := header.metadata.get(PREDICTION, ""), value)
    # What ModelSpec says of the weights themselves stays.
    kept = {
        key: value
        for key, value in header.metadata.items()
        if not key.startswith("modelspec.") or key.startswith("modelspec.hash_")
    }
    metadata = kept | card_metadata(card, prediction)
    if metadata != header.metadata:
        atomic_write(path, with_metadata(path.read_bytes(), metadata))
    return card
