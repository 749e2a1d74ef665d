"""The memory of all processes of the server over time, and whether it stays as it is."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import Any

import psutil

from benchmarks.load.server import Server

KINDS = ("gate", "pages", "training", "other")
# Of the soak's last quarter against its second one: in the first one bases are opened and caches filled.
ALLOWED, ALLOWED_MB = 0.05, 50.0


@dataclass
class Memory:
    """Samples of resident memory in MB.

    Args:
        samples: seconds since the beginning, then one number for each of `KINDS`.
    """

    samples: list[tuple[float, ...]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def look(self, server: Server) -> float:
        """Adds a sample; the sum of all."""
        found = server.processes()
        row = tuple(sum(map(_megabytes, found[kind])) for kind in KINDS)
        self.samples.append((round(time.monotonic() - self.began, 1), *(round(each, 1) for each in row)))
        return sum(row)

    def said(self) -> dict[str, Any]:
        """The peak, the growth and whether it is flat; of what stays open all day: gate and pages."""
        peak = {kind: max((row[place] for row in self.samples), default=0.0) for place, kind in enumerate(KINDS, 1)}
        end = self.samples[-1][0] if self.samples else 0.0
        stays = [(row[0], row[1] + row[2]) for row in self.samples]
        quarters = [[mb for at, mb in stays if begin * end <= at <= (begin + 0.25) * end] for begin in (0.25, 0.75)]
        every = max(1, len(self.samples) // 120)
        said: dict[str, Any] = {"peak": peak, "kinds": list(KINDS), "samples": self.samples[::every]}
        if end < 300 or not all(quarters):  # shorter than five minutes it says nothing
            return said | {"flat": None}
        second, last = map(statistics.median, quarters)
        flat = last - second <= max(ALLOWED_MB, ALLOWED * second)
        return said | {"second_quarter": round(second, 1), "last_quarter": round(last, 1), "flat": flat}


def _megabytes(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 1e6
    except psutil.Error:
        return 0.0
