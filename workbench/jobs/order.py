"""The order of the line: fair between owners, and told to everyone before it happens.

Owners take turns. Each one's first job comes before anybody's second, and among the first ones comes whoever was
served longest ago, or came first. A priority moves a job among its owner's own; a low one waits for everybody's
others. So nobody gets ahead of another person by calling things urgent, and no clock decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar


class Waiting(Protocol):
    """What the order looks at."""

    @property
    def id(self) -> int: ...

    @property
    def owner(self) -> str: ...

    @property
    def priority(self) -> int: ...


AnyWaiting = TypeVar("AnyWaiting", bound=Waiting)


def in_order(waiting: Iterable[AnyWaiting], served: Mapping[str, int]) -> list[AnyWaiting]:
    """Sorts waiting jobs, the next one first.

    Args:
        waiting: in any order.
        served: for each owner, the number of the start that was theirs last; starts are counted up from 1.
    """
    jobs = sorted(waiting, key=lambda each: each.id)
    came: dict[str, int] = {}
    for job in jobs:
        came.setdefault(job.owner, job.id)
    turns: Counter[tuple[bool, str]] = Counter()
    keyed = []
    for job in sorted(jobs, key=lambda each: -each.priority):
        low, whose = job.priority < 0, job.owner
        keyed.append(((low, turns[low, whose], served.get(whose, 0), came[whose], job.id), job))
        turns[low, whose] += 1
    return [job for _, job in sorted(keyed, key=lambda pair: pair[0])]
