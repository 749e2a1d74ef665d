"""`workbench train photos=DIR name=NAME`: learns a person, in this terminal or in the background."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import Any

from workbench.cli.output import Commands, Flags, duration, print_json, short_path


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "train",
        parents=[flags],
        help="learn a person from photos: an adapter in loras/",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_all_settings(),
    )
    parser.add_argument(
        "settings", nargs="*", metavar="key=value", help="settings, for example photos=me name=mia steps=300"
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="a settings file, for example recipes/configs/identity.yaml"
    )
    parser.add_argument("--background", action="store_true", help="return at once; `workbench runs` follows it")
    add_priority(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from workbench import jobs
    from workbench.cli.follow import follow
    from workbench.config import load_settings
    from workbench.jobs.queue import PRIORITIES

    # Settings are read here once for the name, and mistakes are said before anything starts.
    settings = load_settings(args.config, args.settings)
    overrides = dict(word.split("=", 1) for word in args.settings)
    priority = PRIORITIES[args.priority]
    job = jobs.start_training(overrides, settings.name, config=args.config, priority=priority)
    if args.background:
        state = jobs.job_state(job.name)
        if args.json:
            print_json(describe(state))
        else:
            print(f"Run {job.name} {begins(state)}. workbench runs show {job.name} · workbench stop {job.name}")
        return 0
    return report(follow(job.name, quiet=args.json), args.json)


def add_priority(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--priority",
        choices=("low", "normal", "high"),
        default="normal",
        help="high: before your own others; low: after everybody's (normal)",
    )


def begins(state: Any) -> str:
    """That a run has started, or where it stands in the line."""
    return f"is number {state.place} in the line" if state.waiting and state.place > 1 else "has started"


def report(state: Any, as_json: bool) -> int:
    """Says how a run ended; the exit code that goes with it."""
    if as_json:
        print_json(describe(state))
    elif state.state == "done":
        print(f"\nDone. Draw: workbench create --adapter {state.name}")
    elif state.can_resume:
        reason = state.reason.rstrip(".")
        print(f"\nRun {state.name} {state.state}: {reason}. Continue: workbench resume {state.name}")
    else:
        print(f"\nRun {state.name} {state.state}: {state.reason.rstrip('.')}.")
    return 0 if state.state == "done" else 1


def describe(state: Any) -> dict[str, Any]:
    """A run's state as plain JSON, with the adapter it has made."""
    from dataclasses import asdict

    from workbench.config import shelf

    adapter = shelf() / f"{state.name}.safetensors"
    made = str(adapter) if state.state == "done" and adapter.exists() else None
    return asdict(state) | {"alive": state.alive, "active": state.active, "adapter": made}


def line(state: Any) -> list[str]:
    """A run as a row of a table."""
    # Before the first step the counts are those of a preparation, and say nothing once that is over.
    counts = state.steps and (state.loss is not None or state.state == "preparing")
    steps = f"{state.step}/{state.steps}" if counts else ""
    loss = f"loss {state.loss:.4f}" if state.loss is not None else ""
    left = f"{duration(state.seconds_left)} left" if state.seconds_left is not None else ""
    words = f"number {state.place} in the line" if state.waiting else state.reason
    return [state.name, state.state, steps, loss, left, words]


def _all_settings() -> str:
    from workbench.config import setting_names
    from workbench.jobs.lanes import ACCELERATE_CONFIG

    lines = []
    for name, (field, _) in setting_names().items():
        default = field.default if not callable(field.default_factory) else "…"
        head = f"  {name} ({default})"
        lines += textwrap.wrap(
            f"{field.metadata['words']}", 118, initial_indent=f"{head:<38}", subsequent_indent=" " * 38
        )
    where = short_path(ACCELERATE_CONFIG)
    return "\n".join(["settings (default):", *lines, "", f"precision and number of processes: {where}"])
