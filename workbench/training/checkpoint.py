"""Checkpoints that continue a run exactly, without pickle, and that are whole or not there.

    checkpoints/step-000100/adapter.safetensors      what learns, in float32
    checkpoints/step-000100/optimizer.safetensors    the optimizer's tensors, `PARAMETER/NAME` or deeper
    checkpoints/step-000100/state.json               step, the optimizer's plain numbers, what the run was made of
    checkpoints/step-000100/SHA256SUMS               of these three: a bit that the disk flipped is noticed

A folder is written under another name, flushed to the disk and renamed. Noise, noise levels and the choice of
pictures follow from (seed, step), so no state of a random generator is kept.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from workbench.config import make_folder, storage_errors
from workbench.errors import ResumeError
from workbench.training.sums import changed_files, write_sums

KEPT = 2
FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """A run's state after `step` steps.

    Args:
        step: steps done.
        adapter: see `Attachment.state`.
        optimizer: per parameter number, the optimizer's state of it.
        facts: what the run was made of: facts that must be the same to continue.
        extra: plain numbers of others, such as fp16's loss scale.
    """

    step: int
    adapter: dict[str, torch.Tensor]
    optimizer: dict[int, dict[str, Any]]
    facts: dict[str, Any]
    extra: dict[str, Any]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Writes a checkpoint and removes all but the last ones.

    Args:
        folder: the run's `checkpoints/`.
        checkpoint: what to write.

    Returns:
        The checkpoint's folder.

    Raises:
        StorageError: if the disk is full or the folder may not be written; earlier checkpoints stay.
    """
    make_folder(folder)
    final = folder / f"step-{checkpoint.step:06d}"
    building = folder / f".writing-{final.name}"
    tensors, numbers = _split(checkpoint.optimizer)
    state = {
        "format": FORMAT,
        "step": checkpoint.step,
        "optimizer": numbers,
        "facts": checkpoint.facts,
        "extra": checkpoint.extra,
    }
    with storage_errors(final):
        try:
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            save_file(
                {name: _plain(tensor) for name, tensor in checkpoint.adapter.items()}, building / "adapter.safetensors"
            )
            save_file(tensors, building / "optimizer.safetensors")
            (building / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
            write_sums(building)
            for file in building.iterdir():
                _flush(file)
            _flush(building)
            shutil.rmtree(final, ignore_errors=True)
            building.rename(final)
            _flush(folder)
        except SafetensorError as error:
            # Its writer reports a full disk as an error of its own.
            raise OSError(_number_of(error), str(error)) from error
        finally:
            shutil.rmtree(building, ignore_errors=True)
    for _, old in _all(folder)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def last_checkpoint(folder: Path) -> Checkpoint | None:
    """Reads the latest checkpoint that is whole, or None if there is none."""
    for _, path in reversed(_all(folder)):
        try:
            return _read(path)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError):
            continue  # `workbench doctor` names it; the one before is whole
    return None


def check_facts(checkpoint: Checkpoint, facts: Mapping[str, Any], run: str) -> None:
    """Refuses to continue when something was changed that the adapter's numbers depend on.

    Args:
        checkpoint: what would be continued.
        facts: of the run as it is set up now.
        run: its name.

    Raises:
        ResumeError: names what was changed.
    """
    changed = [
        f"{name} ({_show(checkpoint.facts.get(name))} → {_show(value)})"
        for name, value in facts.items()
        if checkpoint.facts.get(name) != value
    ]
    if changed:
        raise ResumeError(
            f"Run {run}",
            f"it was stopped at step {checkpoint.step} and since then changed: {', '.join(changed)}",
            "Set it back to continue, use resume=never to start afresh (the old run is kept), or choose another name",
        )


def _show(value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{text[:8]}…" if re.fullmatch(r"[0-9a-f]{32,}", text) else text


def _all(folder: Path) -> list[tuple[int, Path]]:
    found = ((re.fullmatch(r"step-(\d+)", path.name), path) for path in folder.glob("step-*"))
    return sorted((int(match[1]), path) for match, path in found if match)


def _read(path: Path) -> Checkpoint:
    if changed := changed_files(path):
        raise ValueError(f"{', '.join(changed)} is not what was written")
    state = json.loads((path / "state.json").read_text(encoding="utf-8"))
    if state["format"] != FORMAT:
        raise ValueError("written by another version")
    optimizer = _join(load_file(path / "optimizer.safetensors"), state["optimizer"])
    adapter = load_file(path / "adapter.safetensors")
    return Checkpoint(int(state["step"]), adapter, optimizer, state["facts"], state["extra"])


def _split(optimizer: Mapping[int, Any]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Separates tensors, which safetensors holds, from numbers, which JSON holds; both by the path of their keys.

    8-bit Adam's state of a parameter has a table of tables in it.
    """
    tensors: dict[str, torch.Tensor] = {}
    numbers: dict[str, Any] = {}
    rest = [(str(number), values) for number, values in optimizer.items()]
    while rest:
        path, value = rest.pop()
        if isinstance(value, Mapping):
            rest += [(f"{path}/{name}", inner) for name, inner in value.items()]
        elif isinstance(value, torch.Tensor):
            tensors[path] = _plain(value)
        else:
            numbers[path] = value
    return tensors, numbers


def _join(tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """Undoes `_split`."""
    joined: dict[int, dict[str, Any]] = {}
    for path, value in [*tensors.items(), *numbers.items()]:
        number, *outer, name = path.split("/")
        table = joined.setdefault(int(number), {})
        for key in outer:
            table = table.setdefault(key, {})
        table[name] = value
    return joined


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    # A copy: safetensors refuses tensors that share memory, as the tables of 8-bit Adam do.
    return tensor.detach().to("cpu", copy=True).contiguous()


def _number_of(error: Exception) -> int:
    match = re.search(r"os error (\d+)", str(error))
    return int(match[1]) if match else 0


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
