"""`workbench forget NAME`: erases everything of a person, and gives a signed receipt."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.output import Commands, Flags, megabytes, print_json, short_path

if TYPE_CHECKING:
    from workbench.jobs import Footprint


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "forget", parents=[flags], help="erase a person: photos, crops, data set, run, adapters and pictures"
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--dry-run", action="store_true", help="only list what would be erased")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--receipt", type=Path, metavar="FILE", help="write the signed receipt there")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from workbench import jobs
    from workbench.config import atomic_write
    from workbench.errors import SubjectError

    found = jobs.footprint(args.name)
    if args.dry_run:
        if args.json:
            print_json(found.to_dict())
        else:
            print("\n".join(f"would erase {short_path(thing.path)}" for thing in found.things) or _nothing(args.name))
            _say_shared(found)
        return 0
    if not args.yes:
        if args.json or not sys.stdin.isatty():
            raise SubjectError(args.name, "this erases for good and nobody is here to ask", "Add --yes")
        print(_summary(found))
        if input(f"Erase all of {args.name}? [y/N] ").strip().lower() != "y":
            print("Nothing was erased.")
            return 1
    if not found.things:
        jobs.forget_person(args.name)  # empty folders
        print_json({"removed": [], "receipt": None}) if args.json else print(_nothing(args.name))
        return 0
    receipt = jobs.forget_with_receipt(args.name)
    if args.receipt:
        atomic_write(args.receipt, json.dumps(receipt, ensure_ascii=False, indent=1) + "\n")
    if args.json:
        print_json({"removed": [str(thing.path) for thing in found.things], "receipt": receipt})
        return 0
    print("\n".join(f"erased {short_path(thing.path)}" for thing in found.things))
    _say_shared(found)
    print("Signed." + (f" The receipt is {short_path(args.receipt)}" if args.receipt else " --receipt FILE keeps it."))
    return 0


def _summary(found: Footprint) -> str:
    if not found.things:
        return _nothing(found.name)
    counts = Counter(thing.kind for thing in found.things)
    lines = [f"{number:>5}  {kind}" for kind, number in counts.items()]
    size = megabytes(sum(thing.bytes for thing in found.things))
    also = f"Adapters of other names among them: {', '.join(found.adapters)}\n" if found.adapters else ""
    return "\n".join(lines) + f"\n{also}{len(found.things)} files, {size}"


def _say_shared(found: Footprint) -> None:
    if found.shared:
        print("These left this computer; call them back from whoever has them:")
        for each in found.shared:
            print(f"  {each.get('when')}  {each.get('adapter')}  {each.get('form')}  sha256 {each.get('sha256')}")


def _nothing(name: str) -> str:
    return f"There is nothing of {name} here."
