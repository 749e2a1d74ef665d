"""`workbench forget NAME`: erases everything of a person, and gives a signed receipt."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.output import Commands, Flags, megabytes, print_json, short_path
from workbench.language import told, tr, trn

if TYPE_CHECKING:
    from workbench.jobs import Footprint


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "forget", parents=[flags], help=tr("erase a person: photos, crops, data set, run, adapters and pictures")
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--dry-run", action="store_true", help=tr("only list what would be erased"))
    parser.add_argument("--yes", action="store_true", help=tr("do not ask"))
    parser.add_argument("--receipt", type=Path, metavar="FILE", help=tr("write the signed receipt there"))
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
            print(
                "\n".join(tr("would erase {path}", path=short_path(thing.path)) for thing in found.things)
                or _nothing(args.name)
            )
            _say_shared(found)
        return 0
    if not args.yes:
        if args.json or not sys.stdin.isatty():
            raise SubjectError(args.name, "this erases for good and nobody is here to ask", "Add --yes")
        print(_summary(found))
        if input(tr("Erase all of {name}? [y/N] ", name=args.name)).strip().lower() != "y":
            print(tr("Nothing was erased."))
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
    print("\n".join(tr("erased {path}", path=short_path(thing.path)) for thing in found.things))
    _say_shared(found)
    print(
        tr("Signed.")
        + (
            tr(" The receipt is {receipt}", receipt=short_path(args.receipt))
            if args.receipt
            else tr(" --receipt FILE keeps it.")
        )
    )
    return 0


def _summary(found: Footprint) -> str:
    if not found.things:
        return _nothing(found.name)
    counts = Counter(thing.kind for thing in found.things)
    lines = [f"{number:>5}  {told(kind)}" for kind, number in counts.items()]
    size = megabytes(sum(thing.bytes for thing in found.things))
    if found.adapters:
        lines.append(tr("Adapters of other names among them: {adapters}", adapters=", ".join(found.adapters)))
    lines.append(f"{trn('{number} file', '{number} files', len(found.things))}, {size}")
    return "\n".join(lines)


def _say_shared(found: Footprint) -> None:
    if found.shared:
        print(tr("These left this computer; call them back from whoever has them:"))
        for each in found.shared:
            print(f"  {each.get('when')}  {each.get('adapter')}  {each.get('form')}  sha256 {each.get('sha256')}")


def _nothing(name: str) -> str:
    return tr("There is nothing of {name} here.", name=name)
