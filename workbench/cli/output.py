"""How results are said in a terminal."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# What `add_subparsers` returns; argparse gives it no public name.
Commands = Any
Flags = argparse.ArgumentParser


def print_json(result: Any) -> None:
    print(json.dumps(result, ensure_ascii=False, indent=2, default=str))


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell, two spaces apart."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


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
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"
