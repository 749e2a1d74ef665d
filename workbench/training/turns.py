"""Whose turn it is, when pictures of several sizes share a run: decided by the number of the turn alone.

Turns follow the multiples of the golden ratio modulo 1, which fall into every part of [0, 1) as evenly as any sequence
can (https://en.wikipedia.org/wiki/Low-discrepancy_sequence#Additive_recurrence): after n turns everyone has had its
share of them, give or take one or two. They are counted in whole numbers, so every machine agrees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

from workbench.dataset.encode import EncodedSet

GOLDEN = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio


def turn_of(shares: Sequence[float], number: int) -> tuple[int, int]:
    """Whose turn it is, and how many turns it has had before.

    Args:
        shares: of everyone; they need not add up to 1.
        number: of the turn, from 0.
    """
    whole, ends = sum(shares), list(accumulate(shares))
    bounds = [2**63 if end == ends[-1] else int(2**63 * (end / whole)) for end in ends]
    places = np.arange(1, number + 2, dtype=np.uint64) * np.uint64(GOLDEN) >> np.uint64(1)  # modulo 2**64, halved
    who = next(index for index, end in enumerate(bounds) if places[-1] < np.uint64(end))
    start = np.uint64(bounds[who - 1] if who else 0)
    return who, int(((places[:-1] >= start) & (places[:-1] < np.uint64(bounds[who]))).sum())


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
