"""A tiny base and an adapter for it, made once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny import make_tiny_base
from tiny_adapter import make_adapter


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_base(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture(scope="session")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adapter(tmp_path_factory.mktemp("adapters") / "mia.safetensors", base)
