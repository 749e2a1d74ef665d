"""What the stages of a long training share: checkpoints to go on from, a clock that bounds them, several processes.

Checkpoints are safetensors files: the weights, the optimizer's state and, where asked for, the running mean of the
weights, with step, samples and seconds in the header. `torchrun` sets the processes' ranks; without it there is one.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from tqdm import tqdm


def save_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, facts: dict[str, Any],
                    average: dict[str, torch.Tensor] | None = None) -> None:  # fmt: skip
    tensors = {f"model.{name}": value.contiguous() for name, value in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value).contiguous() for name, value in state.items()}
    if average is not None:
        tensors |= {f"average.{name}": value.contiguous() for name, value in average.items()}
    if rank() != 0:
        return
    part = path.with_suffix(".part")
    save_file(tensors, part, metadata={"facts": json.dumps(facts)})
    part.rename(path)


def load_checkpoint(path: Path, model: nn.Module | None = None, optimizer: torch.optim.Optimizer | None = None,
                    average: dict[str, torch.Tensor] | None = None) -> dict[str, Any]:  # fmt: skip
    """Restores what `save_checkpoint` wrote; an absent file leaves everything as it is and returns no facts."""
    if not path.exists():
        return {}
    tensors = load_file(path)
    if model is not None:
        model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    if optimizer is not None:
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".", 2)
                state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    if average is not None:
        average.update({k.removeprefix("average."): v for k, v in tensors.items() if k.startswith("average.")})
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["facts"])


class Clock:
    """Time of a stage, counted over all its continuations; writes one line of metrics every few seconds."""

    def __init__(self, folder: Path, stage: str, minutes: float, facts: dict[str, Any]) -> None:
        self.path = folder / f"{stage}.jsonl"
        self.before, self.started, self.minutes = facts.get("seconds", 0.0), time.monotonic(), minutes
        self.bar = tqdm(total=round(minutes * 60), unit="s", desc=stage, disable=rank() != 0)
        self.said = self.saved = time.monotonic()

    @property
    def seconds(self) -> float:
        return self.before + time.monotonic() - self.started

    def share(self) -> float:
        """Of this call's time budget that is used, 0 to 1; all processes hear the first one's clock."""
        share = torch.tensor(min((time.monotonic() - self.started) / (self.minutes * 60), 1.0))
        if processes() > 1:
            torch.distributed.broadcast(share, 0)
        return float(share)

    def tell(self, step: int, samples: int, **values: float) -> None:
        if rank() != 0 or time.monotonic() - self.said < 10:
            return
        self.said = time.monotonic()
        line = {"step": step, "samples": samples, "seconds": round(self.seconds, 1)}
        with self.path.open("a") as file:
            file.write(json.dumps(line | {k: round(v, 5) for k, v in values.items()}) + "\n")
        self.bar.set_postfix({"step": step, **{k: f"{v:.4f}" for k, v in values.items()}})
        self.bar.n = round(time.monotonic() - self.started)
        self.bar.refresh()

    def due(self, every: float = 120.0) -> bool:
        if rank() != 0 or time.monotonic() - self.saved < every:
            return False
        self.saved = time.monotonic()
        return True


def processes() -> int:
    return int(os.environ.get("WORLD_SIZE", 1))


def rank() -> int:
    return int(os.environ.get("RANK", 0))


def average_gradients(parameters: list[nn.Parameter]) -> None:
    """Mean of the gradients over the processes, in one message."""
    if processes() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.reshape(-1) for g in gradients])
    torch.distributed.all_reduce(flat)
    flat /= processes()
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def set_rate(optimizer: torch.optim.Optimizer, peak: float, warm: float, share: float, least: float) -> float:
    """Warm-up (`warm` grows to 1), then a cosine over the call's time, from `peak` down to `least` of it."""
    rate = peak * min(1.0, warm) * (least + (1 - least) * 0.5 * (1 + np.cos(np.pi * share)))
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate


def learn(loss: torch.Tensor, optimizer: torch.optim.Optimizer, weights: list[nn.Parameter]) -> None:
    """One optimizer step, the same in all processes."""
    loss.backward()
    average_gradients(weights)
    nn.utils.clip_grad_norm_(weights, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def device_of() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast() -> Any:
    return torch.autocast(device_of().type, dtype=torch.bfloat16)


def snapshot(model: nn.Module) -> dict[str, torch.Tensor]:
    return {k: v.detach().clone() for k, v in model.state_dict().items() if v.is_floating_point()}


def follow(average: dict[str, torch.Tensor], model: nn.Module, decay: float) -> None:
    """Moves the running mean of the weights, which is what is shipped, towards the live weights."""
    live, names = model.state_dict(), list(average)
    with torch.no_grad():
        torch._foreach_lerp_([average[n] for n in names], [live[n] for n in names], 1 - decay)
