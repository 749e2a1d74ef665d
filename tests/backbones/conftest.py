"""A tiny base, made once for all tests of this folder; tests that change it open a copy."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny import make_tiny_base

from workbench.backbones import Backbone, open_backbone


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_base(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture(scope="session")
def backbone(base: Path) -> Backbone:
    return open_backbone(base, device="cpu")
