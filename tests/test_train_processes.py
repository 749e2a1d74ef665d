"""Two processes that train together (gloo, on the CPU) learn what one process learns from the same batches."""

from __future__ import annotations

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


def launch(words: list[str], processes: int) -> subprocess.CompletedProcess[str]:
    """As docs/bases.md says it for processes on CPUs, on a port of our own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node",
        str(processes),
        "--master_port",
        str(port),
    ]
    places = os.environ | {"ACCELERATE_USE_CPU": "true"}
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
