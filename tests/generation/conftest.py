"""A warm engine on a tiny base, with two adapters on its shelf."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny import make_tiny_base
from tiny_adapter import make_adapter

from workbench.backbones import open_backbone
from workbench.generation import Engine


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_base(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture(scope="session")
def shelf_folder(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    make_adapter(folder / "mia.safetensors", base, seed=1)
    make_adapter(folder / "leo.safetensors", base, seed=2, trigger="lky")
    return folder


@pytest.fixture(scope="session")
def engine(base: Path, shelf_folder: Path) -> Engine:
    """Shared by all tests on purpose: what one has drawn must not change what the next one draws."""
    return Engine(open_backbone(base, device="cpu"), shelf_folder)
