"""Nothing that a test of jobs has started is left running."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from quick import cleaned_up, recipe


@pytest.fixture
def nothing_left_behind() -> Iterator[None]:
    with cleaned_up():
        yield


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return recipe(tmp_path)
