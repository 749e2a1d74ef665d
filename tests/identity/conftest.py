"""A likeness score trained by the recipe for a few seconds: enough to tell people of the world apart."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from loaded import load_recipe

from workbench.identity.likeness import WorldScorer


@pytest.fixture(scope="session")
def recipe() -> ModuleType:
    return load_recipe("train_likeness")


@pytest.fixture(scope="session")
def trained(recipe: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights' file; the state of the training is in `home/likeness` beside it."""
    folder = tmp_path_factory.mktemp("likeness")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(folder / "home"))
        patch.setattr(recipe, "CHUNK", 16)
        recipe.main(["characters=16", "minutes=0.05", "people=16", "batch=8", f"to={folder}"])
    return folder / "likeness.safetensors"


@pytest.fixture(scope="session")
def scorer(trained: Path) -> WorldScorer:
    return WorldScorer(trained)
