"""Two processes that train together (gloo, on the CPU) learn what one process learns from the same batches."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from loaded import load_recipe
from safetensors.numpy import load_file
from tiny import make_tiny_base
from tiny_families import make_tiny, name_it

from workbench.config import ROOT, home, shelf
from workbench.training import RunFolder
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw

pytestmark = pytest.mark.slow
RECIPE = ROOT / "recipes" / "train_lora.py"
SHORT = [
    "steps=5", "batch_size=4", "anchors=2", "class_pictures=2", "preview_every=2", "checkpoint_every=3", "trackers=",
    "keep_best=false", "warmup=0",
]  # fmt: skip


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    base = make_tiny_base(tmp_path / "tiny")
    photos = tmp_path / "photos"
    photos.mkdir()
    for index in range(2):
        scene = sample_scene(index, headwear="none", background=("white", "blue")[index], tilt=0.0, turn=0.0)
        draw(sample_character(3), scene, "photo", size=512, seed=index).save(photos / f"selfie-{index}.png")
    return [f"base={base}", f"photos={photos}", *SHORT]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def launch(words: list[str], processes: int, **more: str) -> subprocess.CompletedProcess[str]:
    """As docs/bases.md says it for processes on CPUs, on a port of our own."""
    line = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node",
        str(processes),
        "--master_port",
        str(free_port()),
    ]
    places = os.environ | {"ACCELERATE_USE_CPU": "true"} | more
    return subprocess.run(
        [*line, str(RECIPE), *words], capture_output=True, text=True, cwd=ROOT, check=False, env=places, timeout=900
    )


def distance(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    """How far apart two adapters are, as a share of their size."""
    apart, size = (np.concatenate([each.ravel() for each in values]) for values in (
        [one[key] - other[key] for key in one], list(other.values()),
    ))  # fmt: skip
    return float(np.linalg.norm(apart) / np.linalg.norm(size))


def test_two_processes_learn_what_one_learns(words: list[str]) -> None:
    done = launch([*words, "name=two"], 2)
    assert done.returncode == 0, done.stdout + done.stderr
    run = RunFolder(home() / "runs" / "two")
    assert run.read_status()["state"] == "done" and [line["step"] for line in run.metrics()] == [1, 2, 3, 4, 5]
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["step-000003", "step-000005"]
    assert len(list((run.folder / "previews").iterdir())) == 3

    assert load_recipe("train_lora").main([*words, "name=one"]) == 0
    one, two = (dict(load_file(shelf() / f"{name}.safetensors")) for name in ("one", "two"))
    assert one.keys() == two.keys()
    # Sums of gradients in another order differ in the last digits; Adam divides some of them by small numbers.
    assert distance(one, two) < 1e-4
    assert distance(*({key: value for key, value in each.items() if "_B" in key} for each in (two, one))) < 1e-3
    alone = [line["loss"] for line in RunFolder(home() / "runs" / "one").metrics()]
    np.testing.assert_allclose([line["loss"] for line in run.metrics()], alone, rtol=1e-4)


def test_a_batch_that_cannot_be_shared_is_refused_by_name(words: list[str]) -> None:
    done = launch([*words, "name=odd", "batch_size=3"], 2)
    assert done.returncode != 0
    assert "train.batch_size: 3 cannot be shared evenly by 2 processes" in done.stderr


FSDP = {"ACCELERATE_USE_FSDP": "true", "FSDP_CPU_RAM_EFFICIENT_LOADING": "true"}  # as the launcher sets them
LARGE = ["lora.text_encoder=false", "targets=auto", "techniques=teacher=1,ema=0.9", "schedule=constant"]


def large(family: str, folder: Path) -> str:
    """A base of a family that is cut, small."""
    return name_it(make_tiny(family, folder / family), f"tiny-{family}", family=family, resolution=32, steps=2)


@pytest.mark.timeout(1500)
def test_a_base_in_pieces_learns_what_a_whole_one_learns(words: list[str], tmp_path: Path) -> None:
    words = [
        *words, *LARGE, f"base={large('flux', tmp_path)}", "memory.phased=true", "held_out=1", "keep_best=true",
        "memory.checkpointing=true", "parts=2",
    ]  # fmt: skip
    done = launch([*words, "name=pieces"], 2, **FSDP)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "view tensor" not in done.stderr
    run = RunFolder(home() / "runs" / "pieces")
    assert run.read_status()["state"] == "done"
    assert len(list((run.folder / "previews").iterdir())) == 3 and len(run.validation()) == 2

    assert load_recipe("train_lora").main([*words, "name=whole"]) == 0
    pieces, whole = (dict(load_file(shelf() / f"{name}.safetensors")) for name in ("pieces", "whole"))
    assert whole.keys() == pieces.keys()
    assert distance(pieces, whole) < 1e-4
    assert distance(*({key: value for key, value in each.items() if "_B" in key} for each in (pieces, whole))) < 1e-3
    alone = RunFolder(home() / "runs" / "whole")
    for ours, theirs in ((run.metrics(), alone.metrics()), (run.validation(), alone.validation())):
        np.testing.assert_allclose([x["loss"] for x in ours], [x["loss"] for x in theirs], rtol=1e-4)


@pytest.mark.timeout(1500)
def test_in_pieces_stopped_and_continued_is_the_straight_run(words: list[str], tmp_path: Path) -> None:
    words = [*words, *LARGE, f"base={large('z-image', tmp_path)}", "preview_every=0"]

    def learn(name: str, steps: int) -> tuple[dict[str, np.ndarray], str]:
        done = launch([*words, f"name={name}", f"steps={steps}"], 2, **FSDP)
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(load_file(shelf() / f"{name}.safetensors")), done.stdout

    straight, _ = learn("straight", 4)
    learn("stopped", 2)
    stopped = RunFolder(home() / "runs" / "stopped")
    (stopped.folder / "status.json").write_text(json.dumps(stopped.read_status() | {"state": "stopped"}))
    continued, told = learn("stopped", 4)
    assert "continues after step 2" in told
    assert straight.keys() == continued.keys()
    assert all(np.array_equal(value, continued[key]) for key, value in straight.items())
