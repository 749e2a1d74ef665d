"""Does the base draw what the prompt says? Asks for random characters and lets the trait reader look.

    .venv/bin/python benchmarks/obedience.py --count 64 --out obedience.json

Prints, for each attribute, the share of pictures in which the reader finds what was asked for; beside it the same for
the world's own drawings of the same characters (what the reader can see at all) and for a random guess. The reader
ships with the product, so this is a check on the way, not the independent judge of an identity benchmark.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from workbench.config import atomic_write
from workbench.device import prepare_environment

SHOWN = (
    "hair_colour", "hair_style", "skin", "glasses", "facial_hair", "eye_colour", "expression", "clothing",
    "clothing_colour", "headwear", "background", "pose", "style",
)  # fmt: skip
SEEDS = 500_000  # characters that no training used


def main() -> None:
    """Measures, prints a table, and writes it where it is asked to."""
    parser = argparse.ArgumentParser(description="Does the base draw what the prompt says?")
    parser.add_argument("--base", default="chibi-mini", help="base model")
    parser.add_argument("--count", type=int, default=48, help="number of pictures")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the numbers as JSON")
    args = parser.parse_args()
    prepare_environment()
    from workbench.backbones import open_backbone
    from workbench.captions.reader import ANSWERS, probabilities, truth
    from workbench.dataset.pictures import make_pictures
    from workbench.training.report import machine, versions
    from workbench.world.character import sample_character, sample_scene
    from workbench.world.draw import draw
    from workbench.world.words import describe

    people = [(sample_character(SEEDS + i), sample_scene(SEEDS + i)) for i in range(args.count)]
    prompts = [describe(character, scene, "chibi", i) for i, (character, scene) in enumerate(people)]
    right = [truth(character, scene, "chibi") for character, scene in people]
    start = time.perf_counter()
    made = make_pictures(open_backbone(args.base), prompts, list(range(args.count)))
    seconds = (time.perf_counter() - start) / args.count
    drawn = [draw(character, scene, "chibi", 256) for character, scene in people]
    found, possible = probabilities(made), probabilities(drawn)
    rows: dict[str, dict[str, float]] = {}
    print(f"{'attribute':16} {args.base:>12} {'drawn':>8} {'guess':>8}")
    for name in SHOWN:
        wanted = np.array([each[name] for each in right])
        row = {
            "made": float((found[name].argmax(1) == wanted).mean()),
            "drawn": float((possible[name].argmax(1) == wanted).mean()),
            "guess": 1 / len(ANSWERS[name]),
        }
        rows[name] = row
        print(f"{name:16} {row['made']:12.2f} {row['drawn']:8.2f} {row['guess']:8.2f}")
    mean = float(np.mean([row["made"] for row in rows.values()]))
    print(f"{'mean':16} {mean:12.2f}\n{seconds:.2f} s a picture")
    report: dict[str, Any] = {
        "base": args.base, "pictures": args.count, "attributes": rows, "mean": mean, "seconds a picture": seconds,
        "machine": machine("cpu"), "versions": versions(),
    }  # fmt: skip
    if args.out:
        atomic_write(args.out, json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
