"""The recipe, really launched by accelerate, on a tiny base: from photos to a proven adapter on the shelf."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from loaded import load_recipe
from PIL import Image
from safetensors.numpy import load_file
from tiny import make_tiny_base

from workbench.adapters import read_card
from workbench.backbones import open_backbone
from workbench.config import ROOT, home, shelf
from workbench.dataset import load_examples
from workbench.dataset.latents import latent_file
from workbench.dataset.whole import to_bytes
from workbench.training import RunFolder
from workbench.training.checkpoint import last_checkpoint
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw

pytestmark = pytest.mark.slow
RECIPE = ROOT / "recipes" / "train_lora.py"
LAUNCH = [
    sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(ROOT / "accelerate_config.yaml"),
    "--quiet", str(RECIPE),
]  # fmt: skip
SHORT = ["name=mia", "batch_size=4", "anchors=4", "class_pictures=2", "preview_every=3", "checkpoint_every=2"]
LONG = ["steps=100000", "schedule=constant", "warmup=0", "preview_every=0", "trackers="]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_base(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for index in range(2):
        scene = sample_scene(index, headwear="none", background=("white", "blue")[index], tilt=0.0, turn=0.0)
        draw(sample_character(3), scene, "photo", size=512, seed=index).save(folder / f"selfie-{index}.png")
    Image.new("RGB", (512, 512), "gray").save(folder / "wall.png")
    return folder


@pytest.fixture
def words(base: Path, photos: Path) -> list[str]:
    return [f"base={base}", f"photos={photos}", *SHORT]


@pytest.fixture
def run() -> RunFolder:
    return RunFolder(home() / "runs" / "mia")


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    """The recipe as a module: launched once for real below, and called here where imports need not be paid again."""
    return load_recipe("train_lora")


@contextmanager
def after_steps(run: RunFolder, steps: int) -> Iterator[list[str]]:
    """Gives a list of what to do (`stop`, `SIGINT`, `SIGTERM`) once so many steps are done."""
    wishes: list[str] = []

    def wait() -> None:
        end = time.monotonic() + 500
        while len(run.metrics()) < steps and time.monotonic() < end:
            time.sleep(0.02)
        for wish in wishes:
            if wish == "stop":
                (run.folder / "stop").touch()
            else:
                os.kill(os.getpid(), signal.Signals[wish])

    thread = threading.Thread(target=wait)
    thread.start()
    yield wishes
    thread.join()


def adapter_of(run: RunFolder) -> dict[str, np.ndarray]:
    return dict(load_file(run.folder / "adapter.safetensors"))


def test_launched_from_photos_to_a_proven_adapter(words: list[str], run: RunFolder, base: Path) -> None:
    done = subprocess.run([*LAUNCH, *words, "steps=6"], capture_output=True, text=True, cwd=ROOT, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert "left out: wall.png: " in told and "step 6/6, loss " in told
    assert all(noise not in told for noise in ("Warning", "Loading", "Failed")), told

    status = run.read_status()
    assert (status["state"], status["step"], status["steps"]) == ("done", 6, 6)
    assert [line["step"] for line in run.metrics()] == [1, 2, 3, 4, 5, 6]
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["step-000004", "step-000006"]
    previews = sorted(path.name for path in (run.folder / "previews").iterdir())
    assert previews == ["step-000003.png", "step-000006.png"]
    assert list(run.folder.glob("training/**/events.*")), "TensorBoard was told nothing"

    card = read_card(shelf() / "mia.safetensors")
    assert (card.name, card.trigger, card.base, card.steps) == ("mia", "zkq", "tiny", 6)
    assert card.thumbnail.startswith("data:image/") and card.traits
    assert str(base.parent) not in (shelf() / "mia.safetensors").read_bytes().decode("latin-1")
    assert load_file(shelf() / "mia.safetensors").keys() == adapter_of(run).keys()

    report = json.loads((run.folder / "report.json").read_text())
    assert report["photos"]["used"] == ["selfie-0.png", "selfie-1.png"]
    assert {"launcher", "start", "photos", "imports", "encoding", "training", "saving"} <= report["seconds"].keys()

    kinds = [example.kind for example in load_examples(home() / "datasets" / "mia")]
    assert kinds == ["photo"] * 2 + ["anchor"] * 4 + ["class"] * 2


def test_a_launched_run_says_what_is_wrong_in_one_line(words: list[str], tmp_path: Path) -> None:
    done = subprocess.run([*LAUNCH, "photos=", "rnak=8"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "lora.rank" in done.stderr and "photos" in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_photos_that_cannot_be_used_are_told_while_libraries_load(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "selfie.jpg").write_bytes(b"no picture")
    done = subprocess.run(
        [*LAUNCH, *words, f"photos={tmp_path}"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    said = done.stderr.strip()
    assert done.returncode != 0 and said.startswith("error: ") and "selfie.jpg" in said and "\n" not in said


def test_stopped_and_continued_is_the_straight_run(
    recipe: ModuleType, words: list[str], run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with after_steps(run, 3) as wishes:
        wishes.append("stop")
        assert recipe.main([*words, *LONG]) == 0
    stopped = run.read_status()["step"]
    steps = f"steps={stopped + 2}"
    assert recipe.main([*words, *LONG, steps]) == 0
    assert f"continues after step {stopped}" in capsys.readouterr().out
    assert [line["step"] for line in run.metrics()] == list(range(1, stopped + 3))

    assert recipe.main([*words, *LONG, steps, "name=straight"]) == 0
    straight = adapter_of(RunFolder(home() / "runs" / "straight"))
    continued = adapter_of(run)
    assert straight.keys() == continued.keys()
    assert all(np.array_equal(value, continued[name]) for name, value in straight.items())


@pytest.mark.parametrize("way", ["stop", "SIGINT", "SIGTERM"])
def test_stop_means_save(recipe: ModuleType, words: list[str], run: RunFolder, way: str) -> None:
    with after_steps(run, 1) as wishes:
        wishes.append(way)
        assert recipe.main([*words, *LONG]) == 0
    status = run.read_status()
    assert status["state"] == "stopped"
    assert f"after step {status['step']}; start it again to continue" in status["reason"]
    assert list(run.checkpoints.glob(f"step-{status['step']:06d}"))
    assert not (shelf() / "mia.safetensors").exists()


def test_a_finished_run_is_kept_and_a_new_one_starts_afresh(
    recipe: ModuleType, words: list[str], run: RunFolder
) -> None:
    assert recipe.main([*words, "steps=2", "trackers="]) == 0
    first = adapter_of(run)
    assert recipe.main([*words, "steps=3", "trackers=", "text_encoder=false", "seed=1"]) == 0
    assert [line["step"] for line in run.metrics()] == [1, 2, 3]
    kept = dict(load_file(run.folder / "earlier" / "1" / "adapter.safetensors"))
    assert all(np.array_equal(value, kept[name]) for name, value in first.items())
    assert not any("text_encoder" in name for name in adapter_of(run))


def test_a_changed_run_is_not_continued(
    recipe: ModuleType, words: list[str], run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with after_steps(run, 1) as wishes:
        wishes.append("stop")
        assert recipe.main([*words, *LONG]) == 0
    assert recipe.main([*words, *LONG, "rank=3"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: Run mia: ") and "lora.rank (16 → 3)" in told
    assert run.read_status()["state"] == "failed" and list(run.checkpoints.iterdir())
    assert recipe.main([*words, "steps=1", "trackers=", "rank=3", "resume=never"]) == 0
    assert (run.folder / "earlier" / "1" / "checkpoints").is_dir()


def test_a_loss_that_is_no_number_names_the_photo_and_keeps_the_last_checkpoint(
    recipe: ModuleType, words: list[str], run: RunFolder, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recipe.main([*words, "steps=1", "trackers="]) == 0
    photo = next(each for each in load_examples(home() / "datasets" / "mia") if each.file.name == "photo-001.png")
    for flip in (False, True):
        kept = latent_file(home() / "cache" / "latents", open_backbone(base, "cpu"), photo, (32, 32), flip)
        assert kept is not None and kept.exists()
        numbers = {name: torch.from_numpy(np.full_like(value, np.nan)) for name, value in load_file(kept).items()}
        kept.write_bytes(to_bytes(numbers))
    assert recipe.main([*words, "steps=50", "trackers=", "checkpoint_every=1", "seed=3"]) == 2
    assert "the loss of selfie-1.png became NaN or infinite" in capsys.readouterr().err
    status = run.read_status()
    assert status["state"] == "failed" and "selfie-1.png" in status["reason"]
    checkpoint = last_checkpoint(run.checkpoints)
    assert checkpoint is None or all(bool(value.isfinite().all()) for value in checkpoint.adapter.values())


@pytest.mark.parametrize(
    ("change", "words_told"),
    [
        (["photos=nowhere"], "nowhere"),
        (["base=nowhere"], "nowhere: there is no base of this name"),
        (["targets=to_z"], "no layer of the base ends in to_z"),
        (["trackers=wandb"], "wandb is not installed"),
        (["traits.hair_colour=brwon"], "brown"),
        (["photos=subject"], "there is no subject of this name"),
    ],
)
def test_what_cannot_work_is_one_line_and_leaves_no_adapter(
    recipe: ModuleType, words: list[str], run: RunFolder, change: list[str], words_told: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if "trackers=wandb" in change and find_spec("wandb"):
        pytest.skip("wandb is installed")
    assert recipe.main([*words, "steps=1", *change]) == 2
    told = capsys.readouterr().err.strip()
    assert told.startswith("error: ") and words_told in told and "\n" not in told
    assert not shelf().exists() or not list(shelf().iterdir())
    if run.folder.exists():
        assert run.read_status()["state"] == "failed" and words_told in run.read_status()["reason"]


def test_a_busy_run_refuses(
    recipe: ModuleType, words: list[str], run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with run.hold():
        run.status("running")
        assert recipe.main([*words, "steps=1"]) == 2
    assert "Run mia: another process" in capsys.readouterr().err
    assert run.read_status()["state"] == "running", "the busy run was told to have failed"


def test_the_second_run_draws_and_encodes_nothing_again(recipe: ModuleType, words: list[str]) -> None:
    assert recipe.main([*words, "steps=1", "trackers="]) == 0
    before = {path: path.stat().st_mtime_ns for path in (home() / "cache").rglob("*.*")}
    assert recipe.main([*words, "steps=1", "trackers=", "name=other"]) == 0
    assert {path: path.stat().st_mtime_ns for path in (home() / "cache").rglob("*.*")} == before
