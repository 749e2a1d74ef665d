"""Checkpoints are whole or not there, and continue what they kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from workbench.errors import ResumeError, StorageError
from workbench.training import checkpoint as module
from workbench.training.checkpoint import Checkpoint, check_facts, last_checkpoint, save_checkpoint


def sample(step: int) -> Checkpoint:
    shared = torch.arange(4.0)
    return Checkpoint(
        step=step,
        adapter={"unet.a": torch.full((2, 3), float(step)), "unet.b": torch.randn(3)},
        # Two parameters whose state holds the very same table, as 8-bit Adam's does.
        optimizer={
            0: {"step": 7, "exp_avg": torch.randn(2), "table": shared},
            1: {"step": torch.tensor(3.0), "inner": {"table": shared, "bits": 8}},
        },
        facts={"lora.rank": 4, "lora.targets": ["to_q"]},
        extra={"scaler": {"scale": 65536.0}},
    )


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    saved = sample(5)
    save_checkpoint(tmp_path, saved)
    read = last_checkpoint(tmp_path)
    assert read is not None and (read.step, read.facts, read.extra) == (5, saved.facts, saved.extra)
    assert all(torch.equal(read.adapter[name], value) for name, value in saved.adapter.items())
    assert read.optimizer[1]["inner"]["bits"] == 8
    assert read.optimizer[0]["step"] == 7 and torch.equal(read.optimizer[1]["step"], torch.tensor(3.0))
    assert torch.equal(read.optimizer[1]["inner"]["table"], torch.arange(4.0))


def test_nothing_is_pickled(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path, sample(5))
    names = {"adapter.safetensors", "optimizer.safetensors", "state.json", "SHA256SUMS"}
    assert {path.name for path in folder.iterdir()} == names


def test_only_the_last_two_are_kept(tmp_path: Path) -> None:
    for step in (5, 10, 100, 1_000_000):
        save_checkpoint(tmp_path, sample(step))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000100", "step-1000000"]
    found = last_checkpoint(tmp_path)
    assert found is not None and found.step == 1_000_000


def test_no_checkpoint(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None and last_checkpoint(tmp_path / "nowhere") is None


@pytest.mark.parametrize("file", ["adapter.safetensors", "optimizer.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_a_damaged_one_is_passed_over(tmp_path: Path, file: str, damage: str) -> None:
    save_checkpoint(tmp_path, sample(5))
    broken = save_checkpoint(tmp_path, sample(10)) / file
    if damage == "missing":
        broken.unlink()
    else:
        broken.write_bytes(broken.read_bytes()[:50] if damage == "cut" else b"")
    found = last_checkpoint(tmp_path)
    assert found is not None and found.step == 5


def test_a_half_written_one_is_never_picked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path, sample(5))

    def cut_off(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "save_file", cut_off)
    with pytest.raises(StorageError, match="the disk is full"):
        save_checkpoint(tmp_path, sample(10))
    assert [path.name for path in tmp_path.iterdir()] == ["step-000005"]


def test_what_a_power_cut_left_is_ignored_and_replaced(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, sample(5))
    half = tmp_path / ".writing-step-000010"
    half.mkdir()
    (half / "adapter.safetensors").write_bytes(b"half")
    found = last_checkpoint(tmp_path)
    assert found is not None and found.step == 5
    save_checkpoint(tmp_path, sample(10))
    found = last_checkpoint(tmp_path)
    assert found is not None and found.step == 10 and not half.exists()


def test_the_writers_own_error_for_a_full_disk_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise module.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(module, "save_file", full)
    with pytest.raises(StorageError, match="the disk is full"):
        save_checkpoint(tmp_path, sample(10))


def test_the_same_facts_continue(tmp_path: Path) -> None:
    check_facts(sample(5), {"lora.rank": 4, "lora.targets": ["to_q"]}, "mia")


def test_changed_facts_are_all_named() -> None:
    kept = replace(sample(5), facts={"lora.rank": 4, "base": "a" * 64, "lora.targets": ["to_q"]})
    with pytest.raises(ResumeError) as caught:
        check_facts(kept, {"lora.rank": 8, "base": "b" * 64, "lora.targets": ["to_q"]}, "mia")
    words = str(caught.value)
    assert "lora.rank (4 → 8)" in words and "base (aaaaaaaa… → bbbbbbbb…)" in words and "to_q" not in words
    assert "resume=never" in words
