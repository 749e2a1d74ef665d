"""Killed, stopped, refused, out of memory: the recipe goes on exactly where it was, or says what is wrong.

WORKBENCH_KILLS sets how often the run is killed (default 2).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from loaded import load_recipe
from PIL import Image
from safetensors.numpy import load_file
from tiny import make_tiny_base
from tiny_families import make_tiny, name_it

from workbench.adapters import inspect_adapter
from workbench.backbones.unet import UNetBackbone
from workbench.config import ROOT, home, shelf
from workbench.training import RunFolder
from workbench.training.compiling import cannot_compile
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw

pytestmark = pytest.mark.slow
RECIPE = ROOT / "recipes" / "train_lora.py"
KILLS = int(os.environ.get("WORKBENCH_KILLS", "2"))
QUICK = [
    "batch_size=4",
    "anchors=2",
    "class_pictures=2",
    "preview_every=0",
    "trackers=",
    "schedule=constant",
    "warmup=0",
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_base(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for index in range(2):
        scene = sample_scene(index, headwear="none", background=("white", "blue")[index], tilt=0.0, turn=0.0)
        draw(sample_character(3), scene, "photo", size=512, seed=index).save(tmp_path / f"selfie-{index}.png")
    return tmp_path


@pytest.fixture
def words(base: Path, photos: Path) -> list[str]:
    return [f"base={base}", f"photos={photos}", *QUICK]


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    return load_recipe("train_lora")


def folder(name: str) -> RunFolder:
    return RunFolder(home() / "runs" / name)


def as_if_stopped(name: str) -> None:
    """A finished run is not continued; one that was stopped at its last step is."""
    status = folder(name).read_status() | {"state": "stopped"}
    (folder(name).folder / "status.json").write_text(json.dumps(status))


def adapter_of(name: str) -> dict[str, np.ndarray]:
    return dict(load_file(folder(name).folder / "adapter.safetensors"))


def assert_equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    assert all(np.array_equal(value, other[name]) for name, value in one.items())


@contextmanager
def after_steps(name: str, steps: int, act: Callable[[], object]) -> Iterator[None]:
    """Does something once so many steps of a run are done."""

    def wait() -> None:
        end = time.monotonic() + 500
        while len(folder(name).metrics()) < steps and time.monotonic() < end:
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    yield
    thread.join()


def test_killed_at_any_moment_and_continued_is_the_straight_run(recipe: ModuleType, words: list[str]) -> None:
    steps = 24
    words = [*words, f"steps={steps}", "checkpoint_every=2", "word_learning_rate=1e-3", "techniques.ema=0.9"]
    assert recipe.main([*words, "name=straight"]) == 0
    chance = random.Random(time.time_ns())
    for kill in range(KILLS):
        name, moment, wait = f"killed-{kill}", chance.randrange(steps), chance.random() * 0.3
        process = subprocess.Popen(
            [sys.executable, str(RECIPE), *words, f"name={name}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while len(folder(name).metrics()) < moment and process.poll() is None:
            time.sleep(0.01)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert recipe.main([*words, f"name={name}"]) == 0, f"killed {wait:.2f} s after step {moment}"
        assert [line["step"] for line in folder(name).metrics()] == list(range(1, steps + 1))
        assert_equal(adapter_of(name), adapter_of("straight"))


@pytest.mark.parametrize(
    ("kind", "optimizer"), [("dora", "prodigy"), ("pissa", "adafactor"), ("oft", "adamw"), ("lokr", "adamw8bit")]
)
def test_all_techniques_together_stop_and_go_on_exactly(
    recipe: ModuleType, words: list[str], kind: str, optimizer: str
) -> None:
    pytest.importorskip("prodigyopt" if optimizer == "prodigy" else "torch")
    techniques = "huber=0.1,noise_offset=0.05,mask=0.8,teacher=1,logit_normal=1,shift=2,caption_dropout=0.1,ema=0.9"
    techniques += ",tag_dropout=0.2" + (",lora_plus=4,debiased=1" if kind in ("dora", "pissa") else "")
    words = [
        *words, f"techniques={techniques}", f"kind={kind}", f"optimizer={optimizer}", "word_learning_rate=1e-3",
        "held_out=1", "parts=2", "checkpointing=true", "rank=4", "dropout=0.1",
    ]  # fmt: skip
    assert recipe.main([*words, "steps=6", "name=straight"]) == 0
    assert recipe.main([*words, "steps=3", "name=stopped"]) == 0
    as_if_stopped("stopped")
    assert recipe.main([*words, "steps=6", "name=stopped"]) == 0
    assert_equal(adapter_of("stopped"), adapter_of("straight"))
    tried = folder("stopped").validation()
    assert [line["step"] for line in tried] == [3, 6] and all(np.isfinite(line["loss"]) for line in tried)
    assert "text_encoder" in inspect_adapter(shelf() / "straight.safetensors").components


@pytest.mark.skipif(bool(cannot_compile(torch.device("cpu"))), reason="COMPILED STEPS WERE NOT TESTED: no C++ compiler")
def test_compiled_it_stops_and_goes_on_exactly(recipe: ModuleType, words: list[str], tmp_path: Path) -> None:
    # A transformer's blocks are all alike, so there is one kind to compile; a UNet's differ, and each takes a while.
    base = name_it(make_tiny("z-image", tmp_path / "z"), "tiny-z", family="z-image", resolution=32, steps=2)
    words = [*words, f"base={base}", "targets=auto", "text_encoder=false", "word_learning_rate=0", "preview_every=2"]
    assert recipe.main([*words, "steps=4", "name=plain"]) == 0
    words += ["compile=true"]
    assert recipe.main([*words, "steps=4", "name=straight"]) == 0
    assert recipe.main([*words, "steps=2", "name=stopped"]) == 0
    as_if_stopped("stopped")
    assert recipe.main([*words, "steps=4", "name=stopped"]) == 0
    assert_equal(adapter_of("stopped"), adapter_of("straight"))
    plain, straight = adapter_of("plain"), adapter_of("straight")
    for name, value in plain.items():
        np.testing.assert_allclose(straight[name], value, atol=1e-3 * max(1.0, float(np.abs(value).max())))


def test_buckets_and_resolutions_stop_and_go_on_exactly(
    recipe: ModuleType, words: list[str], photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Image.open(photos / "selfie-0.png") as photo:
        photo.crop((64, 0, 448, 512)).save(photos / "selfie-0.png")
    words = [*words, "techniques=buckets=2,multi_resolution=0.5,caption_dropout=0.1", "held_out=1"]
    with after_steps("stopped", 3, lambda: folder("stopped").ask("stop")):
        assert recipe.main([*words, "steps=100000", "name=stopped"]) == 0
    done = folder("stopped").read_status()["step"]
    assert recipe.main([*words, f"steps={done + 4}", "name=stopped"]) == 0
    assert f"continues after step {done}" in capsys.readouterr().out
    assert recipe.main([*words, f"steps={done + 4}", "name=straight"]) == 0
    assert_equal(adapter_of("stopped"), adapter_of("straight"))
    kept = [load_file(file)["mean"].shape for file in (home() / "cache" / "latents").iterdir()]
    assert {(4, 10, 6), (4, 8, 8), (4, 4, 4)} <= set(kept), "a bucket, the square, and a smaller side"


def test_save_now_and_sample_now(recipe: ModuleType, words: list[str]) -> None:
    run = folder("mia")

    def wish() -> None:
        run.ask("save")
        run.ask("preview")
        end = time.monotonic() + 300
        while time.monotonic() < end and not (
            list(run.checkpoints.glob("step-*")) and list(run.folder.glob("previews/*"))
        ):
            time.sleep(0.02)
        run.ask("stop")

    with after_steps("mia", 1, wish):
        assert recipe.main([*words, "steps=100000", "checkpoint_every=0", "name=mia"]) == 0
    saved = sorted(path.name for path in run.checkpoints.iterdir())
    assert len(saved) == 2, "the one that was asked for and the one at the stop"
    assert len(list(run.folder.glob("previews/step-*.png"))) == 1
    assert run.read_status()["state"] == "stopped" and not (run.folder / "save").exists()


@pytest.mark.parametrize(("change", "told"), [("remove", "is gone"), ("draw over", "was changed")])
def test_a_photo_that_changes_during_the_run_is_named(
    recipe: ModuleType, words: list[str], photos: Path, change: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = photos / "selfie-1.png"

    def spoil() -> None:
        shutil.copy(photo, photos.parent / "kept.png")
        photo.unlink() if change == "remove" else Image.new("RGB", (512, 512)).save(photo)

    words = [*words, "name=mia", "checkpoint_every=3"]
    with after_steps("mia", 4, spoil):
        assert recipe.main([*words, "steps=100000"]) == 2
    assert f"selfie-1.png: the photo {told} while the run was learning from it" in capsys.readouterr().err
    run = folder("mia")
    assert run.read_status()["state"] == "failed" and list(run.checkpoints.glob("step-*"))

    shutil.copy(photos.parent / "kept.png", photo)
    done = max(int(path.name[5:]) for path in run.checkpoints.glob("step-*"))
    assert recipe.main([*words, f"steps={done + 2}"]) == 0
    assert f"continues after step {done}" in capsys.readouterr().out


def test_when_memory_runs_out_the_run_steps_down_from_its_last_checkpoint(
    recipe: ModuleType, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # A GPU's memory, which is not here: from the third step on it holds two pictures and no more.
    predict, calls = UNetBackbone.predict, [0]

    def small(self: UNetBackbone, noisy: torch.Tensor, *rest: object) -> torch.Tensor:
        calls[0] += torch.is_grad_enabled()
        if calls[0] > 2 and torch.is_grad_enabled() and len(noisy) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return predict(self, noisy, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(UNetBackbone, "predict", small)
    assert recipe.main([*words, "steps=4", "name=mia", "checkpoint_every=1", "resume=never"]) == 0
    told = capsys.readouterr().out
    assert "the memory ran out; goes on from the last checkpoint with memory.parts=2" in told
    assert "continues after step 2" in told and [line["step"] for line in folder("mia").metrics()] == [1, 2, 3, 4]


def test_wandb_offline(recipe: ModuleType, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("WANDB_DIR", raising=False)
    assert recipe.main([*words, "trackers=wandb", "steps=2", "name=mia"]) == 0
    assert list(folder("mia").folder.glob("wandb/offline-run-*/*.wandb"))
