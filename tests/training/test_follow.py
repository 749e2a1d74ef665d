"""Numbers of a run, read in groups, and the alarm when they are no numbers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from PIL import Image

from workbench.backbones import Backbone
from workbench.dataset.encode import EncodedSet
from workbench.errors import NonFiniteLossError
from workbench.training import RunFolder
from workbench.training.follow import Follower
from workbench.training.lora import attach_lora
from workbench.training.previews import draw_preview
from workbench.training.report import Stages

NAMES = ("first.jpg", "second.jpg", "third.heic", *"abcdef")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "mia")
    run.folder.mkdir()
    return run


def numbers(*values: float) -> torch.Tensor:
    return torch.tensor(values)


def test_every_step_leaves_a_line(run: RunFolder, data: EncodedSet, capsys: pytest.CaptureFixture[str]) -> None:
    follower = Follower(data, 0, 3, run, NAMES)
    for step in range(1, 4):
        follower.step(step, numbers(0.1, 0.3), numbers(2.0)[0], (0, 1), 1e-4)
    lines = run.metrics()
    assert [line["step"] for line in lines] == [1, 2, 3]
    assert lines[0].keys() == {"step", "loss", "lr", "grad_norm", "seconds", "left"}
    assert lines[0]["loss"] == pytest.approx(0.2) and lines[0]["grad_norm"] == 2 and lines[0]["lr"] == 1e-4
    assert lines[-1]["left"] == 0 < lines[0]["left"]
    assert run.read_status()["state"] == "running"
    assert "step 3/3, loss 0.200, 0:00 left" in capsys.readouterr().out


def test_on_a_gpu_numbers_are_read_in_groups(run: RunFolder, data: EncodedSet) -> None:
    follower = Follower(data, 0, 30, run, NAMES)
    follower._at_once = 10  # as on a GPU
    for step in range(1, 13):
        follower.step(step, numbers(0.1), numbers(2.0)[0], (0,), 1e-4)
    assert len(run.metrics()) == 10
    with follower.paused():
        assert len(run.metrics()) == 12


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_names_its_photo(run: RunFolder, data: EncodedSet, bad: float) -> None:
    follower = Follower(data, 0, 9, run, NAMES)
    follower.step(1, numbers(0.1, 0.2), numbers(1.0)[0], (0, 2), 1e-4)
    with pytest.raises(NonFiniteLossError, match=r"Step 2: the loss of third\.heic became"):
        follower.step(2, numbers(0.1, bad), numbers(1.0)[0], (0, 2), 1e-4)
    assert [line["step"] for line in run.metrics()] == [1]


def test_other_processes_notice_too_and_write_nothing(tmp_path: Path, data: EncodedSet) -> None:
    follower = Follower(data, 0, 9, None, NAMES)
    follower.step(1, numbers(0.1), numbers(1.0)[0], (0,), 1e-4)
    with pytest.raises(NonFiniteLossError):
        follower.step(2, numbers(math.nan), numbers(1.0)[0], (0,), 1e-4)
    assert list(tmp_path.iterdir()) == []


def test_trackers_are_told(run: RunFolder, data: EncodedSet) -> None:
    told: list[tuple[int, dict[str, float]]] = []

    class Tracker:
        def log(self, values: dict[str, float], step: int) -> None:
            told.append((step, values))

    Follower(data, 4, 9, run, NAMES, Tracker()).step(5, numbers(0.5), numbers(1.0)[0], (0,), 1e-4)
    assert told == [(5, {"loss": 0.5, "learning_rate": 1e-4})]


def test_a_preview_is_one_row_and_shows_the_adapter_as_it_is(backbone: Backbone, tmp_path: Path) -> None:
    adapter = attach_lora(backbone, rank=4, alpha=64, targets=["to_q", "to_v", "to_out.0"])
    before = draw_preview(backbone, ["chibi", "photo"], 3, tmp_path / "previews" / "a.png", quick=True)
    for parameter in adapter.parameters("unet"):
        torch.nn.init.normal_(parameter)
    after = draw_preview(backbone, ["chibi", "photo"], 3, tmp_path / "previews" / "b.png", quick=True)
    assert Image.open(tmp_path / "previews" / "a.png").size == (32 + 4 + 32, 32)
    assert before[0].tobytes() != after[0].tobytes()
    again = draw_preview(backbone, ["chibi", "photo"], 3, tmp_path / "previews" / "c.png", quick=True)
    assert again[1].tobytes() == after[1].tobytes()


def test_stages_are_timed_and_told_and_counted_once(run: RunFolder) -> None:
    stages = Stages(run)
    with stages("outer", "running"):
        assert run.read_status()["stage"] == "outer"
        with stages("inner", "running"):
            sum(range(2_000_000))
    with stages("inner"):
        pass
    assert list(stages.seconds) == ["inner", "outer"]
    assert stages.seconds["outer"] < stages.seconds["inner"]
