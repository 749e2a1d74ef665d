"""A grid as one labelled PNG that carries the recipe of each of its cells, and what changes along it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont, PngImagePlugin, UnidentifiedImageError

from workbench.errors import GenerationError
from workbench.generation.grid import MOST_CELLS, Axis, Cell, Value, axis_text, parse_axis
from workbench.generation.provenance import PNG_KEYWORD, xmp_packet
from workbench.generation.record import LONGEST_RECORD, Picture, checked_record, request_from_record
from workbench.generation.request import Preferences
from workbench.processes import strangers_json

SHEET_KEY = "chibi_workbench_sheet"
LARGEST_TILE = 256
_MARGIN, _GAP, _HEAD, _SIDE = 24, 8, 34, 150
_PAPER, _INK, _FAINT, _EMPTY = (255, 250, 245), (61, 42, 51), (124, 102, 112), (246, 235, 226)
_LONGEST_AXIS = 4000


@dataclass(frozen=True)
class SheetRecipe:
    """All that made a sheet.

    Args:
        rows: the recipes of its cells; None where nothing was drawn.
        x, y: its axes.
        wishes: the preferences that wrote the prompt; None when it was written by hand.
    """

    rows: tuple[tuple[dict[str, Any] | None, ...], ...]
    x: Axis
    y: Axis | None
    wishes: dict[str, str] | None

    @property
    def first(self) -> dict[str, Any]:
        """The recipe of the first picture that was drawn."""
        return next(each for row in self.rows for each in row if each)

    def cells(self) -> list[list[Cell | None]]:
        """What to draw so that the sheet comes out again; None where nothing was drawn."""
        down = self.y.values if self.y else (None,)
        return [
            [
                Cell(x, y, request_from_record(each)) if each else None
                for x, each in zip(self.x.values, row, strict=True)
            ]
            for y, row in zip(down, self.rows, strict=True)
        ]


def sheet_png(
    rows: Sequence[Sequence[Picture | None]],
    x: Axis,
    y: Axis | None = None,
    title: str = "",
    wishes: Mapping[str, str] | None = None,
) -> bytes:
    """Draws the sheet.

    Args:
        rows: of a grid; None leaves a place empty.
        x, y: the grid's axes.
        title: a line at the top.
        wishes: the preferences that wrote the prompt, if any did.

    Returns:
        A PNG; `read_sheet_recipe` finds the recipes in it.
    """
    first = next((each for row in rows for each in row if each), None)
    tile = min(LARGEST_TILE, first.image.width) if first else LARGEST_TILE
    left, top = _MARGIN + (_SIDE if y else 0), _MARGIN + (44 if title else 0) + _HEAD
    size = (left + len(x.values) * (tile + _GAP) - _GAP + _MARGIN, top + len(rows) * (tile + _GAP) - _GAP + _MARGIN)
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        _text(draw, (_MARGIN, _MARGIN), title, 26, size[0] - 2 * _MARGIN, _INK, "la")
    for column, value in enumerate(x.values):
        middle = left + column * (tile + _GAP) + tile // 2
        _text(draw, (middle, top - 10), label(x, value), 16, tile, _INK, "ms")
    for index, row in enumerate(rows):
        upper = top + index * (tile + _GAP)
        if y:
            _text(draw, (left - 12, upper + tile // 2), label(y, y.values[index]), 16, _SIDE - 16, _INK, "rm")
        for column, picture in enumerate(row):
            place = (left + column * (tile + _GAP), upper)
            shown = picture.image.convert("RGB").resize((tile, tile), Image.Resampling.LANCZOS) if picture else None
            sheet.paste(shown or _EMPTY, (*place, place[0] + tile, place[1] + tile))
    chunks = PngImagePlugin.PngInfo()
    table = {"x": _axis(x), "y": _axis(y), "cells": [[each.record if each else None for each in row] for row in rows]}
    table |= {"wishes": dict(wishes)} if wishes is not None else {}
    chunks.add_itxt(SHEET_KEY, json.dumps(table, ensure_ascii=False, sort_keys=True))
    chunks.add_itxt(PNG_KEYWORD, xmp_packet().decode())
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", pnginfo=chunks, optimize=True)
    return buffer.getvalue()


def sheet_record(recipe: SheetRecipe) -> dict[str, Any]:
    """What a gallery says of a sheet: whose it is, when and with what it was made. It makes no picture by itself."""
    records = [each for row in recipe.rows for each in row if each]
    adapters = {each["name"]: each for record in reversed(records) for each in record["adapters"]}
    axes = [axis.name for axis in (recipe.x, recipe.y) if axis]
    return {
        "prompt": "",
        "said": recipe.first["prompt"],
        "sheet": axes,
        "label": " × ".join(name.replace("_", " ") for name in axes),
        "adapters": list(adapters.values()),
        "base": recipe.first.get("base", ""),
        "created": max((str(record["created"]) for record in records if record.get("created")), default=""),
        "notes": [],
    }


def is_sheet(source: bytes | Path) -> bool:
    """Whether a file says of itself that it is a sheet of ours; reading it may still fail."""
    try:
        return bool(_text_of(source))
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def read_sheet(source: bytes | Path) -> list[list[dict[str, Any] | None]]:
    """The recipes of a sheet's cells, checked like those of pictures.

    Raises:
        GenerationError: it is no sheet of ours.
    """
    return [list(row) for row in read_sheet_recipe(source).rows]


def read_sheet_recipe(source: bytes | Path) -> SheetRecipe:
    """All that made a sheet. It may come from anyone, so each value is checked as if a stranger had typed it.

    Raises:
        GenerationError: it is no sheet of ours, or nothing was drawn on it.
    """
    name = source.name if isinstance(source, Path) else "The sheet"
    no_sheet = GenerationError(name, "it is no sheet that carries recipes", "Choose a sheet made by the workbench")
    try:
        text = _text_of(source)
        if not text or len(text) > 16 * LONGEST_RECORD:
            raise no_sheet
        table = strangers_json(text)
        if sum(len(row) for row in table["cells"]) > MOST_CELLS:
            raise no_sheet
        rows = tuple(tuple(checked_record(each) if each else None for each in row) for row in table["cells"])
        x, y = _read_axis(table["x"]), _read_axis(table["y"]) if table.get("y") else None
        if len(rows) != len(y.values if y else (0,)) or any(len(row) != len(x.values) for row in rows):
            raise no_sheet
        if not any(map(any, rows)):
            raise no_sheet
        said = table.get("wishes")
        wishes = {key: value for key, value in asdict(Preferences(**said)).items() if value} if said else None
        return SheetRecipe(rows, x, y, wishes)
    except GenerationError:
        raise no_sheet from None
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise no_sheet from error
    except (ValueError, TypeError, KeyError, AttributeError, SyntaxError, RecursionError) as error:
        raise no_sheet from error


def _text_of(source: bytes | Path) -> str:
    with Image.open(source if isinstance(source, Path) else io.BytesIO(source), formats=["PNG"]) as image:
        return str(getattr(image, "text", {}).get(SHEET_KEY, ""))


def _read_axis(table: Mapping[str, Any]) -> Axis:
    values = table["values"]
    if len(values) > MOST_CELLS or not all(isinstance(each, int | float | str) for each in values):
        raise ValueError("an axis has values of no kind")
    text = axis_text(Axis(str(table["name"]), tuple(values)))
    if len(text) > _LONGEST_AXIS:
        raise ValueError("an axis is too long")
    return parse_axis(text)


def label(axis: Axis, value: Value) -> str:
    """What stands beside a row or above a column."""
    said = f"{value:g}" if isinstance(value, float) else str(value)
    if axis.name == "strength" and float(value) == 0:
        return "without adapter"
    return said if axis.name in ("words", "negative", "adapter") else f"{axis.name.replace('_', ' ')} {said}"


def _axis(axis: Axis | None) -> dict[str, Any] | None:
    return {"name": axis.name, "values": list(axis.values)} if axis else None


def _text(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], words: str, size: int, room: int, colour: Any, anchor: str
) -> None:
    font = ImageFont.load_default(size)
    while draw.textlength(words, font) > room and len(words) > 1:
        words = words.removesuffix("…")[:-1] + "…"
    draw.text(at, words, colour, font, anchor=anchor)
