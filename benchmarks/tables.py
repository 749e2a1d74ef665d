"""Tables of results in `docs/benchmarks.md`, each between two marks, written by the command that measured them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.config import ROOT, atomic_write

PAGE = ROOT / "docs" / "benchmarks.md"


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; floats with three figures."""
    lines = [list(columns), ["---"] * len(columns), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def where(report: Mapping[str, Any]) -> str:
    """One line on the machine, the versions and the day of a report."""
    machine, versions = report["machine"], report["versions"]
    packages = ", ".join(f"{name} {versions[name]}" for name in sorted(versions))
    return (
        f"{machine['device']}, {machine['system']}, {machine['cores']} cores, Python {machine['python']}; {packages}; "
        f"{report['measured']}."
    )


def put(mark: str, text: str, page: Path = PAGE) -> None:
    """Writes a text between `<!-- MARK -->` and `<!-- /MARK -->`; raises ValueError when the page has no such marks."""
    content = page.read_text(encoding="utf-8")
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(content):
        raise ValueError(f"{page.name} has no marks for {mark}")
    atomic_write(page, pattern.sub(lambda _: f"{begin}\n{text}\n{end}", content))
