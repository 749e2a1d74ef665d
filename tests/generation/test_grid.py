"""Grids: what changes from cell to cell, and a sheet that carries every cell's recipe."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from workbench.adapters import Card
from workbench.errors import GenerationError
from workbench.generation import Engine, Request, Start, keep_start, picture_png
from workbench.generation.grid import Axis, axis_names, axis_text, draw_grid, example, grid_cells, parse_axis
from workbench.generation.sheet import SHEET_KEY, is_sheet, label, read_sheet, read_sheet_recipe, sheet_png

PROMPT = "chibi of zkq person, smiling"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("seed=1..4", (1, 2, 3, 4)),
        ("seed = 7, 9..10", (7, 9, 10)),
        ("strength=0..1.2/4", (0.0, 0.4, 0.8, 1.2)),
        ("guidance=2,4.5", (2.0, 4.5)),
        ("hair-style=short,bob", ("short", "bob")),
        ("words=red hoodie, suit", ("red hoodie", "suit")),
        ("strength=-1..1/3", (-1.0, 0.0, 1.0)),
    ],
)
def test_axes_as_people_write_them(text: str, values: tuple[Any, ...]) -> None:
    assert parse_axis(text).values == values


@pytest.mark.parametrize("name", axis_names())
def test_every_axis_has_an_example_that_can_be_read(name: str) -> None:
    axis = parse_axis(example(name))
    assert axis.name == name and len(axis.values) >= 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stength=1", "Did you mean strength"),
        ("seed=a", "seed=1..4"),
        ("seed=", "no values"),
        ("expression=grumpy", "Choose neutral, smiling"),
        ("nonsense", "no such thing"),
    ],
)
def test_axes_that_make_no_sense(text: str, told: str) -> None:
    with pytest.raises(GenerationError, match=told):
        parse_axis(text)


def test_cells_say_what_changes() -> None:
    request = Request(PROMPT, seed=5, adapters=[("mia", 1.0), ("leo", 0.4)])
    cells = grid_cells(request, parse_axis("strength=0,1.5"), parse_axis("seed=1..3"))
    assert [[(c.x, c.y) for c in row] for row in cells] == [[(x, y) for x in (0.0, 1.5)] for y in (1, 2, 3)]
    assert cells[2][1].request == Request(PROMPT, seed=3, count=1, adapters=[("mia", 1.5), ("leo", 0.4)])
    (row,) = grid_cells(Request(PROMPT, adapters=[("mia", 0.9)]), parse_axis("adapter=none,leo"))
    assert [c.request.adapters for c in row] == [(), (("leo", 0.9),)]
    (row,) = grid_cells(request, parse_axis("words=Smiling,sad"))
    assert [c.request.prompt for c in row] == ["chibi of zkq person, Smiling", "chibi of zkq person, sad"]
    (row,) = grid_cells(request, parse_axis("variation=0,0.5"))
    assert [c.request.variation.strength for c in row if c.request.variation] == [0.0, 0.5]


def test_preferences_write_each_cells_prompt() -> None:
    cards = {"mia": Card(name="mia", created="", trigger="zkq"), "leo": Card(name="leo", created="", trigger="lky")}
    cells = grid_cells(
        Request("whatever", adapters=[("mia", 1.0)]),
        parse_axis("expression=sad,angry"),
        parse_axis("adapter=mia,leo,none"),
        {"clothing": "suit", "expression": "smiling"},
        cards.__getitem__,
    )
    assert [[c.request.prompt for c in row] for row in cells] == [
        [f"chibi of {who}, {face}, wearing a suit" for face in ("sad", "angry")]
        for who in ("zkq person", "lky person", "a person")
    ]


def test_grids_that_cannot_be() -> None:
    request = Request(PROMPT)
    for x, y, told in (
        ("seed=1..11", "steps=1..11", "121 cells"),
        ("seed=1,2", "seed=3,4", "both its axes"),
        ("strength=0,1", None, "no adapter"),
        ("change=0.2,0.5", None, "no picture"),
        ("expression=sad,angry", None, "written by hand"),
        ("words=hoodie,suit", None, "does not say 'hoodie'"),
        ("guidance=99,2", None, "guidance"),
    ):
        with pytest.raises(GenerationError, match=told):
            grid_cells(request, parse_axis(x), parse_axis(y) if y else None)


def test_a_sheet_carries_the_recipe_of_each_cell(engine: Engine) -> None:
    start = Start(keep_start(Image.new("RGB", (32, 32), "teal")), 0.8)
    request = Request(PROMPT, steps=3, seed=5, adapters=[("mia", 1.0)], start=start)
    x, y = parse_axis("strength=0,1"), parse_axis("seed=5,6")
    seen: list[int] = []
    drawn = draw_grid(engine, grid_cells(request, x, y), on_picture=lambda number, _: seen.append(number))
    assert seen == [0, 1, 2, 3]
    content = sheet_png(drawn, x, y, "What strength does")
    records = read_sheet(content)
    for row, kept in zip(drawn, records, strict=True):
        for picture, record in zip(row, kept, strict=True):
            assert picture is not None and record == picture.record
    again = engine.remake(records[1][1] or {})
    np.testing.assert_array_equal(np.asarray(again.image), np.asarray(drawn[1][1].image if drawn[1][1] else None))
    with Image.open(io.BytesIO(content)) as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    tile = np.asarray(drawn[1][1].image if drawn[1][1] else None)
    bottom, right = pixels.shape[0] - 24, pixels.shape[1] - 24
    np.testing.assert_array_equal(pixels[bottom - 32 : bottom, right - 32 : right], tile)


def test_a_stopped_grid_keeps_what_was_drawn(engine: Engine) -> None:
    x = parse_axis("seed=1..3")
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 4

    (row,) = draw_grid(engine, grid_cells(Request(PROMPT, steps=2), x), should_stop=stop)
    assert row[0] is not None and row[2] is None
    assert read_sheet(sheet_png([row], x))[0][2] is None


def test_what_is_no_sheet(engine: Engine) -> None:
    picture = engine.generate(Request(PROMPT, count=1, steps=1))[0]
    for content in (picture_png(picture), b"", b"text"):
        with pytest.raises(GenerationError, match="no sheet"):
            read_sheet(content)


def sheet_of(**changes: Any) -> bytes:
    """A sheet of one row and two columns, with what it says of itself changed."""
    record = {"prompt": PROMPT, "seed": 1, "steps": 2, "guidance": 2.0, "adapters": []}
    table = {
        "x": {"name": "seed", "values": [1, 2]}, "y": None, "cells": [[record, None]],
        "wishes": {"expression": "sad", "extra": "with a kite"},
    }  # fmt: skip
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(SHEET_KEY, json.dumps(table | changes))
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def test_a_sheet_tells_all_that_made_it() -> None:
    recipe = read_sheet_recipe(sheet_of())
    assert (recipe.x, recipe.y) == (Axis("seed", (1, 2)), None) and recipe.first["prompt"] == PROMPT
    assert recipe.wishes == {"expression": "sad", "extra": "with a kite"}
    assert [cell and cell.request.seed for cell in recipe.cells()[0]] == [1, None]
    assert is_sheet(sheet_of()) and not is_sheet(b"no picture")
    axis = parse_axis("strength=0..1.2/4")
    assert parse_axis(axis_text(axis)) == axis
    assert read_sheet_recipe(sheet_of(wishes=None)).wishes is None


@pytest.mark.parametrize(
    "changes",
    [
        {"x": {"name": "../x", "values": [1, 2]}},
        {"x": {"name": "seed", "values": [1, 2, 3]}},
        {"x": {"name": "seed", "values": [1, "1..100000"]}},
        {"x": {"name": "expression", "values": ["sad", "grumpy"]}},
        {"x": {"name": "words", "values": ["a" * 5000, "b"]}},
        {"x": {"name": "seed", "values": [[1], 2]}},
        {"y": {"name": "steps", "values": [1, 2]}},
        {"cells": [[None, None]]},
        {"cells": [[{"prompt": ""}, None]]},
        {"cells": 7},
        {"wishes": {"expression": "grumpy"}},
        {"wishes": {"unknown": "x"}},
        {"wishes": [1]},
    ],
)
def test_a_sheet_that_was_changed_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(GenerationError, match="no sheet"):
        read_sheet_recipe(sheet_of(**changes))


def test_labels() -> None:
    assert label(Axis("strength", (0.0,)), 0.0) == "without adapter" and label(Axis("seed", (4,)), 4) == "seed 4"
    assert label(Axis("words", ("suit",)), "suit") == "suit"
