"""What a run will take, measured before it starts: a few steps in its true shapes, down the ladder until it fits.

Where the run is long, the steps are tried compiled too, and the plan chooses what ends sooner.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import torch

from workbench.backbones import Backbone
from workbench.config import strengths
from workbench.dataset.encode import EncodedSet
from workbench.dataset.making import SHARE_OF_STEPS
from workbench.device import pick_device, quick_half
from workbench.errors import BackboneError, WorkbenchError
from workbench.training.batches import Batch, Drawing, draw_batch
from workbench.training.compiling import WORTH_TRYING, cannot_compile, compile_blocks
from workbench.training.lora import attach_lora
from workbench.training.memory import lower_rung, save_memory
from workbench.training.objective import Objective, Weighting, learn_in_parts
from workbench.training.optimizer import make_optimizer
from workbench.training.run import out_of_memory
from workbench.training.techniques import TAUGHT_SHARE, drawing_of, text_rank_of
from workbench.training.word import learned_word

STEPS = 3
# Share of the memory that a run may take: the rest is for what grows (caches, fragments) and for other programs.
USABLE = 0.92
# Seconds of launching and importing, measured on two cores; opening the base is measured each time.
LAUNCH_SECONDS = 10.0
COMPILE = "train.compile"


@dataclass(frozen=True)
class Probe:
    """A few steps, measured.

    Args:
        seconds: of one step; 0 when it did not fit.
        first: of the first step, in which compiled blocks are compiled.
        peak: bytes of memory at the most; of the process on a CPU, of the GPU on one.
        room: bytes there are for it.
        opening: seconds the base took to open.
    """

    seconds: float
    peak: int
    room: int
    opening: float = 0.0
    first: float = 0.0

    @property
    def fits(self) -> bool:
        """Whether the run can be expected to go through."""
        return self.seconds > 0 and self.peak <= USABLE * self.room


@dataclass(frozen=True)
class Plan:
    """What a run will take.

    Args:
        probe: the measurement it rests on.
        changes: settings that had to be changed so that it fits, and `train.compile` where it makes it quicker, by
            dotted name.
        tried: what was tried before, in words.
        seconds: by part of the run: `start`, `pictures`, `training`, `previews`.
    """

    probe: Probe
    changes: dict[str, Any] = field(default_factory=dict)
    tried: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def minutes(self) -> float:
        """From launch to adapter."""
        return sum(self.seconds.values()) / 60

    def words(self) -> list[str]:
        """The plan as lines for a person."""
        needs = f"{self.probe.peak / 1e9:.1f} GB of {self.probe.room / 1e9:.1f} GB"
        lines = [f"{line}" for line in self.tried]
        if not self.probe.fits:
            return [*lines, f"It does not fit: {needs}. Choose a smaller base, or a machine with more memory."]
        given_up = {name: value for name, value in self.changes.items() if name != COMPILE}
        if given_up:
            lines.append("It fits with " + ", ".join(f"{name}={value}" for name, value in given_up.items()) + ".")
        parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.seconds.items() if seconds >= 0.5)
        return [*lines, f"About {self.minutes:.1f} minutes ({parts}); {needs}; {self.probe.seconds:.2f} s a step."]


def make_plan(open_base: Callable[[bool], Backbone], values: Mapping[str, Any]) -> Plan:
    """Measures a run and predicts it.

    Args:
        open_base: opens the base anew, in phases or not; what is measured changes it.
        values: the run's settings by dotted name.

    Raises:
        BackboneError: the base cannot be opened.
        TrainingError: the settings do not go with the base.
    """
    changes: dict[str, Any] = {}
    tried: list[str] = []
    while True:
        now = {**values, **changes}
        probe, backbone = _try(open_base, now)
        resolution = int(now["data.resolution"]) or (backbone.resolution if backbone else 0)
        gpu = (backbone.device if backbone else pick_device()).type == "cuda"
        step = {} if probe.fits else lower_rung(now, gpu, resolution)
        if not step:
            break
        said = f"{probe.peak / 1e9:.1f} GB of {probe.room / 1e9:.1f} GB"
        tried.append(f"Does not fit ({said}); next: " + ", ".join(f"{name}={value}" for name, value in step.items()))
        changes |= step
        del backbone
    if backbone is None or not probe.fits:
        return Plan(probe, changes, tuple(tried))
    steps, device = backbone.steps, backbone.device
    plan = Plan(probe, changes, tuple(tried), predict(probe, now, steps))
    del backbone
    if now[COMPILE] or plan.seconds["training"] < WORTH_TRYING.get(device.type, math.inf) or cannot_compile(device):
        return plan
    return _compiled(plan, open_base, now, steps)


def _compiled(
    plan: Plan, open_base: Callable[[bool], Backbone], values: Mapping[str, Any], sampling_steps: int
) -> Plan:
    """The plan with compiled steps where the run repays the compiling; where not, says so."""
    values = {**values, COMPILE: True}
    try:
        probe, _ = _try(open_base, values)
    except Exception as error:  # whatever stops a compiler, the run goes without
        said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        return replace(plan, tried=(*plan.tried, f"Compiling was tried and failed: {said}."))
    if not probe.fits:
        return replace(plan, tried=(*plan.tried, "Compiled, a step does not fit into the memory."))
    seconds = predict(probe, values, sampling_steps)
    step, before, first = f"{probe.seconds:.2f}", f"{plan.probe.seconds:.2f}", f"{probe.first:.0f}"
    if seconds["training"] >= plan.seconds["training"]:
        told = (
            f"Compiled, a step takes {step} s instead of {before} s, which does not repay the {first} s of the first "
            "one."
        )
        return replace(plan, tried=(*plan.tried, told))
    told = f"Compiled, a step takes {step} s instead of {before} s, which repays the {first} s of the first one."
    return Plan(probe, plan.changes | {COMPILE: True}, (*plan.tried, told), seconds)


def _try(open_base: Callable[[bool], Backbone], values: Mapping[str, Any]) -> tuple[Probe, Backbone | None]:
    """Opens the base and measures; a base that does not even open is one that does not fit."""
    began = time.perf_counter()
    try:
        backbone = open_base(bool(values["memory.phased"]))
    except BackboneError as error:
        if not out_of_memory(error):
            raise
        room = _room(pick_device())
        return Probe(0.0, room, room), None
    return probe_run(backbone, values, time.perf_counter() - began), backbone


def probe_run(backbone: Backbone, values: Mapping[str, Any], opening: float = 0.0, steps: int = STEPS) -> Probe:
    """Trains a few steps on noise, in the shapes of the run.

    Args:
        backbone: just opened; it carries an adapter afterwards.
        values: the run's settings by dotted name.
        opening: seconds it took to open.
        steps: how many; the first one is not timed.

    Raises:
        TrainingError: the settings do not go with the base.
    """
    device = backbone.device
    room = _room(device)
    _forget_peak(device)
    try:
        seconds = learn_steps(backbone, values, steps)
    except WorkbenchError:
        raise
    except Exception as error:
        if not out_of_memory(error):
            raise
        return Probe(0.0, max(peak_memory(device), room), room, opening)
    return Probe(min(seconds[1:] or seconds), peak_memory(device), room, opening, seconds[0])


def learn_steps(
    backbone: Backbone,
    values: Mapping[str, Any],
    steps: int,
    data: EncodedSet | None = None,
    on_step: Callable[[], object] | None = None,
) -> list[float]:
    """Learns a few steps in the shapes of a run.

    Args:
        backbone: just opened; it carries an adapter afterwards.
        values: the run's settings by dotted name.
        steps: how many.
        data: what is learned from; None takes noise.
        on_step: called after each.

    Returns:
        Seconds of each step.
    """
    extras = strengths(values["train.techniques"])
    text_rank = text_rank_of(extras, bool(values["lora.text_encoder"]))
    word = learned_word(str(values["trigger"]), extras["word_learning_rate"], bool(values["lora.text_encoder"]))
    save_memory(backbone, bool(values["memory.checkpointing"]), str(values["memory.quantise"]))
    learns = bool(text_rank or word)
    size = int(values["train.batch_size"])
    noise = None if data else _noise_batch(backbone, size, int(values["data.resolution"]), learns, _taught(values))
    adapter = attach_lora(
        backbone, int(values["lora.rank"]), float(values["lora.alpha"]), values["lora.targets"],
        text_rank=text_rank, kind=str(values["lora.kind"]), word=word,
    )  # fmt: skip
    if values[COMPILE]:
        compile_blocks(backbone)
    objective = Objective(backbone, Weighting(), learns).train()
    parameters = [parameter for part in adapter.configs for parameter in adapter.parameters(part)]
    optimizer = make_optimizer([(parameters, 1e-6)], str(values["train.optimizer"]), 0.0)
    drawing = drawing_of(values["train.techniques"], backbone, data) if data else Drawing()
    seconds = []
    half = torch.autocast("cuda", torch.bfloat16) if backbone.device.type == "cuda" else quick_half(backbone.device)
    for step in range(steps):
        began = time.perf_counter()
        batch = noise or draw_batch(data, 0, step, size, backbone.timesteps, drawing=drawing)  # type: ignore[arg-type]
        with half:
            learn_in_parts(objective, batch, int(values["memory.parts"]), torch.Tensor.backward)
        optimizer.step()
        optimizer.zero_grad()
        if backbone.device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
        if on_step:
            on_step()
    return seconds


def _taught(values: Mapping[str, Any]) -> float:
    """The share of a step's pictures that the base itself is asked about."""
    others = values["data.anchors"] or values["data.class_pictures"]
    return TAUGHT_SHARE if others and values["train.techniques"].get("teacher", 0.0) > 0 else 0.0


