"""What it is worth that a training keeps the memory it frees: a step with and without, in turns, in one process.

    python -m benchmarks.memory_kept
    python -m benchmarks.memory_kept --out FILE      also write the figures as JSON
    python -m benchmarks.memory_kept --page          also write the table into docs/benchmarks.md

Close other programs first. glibc only.
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
TURNS, STEPS, WARM = 4, 14, 4


def main() -> None:
    """Measures, prints the table, and writes it where it is asked to."""
    parser = argparse.ArgumentParser(description="A step that keeps freed memory, beside one that hands it back.")
    parser.add_argument("--base", default="chibi-mini", help="base model")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the figures as JSON")
    parser.add_argument("--page", action="store_true", help="also write the table into docs/benchmarks.md")
    args = parser.parse_args()
    prepare_environment(brief=True)
    from workbench.training.report import machine, versions

    rows: dict[str, list[dict[str, float]]] = {"handed back": [], "kept": []}
    for _ in range(TURNS):
        rows["handed back"].append(measure(args.base, GLIBC))
        rows["kept"].append(measure(args.base, (KEPT, LARGEST_KEPT)))
    report: dict[str, Any] = {
        name: {key: statistics.median(row[key] for row in many) for key in many[0]} for name, many in rows.items()
    }
    report |= {"ratio": report["handed back"]["seconds"] / report["kept"]["seconds"]}
    report |= {"machine": machine("cpu"), "versions": versions(), "measured": time.strftime("%Y-%m-%d")}
    cells = [[name, report[name]["seconds"], report[name]["page_faults"], report[name]["resident_mb"]] for name in rows]
    words = table(["freed memory is", "a step, s", "page faults a step", "resident, MB"], cells)
    words += f"\n\nKept, a step is {report['ratio']:.2f} times as quick. {where(report)}"
    print(words)
    if args.page:
        put("memory-kept", words)
    if args.out:
        atomic_write(args.out, json.dumps(report, indent=2) + "\n")


def measure(base: str, limits: tuple[int, int]) -> dict[str, float]:
    """Opens the base, and learns some steps from noise in the shapes of the default settings."""
    import psutil
    import torch

    from workbench.backbones import open_backbone, quiet_libraries
    from workbench.training.plan import learn_steps

    quiet_libraries()
    keep_freed_memory(limits)
    faults: list[int] = []
    seconds = learn_steps(
        open_backbone(base, "cpu", torch.float32), flat_settings(Settings()), STEPS,
        on_step=lambda: faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt),
    )  # fmt: skip
    return {
        "seconds": statistics.median(seconds[WARM:]),
        "page_faults": (faults[-1] - faults[WARM - 1]) / (STEPS - WARM),
        "resident_mb": psutil.Process().memory_info().rss / 1e6,
    }


if __name__ == "__main__":
    main()
