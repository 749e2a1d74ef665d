"""`workbench create` of many pictures at once: a labelled sheet, or the rows of a table."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any

from workbench.cli.output import print_json, short_path
from workbench.errors import GenerationError
from workbench.language import told, tr

if TYPE_CHECKING:
    from workbench.generation import Request
    from workbench.generation.batch import Outcome


def draw_sheet(args: argparse.Namespace) -> int:
    """A grid, asked for or made again: every cell goes into the gallery, and the sheet; into --out as well."""
    from workbench.cli.create import engine_of, progress
    from workbench.config import atomic_write
    from workbench.gallery import Gallery
    from workbench.generation.grid import draw_grid
    from workbench.generation.sheet import read_sheet_recipe, sheet_png

    if args.again:
        recipe = read_sheet_recipe(args.again)
        x, y, wishes, base = recipe.x, recipe.y, recipe.wishes, recipe.first.get("base", "")
        cells = recipe.cells()
        title = recipe.first["prompt"]
    else:
        cells, x, y, wishes, base = _asked(args)
        title = cells[0][0].request.prompt
    gallery = Gallery()
    kept: list[str] = []
    drawn = draw_grid(
        engine_of(args, base),
        cells,
        progress(args, sum(map(len, cells))),
        on_picture=lambda _, picture: kept.append(gallery.add(picture)),
    )
    content = sheet_png(drawn, x, y, title, wishes)
    sheet = gallery.get(gallery.add_sheet(content))
    path = sheet.path
    if args.out:
        path = args.out / f"sheet-{re.sub(r'[^0-9]', '', sheet.record['created'])[:14]}.png"
        atomic_write(path, content)
    if args.json:
        records = [[picture.record if picture else None for picture in row] for row in drawn]
        print_json({"path": str(path), "sheet": sheet.id, "ids": kept, "cells": records})
    else:
        print(tr("{path}: {kept} pictures, each in the gallery too", path=short_path(path), kept=len(kept)))
    return 0


def _asked(args: argparse.Namespace) -> tuple[Any, ...]:
    """The cells, the axes, the preferences that wrote the prompt, and the base."""
    from workbench.adapters import find_adapter
    from workbench.cli.create import base_of, request_of
    from workbench.cli.create_from import request_from_picture
    from workbench.generation.grid import Axis, grid_cells, parse_axis

    request, base = request_from_picture(args) or (request_of(args), base_of(args))
    if args.compare:
        if not request.adapters:
            raise GenerationError("The comparison", "there is no adapter", "Add --adapter NAME")
        x = Axis("strength", (0.0, request.adapters[0][1] or 1.0))
    else:
        x = parse_axis(args.x or args.y)
    y = parse_axis(args.y) if args.y and (args.x or args.compare) else None
    wishes = _wishes(args, request)
    cells = grid_cells(request, x, y, wishes, lambda name: find_adapter(name).card)
    return cells, x, y, wishes, base


def _wishes(args: argparse.Namespace, request: Request) -> dict[str, str] | None:
    """The preferences that wrote the prompt, with the style's words; None where something else wrote it."""
    from workbench.cli.create import request_of, wishes_of
    from workbench.generation.styles import find_style, with_style

    if args.prompt or request_of(args).prompt != request.prompt:
        return None
    return with_style(wishes_of(args), find_style(args.style) if args.style else None)


def draw_rows(args: argparse.Namespace) -> int:
    """A table: rows that make no sense are told, all others drawn. 1 when any was not drawn."""
    from workbench.adapters import find_adapter
    from workbench.cli.create import base_of, engine_of, progress, request_of
    from workbench.cli.create_from import request_from_picture
    from workbench.config import atomic_write
    from workbench.gallery import Gallery
    from workbench.generation.batch import draw_table, outcomes_csv, read_table
    from workbench.generation.record import picture_png

    common, _ = request_from_picture(args) or (request_of(args), "")
    rows = read_table(args.csv, common, lambda name: find_adapter(name).card)
    first = next((row.request for row in rows if row.request and row.request.adapters), None)
    base = args.base or base_of(args) or (find_adapter(first.adapters[0][0]).card.base if first else "")
    gallery = Gallery()
    files: dict[int, str] = {}
    made: list[dict[str, Any]] = []

    def keep(number: int, outcome: Outcome) -> None:
        if outcome.picture:
            path = gallery.get(gallery.add(outcome.picture)).path
            if args.out:
                path = args.out / f"{_file_name(outcome.row.name)}.png"
                path = path if path.name not in files.values() else path.with_stem(f"{path.stem}-{number + 1}")
                atomic_write(path, picture_png(outcome.picture))
            files[number] = path.name
            if not args.json:
                print(short_path(path))
        elif not args.json:
            print(
                tr(
                    "line {line}, {name}: {problem}",
                    line=outcome.row.line,
                    name=outcome.row.name,
                    problem=told(outcome.problem),
                ),
                file=sys.stderr,
            )
        record = outcome.picture.record if outcome.picture else None
        made.append({"line": outcome.row.line, "name": outcome.row.name, "file": files.get(number, ""),
                     "record": record, "problem": outcome.problem})  # fmt: skip

    outcomes = draw_table(engine_of(args, base), rows, progress(args, len(rows)), on_outcome=keep)
    if args.out:
        atomic_write(args.out / "results.csv", outcomes_csv(outcomes, files))
    lost = sum(not each.picture for each in outcomes)
    if args.json:
        print_json(made)
    else:
        print(tr("{drawn} of {rows} rows drawn", drawn=len(outcomes) - lost, rows=len(outcomes)))
    if lost:
        lines = ", ".join(str(each.row.line) for each in outcomes if not each.picture)
        print(
            "workbench: "
            + tr("{lost} of {rows} rows were not drawn: lines {lines}", lost=lost, rows=len(outcomes), lines=lines),
            file=sys.stderr,
        )
    return 1 if lost else 0


def _file_name(name: str) -> str:
    """A row's name as a file's name."""
    return re.sub(r"[^\w-]+", "-", name).strip("-_.")[:60] or "row"
