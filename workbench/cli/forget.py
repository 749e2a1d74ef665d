"""`workbench forget NAME`: erases everything of a person."""

from __future__ import annotations

import argparse
import sys

from workbench.cli.output import Commands, Flags, print_json, short_path


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "forget", parents=[flags], help="erase a person: photos, crops, data set, run, adapter and pictures"
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from workbench import jobs
    from workbench.errors import SubjectError

    if not args.yes:
        if args.json or not sys.stdin.isatty():
            raise SubjectError(args.name, "this erases for good and nobody is here to ask", "Add --yes")
        if input(f"Erase all of {args.name}: photos, run, adapter and pictures? [y/N] ").strip().lower() != "y":
            print("Nothing was erased.")
            return 1
    removed = jobs.forget_person(args.name)
    if args.json:
        print_json({"removed": [str(path) for path in removed]})
    elif removed:
        print("\n".join(f"erased {short_path(path)}" for path in removed))
    else:
        print(f"There is nothing of {args.name} here.")
    return 0
