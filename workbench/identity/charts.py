"""Line charts as SVG, to stand inside a page that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from workbench.language import tr

Point = tuple[float, float]
WIDTH, HEIGHT = 760, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 14, 34
_MOST_POINTS = 400


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Args:
        name: what it is, for the legend.
        points: (x, y) in the order of x.
        kind: the CSS class that colours it.
        dots: whether each point is marked.
    """

    name: str
    points: Sequence[Point]
    kind: str = "main"
    dots: bool = False


def smoothed(points: Sequence[Point], share: float = 0.1) -> list[Point]:
    """A running mean that takes this share of each new value."""
    result: list[Point] = []
    level = points[0][1] if points else 0.0
    for x, y in points:
        level += share * (y - level)
        result.append((x, level))
    return result


def line_chart(
    title: str, lines: Sequence[Line], mark: float | None = None, mark_words: str = "",
    least: float | None = None, most: float | None = None, until: float | None = None,
) -> str:  # fmt: skip
    """Draws lines over one pair of axes.

    Args:
        title: what the chart shows; read out to people who cannot see it.
        lines: those without points are left out.
        mark: an x with a vertical line, and what it means.
        least, most: ends of the y axis; None takes those of the data.
        until: end of the x axis, which then begins at 0, so that charts of one run can be laid side by side.

    Returns:
        An `<svg>` element, or an empty text when there is nothing to draw.
    """
    lines = [line for line in lines if line.points]
    values = [point for line in lines for point in line.points if all(map(math.isfinite, point))]
    if not values:
        return ""
    low_x, high_x = min(x for x, _ in values), max(x for x, _ in values)
    if until is not None:
        low_x, high_x = min(0.0, low_x), max(until, high_x)
    low = min(y for _, y in values) if least is None else least
    high = max(y for _, y in values) if most is None else most
    high, high_x = max(high, low + 1e-6), max(high_x, low_x + 1e-6)

    def at(x: float, y: float) -> str:
        across = _LEFT + (x - low_x) / (high_x - low_x) * (WIDTH - _LEFT - _RIGHT)
        up = HEIGHT - _BOTTOM - (min(max(y, low), high) - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)
        return f"{across:.1f},{up:.1f}"

    parts = [f"<title>{escape(title)}</title>"]
    for tick in ticks(low, high):
        x, y = at(low_x, tick).split(",")
        parts.append(f'<line class="grid" x1="{x}" y1="{y}" x2="{WIDTH - _RIGHT}" y2="{y}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 8}" y="{float(y) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in ticks(low_x, high_x):
        across, up = at(tick, low).split(",")
        parts.append(f'<text class="tick" x="{across}" y="{float(up) + 20:.1f}" text-anchor="middle">{tick:g}</text>')
    if mark is not None:
        x = at(mark, low).split(",")[0]
        side = "end" if float(x) > WIDTH * 0.75 else "start"
        shift = -6 if side == "end" else 6
        parts.append(f'<line class="mark" x1="{x}" y1="{_TOP}" x2="{x}" y2="{HEIGHT - _BOTTOM}"/>')
        parts.append(f'<text class="mark" x="{float(x) + shift:.1f}" y="{_TOP + 10}" text-anchor="{side}">'
                     f"{escape(mark_words)}</text>")  # fmt: skip
    for line in lines:
        points = [point for point in line.points if all(map(math.isfinite, point))]
        kept = points[:: max(1, len(points) // _MOST_POINTS)]
        kept += points[-1:] if points and kept[-1] != points[-1] else []
        kind = escape(line.kind)
        parts.append(f'<polyline class="{kind}" points="{" ".join(at(x, y) for x, y in kept)}"/>')
        if line.dots:
            for step, value in kept:
                across, up = at(step, value).split(",")
                said = {"name": line.name, "value": f"{value:.3g}", "step": f"{step:g}"}
                words = escape(tr("{name}: {value} after step {step}", **said))
                parts.append(f'<circle class="{kind}" cx="{across}" cy="{up}" r="4"><title>{words}</title></circle>')
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(parts)}</svg>'


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between two ends.

    >>> ticks(0, 150)
    [0.0, 50.0, 100.0, 150.0]
    """
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 10) for index in range(first, math.floor(high / step + 1e-9) + 1)]
