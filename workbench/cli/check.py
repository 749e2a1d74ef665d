"""`workbench check DIR`: says of each photo whether it can be used, and why not."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from workbench.cli.output import Commands, Flags, print_json


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser("check", parents=[flags], help="say of each photo of a folder whether it can be used")
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder of photos of one person")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from workbench.photos import check_folder

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    verdict = check_folder(args.folder, progress)
    if args.json:
        print_json(verdict.to_dict())
        return 0 if verdict.ready else 1
    for judgement in verdict.judgements:
        print(f"{'✓' if judgement.accepted else '✗'} {judgement.name}")
        for problem in (*judgement.problems, *judgement.warnings):
            print(f"    {problem}")
    print(f"\n{len(verdict.accepted)} of {len(verdict.judgements)} photos can be used.")
    for line in verdict.advice:
        print(f"  {line}")
    return 0 if verdict.ready else 1
