"""The recipe with the settings of other families, really launched by accelerate, on tiny bases in their format."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file
from tiny_families import make_tiny, name_it

from workbench.adapters import read_card
from workbench.config import ROOT, home, shelf
from workbench.training import RunFolder
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw

pytestmark = pytest.mark.slow
LAUNCH = [
    sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(ROOT / "accelerate_config.yaml"),
    "--quiet", str(ROOT / "recipes" / "train_lora.py"),
]  # fmt: skip
# What would be slow on a CPU, or is of the true base's size.
SMALL = [
    "name=mia", "steps=3", "checkpoint_every=2", "preview_every=0", "class_pictures=1", "resolution=0",
    "optimizer=adamw", "quantise=none", "trackers=", "keep_best=false",
]  # fmt: skip


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    scene = sample_scene(0, headwear="none", background="white", tilt=0.0, turn=0.0)
    photo = draw(sample_character(3), scene, "photo", size=512, seed=0)
    photo.crop((64, 0, 448, 512)).save(folder / "selfie.png")  # three to four, as phones take them
    return folder


@pytest.mark.parametrize(
    ("family", "settings", "part", "more"),
    [
        ("sdxl", "sdxl.yaml", "unet", ["resolution=64", "techniques.buckets=2", "techniques.multi_resolution=0.5"]),
        ("z-image", "z-image.yaml", "transformer", ["memory.phased=true", "preview_every=2"]),
    ],
)
def test_launched_with_the_familys_settings(
    family: str, settings: str, part: str, more: list[str], photos: Path, tmp_path: Path
) -> None:
    base = name_it(make_tiny(family, tmp_path / "base"), f"tiny-{family}", family=family, resolution=32, steps=2)
    config = ["--config", str(ROOT / "recipes" / "configs" / settings)]
    done = subprocess.run(
        [*LAUNCH, *config, *SMALL, f"base={base}", f"photos={photos}", *more],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    status = RunFolder(home() / "runs" / "mia").read_status()
    assert (status["state"], status["step"]) == ("done", 3)
    card = read_card(shelf() / "mia.safetensors")
    assert (card.base, card.family, card.resolution, card.steps) == (base, family, 64 if family == "sdxl" else 32, 3)
    if "memory.phased=true" in more:
        assert len(list((home() / "cache" / "latents").iterdir())) == 3 + 1, "latents, and the words of all captions"
        assert len(list((home() / "runs" / "mia" / "previews").iterdir())) == 2
    else:
        kept = [load_file(file)["mean"].shape for file in (home() / "cache" / "latents").iterdir()]
        # 48 × 80 is nearer to three by four than the square; at 48 px the square is nearer than 32 × 64.
        assert {(4, 20, 12), (4, 16, 16), (4, 12, 12)} <= set(kept), "a bucket, the square, and a smaller side"
    names = load_file(shelf() / "mia.safetensors")
    assert names and all(name.startswith(f"{part}.") for name in names)
