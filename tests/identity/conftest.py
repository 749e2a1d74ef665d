"""A likeness score trained by the recipe for a few seconds: enough to tell people of the world apart."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from workbench.config import ROOT
from workbench.identity.likeness import WorldScorer


def load_recipe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_likeness", ROOT / "recipes" / "train_likeness.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def recipe() -> ModuleType:
    return load_recipe()


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
