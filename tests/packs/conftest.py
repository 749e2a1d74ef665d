"""A person with all sixteen expressions, cut out, and a pack with eight of them."""

from __future__ import annotations

import pytest
from PIL import Image
from world_pictures import drawing, picture

from workbench.packs import EXPRESSIONS, Pack, Recipe, create_pack, cut_out


@pytest.fixture(scope="session")
def cuts() -> dict[str, Image.Image]:
    """All sixteen, cut out; tests must not paint on them."""
    return {name: cut_out(drawing(name)) for name in EXPRESSIONS}


@pytest.fixture
def pack() -> Pack:
    """A pack with eight pictures."""
    made = create_pack("mia", Recipe(adapters=(("mia", 1.0),), trigger="zkq", seed=5))
    for name in list(EXPRESSIONS)[:8]:
        made.keep(name, picture(name))
    return made
