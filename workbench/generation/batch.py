"""A table of pictures: one row of a CSV file, one picture. For the people of a game, a class, a calendar.

Every row is read before anything is drawn. A row that makes no sense is told with its line and its reason, and all
others are drawn.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import GenerationError, WorkbenchError
from workbench.generation.record import LONGEST_LABEL, Picture
from workbench.generation.request import LARGEST_SEED, Preferences, Request, Variation
from workbench.generation.styles import find_style
from workbench.world.words import scene_words, traits_words

if TYPE_CHECKING:
    from workbench.adapters import Card
    from workbench.generation.engine import Engine

MOST_ROWS = 1000
LARGEST_TABLE = 4 * 2**20
WISHES = tuple(field.name for field in fields(Preferences))
NUMBERS: dict[str, type] = {
    "seed": int, "steps": int, "guidance": float, "size": int, "strength": float, "variation": float,
}  # fmt: skip
COLUMNS = ("name", "prompt", "negative", "adapter", "style", *NUMBERS, *WISHES)
EXAMPLE = """name,expression,clothing,clothing_colour,hair_style,hair_colour,background,seed
guard,angry,jacket,gray,short,black,city,1
baker,laughing,overalls,white,bun,brown,room,2
wizard,surprised,kimono,purple,wavy,white,park,3
"""


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Args:
        line: where it is in the file, from 1.
        name: what the row calls its picture; unique in the table.
        request: what to draw, or None when the row makes no sense.
        problem: why it does not; empty when it does.
    """

    line: int
    name: str
    request: Request | None
    problem: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a row: a picture, or a problem."""

    row: Row
    picture: Picture | None
    problem: str = ""


def read_table(source: bytes | str | Path, common: Request, card_of: Callable[[str], Card] | None = None) -> list[Row]:
    """Reads a table.

    Args:
        source: a CSV file, its bytes or its text; commas, semicolons or tabs. The columns are `COLUMNS`; all may be
            left out. `prompt` may hold {trigger} and {class_noun}; without it the preferences write the prompt.
        common: what rows do not say; row i takes its seed + i.
        card_of: finds an adapter's card, for its trigger word.

    Returns:
        All rows that are not empty, in their order, those that make no sense as well.

    Raises:
        GenerationError: it is no table, has unknown columns, no rows, or too many.
    """
    text = _text(source)
    try:
        dialect: Any = csv.Sniffer().sniff(text[:4096].split("\n")[0] + "\n", delimiters=",;\t")
        delimiter = dialect.delimiter
    except csv.Error:
        delimiter = ","
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise GenerationError(f"The table, line {reader.line_num}", str(error), "Correct that line") from None
    lines = [(line, cells) for line, cells in lines if any(cells)]
    if len(lines) < 2:
        raise GenerationError("The table", "it has no rows", f"Write the columns first, for example: {_example()}")
    if len(lines) - 1 > MOST_ROWS:
        raise GenerationError("The table", f"it has {len(lines) - 1} rows", f"Divide it: at most {MOST_ROWS} at a time")
    columns = _columns(lines[0][1])
    rows: list[Row] = []
    names: set[str] = set()
    for index, (line, cells) in enumerate(lines[1:]):
        row = _row(index, line, cells, columns, common, card_of, names)
        names.add(row.name)
        rows.append(row)
    return rows


def _text(source: bytes | str | Path) -> str:
    if isinstance(source, str):
        return source
    try:
        content = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise GenerationError(str(source), error.strerror or "it cannot be read", "Choose another file") from error
    if len(content) > LARGEST_TABLE:
        raise GenerationError("The table", "the file is far larger than a table of pictures", "Choose a CSV file")
    for encoding in ("utf-8-sig", "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise GenerationError("The table", "it is no text", "Save it as CSV, in UTF-8")


def _example() -> str:
    return EXAMPLE.split("\n", 1)[0]


def _columns(head: Sequence[str]) -> list[str]:
    columns = [re.sub(r"[\s-]+", "_", name.strip().lower()).replace("color", "colour") for name in head]
    for name in columns:
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            way_out = f"Did you mean {near[0]}?" if near else f"Known columns are {', '.join(COLUMNS)}"
            raise GenerationError(f"The column {name[:60]!r}", "it is not known", way_out)
        if columns.count(name) > 1:
            raise GenerationError(f"The column {name!r}", "it is there twice", "Leave one of them out")
    return columns


def _row(
    index: int,
    line: int,
    cells: Sequence[str],
    columns: Sequence[str],
    common: Request,
    card_of: Callable[[str], Card] | None,
    names: Iterable[str],
) -> Row:
    said = dict(zip(columns, cells, strict=False))
    name = said.get("name", "")[:LONGEST_LABEL] or f"row-{index + 1}"
    try:
        if any(cells[len(columns) :]):
            raise GenerationError(
                "The row", f"it has {len(cells)} cells for {len(columns)} columns", 'Put text with commas into "…"'
            )
        if name in names:
            raise GenerationError(f"The name {name!r}", "another row has it", "Give each row a name of its own")
        return Row(line, name, _request(index, {k: v for k, v in said.items() if v}, common, card_of))
    except WorkbenchError as error:
        return Row(line, name if name not in names else f"{name}-{index + 1}", None, str(error))


def _request(index: int, said: Mapping[str, str], common: Request, card_of: Callable[[str], Card] | None) -> Request:
    numbers: dict[str, Any] = {}
    for key in said.keys() & NUMBERS.keys():
        try:
            numbers[key] = NUMBERS[key](said[key].replace(",", "."))
        except ValueError:
            raise GenerationError(f"The {key}", f"{said[key][:40]!r} is no number", "Write a number") from None
    strength, variation = numbers.pop("strength", None), numbers.pop("variation", None)
    request = replace(common, count=1, seed=numbers.pop("seed", (common.seed + index) % (LARGEST_SEED + 1)), **numbers)
    adapters = list(request.adapters)
    if "adapter" in said:
        adapters = [] if said["adapter"] == "none" else [(said["adapter"], 1.0 if strength is None else strength)]
    elif adapters and strength is not None:
        adapters[0] = (adapters[0][0], strength)
    card = card_of(adapters[0][0]) if adapters and card_of else None
    trigger, noun = (card.trigger, card.class_noun or "person") if card else ("", "person")
    wishes = {key: said[key] for key in said.keys() & set(WISHES)}
    style = find_style(said["style"]) if "style" in said else None
    prompt, negative = said.get("prompt", ""), said.get("negative", common.negative)
    if prompt:
        prompt = prompt.replace("{trigger}", trigger).replace("{class_noun}", noun)
        Preferences(**wishes)  # which tells of words that are in no list
        prompt = ", ".join(filter(None, (prompt, traits_words(wishes), scene_words(wishes, "chibi"))))
    else:
        wishes = (dict(style.wishes) if style else {}) | wishes
        prompt = Preferences(**wishes).prompt(trigger, noun) if wishes or "adapter" in said else common.prompt
    if style:
        prompt, negative = style.apply(prompt, negative)
    turned = (
        Variation((request.seed + 1) % (LARGEST_SEED + 1), variation) if variation is not None else common.variation
    )
    return replace(request, prompt=prompt, negative=negative, adapters=adapters, variation=turned)


def draw_table(
    engine: Engine,
    rows: Sequence[Row],
    on_step: Callable[[int, int, int], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    on_outcome: Callable[[int, Outcome], object] | None = None,
) -> list[Outcome]:
    """Draws the rows that make sense, each with its name in its record.

    Args:
        on_step, should_stop: see `Engine.generate`; the number is the row's.
        on_outcome: called as (row, what became of it) as soon as that is known.

    Returns:
        What became of each row. Those that were not begun when it was stopped say so.
    """
    outcomes: list[Outcome] = []
    for number, row in enumerate(rows):

        def step(_: int, now: int, of: int, number: int = number) -> None:
            if on_step:
                on_step(number, now, of)

        outcomes.append(_draw_row(engine, row, step, should_stop))
        if on_outcome:
            on_outcome(number, outcomes[-1])
    return outcomes


def _draw_row(engine: Engine, row: Row, step: Any, should_stop: Callable[[], bool] | None) -> Outcome:
    if row.request is None:
        return Outcome(row, None, row.problem)
    try:
        drawn = [] if should_stop and should_stop() else engine.generate(row.request, step, should_stop)
    except WorkbenchError as error:
        return Outcome(row, None, str(error))
    if not drawn:
        return Outcome(row, None, "It was stopped before this row was drawn.")
    return Outcome(row, Picture(drawn[0].image, drawn[0].record | {"label": row.name}))


def outcomes_csv(outcomes: Sequence[Outcome], files: Mapping[int, str]) -> str:
    """What became of each row, as a table.

    Args:
        files: where pictures went, by the row's number from 0.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["line", "name", "file", "seed", "prompt", "problem"])
    for number, each in enumerate(outcomes):
        record = each.picture.record if each.picture else {}
        cells = [each.row.name, files.get(number, ""), record.get("seed", ""), record.get("prompt", ""), each.problem]
        writer.writerow([each.row.line, *(_harmless(cell) for cell in cells)])
    return buffer.getvalue()


def _harmless(cell: Any) -> Any:
    """Programs that open tables take a cell that begins like this for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@" and cell else cell
