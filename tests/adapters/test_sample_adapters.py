"""The adapters that a first visit finds on the shelf: whole, and made on the built-in base that ships with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.adapters import inspect_adapter
from workbench.adapters.file import check_weights
from workbench.backbones.fingerprint import fingerprint_folder
from workbench.config import ROOT

SAMPLES = sorted((ROOT / "examples" / "adapters").glob("*.safetensors"))


def test_there_are_samples() -> None:
    assert "sample" in {path.stem for path in SAMPLES}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.stem))
def test_a_sample_belongs_to_the_base_that_ships(path: Path) -> None:
    info = inspect_adapter(path)
    check_weights(path)
    assert info.card and info.card.thumbnail and info.card.licence and info.card.scope
    assert info.card.base_fingerprint == fingerprint_folder(ROOT / "workbench" / "backbones" / "chibi_mini")
