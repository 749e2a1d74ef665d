"""The ladder, step by step; what saves memory changes no result; and a plan that is measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bitsandbytes  # noqa: F401  # before a base is opened: without a GPU nobody else loads it, peft least of all
import pytest
import torch
from tiny_families import make_tiny, name_it

from workbench.backbones import Backbone, open_backbone
from workbench.config import Settings, flat_settings
from workbench.dataset.encode import EncodedSet
from workbench.errors import BackboneError, TrainingError
from workbench.training.batches import draw_batch
from workbench.training.lora import attach_lora
from workbench.training.memory import lower_rung, quantise_layers, save_memory
from workbench.training.objective import Objective, Weighting, learn_in_parts
from workbench.training.plan import Plan, Probe, learn_steps, make_plan, predict
from workbench.training.stepping_down import fitting, way_down

USUAL = flat_settings(Settings())


def ladder(gpu: bool, resolution: int, **more: Any) -> list[dict[str, Any]]:
    values, taken = USUAL | {"train.batch_size": 6} | more, []
    while step := lower_rung(values, gpu, resolution):
        taken.append(step)
        values |= step
    return taken


def test_the_whole_ladder() -> None:
    common: list[dict[str, Any]] = [
        {"memory.parts": 2}, {"memory.parts": 6}, {"memory.checkpointing": True},
    ]  # fmt: skip
    assert ladder(gpu=False, resolution=0) == common
    bits = [{"train.optimizer": "adamw8bit"}, {"memory.quantise": "8bit"}, {"memory.quantise": "4bit"}]
    assert ladder(gpu=True, resolution=512) == [*common, *bits, {"data.resolution": 256}]
    still = {"lora.text_encoder": False}
    assert ladder(gpu=False, resolution=0, **still) == [{"memory.phased": True}, *common]


def test_steps_down_only_for_memory() -> None:
    assert way_down(ValueError("no"), USUAL) == {}
    assert way_down(MemoryError(), USUAL) == {"memory.parts": 2}


def test_goes_down_until_it_fits_and_up_to_the_end_of_the_ladder() -> None:
    seen: list[dict[str, Any]] = []

    def attempt(changes: dict[str, Any]) -> None:
        seen.append(dict(changes))
        if changes.get("memory.parts", 1) < 4:
            raise MemoryError

    told: list[str] = []
    fitting(attempt, USUAL, told.append)
    assert [each.get("memory.parts") for each in seen] == [None, 2, 4]
    assert len(told) == 2 and seen[1]["follow.resume"] == "auto"

    def never(changes: dict[str, Any]) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        fitting(never, USUAL, told.append)


def test_checkpointing_changes_no_gradient(base: Path, data: EncodedSet) -> None:
    gradients = []
    for checkpointing in (False, True):
        backbone = open_backbone(base, "cpu", torch.float32)
        save_memory(backbone, checkpointing, "none")
        adapter = attach_lora(backbone, rank=2, alpha=2, targets=["to_q", "to_v"])
        for parameter in adapter.parameters("unet"):
            torch.nn.init.constant_(parameter, 0.02)
        batch = draw_batch(data, 0, 0, 4, backbone.timesteps)
        learn_in_parts(Objective(backbone, Weighting(), False).train(), batch, 1, torch.Tensor.backward)
        gradients.append([p.grad.clone() for p in adapter.parameters("unet") if p.grad is not None])
    assert gradients[0] and all(torch.equal(one, two) for one, two in zip(*gradients, strict=True))


def test_quantising_without_a_gpu_is_refused(backbone: Backbone) -> None:
    with pytest.raises(TrainingError, match="on a GPU only"):
        save_memory(backbone, False, "4bit")


@pytest.mark.parametrize(("bits", "kind", "near"), [("4bit", "Linear4bit", 0.4), ("8bit", "Linear8bitLt", 0.1)])
def test_a_quantised_base_says_nearly_the_same_and_its_adapter_learns(
    bits: str, kind: str, near: float, tmp_path: Path
) -> None:
    name = name_it(make_tiny("flux", tmp_path / "base"), "tiny-flux", resolution=32)
    whole, small = open_backbone(name, "cpu"), open_backbone(name, "cpu")
    layers = sum(isinstance(module, torch.nn.Linear) for module in small.denoiser.modules())
    # bitsandbytes computes on a CPU too, only slowly; so a run asks for a GPU, and the layers are tried here.
    assert quantise_layers(small.denoiser, bits) == layers > 10
    assert sum(type(module).__name__ == kind for module in small.denoiser.modules()) == layers
    latents = torch.randn(1, whole.latent_channels, 8, 8, generator=torch.Generator().manual_seed(0))
    level, words = torch.tensor([500]), whole.encode_text(["a chibi"])
    with torch.no_grad():
        one, other = (backbone.predict(latents, level, words) for backbone in (whole, small))
    assert 0 < float((one - other).norm() / one.norm()) < near

    adapter = attach_lora(small, 4, 4, ["auto"])
    optimizer = torch.optim.SGD(adapter.parameters("transformer"), lr=0.1)
    for _ in range(2):  # in the first step only the second matrices move: they start at zero
        small.predict(latents, level, words).square().mean().backward()
        optimizer.step()
    learned = adapter.state()
    assert all(bool(weight.isfinite().all()) for weight in learned.values())
    assert any(bool(weight.any()) for name, weight in learned.items() if "lora_B" in name)


def test_a_plan_is_measured(base: Path) -> None:
    values = USUAL | {"train.steps": 100, "data.anchors": 10, "data.class_pictures": 0, "follow.preview_every": 0}
    plan = make_plan(lambda phased: open_backbone(base, "cpu", torch.float32, phased), values)
    assert plan.probe.fits and plan.changes == {} and 0 < plan.probe.seconds < 60
    assert 50e6 < plan.probe.peak < plan.probe.room
    assert plan.seconds["training"] == pytest.approx(100 * plan.probe.seconds)
    assert plan.words()[-1].startswith("About ") and " GB; " in plan.words()[-1]


def test_a_base_that_does_not_even_open_is_opened_in_phases(base: Path) -> None:
    asked: list[bool] = []

    def short_of_memory(phased: bool) -> Backbone:
        asked.append(phased)
        if not phased:
            try:
                raise torch.OutOfMemoryError("CUDA out of memory")
            except torch.OutOfMemoryError as error:
                raise BackboneError("tiny", "it does not fit", "Choose a smaller base") from error
        return open_backbone(base, "cpu", torch.float32, phased)

    plan = make_plan(short_of_memory, USUAL | {"lora.text_encoder": False, "data.anchors": 0})
    assert asked == [False, True] and plan.changes == {"memory.phased": True} and plan.probe.fits
    assert "next: memory.phased=True" in plan.words()[0]
    with pytest.raises(BackboneError, match="cannot be read"):
        make_plan(lambda _: (_ for _ in ()).throw(BackboneError("tiny", "it cannot be read", "Fetch it")), USUAL)


def test_prediction_by_hand() -> None:
    values = USUAL | {
        "train.batch_size": 2, "train.steps": 10, "follow.preview_every": 4, "data.anchors": 3,
        "data.class_pictures": 1, "follow.preview_prompts": ["a", "b"],
    }  # fmt: skip
    # 6 s a step of 2 pictures: a forward pass of one takes 1 s, a picture of 5 steps with guidance 10 s; pictures to
    # learn from take 3 of the 5 steps.
    alone = predict(Probe(6.0, 1, 10, opening=2.0), values | {"train.techniques": {}}, sampling_steps=5)
    assert alone == {"start": 12.0, "pictures": 24.0, "training": 60.0, "previews": 40.0}
    # Where the base teaches six of eight pictures it is asked as well: 3.75 forward passes a step.
    taught = predict(Probe(7.5, 1, 10, opening=2.0), values, sampling_steps=5)
    assert taught == pytest.approx(alone | {"training": 75.0})


def test_what_the_base_teaches_is_in_the_measured_steps(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for learns in (True, False):
        values = USUAL | {
            "train.batch_size": 8,
            "lora.text_encoder": learns,
            "train.techniques": USUAL["train.techniques"] | {"word_learning_rate": 0.0},
        }
        for others, share in ((4, 6), (0, 0)):
            backbone = open_backbone(base, "cpu", torch.float32)
            asked: list[int] = []
            plain = backbone.predict

            def counted(noisy: torch.Tensor, *rest: Any, plain: Any = plain, asked: list[int] = asked) -> torch.Tensor:
                if not torch.is_grad_enabled():
                    asked.append(len(noisy))
                said: torch.Tensor = plain(noisy, *rest)
                return said

            monkeypatch.setattr(backbone, "predict", counted)
            learn_steps(backbone, values | {"data.anchors": others, "data.class_pictures": 0}, 2)
            assert sum(asked) == 2 * share


def test_what_does_not_fit_says_so() -> None:
    plan = Plan(Probe(0.0, 90, 100), {"memory.parts": 8}, ("Does not fit",))
    assert plan.words()[0] == "Does not fit" and "smaller base" in plan.words()[-1]
    assert not Probe(1.0, 95, 100).fits and Probe(1.0, 90, 100).fits
