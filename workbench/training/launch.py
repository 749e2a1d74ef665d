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
# Ways of accelerate that take over the optimizer or rewrite the network. What learns here is a thousandth of its base,
# and each family's network is diffusers' own.
REFUSED = {"DeepSpeed": "ACCELERATE_USE_DEEPSPEED", "Megatron": "ACCELERATE_USE_MEGATRON_LM"}
FSDP = "ACCELERATE_USE_FSDP"


def start_accelerator(
    folder: Path, trackers: Sequence[str], batch_size: int, settings: Mapping[str, Any]
) -> tuple[Accelerator, bool]:
    """Joins the processes of a launch and starts its trackers.

    Args:
        folder: of the run; trackers write below it.
        trackers: `tensorboard`, `wandb` (which stays offline unless WANDB_MODE=online is set).
        batch_size: of all processes together.
        settings: what trackers note of the run, by name.

    Returns:
        The accelerator, and whether the launch asked for a base in pieces (FSDP, see `pieces`).

    Raises:
        ConfigError: if a tracker is not installed, the batch cannot be shared evenly, or the launch asks for a way of
            sharing that is not there.
    """
    for way, variable in REFUSED.items():
        if _is_set(variable):
            raise ConfigError(
                "accelerate",
                f"{way} was asked for, and this recipe cannot share a base that way",
                "Launch with --use_fsdp to have the base in pieces, or with --multi_gpu to have it whole",
            )
    pieces = _is_set(FSDP)
    if pieces and _is_set("FSDP_OFFLOAD_PARAMS"):
        raise ConfigError(
            "accelerate",
            "fsdp_offload_params was asked for, and the pieces of the base stay on their GPUs here",
            "Leave it out, or share the base between more GPUs",
        )
    # accelerate would cut the adapter too, and transformers would leave the text encoders of all processes but one
    # without weights.
    os.environ.pop(FSDP, None)
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
    allow_tf32(accelerator.device)
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
    return accelerator, pieces


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in ("true", "1")


def allow_tf32(device: torch.device) -> None:
    """Lets a GPU multiply float32 with ten bits of mantissa, TF32: several times as quick.

    What is float32 in a step is the adapter's own small matrices without autocast, and what the autoencoder encodes
    once; convolutions do so by themselves. Elsewhere nothing changes.
    """
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")


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
