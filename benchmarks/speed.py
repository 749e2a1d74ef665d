"""How long a person waits for what, on this machine.

    make bench
    .venv/bin/python benchmarks/speed.py --base chibi-mini --out speed.json

Each line is the median of several tries; what is made on the way goes to a temporary folder. Close other programs
first: a busy machine measures itself.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from workbench.config import ROOT, atomic_write, find_path
from workbench.device import prepare_environment

STEPS = 20


def main() -> None:
    """Measures, prints a table, and writes it where it is asked to."""
    parser = argparse.ArgumentParser(description="How long a person waits for what, on this machine.")
    parser.add_argument("--base", default="chibi-mini", help="base model")
    parser.add_argument("--photos", default="examples/selfies", help="folder of photos of one person")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the numbers as JSON")
    args = parser.parse_args()
    prepare_environment(brief=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WORKBENCH_KEYS"] = f"{folder}/keys"
        os.environ |= {"WORKBENCH_HOME": f"{folder}/workspace", "WORKBENCH_LORAS": f"{folder}/loras"}
        seconds = {
            "workbench --help": median(lambda: run("-m", "workbench", "--help"), 5),
            "accelerate launch of an empty script": median(lambda: launch_nothing(Path(folder)), 3),
            **judge(args.photos),
            **draw(args.base),
            **train(args.base, args.photos),
        }
    from workbench.training.report import machine, versions

    for thing, value in seconds.items():
        print(f"{value:9.3f} s  {thing}")
    report = {"base": args.base, "seconds": seconds, "machine": machine("cpu"), "versions": versions()}
    if args.out:
        atomic_write(args.out, json.dumps(report, indent=2) + "\n")


def median(work: Callable[[], object], tries: int) -> float:
    """Median seconds of a piece of work."""
    return statistics.median(timed(work) for _ in range(tries))


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run(*words: str) -> None:
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)


def launch_nothing(folder: Path) -> None:
    from workbench.jobs import launch_command

    (folder / "empty.py").write_text("")
    run(*launch_command(folder / "none.yaml", folder / "empty.py")[1:])


def judge(photos: str) -> dict[str, float]:
    """Seconds to judge a photo, the loading of the face detector apart."""
    from workbench.photos import check_folder

    folder = find_path(photos)
    check_folder(folder)
    start = time.perf_counter()
    verdict = check_folder(folder)
    return {"judging a photo": (time.perf_counter() - start) / len(verdict.judgements)}


def draw(base: str) -> dict[str, float]:
    """Seconds to open a base in a program that has just started, and to draw a picture once it is warm."""
    from workbench.generation import Engine, Request

    start = time.perf_counter()
    engine = Engine(base)
    opened = time.perf_counter() - start
    engine.generate(Request("chibi of a person, smiling", count=1))
    return {
        "opening the base, with its libraries": opened,
        "a picture": median(lambda: engine.generate(Request("chibi of a person, smiling", count=1)), 5),
    }


def train(base: str, photos: str) -> dict[str, float]:
    """Seconds of a training step, and of a short training as a whole."""
    from workbench.config import home
    from workbench.jobs import launch_command, read_metrics

    settings = {"name": "bench", "base": base, "photos": str(find_path(photos).absolute())}
    settings |= {"train": {"steps": STEPS}, "follow": {"preview_every": 0, "checkpoint_every": 0, "trackers": []}}
    atomic_write(home() / "bench.yaml", json.dumps(settings))
    whole = timed(lambda: run(*launch_command(home() / "bench.yaml")[1:]))
    steps = [float(record["seconds"]) for record in read_metrics("bench")]
    # The first steps warm up the allocator and the compiler's caches.
    return {"a training step": statistics.median(steps[STEPS // 4 :]), f"a whole training of {STEPS} steps": whole}


if __name__ == "__main__":
    main()