def _noise_batch(backbone: Backbone, size: int, resolution: int, ids: bool, share: float) -> Batch:
    side = (resolution or backbone.resolution) // backbone.latent_scale
    random, device = torch.Generator().manual_seed(0), backbone.device
    shape = (size, backbone.latent_channels, side, side)
    latents, noise = (torch.randn(shape, generator=random).to(device) for _ in range(2))
    levels = torch.randint(backbone.timesteps, (size,), generator=random).to(device)
    tokens = encoded = backbone.tokenize(["photo of a person"] * size)
    if share or not ids:
        backbone.hold("text")
        with torch.no_grad():
            encoded = backbone.encode_text(tokens)
    batch = Batch(
        tuple(range(size)), latents, noise, levels, tokens if ids else encoded, torch.ones(size, device=device)
    )
    if not share:
        return batch
    return replace(batch, taught=torch.arange(size, device=device) < round(share * size), told=encoded)


def predict(probe: Probe, values: Mapping[str, Any], sampling_steps: int) -> dict[str, float]:
    """Seconds of a run's parts.

    A step is about three times as much work as its forward pass, and the base's own where it teaches; guidance draws
    each picture twice.

    Args:
        probe: measured.
        values: the run's settings by dotted name.
        sampling_steps: the base's own.
    """
    forward = probe.seconds / (3 + _taught(values)) / int(values["train.batch_size"])
    picture = 2 * sampling_steps * forward
    compiling = max(0.0, probe.first - probe.seconds) if values[COMPILE] else 0.0
    steps, every = int(values["train.steps"]), int(values["follow.preview_every"])
    previews = ((steps - 1) // every if every else 0) * 0.5 + 1
    drawn = int(values["data.anchors"]) + int(values["data.class_pictures"])
    return {
        "start": LAUNCH_SECONDS + probe.opening,
        "pictures": drawn * picture * SHARE_OF_STEPS,
        "training": steps * probe.seconds + compiling,
        "previews": previews * len(values["follow.preview_prompts"]) * picture,
    }


def _room(device: torch.device) -> int:
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free + torch.cuda.memory_reserved(device))
    own = psutil.Process().memory_info().rss
    room = psutil.virtual_memory().available + own
    with suppress(OSError, ValueError):  # a container's limit, which is less than the machine's memory
        room = min(room, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return int(room)


def _forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory(device: torch.device) -> int:
    """Bytes at the most since the process or `probe_run` began: of the GPU on one, else of the process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_reserved(device))
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
    return int(psutil.Process().memory_info().rss)
