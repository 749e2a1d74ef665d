"""The card of an adapter that was made from others shows what it draws itself."""

from __future__ import annotations

import shutil
from pathlib import Path

from workbench.adapters import Card, find_adapter, thumbnail_uri
from workbench.adapters.weights import read_weights
from workbench.generation import Engine, Request
from workbench.generation.portray import SEED, portrait_prompt, portray


def test_everyone_is_called_once() -> None:
    mia, leo = Card(name="mia", trigger="zkq", class_noun="woman"), Card(name="leo", trigger="lky", class_noun="man")
    assert portrait_prompt([mia, leo, mia]) == "chibi of zkq lky woman, smiling"
    assert portrait_prompt([Card(name="style", class_noun="")]) == "chibi of person, smiling"


def test_the_card_shows_what_is_drawn(engine: Engine, shelf_folder: Path) -> None:
    path = shutil.copy(shelf_folder / "mia.safetensors", shelf_folder / "own.safetensors")
    try:
        before = {place: weight.up.clone() for place, weight in read_weights(path).items()}
        entry = portray(engine, "own", "chibi of zkq person", shelf_folder)
        drawn = engine.generate(Request("chibi of zkq person", seed=SEED, count=1, adapters=(("own", 1.0),)))[0].image
        assert entry.card.thumbnail == thumbnail_uri(drawn)
        assert not find_adapter("mia", shelf_folder).card.thumbnail
        after = read_weights(path)
        assert all((after[place].up == up).all() for place, up in before.items())
    finally:
        Path(path).unlink()
