"""How time and memory grow with photos, resolution, batch and rank; the others as usual.

    python -m benchmarks.scaling                 all points on chibi-mini: about five minutes of two free cores
    python -m benchmarks.scaling --quick         two small points of each series, to see that it works
    python -m benchmarks.scaling --base BASE     another base, for example sdxl on a GPU

Each point is measured in a process of its own, since memory that was used once is not always given back: photos are
drawn, encoded, and a few steps are learned from them. Where there is a GPU, its memory has a column too.
Results: `benchmarks/results/scaling-MACHINE.json`, and the table in `docs/benchmarks.md` with `--page`.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.tables import put, table, where
from workbench.config import ROOT, atomic_write
from workbench.device import prepare_environment

RESULTS = Path(__file__).parent / "results"
PHOTOS = 5
SERIES: dict[str, tuple[Any, ...]] = {
    "photos": (3, 10, 30, 100),
    "data.resolution": (0.5, 0.75, 1.0, 1.5),  # of the base's own
    "train.batch_size": (1, 2, 4, 8, 16),
    "lora.rank": (4, 8, 16, 32, 64),
}
QUICK: dict[str, tuple[Any, ...]] = {
    "photos": (2, 4), "data.resolution": (1.0,), "train.batch_size": (1, 2), "lora.rank": (2, 4),
}  # fmt: skip
COLUMNS = {
    "series": "with more", "value": "of them", "encoding_s": "encoding all photos, s", "photo_s": "a photo, s",
    "kept_mib": "kept of them, MiB", "step_s": "a step, s", "picture_s": "a picture of it, s",
    "peak_gib": "process, GiB", "gpu_peak_gib": "GPU, GiB",
}  # fmt: skip


def main() -> None:
    """Measures all points, prints the table, and writes the results."""
    parser = argparse.ArgumentParser(description="Time and memory against photos, resolution, batch and rank.")
    parser.add_argument("--base", default="chibi-mini", help="base model")
    parser.add_argument("--steps", type=int, default=4, help="steps of each point; the first is not timed (4)")
    parser.add_argument("--quick", action="store_true", help="small points, to see that it works")
    parser.add_argument("--page", action="store_true", help="also write the table into docs/benchmarks.md")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the results go")
    parser.add_argument("--point", metavar="JSON", help=argparse.SUPPRESS)
    args = parser.parse_args()
    prepare_environment(brief=True)
    if args.point:
        print(json.dumps(measure(args.base, json.loads(args.point), args.steps)))
        return
    began = time.perf_counter()
    rows = []
    for series, values in (QUICK if args.quick else SERIES).items():
        for value in values:
            rows.append({"series": series, "value": value} | in_a_process(args.base, {series: value}, args.steps))
            print(json.dumps(rows[-1]), flush=True)

    import torch

    from workbench.training.report import machine, versions

    report: dict[str, Any] = {
        "machine": machine("cuda" if torch.cuda.is_available() else "cpu"),
        "versions": versions(),
        "measured": time.strftime("%Y-%m-%d"),
        "base": Path(args.base).name,
        "minutes": (time.perf_counter() - began) / 60,
        "rows": rows,
    }
    out = args.out or RESULTS / f"scaling-{platform.node().split('.')[0] or 'here'}.json"
    atomic_write(out, json.dumps(report, indent=2) + "\n")
    print(words(report))
    print(out)
    if args.page:
        put("scaling", words(report))


def words(report: dict[str, Any]) -> str:
    """The results as a Markdown table; columns of a GPU only when there was one."""
    shown = [name for name in COLUMNS if any(name in row for row in report["rows"])]
    cells = [[row.get(name, "") for name in shown] for row in report["rows"]]
    usual = f"{report['base']}; where nothing else is said {PHOTOS} photos, its own resolution, 8 pictures, rank 16."
    return f"{table([COLUMNS[name] for name in shown], cells)}\n\n{usual} {where(report)}"


def in_a_process(base: str, point: dict[str, Any], steps: int) -> dict[str, float]:
    """Measures a point in a fresh process."""
    line = [sys.executable, "-m", "benchmarks.scaling", "--base", base, "--steps", str(steps)]
    done = subprocess.run([*line, "--point", json.dumps(point)], capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"{point} failed:\n{done.stderr[-3000:]}")
    row: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return row


def measure(base: str, point: dict[str, Any], steps: int) -> dict[str, float]:
    """Draws photos, encodes them, and learns a few steps from them.

    Args:
        base: which base.
        point: what is other than usual: `photos`, `train.batch_size`, `lora.rank`, or `data.resolution`, as a share of
            the base's own.
        steps: how many; the first is not timed.
    """
    import torch

    from workbench.backbones import open_backbone, quiet_libraries
    from workbench.config import Settings, flat_settings
    from workbench.dataset import build_dataset
    from workbench.dataset.encode import encode
    from workbench.device import pick_device, pick_dtype
    from workbench.training.plan import learn_steps, peak_memory
    from workbench.world.character import sample_character, sample_scene
    from workbench.world.draw import draw

    quiet_libraries()
    values = flat_settings(Settings()) | {
        name: value for name, value in point.items() if name in flat_settings(Settings())
    }
    device = pick_device()
    backbone = open_backbone(base, device, pick_dtype(device, "training"))
    multiple = backbone.size_multiple
    side = round(backbone.resolution * float(point.get("data.resolution", 1.0)) / multiple) * multiple
    values |= {"data.resolution": side}
    person, count = sample_character(3), int(point.get("photos", PHOTOS))
    drawn = [draw(person, sample_scene(seed), "photo", size=256, seed=seed) for seed in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        photos = [(photo, "photo of zkq person") for photo in drawn]
        examples = build_dataset(Path(folder) / "photos", photos=photos)
        began = time.perf_counter()
        data = encode(backbone, examples, side, flips=True, keep_text=not values["lora.text_encoder"])
        encoding = time.perf_counter() - began
    seconds = min(learn_steps(backbone, values, steps, data)[1:])
    kept = sum(tensor.nbytes for grid in data.grids for tensor in (grid.mean, grid.std))
    row = {
        "encoding_s": encoding,
        "photo_s": encoding / count,
        "kept_mib": kept / 2**20,
        "step_s": seconds,
        "picture_s": seconds / int(values["train.batch_size"]),
        "peak_gib": peak_memory(torch.device("cpu")) / 2**30,
    }
    return row | ({"gpu_peak_gib": peak_memory(device) / 2**30} if device.type == "cuda" else {})


if __name__ == "__main__":
    main()
