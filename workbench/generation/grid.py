"""Many pictures that differ in one or two things, on one labelled sheet: what does this setting do?

A grid's cells are requests like any other, so each picture has its own recipe; the sheet carries all of them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workbench.errors import GenerationError
from workbench.generation.request import Preferences, Request, Start, Variation, choices

if TYPE_CHECKING:
    from workbench.adapters import Card
    from workbench.generation.engine import Engine
    from workbench.generation.record import Picture

MOST_CELLS = 100
NUMBERS: dict[str, type] = {
    "seed": int, "strength": float, "guidance": float, "steps": int, "size": int, "variation": float, "change": float,
}  # fmt: skip
WORDS = ("adapter", "negative", "words")
NOBODY = "none"

Value = int | float | str


def axis_names() -> list[str]:
    """All things that an axis can run over."""
    return [*NUMBERS, *WORDS, *choices()]


@dataclass(frozen=True)
class Axis:
    """One thing that changes along a grid.

    Args:
        name: one of `axis_names`. `strength` is the first adapter's, `variation` the strength of turning towards
            another seed, `change` how much of the picture that is begun from may change, `adapter` another one in the
            place of the first (or `none`), `words` puts each value in the place of the first one in the prompt; the
            others are the request's own, or preferences.
        values: in their order, at least one.

    Raises:
        GenerationError: there is no such thing, or a value cannot be its.
    """

    name: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if self.name not in axis_names():
            near = difflib.get_close_matches(self.name, axis_names(), n=1)
            way_out = f"Did you mean {near[0]}?" if near else f"Choose among {', '.join(axis_names())}"
            raise GenerationError(f"The axis {self.name[:60]!r}", "there is no such thing to change", way_out)
        if not self.values:
            raise GenerationError(
                f"The axis {self.name}", "it has no values", f"Write for example {example(self.name)}"
            )
        words = choices().get(self.name)
        for value in self.values:
            if words and value not in words:
                raise GenerationError(
                    f"The axis {self.name}", f"{value!r} is not in its list", f"Choose {', '.join(words)}"
                )


def example(name: str) -> str:
    """How an axis is written."""
    usual = {
        "seed": "seed=1..4", "strength": "strength=0..1.2/4", "guidance": "guidance=2,4,8", "steps": "steps=8,20",
        "size": "size=256,512", "variation": "variation=0,0.2,0.5", "change": "change=0.2..0.8/4",
        "adapter": "adapter=none,mia", "negative": "negative=hat,glasses", "words": "words=hoodie,suit,dress",
    }  # fmt: skip
    return usual.get(name) or f"{name}={','.join(choices()[name][:3])}"


def parse_axis(text: str) -> Axis:
    """Reads `name=values`: values after commas, whole numbers from..to, or from..to/count evenly spaced.

    Raises:
        GenerationError: it cannot be read.
    """
    name, equals, said = text.partition("=")
    name = name.strip().replace("-", "_")
    kind = NUMBERS.get(name)
    if not equals or (kind is None and name not in axis_names()):
        return Axis(name, ())  # which tells what is wrong
    if kind is None:
        return Axis(name, tuple(part.strip() for part in said.split(",") if part.strip()))
    values: list[Value] = []
    try:
        for part in filter(None, (each.strip() for each in said.split(","))):
            span = re.fullmatch(r"(-?[\d.]+?)\.\.(-?[\d.]+)(?:/(\d+))?", part)
            values += _span(float(span[1]), float(span[2]), int(span[3] or 0), kind) if span else [kind(part)]
    except ValueError:
        raise GenerationError(
            f"The axis {name}", f"{said[:60]!r} are no values of it", f"Write {example(name)}"
        ) from None
    return Axis(name, tuple(values))


def axis_text(axis: Axis) -> str:
    """An axis as `parse_axis` reads it: `strength=0,0.5,1`."""
    return f"{axis.name}={','.join(f'{each:g}' if isinstance(each, float) else str(each) for each in axis.values)}"


def _span(low: float, high: float, count: int, kind: type) -> Iterator[Value]:
    count = min(count or int(abs(high - low)) + 1, MOST_CELLS + 1)
    for index in range(count):
        value = low + (high - low) * index / max(1, count - 1)
        yield round(value) if kind is int else round(value, 4)


@dataclass(frozen=True)
class Cell:
    """One place of a grid.

    Args:
        x, y: what the axes say there; None where there is no such axis.
        request: of this one picture.
    """

    x: Value | None
    y: Value | None
    request: Request


def grid_cells(
    request: Request,
    x: Axis,
    y: Axis | None = None,
    wishes: Mapping[str, str] | None = None,
    card_of: Callable[[str], Card] | None = None,
) -> list[list[Cell]]:
    """The requests of a grid.

    Args:
        request: what all have in common; its count does not matter.
        x, y: what changes from left to right and from top to bottom.
        wishes: the preferences that wrote the prompt, by name, a style's words among the `extra` ones (`with_style`);
            needed for axes that run over preferences.
        card_of: finds an adapter's card; it writes the prompt's trigger word where preferences write the prompt.

    Returns:
        Rows of cells.

    Raises:
        GenerationError: too many cells, two equal axes, or a value that does not fit.
    """
    if y and y.name == x.name:
        raise GenerationError("The grid", f"both its axes are {x.name}", "Choose two different things")
    count = len(x.values) * len(y.values if y else (0,))
    if count > MOST_CELLS:
        raise GenerationError("The grid", f"it has {count} cells", f"Choose at most {MOST_CELLS}")
    rows = []
    for down in y.values if y else (None,):
        row = []
        for across in x.values:
            said = [(axis, value) for axis, value in ((y, down), (x, across)) if axis is not None and value is not None]
            row.append(Cell(across, down, _changed(request, said, wishes, card_of)))
        rows.append(row)
    return rows


def _changed(
    request: Request,
    said: Sequence[tuple[Axis, Value]],
    wishes: Mapping[str, str] | None,
    card_of: Callable[[str], Card] | None,
) -> Request:
    chosen = dict(wishes) if wishes is not None else None
    one = replace(request, count=1)
    rewrite = False
    for axis, value in said:
        if axis.name in choices():
            if chosen is None:
                raise GenerationError(
                    f"The axis {axis.name}", "the prompt was written by hand, so nobody knows its place in it",
                    "Choose preferences instead of a prompt, or use words=: it replaces words of the prompt",
                )  # fmt: skip
            chosen[axis.name], rewrite = str(value), True
        elif axis.name == "words":
            one = _replaced(one, str(axis.values[0]), str(value))
        else:
            one = _set(one, axis.name, value)
            rewrite = rewrite or (axis.name == "adapter" and chosen is not None)
    if rewrite and chosen is not None:
        card = card_of(one.adapters[0][0]) if one.adapters and card_of else None
        words = Preferences(**chosen).prompt(
            card.trigger if card else "", (card.class_noun if card else "") or "person"
        )
        one = replace(one, prompt=words)
        for axis, value in said:
            one = _replaced(one, str(axis.values[0]), str(value)) if axis.name == "words" else one
    return one


def _set(request: Request, name: str, value: Any) -> Request:
    rest = request.adapters[1:]
    if name == "strength":
        if not request.adapters:
            raise GenerationError("The axis strength", "there is no adapter", "Choose an adapter")
        return replace(request, adapters=[(request.adapters[0][0], float(value)), *rest])
    if name == "adapter":
        strength = request.adapters[0][1] if request.adapters else 1.0
        return replace(request, adapters=[] if value == NOBODY else [(str(value), strength), *rest])
    if name == "variation":
        seed = request.variation.seed if request.variation else (request.seed + 1) % 2**32
        return replace(request, variation=Variation(seed, float(value)))
    if name == "change":
        if not request.start:
            raise GenerationError("The axis change", "no picture is begun from", "Choose a picture to begin from")
        return replace(request, start=Start(request.start.picture, float(value), request.start.mask))
    return replace(request, **{name: value})


def _replaced(request: Request, old: str, new: str) -> Request:
    if old.lower() not in request.prompt.lower():
        raise GenerationError(
            "The axis words", f"the prompt does not say {old!r}", "Begin the values with words of the prompt"
        )
    return replace(request, prompt=re.sub(re.escape(old), lambda _: new, request.prompt, count=1, flags=re.IGNORECASE))


def draw_grid(
    engine: Engine,
    cells: Sequence[Sequence[Cell | None]],
    on_step: Callable[[int, int, int], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    on_picture: Callable[[int, Picture], object] | None = None,
) -> list[list[Picture | None]]:
    """Draws all cells, from left to right and from top to bottom; arguments as of `Engine.generate`.

    Args:
        cells: rows of them; a place that is None stays empty.

    Returns:
        Rows of pictures; None where there was no cell, or where it was stopped before.

    Raises:
        GenerationError, AdapterError: see `Engine.generate`.
    """
    drawn: list[list[Picture | None]] = []
    number = 0
    for row in cells:
        drawn.append([])
        for cell in row:

            def step(_: int, now: int, of: int, number: int = number) -> None:
                if on_step:
                    on_step(number, now, of)

            stopped = cell is None or (should_stop and should_stop())
            made = [] if stopped or cell is None else engine.generate(cell.request, step, should_stop)
            drawn[-1].append(made[0] if made else None)
            if made and on_picture:
                on_picture(number, made[0])
            number += 1
    return drawn
