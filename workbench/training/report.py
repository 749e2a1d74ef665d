"""What a run took: seconds of each stage, the machine, the versions."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil

from workbench.config import atomic_write
from workbench.training.run import RunFolder

PACKAGES = ("torch", "diffusers", "transformers", "peft", "accelerate", "bitsandbytes")


class Stages:
    """Times the stages of a run, and says in its heartbeat which one it is in."""

    def __init__(self, run: RunFolder | None) -> None:
        """
        Args:
            run: whose heartbeat speaks; None in processes that do not write.
        """
        self._run = run
        self.seconds: dict[str, float] = {}
        self._inner = [0.0]

    @contextmanager
    def __call__(self, stage: str, state: str = "preparing") -> Iterator[None]:
        """Times the block under the stage's name; a stage that comes again adds up, one inside another counts once."""
        began = time.perf_counter()
        self._inner.append(0.0)
        if self._run is not None:
            if state == "preparing":
                self._run.status(state, stage=stage, step=0, steps=0)
            else:
                self._run.status(state, stage=stage)
            self._run.log(stage)
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent - self._inner.pop()
            self._inner[-1] += spent

    def launched(self) -> None:
        """Adds what came before: the launcher's own start, and this program's up to here."""
        process = psutil.Process()
        parent = process.parent()
        if parent is not None and "ACCELERATE_MIXED_PRECISION" in os.environ:
            self.seconds["launcher"] = process.create_time() - parent.create_time()
        self.seconds["start"] = time.time() - process.create_time()


def writes() -> bool:
    """Whether this process is the one of a launch that writes to the disk; known before torch is loaded."""
    return os.environ.get("RANK", "0") == "0"


def say(run: RunFolder, line: str) -> None:
    """Tells the terminal and the run's log, from the process that writes; an empty line is not told."""
    if line and writes():
        print(f"{run.name}: {line}", flush=True)
        run.log(line)


def write_figures(run: RunFolder, stages: Stages, accelerator: Any, **facts: Any) -> None:
    """Writes `report.json`: what came out, and what it took.

    Args:
        run: whose.
        stages: its seconds.
        accelerator: what it was computed on, and in which precision.
        facts: about photos, scores, loss; they come first.
    """
    table = facts | {
        "seconds": {stage: round(seconds, 2) for stage, seconds in stages.seconds.items()},
        "seconds in all": round(sum(stages.seconds.values()), 2),
        "machine": machine(str(accelerator.device)) | {"precision": accelerator.mixed_precision},
        "versions": versions(),
    }
    atomic_write(run.folder / "report.json", json.dumps(table, ensure_ascii=False, indent=2) + "\n")


def machine(device: str) -> dict[str, Any]:
    """What the run was measured on: nothing that names a person or a place."""
    facts: dict[str, Any] = {
        "device": device,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }
    if device.startswith("cuda"):
        import torch

        facts["device"] = torch.cuda.get_device_name()
    return facts


def versions() -> dict[str, str]:
    """Versions of the packages that decide what a run computes."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue  # not every run needs every one
    return found
