"""The order of the line: fair between owners, and told to everyone before it happens.

Owners take turns. Each one's first job comes before anybody's second, and among the first ones comes whoever was
served longest ago. A priority moves a job among its owner's own; a low one waits for everybody's others. So nobody
gets ahead of another person by calling things urgent, and no clock decides.
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
    turns: Counter[tuple[bool, str]] = Counter()
    keyed = []
    for job in sorted(waiting, key=lambda each: (-each.priority, each.id)):
        low = job.priority < 0
        keyed.append(((low, turns[low, job.owner], served.get(job.owner, 0), job.id), job))
        turns[low, job.owner] += 1
    return [job for _, job in sorted(keyed, key=lambda pair: pair[0])]
