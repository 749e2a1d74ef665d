"""A run that is stopped and continued is the run that was not stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from workbench.backbones import open_backbone
from workbench.dataset import Example
from workbench.dataset.encode import encode
from workbench.errors import ResumeError
from workbench.training import RunFolder
from workbench.training.batches import draw_batch
from workbench.training.continuation import Continuation
from workbench.training.launch import seed_dropout
from workbench.training.lora import attach_lora
from workbench.training.objective import Objective, Weighting
from workbench.training.optimizer import make_optimizer, rate_share, set_rate

STEPS, STOP = 12, 6


@dataclass(frozen=True)
class Trainer:
    """Trains with everything that could remember something: text encoder, dropout, warm-up, momentum."""

    base: Path
    examples: list[Example]
    folder: Path

    def __call__(
        self, name: str, until: int, kind: str = "adamw", rank: int = 4, settings: dict[str, Any] | None = None
    ) -> tuple[dict[str, torch.Tensor], str]:
        """Returns the adapter's state and what was told of continuing."""
        backbone = open_backbone(self.base, "cpu")
        data = encode(backbone, self.examples, flips=True, keep_text=False)
        adapter = attach_lora(backbone, rank, 4, ["to_q", "to_v", "ff.net.2"], dropout=0.1, text_rank=2, seed=1)
        groups = [(adapter.parameters("unet"), 1e-2), (adapter.parameters("text_encoder"), 1e-3)]
        optimizer = make_optimizer(groups, kind, 0.01)
        run = RunFolder(self.folder / name)
        run.folder.mkdir(exist_ok=True)
        continuation = Continuation(run, adapter, optimizer, None, {"lora.rank": rank}, settings or {})
        told = continuation.restore()
        objective = Objective(backbone, Weighting(), True).train()
        for step in range(continuation.step, until):
            set_rate(optimizer, rate_share(step, STEPS, "cosine", 0.25))
            seed_dropout(5, step, 0)
            batch = draw_batch(data, 5, step, 4, backbone.timesteps)
            objective(batch.latents, batch.noise, batch.timesteps, batch.text).mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            torch.rand(3)  # what else draws random numbers must not matter
        continuation.save(until)
        return adapter.state(), told


@pytest.fixture
def train(base: Path, examples: list[Example], tmp_path: Path) -> Trainer:
    return Trainer(base, examples, tmp_path)


@pytest.mark.parametrize("kind", ["adamw", "adamw8bit"])
def test_stopped_and_continued_is_bit_for_bit_the_straight_run(train: Trainer, kind: str) -> None:
    straight, told = train("straight", STEPS, kind)
    assert told == ""
    train("stopped", STOP, kind)
    torch.manual_seed(99)
    continued, told = train("stopped", STEPS, kind)
    assert told == f"continues after step {STOP}"
    assert straight.keys() == continued.keys()
    for name, value in straight.items():
        assert torch.equal(value, continued[name]), name
    assert any(bool(value.abs().max() > 1e-3) for name, value in straight.items() if "lora_B" in name), "nothing learnt"


def test_what_must_be_the_same_is_checked(train: Trainer) -> None:
    train("stopped", 1)
    with pytest.raises(ResumeError, match=r"Run stopped: it was stopped at step 1 .* lora\.rank \(4 → 8\)"):
        train("stopped", 2, rank=8)


def test_what_may_change_is_told(train: Trainer) -> None:
    train("stopped", 1, settings={"train.learning_rate": 1e-3, "photos": "a", "follow.preview_every": 5})
    _, told = train("stopped", 2, settings={"train.batch_size": 2, "photos": "b"})
    assert told == "continues after step 1; changed from here on: train.batch_size, train.learning_rate"


def test_a_checkpoint_of_the_same_step_is_not_written_twice(train: Trainer) -> None:
    train("stopped", 2)
    before = (train.folder / "stopped" / "checkpoints" / "step-000002" / "state.json").stat().st_mtime_ns
    train("stopped", 2)
    assert (train.folder / "stopped" / "checkpoints" / "step-000002" / "state.json").stat().st_mtime_ns == before
