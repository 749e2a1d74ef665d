"""Forms, mixes and reports hold on every family, through small bases in their true formats."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_adapter import make_adapter
from tiny_families import make_tiny

from workbench.adapters import find_adapter, prove_adapter
from workbench.adapters.blend import Ingredient, mix_adapters
from workbench.adapters.family_names import WITH_KOHYA
from workbench.adapters.formats import export_adapter, import_peft
from workbench.adapters.fuse import fuse_adapters
from workbench.adapters.report import report_adapter
from workbench.adapters.share import bundle
from workbench.adapters.weights import read_weights
from workbench.backbones import open_backbone
from workbench.config import shelf

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("family", ["sdxl", "flux", "sd3", "qwen-image", "z-image"])
def test_round_trips_mixes_and_reports(family: str, tmp_path: Path) -> None:
    base = make_tiny(family, tmp_path / "base")
    backbone = open_backbone(base, device="cpu", dtype=torch.float32)
    shelf().mkdir(parents=True)
    for seed, name in enumerate(("one", "two"), 1):
        make_adapter(shelf() / f"{name}.safetensors", base, seed)
    source = find_adapter("one").path
    report = report_adapter(source, backbone)
    assert report.family == family and report.proof is not None

    last = source
    if family in WITH_KOHYA:
        kohya = export_adapter(source, "kohya", tmp_path / "k.safetensors", backbone)
        assert report_adapter(kohya).family == family
        last = export_adapter(kohya, "diffusers", tmp_path / "d.safetensors", backbone)
    back = import_peft(export_adapter(last, "peft", tmp_path / "peft"), "back").path
    ours, theirs = read_weights(source), read_weights(back)
    assert ours.keys() == theirs.keys()
    for place, weight in ours.items():
        assert torch.allclose(weight.up.flatten(1) @ weight.down.flatten(1) * (weight.alpha / weight.rank),
                              theirs[place].up.flatten(1) @ theirs[place].down.flatten(1)
                              * (theirs[place].alpha / theirs[place].rank), atol=1e-6), place  # fmt: skip
    assert prove_adapter(back, backbone).change == pytest.approx(report.proof.change, rel=1e-3)

    blend = mix_adapters([Ingredient("one", 0.6), Ingredient("two", 0.4)], "both", "cat", backbone=backbone)
    assert blend.proof is not None and blend.entry.card.family == family
    assert ("one.kohya.safetensors" in bundle(source)) == (family in WITH_KOHYA)
    fused = fuse_adapters([("one", 0.8)], str(base), tmp_path / "fused")
    assert fused.difference < fused.change / 100
