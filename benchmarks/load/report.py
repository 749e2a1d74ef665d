"""What came of the load: a table for people, JSON for later, and the part of `docs/reliability.md`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.tables import table, where
from workbench.config import ROOT

PAGE = ROOT / "docs" / "reliability.md"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so many of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def latencies(seconds: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """p50, p95, p99, the slowest and the number, of each thing that was done."""
    return {
        what: {"times": len(took)}
        | {f"p{share}": round(percentile(took, share / 100), 3) for share in (50, 95, 99)}
        | {"slowest": round(max(took), 3)}
        for what, took in sorted(seconds.items())
    }


def latency_table(report: Mapping[str, Any]) -> str:
    """Seconds until a screen is whole."""
    rows = [[what, *(row[name] for name in _NAMES)] for what, row in report["latency"].items()]
    return table(["until it is whole, seconds", *_NAMES], rows)


_NAMES = ("times", "p50", "p95", "p99", "slowest")


def in_words(report: Mapping[str, Any]) -> str:
    """The part of the document."""
    asked, counts, memory = report["asked"], report["counts"], report["memory"]
    lines = [
        f"{asked['sessions']} sessions of {asked['people']} people, each of whom has a gallery of "
        f"{asked['pictures']:,} pictures, for {asked['minutes']:g} minutes, {asked['think']:g} s between two looks on "
        f"average; {report['trains']} trains and {report['painters']} draw.",
        "",
        f"**{len(report['errors'])} errors, {len(report['wrong'])} times something of somebody else's**, in "
        f"{counts.get('looks', 0):,} looks, {counts.get('bytes', 0) / 1e9:.2f} GB and "
        f"{counts.get('markers read', 0):,} markers read. {counts.get('own markers looked for', 0):,} times a session "
        f"looked for its own marker, {counts.get(_THEIRS, 0):,} times for one of somebody else; "
        f"{counts.get(_ADDRESSES, 0):,} times an address of somebody else's picture was asked for, with another login "
        f"and with none. {counts.get('requests drawn', 0):,} requests were drawn and {report['steps_trained']:,} steps "
        f"trained meanwhile. {counts.get(_AGAIN, 0):,} of {counts.get('own addresses asked for', 0):,} downloads "
        "had to be asked for again.",
        "",
        latency_table(report),
        "",
        _memory_in_words(memory),
        "",
        where(report),
    ]
    return "\n".join(lines)


_AGAIN = "downloads that were asked for again"
_THEIRS, _ADDRESSES = "others' markers looked for", "others' addresses asked for"


def _memory_in_words(memory: Mapping[str, Any]) -> str:
    peak = ", ".join(f"{kind} {mb:,.0f} MB" for kind, mb in memory["peak"].items() if mb)
    words = f"Memory, the most at one moment: {peak}."
    if memory["flat"] is None:
        return f"{words} Too short to say whether it is flat."
    second, last = memory["second_quarter"], memory["last_quarter"]
    verdict = "it is flat" if memory["flat"] else "IT GROWS"
    return f"{words} Gate and pages: {second:,.0f} MB in the second quarter, {last:,.0f} MB in the last one: {verdict}."
