"""`workbench train photos=DIR name=NAME`: learns a person, in this terminal or in the background."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from workbench.cli.output import Commands, Flags, duration, print_json, short_path, wrapped
from workbench.language import told, tr


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "train",
        parents=[flags],
        help=tr("learn a person from photos: an adapter in loras/"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_all_settings(),
    )
    parser.add_argument(
        "settings", nargs="*", metavar="key=value", help=tr("settings, for example photos=me name=mia steps=300")
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=tr("a settings file, for example recipes/configs/identity.yaml")
    )
    parser.add_argument("--background", action="store_true", help=tr("return at once; `workbench runs` follows it"))
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
            print(f"{begins(state)} workbench runs show {job.name} · workbench stop {job.name}")
        return 0
    return report(follow(job.name, quiet=args.json), args.json)


def add_priority(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--priority",
        choices=("low", "normal", "high"),
        default="normal",
        help=tr("high: before your own others; low: after everybody's (normal)"),
    )


def begins(state: Any) -> str:
    """That a run has started, or where it stands in the line."""
    if state.waiting and state.place > 1:
        return tr("Run {name} is number {place} in the line.", name=state.name, place=state.place)
    return tr("Run {name} has started.", name=state.name)


def report(state: Any, as_json: bool) -> int:
    """Says how a run ended; the exit code that goes with it."""
    if as_json:
        print_json(describe(state))
    elif state.state == "done":
        print("\n" + tr("Done. Draw: workbench create --adapter {name}", name=state.name))
    elif state.can_resume:
        reason = told(state.reason.rstrip("."))
        print(
            "\n"
            + tr(
                "Run {name} {state}: {reason}. Continue: workbench resume {name}",
                name=state.name,
                state=tr(state.state),
                reason=reason,
            )
        )
    else:
        reason = told(state.reason.rstrip("."))
        print("\n" + tr("Run {name} {state}: {reason}.", name=state.name, state=tr(state.state), reason=reason))
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
    loss = tr("loss {loss}", loss=f"{state.loss:.4f}") if state.loss is not None else ""
    left = tr("{time} left", time=duration(state.seconds_left)) if state.seconds_left is not None else ""
    words = tr("number {place} in the line", place=state.place) if state.waiting else told(state.reason)
    return [state.name, tr(state.state), steps, loss, left, words]


def _all_settings() -> str:
    from workbench.config import TECHNIQUES, Settings, explain, setting_names, strengths
    from workbench.jobs.lanes import ACCELERATE_CONFIG

    settings, techniques = [], []
    for name, (field, _) in setting_names().items():
        default = field.default if not callable(field.default_factory) else "…"
        settings += _entry(f"{name} ({default})", explain(name))
    usual = strengths(Settings().train.techniques)
    for name, technique in TECHNIQUES.items():
        techniques += _entry(f"{name} ({usual.get(name, 0):g})", technique.words)
    parts = [
        tr("settings (default):"), *settings, "",
        tr("train.techniques (default), for example huber=0.1:"), *techniques, "",
        tr("precision and number of processes: {file}", file=short_path(ACCELERATE_CONFIG)),
    ]  # fmt: skip
    return "\n".join(parts)


def _entry(head: str, words: str) -> list[str]:
    first, *rest = wrapped(told(words), 80)
    return [f"  {head:<36}{first}", *(" " * 38 + line for line in rest)]
