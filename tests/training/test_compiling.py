"""Compiled blocks, by the real compiler: the same numbers, in a plan that says what they are worth."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_families import make_tiny, name_it

from workbench.backbones import Backbone, open_backbone
from workbench.config import Settings, flat_settings
from workbench.errors import TrainingError
from workbench.training import compiling, plan
from workbench.training.compiling import as_ever, cannot_compile, compile_blocks
from workbench.training.lora import attach_lora
from workbench.training.objective import Objective, Weighting
from workbench.training.plan import Probe, make_plan

TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]
USUAL = flat_settings(Settings()) | {"train.batch_size": 2, "data.anchors": 0, "data.class_pictures": 0}
needs_compiler = pytest.mark.skipif(
    bool(cannot_compile(torch.device("cpu"))), reason="COMPILED STEPS WERE NOT TESTED: no C++ compiler"
)


def learned(backbone: Backbone, compiled: bool) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """What a step says and learns, and with that what is said outside of it."""
    adapter = attach_lora(backbone, rank=2, alpha=2, targets=TARGETS)
    for parameter in adapter.parameters("unet"):
        torch.nn.init.constant_(parameter, 0.02)
    if compiled:
        assert compile_blocks(backbone) > 3
    objective = Objective(backbone, Weighting(), train_text=False).train()
    latents, noise = torch.randn(2, 2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    batch = (latents, noise, torch.tensor([10, 700]), backbone.encode_text(["photo of zkq person", "chibi"]))
    said = objective(*batch)
    said.sum().backward()
    with torch.no_grad(), as_ever(compiled):
        alone = objective(*batch)
    gradients = [parameter.grad for parameter in adapter.parameters("unet") if parameter.grad is not None]
    return torch.stack([said.detach(), alone]), gradients


@pytest.mark.slow
@needs_compiler
def test_it_learns_the_same_and_draws_as_ever(base: Path) -> None:
    (said, gradients), (said_compiled, compiled) = (
        learned(open_backbone(base, "cpu", torch.float32), compiled=which) for which in (False, True)
    )
    torch.testing.assert_close(said, said_compiled)
    assert torch.equal(said[1], said_compiled[1]), "what is drawn on the way is not compiled"
    assert len(gradients) == len(compiled) > 8
    for one, other in zip(gradients, compiled, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("family", ["sdxl", "flux", "sd3", "qwen-image", "z-image"])
def test_every_family_has_blocks_and_its_names_stay(family: str, tmp_path: Path) -> None:
    folder = make_tiny(family, tmp_path / "base")
    backbone = open_backbone(name_it(folder, "tiny", family=family, resolution=32, steps=2), "cpu", torch.float32)
    names = list(backbone.denoiser.state_dict())
    assert compile_blocks(backbone) >= 1
    assert list(backbone.denoiser.state_dict()) == names


def test_a_machine_that_cannot_says_what_to_do(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "torch compiles for NVIDIA GPUs and CPUs" in cannot_compile(torch.device("mps"))
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(TrainingError, match=r"no C\+\+ compiler.*Set train.compile=false"):
        compile_blocks(backbone)


@pytest.mark.slow
@needs_compiler
def test_a_plan_tries_it_for_long_runs_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # All blocks of a transformer are of one kind, which is compiled once.
    base = name_it(make_tiny("z-image", tmp_path / "base"), "tiny", family="z-image", resolution=32, steps=2)
    asked = USUAL | {"lora.text_encoder": False, "lora.targets": ["auto"]}

    def planned(steps: int) -> plan.Plan:
        return make_plan(
            lambda phased: open_backbone(base, "cpu", torch.float32, phased), asked | {"train.steps": steps}
        )

    assert not any("ompil" in line for line in planned(2).words())
    monkeypatch.setitem(compiling.WORTH_TRYING, "cpu", 0.0)
    short = planned(2)
    assert "which does not repay" in short.words()[0] and short.changes == {}, "two steps repay nothing"


def test_a_plan_chooses_what_ends_sooner(monkeypatch: pytest.MonkeyPatch, backbone: Backbone) -> None:
    """Measured figures are the machine's; what follows from them is ours."""
    monkeypatch.setitem(compiling.WORTH_TRYING, "cpu", 0.0)
    monkeypatch.setattr(plan, "cannot_compile", lambda device: "")
    asked: list[Any] = []

    def measured(_: Any, values: Any) -> tuple[Probe, Backbone]:
        asked.append(values["train.compile"])
        return Probe(0.5 if values["train.compile"] else 1.0, 10**6, 10**9, first=60.0), backbone

    monkeypatch.setattr(plan, "_try", measured)
    long = make_plan(lambda phased: backbone, USUAL | {"train.steps": 1000})
    assert long.changes == {"train.compile": True} and asked == [False, True]
    assert long.seconds["training"] == pytest.approx(1000 * 0.5 + 59.5)
    assert long.words()[0] == (
        "Compiled, a step takes 0.50 s instead of 1.00 s, which repays the 60 s of the first one."
    )
    assert "It fits with" not in " ".join(long.words())
    short = make_plan(lambda phased: backbone, USUAL | {"train.steps": 100})
    assert short.changes == {} and short.seconds["training"] == pytest.approx(100)

    monkeypatch.setattr(
        plan, "_try", lambda _, values: (Probe(0.0, 2, 1) if values["train.compile"] else Probe(1.0, 1, 9), backbone)
    )
    tight = make_plan(lambda phased: backbone, USUAL | {"train.steps": 1000})
    assert tight.words()[0] == "Compiled, a step does not fit into the memory." and tight.changes == {}

    def falls_over(_: Any, values: Any) -> tuple[Probe, Backbone]:
        if values["train.compile"]:
            raise RuntimeError("the compiler is broken\nand more")
        return measured(_, values)

    monkeypatch.setattr(plan, "_try", falls_over)
    without = make_plan(lambda phased: backbone, USUAL | {"train.steps": 1000})
    assert without.words()[0] == "Compiling was tried and failed: the compiler is broken." and without.changes == {}
