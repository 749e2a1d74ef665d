"""What a run takes from `accelerate launch`: processes, precision, trackers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, InitProcessGroupKwargs
from accelerate.utils import ProjectConfiguration

from workbench.device import generator, set_threads
from workbench.errors import ConfigError

# While one process draws a hundred pictures with a large base, the others wait.
PATIENCE = timedelta(hours=2)
# Asking the other processes costs a round trip, and on a GPU waits for all queued work.
STEPS_BETWEEN_ASKING = 10
# Ways of accelerate that cut a model into pieces; an adapter is a thousandth of its base and is kept whole here.
SHARDING = {
    "FSDP": "ACCELERATE_USE_FSDP",
    "DeepSpeed": "ACCELERATE_USE_DEEPSPEED",
    "Megatron": "ACCELERATE_USE_MEGATRON_LM",
}


def start_accelerator(
    folder: Path, trackers: Sequence[str], batch_size: int, settings: Mapping[str, Any]
) -> Accelerator:
    """Joins the processes of a launch and starts its trackers.

    Args:
        folder: of the run; trackers write below it.
        trackers: `tensorboard`, `wandb` (which stays offline unless WANDB_MODE=online is set).
        batch_size: of all processes together.
        settings: what trackers note of the run, by name.

    Raises:
        ConfigError: if a tracker is not installed, the batch cannot be shared evenly, or the launch asks for a way of
            sharing that cuts the model into pieces.
    """
    for way, variable in SHARDING.items():
        if os.environ.get(variable, "").lower() in ("true", "1"):
            raise ConfigError(
                "accelerate",
                f"{way} was asked for, and this recipe shares batches between processes, not the base",
                "Launch with --multi_gpu; a large base fits with memory.phased=true and memory.quantise=4bit",
            )
    for tracker in trackers:
        if find_spec(tracker) is None:
            raise ConfigError(
                "follow.trackers", f"{tracker} is not installed", f"Install it (pip install {tracker}) or leave it out"
            )
    set_threads()
    accelerator = Accelerator(
        log_with=list(trackers) or None,
        project_config=ProjectConfiguration(project_dir=str(folder), logging_dir=str(folder)),
        kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
    )
    if batch_size % accelerator.num_processes:
        raise ConfigError(
            "train.batch_size",
            f"{batch_size} cannot be shared evenly by {accelerator.num_processes} processes",
            "Choose a multiple of the number of processes",
        )
    if trackers:
        # W&B puts its files where it is told by this alone.
        os.environ.setdefault("WANDB_DIR", str(folder))
        plain = {
            name: value if isinstance(value, int | float | str) else str(value) for name, value in settings.items()
        }
        accelerator.init_trackers("training", config=plain)
    return accelerator


def weights_dtype(accelerator: Accelerator) -> torch.dtype:
    """The number format of the base's weights.

    On a GPU they are kept in the precision of the computation: they do not learn, and take half the memory. On a CPU
    they stay in float32, so that sampling keeps its precision while autocast computes in half.
    """
    if accelerator.device.type == "cpu":
        return torch.float32
    return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(accelerator.mixed_precision, torch.float32)


def anywhere(wish: bool, accelerator: Accelerator, step: int) -> bool:
    """Whether any process has the wish; the same answer in all of them, so that all leave the loop together."""
    if accelerator.num_processes == 1:
        return wish
    if step % STEPS_BETWEEN_ASKING:
        return False
    wishes = accelerator.reduce(torch.tensor(float(wish), device=accelerator.device), "sum")
    return bool(wishes.item() > 0)


def seed_dropout(seed: int, step: int, process: int) -> None:
    """Makes what is random inside the networks depend on (seed, step), and differ between processes."""
    torch.manual_seed(generator(seed, step).initial_seed() ^ process)
