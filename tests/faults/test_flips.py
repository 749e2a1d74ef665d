"""A few of the flipped bits that `make faults` does by thousands, and proof that the check can fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(Path(__file__).resolve().parent))

from flips import KINDS, Kind, flip

from workbench.errors import StorageError
from workbench.gallery import Gallery


@pytest.mark.parametrize("name", [name for name in KINDS if name != "index"])
def test_a_flipped_bit_is_told_or_has_no_effect(name: str) -> None:
    tally = flip(KINDS[name], flips=40, seed=3)
    assert tally.told + tally.without_effect == 40 and tally.wrong == []


def test_a_reader_that_looks_at_no_sum_is_found_out() -> None:
    def write(folder: Path) -> list[Path]:
        save_file({"weights": torch.zeros(1000)}, folder / "careless.safetensors")
        return [folder / "careless.safetensors"]

    careless = Kind("carelessly", write, lambda folder: load_file(folder / "careless.safetensors"))
    assert flip(careless, flips=20).wrong


def test_a_damaged_index_says_what_to_do_and_is_made_anew(tmp_path: Path) -> None:
    [index] = KINDS["index"].write(tmp_path)
    whole, gallery = KINDS["mended"].read(tmp_path), Gallery(tmp_path)
    content = index.read_bytes()
    damaged = content.replace(b'"negative"', b'"negativ\xff"')
    assert damaged != content
    index.write_bytes(damaged)
    with pytest.raises(StorageError, match=r"it is damaged; no picture is lost.*doctor --repair"):
        gallery.search()
    assert gallery.rebuild() == 12
    assert KINDS["index"].read(tmp_path) == whole
    index.write_bytes(damaged[:9000])
    assert KINDS["index"].read(tmp_path) == whole, "who opens the gallery with a broken one makes it anew"
