"""Every family from pictures to a proven adapter: train, continue, save, open again, draw, export.

The bases are random and tiny and have the true format; what trains, saves and draws is what the recipe uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from tiny_families import make_tiny, name_it

from workbench.adapters import Card, export_kohya, prove_adapter, read_weights, save_adapter
from workbench.backbones import FAMILIES, open_backbone
from workbench.config import load_settings
from workbench.dataset import Example, build_dataset
from workbench.dataset.encode import encode
from workbench.errors import AdapterError
from workbench.generation import Engine, Request
from workbench.training import RunFolder
from workbench.training.batches import draw_batch
from workbench.training.continuation import Continuation
from workbench.training.launch import seed_dropout
from workbench.training.lora import Attachment, attach_lora
from workbench.training.objective import Objective, Weighting
from workbench.training.optimizer import make_optimizer, rate_share, set_rate
from workbench.training.previews import draw_preview
from workbench.training.techniques import drawing_of

STEPS, STOP = 4, 2
WORDS = "chibi of zkq person"


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    random = np.random.default_rng(0)
    photos = [(Image.fromarray(random.integers(0, 255, (32, 32, 3), np.uint8)), "photo of zkq person") for _ in "ab"]
    return build_dataset(tmp_path_factory.mktemp("datasets") / "mia", photos=photos)


@dataclass
class Training:
    """A short training of a family's tiny base, with all that a run remembers."""

    name: str
    examples: list[Example]
    folder: Path

    def __call__(self, run_name: str, until: int) -> tuple[Attachment, str]:
        """Returns the adapter on its base, and what was told of continuing."""
        backbone = open_backbone(self.name, "cpu")
        text_rank = 2 if backbone.text_encoders else 0
        data = encode(backbone, self.examples, flips=True, keep_text=not text_rank, cache_dir=self.folder / "cache")
        adapter = attach_lora(backbone, 4, 2.0, ["auto"], dropout=0.1, text_rank=text_rank, seed=1)
        optimizer = make_optimizer(adapter.groups(3e-2, 1e-2), "adamw", 0.01)
        run = RunFolder(self.folder / run_name)
        run.folder.mkdir(exist_ok=True)
        continuation = Continuation(run, adapter, optimizer, None, {"base": backbone.fingerprint}, {})
        told = continuation.restore()
        objective = Objective(backbone, Weighting(), bool(text_rank)).train()
        drawing = drawing_of({}, backbone, data)
        for step in range(continuation.step, until):
            set_rate(optimizer, rate_share(step, STEPS, "constant", 0.0))
            seed_dropout(5, step, 0)
            batch = draw_batch(data, 5, step, 2, backbone.timesteps, drawing=drawing)
            losses = objective(batch.latents, batch.noise, batch.timesteps, batch.text)
            assert losses.shape == (2,) and bool(losses.isfinite().all())
            losses.mean().backward()
            optimizer.step()
            optimizer.zero_grad()
        continuation.save(until)
        return adapter, told


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_from_pictures_to_a_proven_adapter(family: str, examples: list[Example], tmp_path: Path) -> None:
    name = name_it(make_tiny(family, tmp_path / "base"), f"tiny-{family}", resolution=32, steps=2)
    train = Training(name, examples, tmp_path)

    # Stopped and continued is the straight run, bit for bit.
    straight, told = train("straight", STEPS)
    assert told == ""
    train("stopped", STOP)
    torch.manual_seed(99)
    continued, told = train("stopped", STEPS)
    assert told == f"continues after step {STOP}"
    state = continued.state()
    assert all(torch.equal(value, state[key]) for key, value in straight.state().items())
    assert any(bool(value.abs().max() > 1e-3) for key, value in state.items() if "lora_B" in key), "nothing was learnt"

    # A preview, and the file; saving opens it again in a fresh pipeline and compares the pictures.
    backbone = continued.backbone
    assert draw_preview(backbone, [WORDS], 0, tmp_path / "preview.png")[0].size == (32, 32)
    shelf = tmp_path / "shelf"
    card = Card(name="mia", trigger="zkq", base=name, base_fingerprint=backbone.fingerprint, family=family)
    states, configs, _ = continued.saved()
    file = save_adapter(shelf / "mia.safetensors", states, configs, card, backbone)
    parts = {component for component, _ in read_weights(file)}
    assert parts == {backbone.denoiser_name, *backbone.text_encoders}
    with safe_open(file, "pt") as opened:
        assert all(key.split(".")[0] in parts for key in opened.keys())  # noqa: SIM118

    # Drawn with it, and without: two pictures, each again the same.
    engine = Engine(open_backbone(name, "cpu"), shelf)
    drawn, bare, again = (
        np.asarray(engine.generate(Request(WORDS, count=1, steps=2, seed=5, adapters=chosen))[0].image)
        for chosen in ([("mia", 1.0)], [], [("mia", 1.0)])
    )
    assert drawn.shape == (32, 32, 3) and not np.array_equal(drawn, bare)
    np.testing.assert_array_equal(drawn, again)

    export(file, family, engine.backbone)


def export(file: Path, family: str, backbone: Any) -> None:
    """kohya's file holds the same changes and passes the same proof, where the family has such files."""
    if family == "sd3":
        with pytest.raises(AdapterError, match="no kohya spelling"):
            export_kohya(file, backbone=backbone)
        return
    fresh = open_backbone(backbone.opened_as, "cpu")
    exported = export_kohya(file, backbone=fresh)
    assert prove_adapter(exported, fresh).change > 0
    ours, theirs = read_weights(file), read_weights(exported)
    assert ours.keys() == theirs.keys()
    for where, weight in ours.items():
        one, other = (
            each.alpha / each.rank * each.up.flatten(1) @ each.down.flatten(1) for each in (weight, theirs[where])
        )
        torch.testing.assert_close(one, other)
    with safe_open(exported, "pt") as opened:
        keys = list(opened.keys())
    piece = {
        "sdxl": "lora_te2_text_model",
        "flux": "lora_unet_single_blocks_0_linear1",
        "z-image": "layers_0_attention",
    }
    assert any(piece.get(family, "lora_unet_") in key for key in keys)


def test_a_base_without_a_text_encoder_that_can_learn_says_so(tmp_path: Path) -> None:
    from workbench.errors import TrainingError

    backbone = open_backbone(name_it(make_tiny("z-image", tmp_path / "z"), "tiny-z", resolution=32), "cpu")
    with pytest.raises(TrainingError, match=r"lora\.text_encoder: tiny-z has no text encoder"):
        attach_lora(backbone, 4, 4, ["auto"], text_rank=2)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_familys_settings_fit_its_bases(family: str, tmp_path: Path) -> None:
    from workbench.backbones import catalogue
    from workbench.config import ROOT
    from workbench.training.techniques import text_rank_of

    files = {entry.settings for entry in catalogue().values() if entry.family == family and entry.settings}
    assert files, f"the catalogue names no settings for {family}"
    backbone = open_backbone(make_tiny(family, tmp_path / "base"), "cpu")
    for file in files:
        settings = load_settings(ROOT / "recipes" / "configs" / file, [])
        base = next(entry for entry in catalogue().values() if settings.base in (entry.id, entry.source))
        assert base.family == family and base.settings == file
        lora = settings.lora
        text_rank = text_rank_of(settings.train.techniques, lora.text_encoder)
        adapter = attach_lora(backbone, lora.rank, lora.alpha, lora.targets, text_rank=text_rank)
        assert adapter.parameters(backbone.denoiser_name)
