"""`workbench report NAME`: how an adapter came about, on one page."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.cli.output import Commands, Flags, print_json, short_path
from workbench.language import LANGUAGES, tr


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "report",
        parents=[flags],
        help=tr("write the report of a run: photos, curves, previews, settings on one page"),
        epilog=tr("The page shows the photos and needs no network. It is yours: the workbench does not keep it."),
    )
    parser.add_argument("name", metavar="NAME", help=tr("the run"))
    parser.add_argument("--out", type=Path, metavar="FILE", help=tr("where to write it; NAME-report.html if not given"))
    parser.add_argument("--no-photos", action="store_true", help=tr("leave the photos out, to show the page to others"))
    parser.add_argument("--lang", choices=sorted(LANGUAGES), default="", help=tr("its language; yours if not given"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from workbench import jobs
    from workbench.identity.run_report import write_report

    state = jobs.job_state(args.name)
    out = args.out or Path.cwd() / f"{state.name}-report.html"
    path = write_report(jobs.run_folder(state.name), out, photos=not args.no_photos, code=args.lang)
    print_json({"path": str(path)}) if args.json else print(short_path(path))
    return 0
