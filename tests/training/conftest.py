"""A tiny base that every test may change, and a small data set encoded with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import make_tiny_base

from workbench.backbones import Backbone, open_backbone
from workbench.dataset import Example, build_dataset
from workbench.dataset.encode import EncodedSet, encode


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_base(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture
def backbone(base: Path) -> Backbone:
    return open_backbone(base, device="cpu", dtype=torch.float32)


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    """Three photos, four anchors, two class pictures."""
    random = np.random.default_rng(0)

    def pictures(count: int, text: str) -> list[tuple[Image.Image, str]]:
        return [(Image.fromarray(random.integers(0, 255, (32, 32, 3), np.uint8)), text) for _ in range(count)]

    return build_dataset(
        tmp_path_factory.mktemp("datasets") / "mia",
        photos=pictures(3, "photo of zkq person"),
        anchors=pictures(4, "chibi of zkq person, smiling"),
        class_pictures=pictures(2, "chibi of a person"),
    )


@pytest.fixture
def data(backbone: Backbone, examples: list[Example]) -> EncodedSet:
    return encode(backbone, examples, flips=True, weights={"class": 0.5})
