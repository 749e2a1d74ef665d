"""`workbench plan photos=DIR name=NAME`: how long a run will take and whether it fits, measured in a few steps."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from workbench.cli.output import Commands, Flags, print_json
from workbench.language import told, tr


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "plan",
        parents=[flags],
        help=tr("how long a run will take, and whether it fits into the memory"),
        epilog=tr(
            "Trains three steps on noise in the run's shapes. What does not fit is made to, "
            "cheapest first: memory.phased, more memory.parts, memory.checkpointing, on a GPU an "
            "8-bit optimizer and a base in 8 or 4 bits, data.resolution."
        ),
    )
    parser.add_argument("settings", nargs="*", metavar="key=value", help=tr("settings, as for workbench train"))
    parser.add_argument("--config", type=Path, metavar="FILE", help=tr("a settings file, as for workbench train"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from workbench.config import flat_settings, load_settings

    settings = load_settings(args.config, args.settings)
    from workbench.backbones import open_backbone, quiet_libraries
    from workbench.device import pick_device, pick_dtype

    quiet_libraries()
    from workbench.training.plan import make_plan

    device = pick_device()
    plan = make_plan(
        lambda phased: open_backbone(settings.base, device, pick_dtype(device, "training"), phased),
        flat_settings(settings),
    )
    if args.json:
        print_json(asdict(plan) | {"fits": plan.probe.fits, "minutes": plan.minutes, "words": plan.words()})
    else:
        print("\n".join(map(told, plan.words())))
    return 0 if plan.probe.fits else 1
