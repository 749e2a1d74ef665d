"""The shelf shows what lies in the folder, broken things as broken, and takes nothing in unread."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from workbench.adapters import (
    delete_adapter,
    export_kohya,
    find_adapter,
    import_adapter,
    list_shelf,
    rename_adapter,
)
from workbench.config import ROOT, shelf
from workbench.errors import AdapterError, SubjectError


@pytest.fixture
def full(adapter: Path) -> Path:
    """A shelf with one adapter."""
    shelf().mkdir(parents=True)
    shutil.copy(adapter, shelf() / "mia.safetensors")
    return shelf()


def names() -> list[str]:
    return sorted(path.name for path in shelf().iterdir())


def test_an_empty_shelf_is_no_error() -> None:
    assert list_shelf() == []
    with pytest.raises(AdapterError, match="Train one"):
        find_adapter("mia")


def test_a_file_dropped_by_hand_appears_at_once(full: Path, adapter: Path) -> None:
    shutil.copy(adapter, full / "from a friend v1.2.safetensors")
    os.utime(full / "mia.safetensors", (1, 1))
    assert [entry.name for entry in list_shelf()] == ["from a friend v1.2", "mia"]  # newest first
    assert find_adapter("from a friend v1.2").card.trigger == "zkq"
    assert find_adapter("mia.safetensors").name == "mia"


def test_broken_files_are_shown_as_broken(full: Path, adapter: Path) -> None:
    (full / "cut.safetensors").write_bytes(adapter.read_bytes()[:-100])
    (full / "old.ckpt").write_bytes(b"\x80\x04")
    (full / "note.txt").write_text("not an adapter")
    (full / ".hidden.safetensors").write_bytes(b"")
    entries = {entry.name: entry for entry in list_shelf()}
    assert set(entries) == {"mia", "cut", "old.ckpt"}
    assert "cut off" in entries["cut"].broken and "run code" in entries["old.ckpt"].broken and not entries["mia"].broken
    with pytest.raises(AdapterError, match="cut off"):
        find_adapter("cut")
    assert delete_adapter("cut") == [full / "cut.safetensors"]


def test_a_missing_one_names_the_nearest(full: Path) -> None:
    with pytest.raises(AdapterError, match="mia"):
        find_adapter("miaa")


def test_names_never_leave_the_shelf(full: Path, adapter: Path) -> None:
    for name in ("../mia", str(adapter.with_suffix("")), "mia/../mia"):
        with pytest.raises(AdapterError, match="not on the shelf"):
            find_adapter(name)
        with pytest.raises(SubjectError):
            import_adapter(adapter, name)
    assert names() == ["mia.safetensors"]


def test_import_reads_all_of_it_first(full: Path, adapter: Path, tmp_path: Path) -> None:
    entry = import_adapter(adapter.read_bytes(), "米娅")
    assert entry.path == full / "米娅.safetensors" and not entry.broken
    tensors = load_file(adapter)
    next(iter(tensors.values()))[0, 0] = float("nan")
    poisoned = tmp_path / "nan.safetensors"
    save_file(tensors, poisoned)
    damaged = bytearray(adapter.read_bytes())
    damaged[-1] ^= 1
    lost = {key: value for key, value in load_file(adapter).items() if "conv1.lora_B" not in key}
    half = tmp_path / "half.safetensors"
    save_file(lost, half)
    model = tmp_path / "model.safetensors"
    save_file({"conv.weight": torch.ones(2, 2)}, model)
    for source, name, reason in (
        (poisoned, "a", "NaN"),
        (bytes(damaged), "a", "not those it was saved with"),
        (adapter.read_bytes()[:5000], "a", "cut off"),
        (b"", "a", "too short"),
        (half, "a", "half of the weight"),
        (model, "a", "not a LoRA"),
        (adapter, "mia", "one of that name"),
        (tmp_path / "x.ckpt", "a", "run code"),
        (b"\x80\x04abcdefgh", "a.pt", "run code"),
        (tmp_path / "none.safetensors", "a", "no such file"),
    ):
        with pytest.raises(AdapterError, match=reason):
            import_adapter(source, name)
        assert names() == ["mia.safetensors", "米娅.safetensors"]
    assert import_adapter(adapter, "mia", replace=True).name == "mia"


def test_an_unknown_base_is_noted(full: Path, adapter: Path) -> None:
    save_file(load_file(adapter), full / "bare.safetensors")
    entry = next(entry for entry in list_shelf() if entry.name == "bare")
    assert not entry.broken and "no card" in entry.notes[0] and entry.info is not None
    assert entry.info.base == "an unknown base"


def test_an_export_follows_its_adapter(full: Path) -> None:
    export_kohya(full / "mia.safetensors")
    assert names() == ["mia.kohya.safetensors", "mia.safetensors"]
    assert [entry.name for entry in list_shelf()] == ["mia"]
    rename_adapter("mia", "lena")
    assert names() == ["lena.kohya.safetensors", "lena.safetensors"]
    with pytest.raises(AdapterError, match="one of that name"):
        rename_adapter("lena", "lena")
    delete_adapter("lena")
    assert names() == []


def test_a_new_name_writes_over_no_file(full: Path) -> None:
    export_kohya(full / "mia.safetensors")
    (full / "mia.kohya.safetensors").rename(full / "lena.kohya.safetensors")
    export_kohya(full / "mia.safetensors")
    with pytest.raises(AdapterError, match="one of that name"):
        rename_adapter("mia", "lena")
    assert names() == ["lena.kohya.safetensors", "mia.kohya.safetensors", "mia.safetensors"]


def test_looking_at_a_shelf_does_not_wait_for_torch(full: Path) -> None:
    code = (
        "import sys; from workbench.adapters import list_shelf; import workbench.gallery, workbench.generation;"
        "print([entry.card.trigger for entry in list_shelf()], 'torch' in sys.modules, 'peft' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split("\n")[0] == "['zkq'] False False"
