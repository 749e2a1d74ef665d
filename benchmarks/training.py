"""How fast we train, beside the loop of diffusers' published script, in one run on one machine.

    python -m benchmarks.training                        CPU: chibi-mini, 5 photos, side by side
    python -m benchmarks.training --peer-script FILE     also the real train_dreambooth_lora.py (it needs torchvision)
    python -m benchmarks.training --gpu                  random weights in the true shapes of the large families
    python -m benchmarks.training --quick                few steps, to see that it works
    python -m benchmarks.training --page                 also write the tables into docs/benchmarks.md

Equal work means: the same base, photos, batch of 1, rank 4 on the attention layers, precision and number of steps.
Equal pictures seen means: as many pictures learned from, ours in batches as it would. Close other programs first.
Results: `benchmarks/results/training-MACHINE.json`. How time grows with photos, size, batch and rank:
`python -m benchmarks.scaling`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.tables import put, table, where
from workbench.config import ROOT, atomic_write, find_path
from workbench.device import prepare_environment

RESULTS = Path(__file__).parent / "results"
PEER = Path(__file__).with_name("training_peer.py")
RECIPE = ROOT / "recipes" / "train_lora.py"
EQUAL = [
    "--config", str(ROOT / "recipes" / "configs" / "peer-dreambooth-lora.yaml"),
    "follow.trackers=", "follow.checkpoint_every=0", "follow.preview_prompts=",
]  # fmt: skip
TRIES = 3


def main() -> None:
    """Measures, prints the summary, and writes the results."""
    parser = argparse.ArgumentParser(description="How fast we train, beside the published script's loop.")
    parser.add_argument("--base", default="chibi-mini", help="base model for the CPU part")
    parser.add_argument("--photos", default="examples/selfies", help="folder of photos")
    parser.add_argument("--steps", type=int, default=480, help="steps of the side-by-side runs (480)")
    parser.add_argument("--peer-script", type=Path, metavar="FILE", help="diffusers' train_dreambooth_lora.py")
    parser.add_argument("--gpu", action="store_true", help="the large families in their true shapes")
    parser.add_argument("--compile", action="store_true", help="with --gpu: compile the denoiser")
    parser.add_argument(
        "--tiny", action="store_true", help="with --gpu: tiny shapes, to rehearse; figures mean nothing"
    )
    parser.add_argument("--quick", action="store_true", help="few steps, once")
    parser.add_argument("--page", action="store_true", help="also write the tables into docs/benchmarks.md")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the results go")
    args = parser.parse_args()
    prepare_environment(brief=True)  # for all that it starts, the script's loop too
    import torch

    from workbench.training.report import machine, versions

    device = "cuda" if torch.cuda.is_available() else "cpu"
    out = args.out or RESULTS / f"training-{platform.node().split('.')[0] or 'here'}.json"
    report: dict[str, Any] = json.loads(out.read_text()) if out.exists() else {}
    report |= {"machine": machine(device), "versions": versions(), "measured": time.strftime("%Y-%m-%d")}
    summary: dict[str, Any] = report.setdefault("summary", {})
    if args.gpu:
        from benchmarks.training_gpu import table

        report["gpu"] = table(args.tiny, args.compile)
        report["sd15, 800 pictures, launch to adapter"] = whole_run(find_path(args.photos), args.tiny)
        measured = device == "cuda" and not args.tiny
        report["gpu_note"] = "measured" if measured else "not yet measured: tiny shapes, a rehearsal of the script"
        if measured:
            whole = report["sd15, 800 pictures, launch to adapter"]["whole"]
            summary |= gpu_summary(report["gpu"]) | {"sd15_800_launch_to_adapter_s": whole}
    else:
        steps, tries = (8, 1) if args.quick else (args.steps, TRIES)
        report["cpu"] = side_by_side(args.base, find_path(args.photos), steps, tries, args.peer_script)
        summary |= {
            "cpu_steps_ratio": report["cpu"]["script"]["step"] / report["cpu"]["ours, equal work"]["step"],
            "cpu_launch_to_adapter_ratio": report["cpu"]["script"]["whole"]
            / report["cpu"]["ours, equal pictures"]["whole"],
        }
    atomic_write(out, json.dumps(report, indent=2) + "\n")
    if args.page:
        put("training-gpu", gpu_words(report)) if args.gpu else put("training-cpu", cpu_words(report))
    print(json.dumps(summary, indent=2))
    print(out)


def side_by_side(base: str, photos: Path, steps: int, tries: int, script: Path | None) -> dict[str, dict[str, float]]:
    """Medians of several launches, the two sides taking turns, so that a busy minute hits both.

    Returns:
        For each side: `step` (median seconds of one), `whole` (launch to adapter), and its own stages.
    """
    from workbench.backbones.locate import locate

    source, _ = locate(base)
    rows: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        used = Path(folder) / "photos"
        shutil.copytree(photos, used)
        for _ in range(tries):
            rows.setdefault("script", []).append(run_peer(source, used, Path(folder) / "peer", steps))
            rows.setdefault("ours, equal work", []).append(run_ours(base, used, Path(folder) / "equal", steps, 1))
            batch = next(size for size in (8, 4, 2, 1) if steps % size == 0)
            ours = run_ours(base, used, Path(folder) / "batched", steps // batch, batch)
            rows.setdefault("ours, equal pictures", []).append(ours)
            if script is not None:
                real = run_script(script, source, used, Path(folder) / "script", steps)
                rows.setdefault("the published script itself", []).append(real)
    return {
        side: {name: statistics.median(row[name] for row in many) for name in many[0]} for side, many in rows.items()
    }


def run_ours(base: str, photos: Path, folder: Path, steps: int, batch: int) -> dict[str, float]:
    """One launch of our recipe at a home of its own, with nothing cached."""
    shutil.rmtree(folder, ignore_errors=True)
    places = {"WORKBENCH_HOME": str(folder / "home"), "WORKBENCH_LORAS": str(folder / "loras")}
    places["WORKBENCH_KEYS"] = str(folder / "keys")
    words = [f"base={base}", f"photos={photos}", "name=bench", f"train.steps={steps}", f"train.batch_size={batch}"]
    whole = launch([str(RECIPE), *EQUAL, *words], places)[0]
    run = folder / "home" / "runs" / "bench"
    paces = [json.loads(line)["seconds"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    stages: dict[str, float] = json.loads((run / "report.json").read_text())["seconds"]
    # Steps are timed from one to the next, so the first one holds what came before it.
    return {"step": statistics.median(paces[len(paces) // 4 :]), "whole": whole} | stages


def run_peer(source: Path, photos: Path, out: Path, steps: int) -> dict[str, float]:
    """One launch of the loop as the published script has it."""
    whole, printed = launch([str(PEER), str(source), str(photos), str(out), str(steps), "1", "4"], {})
    row: dict[str, float] = json.loads(printed.strip().splitlines()[-1])
    return row | {"whole": whole}


def run_script(script: Path, source: Path, photos: Path, out: Path, steps: int) -> dict[str, float]:
    """One launch of the real script."""
    words = [
        str(script), f"--pretrained_model_name_or_path={source}", f"--instance_data_dir={photos}",
        "--instance_prompt=photo of zkq person", f"--output_dir={out}", f"--max_train_steps={steps}",
        "--train_batch_size=1", "--rank=4", "--learning_rate=1e-4", "--checkpointing_steps=100000",
        "--resolution=256", "--lr_scheduler=constant", "--lr_warmup_steps=0",
    ]  # fmt: skip
    whole, _ = launch(words, {})
    return {"step": 0.0, "whole": whole}


def launch(words: list[str], places: dict[str, str]) -> tuple[float, str]:
    """Runs a script under accelerate with our configuration: seconds, and what it printed."""
    accelerate = [sys.executable, "-m", "accelerate.commands.launch", "--quiet"]
    accelerate += ["--config_file", str(ROOT / "accelerate_config.yaml")]
    began = time.perf_counter()
    done = subprocess.run(
        [*accelerate, *words], capture_output=True, text=True, cwd=ROOT, check=False, env=os.environ | places
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{words[0]} failed:\n{done.stderr[-3000:]}")
    return seconds, done.stdout


def cpu_words(report: dict[str, Any]) -> str:
    """The side-by-side runs as a Markdown table."""
    rows = [
        [side, row["step"] or "", row["whole"], row.get("launcher", "") or "", row.get("imports", "")]
        for side, row in report["cpu"].items()
    ]
    head = ["", "a step, s", "launch to adapter, s", "of it the launcher", "imports"]
    summary = report["summary"]
    told = (
        f"Steps at equal work: {summary['cpu_steps_ratio']:.2f} times as quick; launch to adapter at equal pictures "
        f"seen: {summary['cpu_launch_to_adapter_ratio']:.2f} times."
    )
    return f"{table(head, rows)}\n\n{told} {where(report)}"


def gpu_words(report: dict[str, Any]) -> str:
    """The large families as a Markdown table."""
    rows = [
        [family, f"{side}, {size} a batch", row["ms_per_picture"], row["roofline_share"], row["peak_gib"]]
        for family, measured in report["gpu"].items()
        for side, sizes in (("ours", measured["ours"]), ("the script's way", {"1": measured["script"]}))
        for size, row in sizes.items()
    ]
    head = ["family", "", "ms a picture", "share of the roofline", "peak GiB"]
    return f"{table(head, rows)}\n\n{report['gpu_note']}. {where(report)}"


def whole_run(photos: Path, tiny: bool) -> dict[str, float]:
    """800 pictures seen on SD 1.5 in its true shapes, from launch to adapter: what a person waits for."""
    from benchmarks.training_gpu import random_sd15

    with tempfile.TemporaryDirectory() as folder:
        base = random_sd15(Path(folder) / "sd15", tiny)
        steps, batch = (2, 2) if tiny else (50, 16)
        return run_ours(str(base), photos, Path(folder) / "run", steps, batch)


def gpu_summary(table: dict[str, Any]) -> dict[str, float]:
    """The figures that targets are set for."""
    summary: dict[str, float] = {}
    for family in ("sd15", "sdxl"):
        best = table[family]["best"]
        summary |= {
            f"{family}_ms_per_picture": best["ms_per_picture"],
            f"{family}_roofline_share": best["roofline_share"],
        }
        summary |= {f"{family}_ms_per_picture_batch_1": table[family]["ours"]["1"]["ms_per_picture"]}
        summary |= {f"{family}_script_ms_per_picture": table[family]["script"]["ms_per_picture"]}
    summary["peak_gib"] = max(row["peak_gib"] for family in table.values() for row in family["ours"].values())
    return summary


if __name__ == "__main__":
    main()
