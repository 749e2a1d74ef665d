"""What makes a small network's training step quick on a CPU, one thing after the other: in turns, in one process.

    python -m benchmarks.small_steps
    python -m benchmarks.small_steps --out FILE      also write the figures as JSON
    python -m benchmarks.small_steps --page          also write the table into docs/benchmarks.md

Close other programs first. Memory is kept with glibc only; weights are rounded once on CPUs that compute in bfloat16.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.tables import put, table, where
from workbench.config import Settings, atomic_write, flat_settings
from workbench.device import KEPT, LARGEST_KEPT, keep_freed_memory, prepare_environment

GLIBC = (128 * 1024, 128 * 1024)  # as it is without us
TURNS, STEPS, WARM = 4, 24, 4
WAYS = ("as torch computes it", "freed memory is kept", "frozen weights are rounded once")


def main() -> None:
    """Measures, prints the table, and writes it where it is asked to."""
    parser = argparse.ArgumentParser(description="A step of a small network, quicker by one thing after the other.")
    parser.add_argument("--base", default="chibi-mini", help="base model")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the figures as JSON")
    parser.add_argument("--page", action="store_true", help="also write the table into docs/benchmarks.md")
    args = parser.parse_args()
    prepare_environment(brief=True)
    from workbench.training.report import machine, versions

    rows: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(TURNS):
        for number, way in enumerate(WAYS):
            rows[way].append(measure(args.base, number))
    report: dict[str, Any] = {
        name: {key: statistics.median(row[key] for row in many) for key in many[0]} for name, many in rows.items()
    }
    first = report[WAYS[0]]["seconds"]
    ratios = {way: first / report[way]["seconds"] for way in WAYS}
    report |= {
        "ratios": ratios,
        "machine": machine("cpu"),
        "versions": versions(),
        "measured": time.strftime("%Y-%m-%d"),
    }
    cells = [
        [way, *(report[way][key] for key in ("seconds", "page_faults", "resident_mb")), ratios[way]] for way in WAYS
    ]
    words = table(
        ["each with those above it", "a step, s", "page faults a step", "resident, MB", "times as quick"], cells
    )
    words += f"\n\n{where(report)}"
    print(words)
    if args.page:
        put("small-steps", words)
    if args.out:
        atomic_write(args.out, json.dumps(report, indent=2) + "\n")


def measure(base: str, ways: int) -> dict[str, float]:
    """Opens the base, and learns some steps from noise in the shapes of the default settings.

    Args:
        base: to open.
        ways: how many of `WAYS` after the first one are used.
    """
    import psutil
    import torch

    from workbench.backbones import open_backbone, quiet_libraries
    from workbench.training.plan import learn_steps

    quiet_libraries()
    keep_freed_memory((KEPT, LARGEST_KEPT) if ways >= 1 else GLIBC)
    backbone = open_backbone(base, "cpu", torch.float32)
    if ways < 2:
        for network in (backbone.denoiser, *backbone.text_encoders.values()):
            _as_torch_has_it(network)
    faults: list[int] = []
    seconds = learn_steps(
        backbone, flat_settings(Settings()), STEPS,
        on_step=lambda: faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt),
    )  # fmt: skip
    return {
        "seconds": statistics.median(seconds[WARM:]),
        "page_faults": (faults[-1] - faults[WARM - 1]) / (STEPS - WARM),
        "resident_mb": psutil.Process().memory_info().rss / 1e6,
    }


def _as_torch_has_it(network: Any) -> None:
    from workbench.backbones.cpu_half import HalfConv2d, HalfLinear

    for module in network.modules():
        if isinstance(module, HalfLinear | HalfConv2d):
            module.__class__ = type(module).__mro__[1]


if __name__ == "__main__":
    main()
