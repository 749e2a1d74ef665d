"""How results are said in a terminal."""

from __future__ import annotations

import argparse
import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.language import tr

# Parts of a text between which a line may end.
BREAKABLE = re.compile(
    r"\s*(?:[（“]*[\u2e80-\ufaff][，。；：、！？）”]*|[^\s\u2e80-\ufaff（“]+[，。；：、！？）”]*|[（“])"
)
# What `add_subparsers` returns; argparse gives it no public name.
Commands = Any
Flags = argparse.ArgumentParser


def print_json(result: Any) -> None:
    print(json.dumps(result, ensure_ascii=False, indent=2, default=str))


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell, two spaces apart."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _width(text: str) -> int:
    """Columns of a terminal; a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def wrapped(words: str, columns: int) -> list[str]:
    """Lines of at most so many columns, broken at spaces and between Chinese characters, not before punctuation."""
    lines = [""]
    for part in BREAKABLE.findall(words):
        if _width((lines[-1] + part).rstrip()) > columns and lines[-1]:
            lines.append("")
        lines[-1] += part if lines[-1] else part.lstrip()
    return [line.rstrip() for line in lines]


def short_path(path: Path) -> str:
    """The path from here if it is below, else the whole of it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def megabytes(count: float) -> str:
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"


def duration(seconds: float) -> str:
    """Whole seconds below a minute, minutes and seconds above."""
    whole = round(seconds)
    if whole < 60:
        return tr("{seconds} s", seconds=whole)
    return tr("{minutes} min {seconds} s", minutes=whole // 60, seconds=f"{whole % 60:02d}")
