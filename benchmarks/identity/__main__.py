"""Runs the identity benchmark.

    python -m benchmarks.identity --quick                # 6 subjects, the rows that matter most
    python -m benchmarks.identity                        # 24 subjects, all rows and curves
    python -m benchmarks.identity --rows ours,no-anchors,photos --minutes 120
    python -m benchmarks.identity --seed-base 42 --subjects 12       # people of your own choosing

Stopped at any moment it goes on exactly where it was: finished trainings and pictures are kept in the work folder. It
writes `benchmarks/results/identity-<machine>.json` after every row, and a sheet of pictures beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.identity.people import SUBJECT_SEEDS
from benchmarks.identity.rows import choose
from workbench.config import ROOT
from workbench.device import prepare_environment, set_threads
from workbench.errors import WorkbenchError


def main(arguments: list[str] | None = None) -> int:
    """Reads the wishes, runs, and returns the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.identity", description="Does the avatar look like the person?")
    parser.add_argument("--quick", action="store_true", help="6 subjects and the rows that matter most")
    parser.add_argument("--seed-base", type=int, default=SUBJECT_SEEDS, metavar="N", help="seed of the first subject")
    parser.add_argument("--subjects", type=int, default=0, metavar="K", help="how many; default 24, quick 6")
    parser.add_argument("--pictures", type=int, default=8, metavar="P", help="pictures of each subject in a row")
    parser.add_argument("--rows", default="", help="names, or `curves` or `levers`, separated by commas")
    parser.add_argument("--minutes", type=float, default=0.0, help="begin nothing new after so long; 0: no end")
    parser.add_argument("--base", default="chibi-mini", help="base model")
    parser.add_argument("--set", action="append", default=[], metavar="key=value", help="a setting of our recipe")
    parser.add_argument(
        "--peer-script", type=Path, metavar="PATH", help="a copy of diffusers' train_dreambooth_lora.py"
    )
    parser.add_argument("--peer-python", default=sys.executable, help="the interpreter that runs it (has torchvision)")
    parser.add_argument("--keep", action="store_true", help="go on with what other versions of the code made")
    parser.add_argument("--work", type=Path, metavar="DIR", help="default: workspace/identity-benchmark")
    parser.add_argument("--judges", type=Path, metavar="DIR", help="weights of other judges than the shipped ones")
    parser.add_argument("--out", type=Path, metavar="FILE", help="results; the sheet goes beside them")
    args = parser.parse_args(arguments)
    prepare_environment()
    set_threads()
    try:
        rows = choose(args.rows, args.quick, args.peer_script is not None)
        from benchmarks.identity.benchmark import Benchmark

        benchmark = Benchmark.prepare(args)
        print(benchmark.about(), flush=True)
        report = benchmark.run(rows)
    except WorkbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130
    print(json.dumps(report["summary"], indent=1))
    for path in benchmark.files():
        print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
