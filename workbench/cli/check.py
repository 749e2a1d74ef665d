"""`workbench check DIR`: says of each photo whether it can be used, and why not."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from workbench.cli.output import Commands, Flags, print_json
from workbench.language import told, tr


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "check", parents=[flags], help=tr("say of each photo of a folder whether it can be used")
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help=tr("a folder of photos of one person"))
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
            print(f"    {told(str(problem))}")
    good, all_of_them = len(verdict.accepted), len(verdict.judgements)
    print("\n" + tr("{accepted} of {photos} photos can be used.", accepted=good, photos=all_of_them))
    for line in verdict.advice:
        print(f"  {told(line)}")
    return 0 if verdict.ready else 1
