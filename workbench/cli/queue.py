"""`workbench queue`: what runs and what waits, in the order of the line; cancelling, moving, pictures in the line."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from workbench.cli.output import Commands, Flags, duration, print_json, print_table
from workbench.cli.train import add_priority
from workbench.language import tr, trn

if TYPE_CHECKING:
    from workbench.jobs import Job


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser("queue", parents=[flags], help=tr("what runs and what waits, and in which order"))
    actions = parser.add_subparsers(dest="action", metavar="action")
    parser.set_defaults(run=show, all=False)
    listing = actions.add_parser("list", parents=[flags], help=tr("what runs and what waits, the next one first"))
    listing.add_argument("--all", action="store_true", help=tr("what has ended too"))
    listing.set_defaults(run=show)
    one = actions.add_parser("cancel", parents=[flags], help=tr("cancel what waits; let what runs save and stop"))
    one.add_argument("job", type=int, metavar="NUMBER")
    one.add_argument("--force", action="store_true", help=tr("end it at once"))
    one.set_defaults(run=cancel)
    one = actions.add_parser("move", parents=[flags], help=tr("change the priority of what waits"))
    one.add_argument("job", type=int, metavar="NUMBER")
    add_priority(one)
    one.set_defaults(run=move)
    one = actions.add_parser(
        "draw", parents=[flags], help=tr("put pictures into the line: queue draw mia -- --count 4")
    )
    one.add_argument("name", metavar="NAME", help=tr("the adapter that draws"))
    one.add_argument("words", nargs="*", metavar="WORDS", help=tr("as after `workbench create`, after --"))
    add_priority(one)
    one.set_defaults(run=draw)
    one = actions.add_parser(
        "run", parents=[flags], help=tr("work off the line here, until nothing waits; for servers")
    )
    one.set_defaults(run=run)


def show(args: argparse.Namespace) -> int:
    from workbench import jobs
    from workbench.jobs import queue

    jobs.wake()
    running, line = queue.jobs("running", owner=queue.EVERYBODY), queue.line()
    ended = queue.jobs("stopped", "failed", "done") if args.all else []
    everything = [*ended, *running, *line]
    places = {job.id: place for place, job in enumerate(line, 1)}
    if args.json:
        print_json([_describe(job, places.get(job.id, 0)) for job in everything])
    elif everything:
        print_table([_row(job, places.get(job.id, 0)) for job in everything])
    else:
        print(tr("Nothing runs and nothing waits. workbench train photos=DIR name=NAME starts a run."))
    return 0


def cancel(args: argparse.Namespace) -> int:
    from workbench import jobs
    from workbench.jobs import queue

    jobs.cancel(args.job, force=args.force)
    return _said(queue.find(args.job), args.json)


def move(args: argparse.Namespace) -> int:
    from workbench.errors import JobError
    from workbench.jobs import queue

    if not queue.set_priority(queue.find(args.job), queue.PRIORITIES[args.priority]):
        raise JobError(f"Job {args.job}", "it does not wait any more", "`workbench queue` shows what does")
    return _said(queue.find(args.job), args.json)


def draw(args: argparse.Namespace) -> int:
    from workbench import jobs
    from workbench.jobs.queue import PRIORITIES

    words = ["--adapter", args.name, *args.words]
    return _said(jobs.submit_pictures(words, args.name, priority=PRIORITIES[args.priority]), args.json)


def run(args: argparse.Namespace) -> int:
    from workbench.jobs.lanes import lanes
    from workbench.jobs.worker import work

    count = work(lanes()[0])
    if args.json:
        print_json({"run": count})
    else:
        print(trn("{number} job was run here. Nothing waits.", "{number} jobs were run here. Nothing waits.", count))
    return 0


def _said(job: Job, as_json: bool) -> int:
    from workbench.jobs import queue

    place = queue.places_in_line().get(job.id, 0)
    if as_json:
        print_json(_describe(job, place))
    else:
        print_table([_row(job, place)])
    return 0


def _describe(job: Job, place: int) -> dict[str, Any]:
    """A job as plain JSON. What it asks for is left out: it may hold a prompt."""
    names = ("id", "kind", "name", "owner", "priority", "state", "reason", "submitted", "started", "ended", "lane")
    return {name: getattr(_visible(job), name) for name in names} | {"place": place}


def _row(job: Job, place: int) -> list[str]:
    seen = _visible(job)
    where = tr("number {place}", place=place) if place else job.state
    priority = {-1: tr("low priority"), 1: tr("high priority")}.get(job.priority, "")
    past = time.time() - (job.started or job.submitted)
    since = duration(past) if job.open and past >= 0 else ""
    return [str(job.id), where, job.kind, seen.name, seen.owner, priority, since, seen.reason]


def _visible(job: Job) -> Job:
    """A job as this owner may see it: of others' one sees only that it is there."""
    from dataclasses import replace

    from workbench.jobs.queue import this_owner

    return job if job.owner == this_owner() else replace(job, name="…", owner=tr("another person"), reason="")
