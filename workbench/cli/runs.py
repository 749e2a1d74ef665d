"""`workbench runs`: all runs, and following, stopping and resuming one; `workbench stop` and `resume` are short."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from workbench.cli.output import Commands, Flags, print_json, print_table
from workbench.cli.train import add_priority, begins, describe, line, report
from workbench.language import tr


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser("runs", parents=[flags], help=tr("list, follow, stop and resume runs"))
    actions = parser.add_subparsers(dest="action", metavar="action")
    parser.set_defaults(run=list_runs)
    actions.add_parser("list", parents=[flags], help=tr("all runs, the latest first")).set_defaults(run=list_runs)
    for action, words, run in (
        ("show", tr("how a run stands, and what it printed last"), show),
        ("follow", tr("print what it prints until it ends"), follow_run),
        ("stop", tr("save and stop"), stop),
        ("save", tr("save now, and go on"), ask),
        ("preview", tr("draw a preview now, and go on"), ask),
        ("resume", tr("continue from the last checkpoint"), resume),
    ):
        one = actions.add_parser(action, parents=[flags], help=words)
        _describe(one, action, run)
    _describe(commands.add_parser("stop", parents=[flags], help=tr("let a run save and stop")), "stop", stop)
    _describe(commands.add_parser("resume", parents=[flags], help=tr("continue a run")), "resume", resume)


def _describe(parser: argparse.ArgumentParser, action: str, run: Callable[[argparse.Namespace], int]) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.set_defaults(run=run)
    if action == "stop":
        parser.add_argument(
            "--force", action="store_true", help=tr("at once; what came after the last checkpoint is lost")
        )
    if action == "resume":
        parser.add_argument("--background", action="store_true", help=tr("return at once"))
        add_priority(parser)


def list_runs(args: argparse.Namespace) -> int:
    from workbench import jobs

    jobs.wake()
    states = jobs.list_jobs()
    if args.json:
        print_json([describe(state) for state in states])
    elif states:
        print_table([line(state) for state in states])
    else:
        print(tr("There are no runs yet. workbench train photos=DIR name=NAME starts one."))
    return 0


def show(args: argparse.Namespace) -> int:
    from workbench import jobs

    state = jobs.job_state(args.name)
    if args.json:
        print_json(describe(state) | {"output": jobs.output_tail(args.name)})
    else:
        print_table([line(state)])
        print("\n".join(jobs.output_tail(args.name)))
    return 0


def follow_run(args: argparse.Namespace) -> int:
    from workbench import jobs
    from workbench.cli.follow import follow

    jobs.job_state(args.name)
    return report(follow(args.name, quiet=args.json), args.json)


def stop(args: argparse.Namespace) -> int:
    from workbench import jobs

    waited = jobs.job_state(args.name).waiting
    jobs.stop(args.name, force=args.force)
    if waited and not args.json:
        print(tr("Run {name} waits no longer.", name=args.name))
    elif args.json:
        print_json(_left(args.name))
    else:
        print(
            tr("Run {name} has been ended.", name=args.name)
            if args.force
            else tr("Run {name} saves and stops.", name=args.name)
        )
    return 0


def ask(args: argparse.Namespace) -> int:
    from workbench import jobs

    jobs.ask(args.name, args.action)
    if args.json:
        print_json(describe(jobs.job_state(args.name)))
    else:
        print(
            tr("Run {name} saves after this step.", name=args.name)
            if args.action == "save"
            else tr("Run {name} draws a preview after this step.", name=args.name)
        )
    return 0


def resume(args: argparse.Namespace) -> int:
    from workbench import jobs
    from workbench.cli.follow import follow
    from workbench.jobs.queue import PRIORITIES

    job = jobs.resume(args.name, priority=PRIORITIES[args.priority])
    if not args.background:
        return report(follow(job.name, quiet=args.json), args.json)
    if args.json:
        print_json(describe(jobs.job_state(job.name)))
    else:
        state = jobs.job_state(job.name)
        print(begins(state) if state.waiting and state.place > 1 else tr("Run {name} continues.", name=job.name))
    return 0


def _left(name: str) -> dict[str, Any]:
    """What there is of a run after it was stopped: nothing, when it only waited and had never run."""
    from workbench import jobs
    from workbench.errors import JobError

    try:
        return describe(jobs.job_state(name))
    except JobError:
        return {"name": name, "state": "stopped", "reason": "cancelled before it began", "alive": False}
