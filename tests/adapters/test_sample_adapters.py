"""The adapters that a first visit finds on the shelf: whole, and made on the built-in base that ships with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from workbench.adapters import import_adapter, inspect_adapter
from workbench.adapters.blend import METHODS, Ingredient, mix_adapters, resize_adapter
from workbench.adapters.file import check_weights
from workbench.adapters.formats import FORMS, export_adapter, import_peft
from workbench.adapters.mix import Part, mix
from workbench.adapters.shelf import named_entry
from workbench.adapters.weights import read_weights
from workbench.adapters.word import TABLE
from workbench.backbones import open_backbone
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


@pytest.fixture(scope="module")
def backbone() -> Any:
    return open_backbone("chibi-mini", device="cpu")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.stem))
def test_a_sample_goes_out_and_comes_back(path: Path, form: str, tmp_path: Path) -> None:
    out = export_adapter(path, form, tmp_path / ("peft" if form == "peft" else "out.safetensors"))
    entry = import_peft(out, "again") if form == "peft" else import_adapter(out, "again")
    ours, theirs = read_weights(path), read_weights(entry.path)
    assert ours.keys() == theirs.keys()
    for place, weight in ours.items():
        assert weight.alpha == theirs[place].alpha, place
        # kohya's bundled word is the whole row, from which the base's own is taken again: that rounds.
        most = 1e-6 if place[1] == TABLE else 0.0
        assert torch.allclose(weight.down, theirs[place].down, rtol=0, atol=most), place
        assert torch.allclose(weight.up, theirs[place].up, rtol=0, atol=most), place


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_samples_are_mixed_and_proven(method: str, backbone: Any) -> None:
    """They learned a word and a text encoder, so their ranks differ from layer to layer."""
    for path in SAMPLES:
        import_adapter(path, path.stem)
    parts = [Ingredient("sample", 0.6), Ingredient("theo", 0.4)]
    blend = mix_adapters(parts, "both", method, backbone=backbone)
    assert blend.proof and blend.proof.change > 0 and not blend.entry.broken
    mixed = mix([Part(each.name, read_weights(named_entry(each.name).path), each.strength) for each in parts], method)
    kept = read_weights(blend.entry.path)
    assert {place: (w.rank, w.alpha) for place, w in kept.items()} == {
        place: (w.rank, w.alpha) for place, w in mixed.weights.items()
    }


@pytest.mark.slow
def test_a_smaller_copy_of_a_sample_is_proven(backbone: Any) -> None:
    import_adapter(SAMPLES[0], "one")
    blend = resize_adapter("one", "small", rank=4, backbone=backbone)
    assert blend.proof and max(blend.ranks) == 4 and 0.9 < blend.kept < 1
    assert TABLE in {module for _, module in read_weights(blend.entry.path)}  # the word stays
