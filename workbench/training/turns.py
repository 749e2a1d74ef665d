"""Whose turn it is, when pictures of several sizes share a run: decided by the number of the turn alone.

Turns follow the multiples of the golden ratio modulo 1, which fall into every part of [0, 1) as evenly as any sequence
can (https://en.wikipedia.org/wiki/Low-discrepancy_sequence#Additive_recurrence): after n turns everyone has had its
share of them, give or take one or two. They are counted in whole numbers, so every machine agrees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from workbench.dataset.encode import EncodedSet

WHOLE = 2**64
GOLDEN = 0x9E3779B97F4A7C15  # WHOLE divided by the golden ratio


def turn_of(shares: Sequence[float], number: int) -> tuple[int, int]:
    """Whose turn it is, and how many turns it has had before.

    Args:
        shares: of everyone; they need not add up to 1.
        number: of the turn, from 0.
    """
    whole, ends = sum(shares), list(accumulate(shares))
    bounds = [0, *(WHOLE if end == ends[-1] else 2 * int(WHOLE // 2 * (end / whole)) for end in ends)]
    place = GOLDEN * (number + 1) % WHOLE
    who = next(index for index, bound in enumerate(bounds[1:]) if place < bound)
    return who, _turns_below(bounds[who + 1], number) - _turns_below(bounds[who], number)


def _turns_below(bound: int, count: int) -> int:
    """How many of the first turns fall below a bound: exactly, without looking at each of them."""
    return _sum_of_floors(count, WHOLE, GOLDEN, GOLDEN) - _sum_of_floors(count, WHOLE, GOLDEN, GOLDEN - bound)


def _sum_of_floors(count: int, divisor: int, slope: int, start: int) -> int:
    """Sum of (slope·k + start) // divisor for k from 0 to count - 1, as Euclid's algorithm goes (Graham, Knuth,
    Patashnik: Concrete Mathematics, 3.5)."""
    total = 0
    while True:
        whole, slope = divmod(slope, divisor)
        total += whole * (count * (count - 1) // 2)
        whole, start = divmod(start, divisor)
        total += whole * count
        count, start = divmod(slope * count + start, divisor)
        if not count:
            return total
        divisor, slope = slope, divisor


def choose_grid(data: EncodedSet, step: int) -> tuple[int, int]:
    """Which of a data set's grids a step learns from, and how many steps before did.

    Args:
        data: the data set.
        step: from 0.
    """
    if len(data.grids) == 1:
        return 0, step
    return turn_of([sum(kind_shares(data, number)) for number in range(len(data.grids))], step)


def kind_shares(data: EncodedSet, number: int, turns: Mapping[str, float] | None = None) -> list[float]:
    """How much of each kind is in a grid: an example that is in several grids counts in each by its part.

    Args:
        data: the data set.
        number: of the grid.
        turns: how often each kind comes, against 1; None lets all come equally often.
    """
    grid = data.grids[number]
    return [
        (turns or {}).get(name, 1.0)
        * sum(1 / sum(bool(each.views[example]) for each in data.grids) for example in kind if grid.views[example])
        / len(kind)
        for name, kind in data.kinds.items()
    ]
