"""Imports run only backwards along the stages of the flow, so every stage can be read without the later ones."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.config import ROOT

ORDER = [
    ("errors", "config", "device", "processes", "language"),
    ("privacy",),
    ("accounts", "safety"),
    ("world",),
    ("photos",),
    ("captions",),
    ("backbones",),
    ("dataset",),
    ("training",),
    ("adapters",),
    ("identity",),
    ("generation",),
    ("gallery",),
    ("packs",),
    ("jobs",),
    ("gate",),
    ("recipes", "cli", "ui"),
]
RANK = {stage: rank for rank, stages in enumerate(ORDER) for stage in stages}
FILES = sorted(
    path.relative_to(ROOT) for folder in ("workbench", "recipes", "ui") for path in (ROOT / folder).rglob("*.py")
)


def stage_of(file: Path) -> str:
    """The stage a file belongs to, by its path from the repository's root."""
    parts = file.with_suffix("").parts
    if parts[0] != "workbench":
        return parts[0]
    return {"__init__": "errors", "__main__": "cli"}.get(parts[1], parts[1])


def stage_of_import(module: str) -> str | None:
    """The stage a module belongs to, None if it is not ours."""
    first, _, rest = module.partition(".")
    if first in ("recipes", "ui"):
        return first
    return rest.split(".")[0] if first == "workbench" and rest else None


def imports(file: Path, source: str) -> Iterator[tuple[str, int]]:
    """Every module a file imports, also inside functions, with its line."""
    package = file.with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module == "workbench":
                yield from ((f"workbench.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield module, node.lineno


def wrong_imports(file: Path, source: str) -> list[str]:
    own = stage_of(file)
    if own not in RANK:
        return [f"{file} is in no stage of the flow"]
    wrong = []
    for module, line in imports(file, source):
        other = stage_of_import(module)
        if other is None or other in (own, "__version__"):
            continue
        if other not in RANK:
            wrong.append(f"{file}:{line} imports {module}, which is no stage of the flow")
        elif RANK[other] > RANK[own] or other in ("recipes", "cli", "ui"):
            wrong.append(f"{file}:{line}: {own} may not import {module}")
    return wrong


@pytest.mark.parametrize("file", FILES, ids=str)
def test_imports_run_backwards_along_the_flow(file: Path) -> None:
    assert wrong_imports(file, (ROOT / file).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("file", "source", "wrong"),
    [
        ("workbench/world/a.py", "from workbench.config import home", 0),
        ("workbench/world/a.py", "from . import b\nfrom .c import d\nfrom workbench.world.e import f", 0),
        ("workbench/world/a.py", "def late():\n    import workbench.jobs as jobs", 1),
        ("workbench/world/a.py", "from workbench import gallery, config", 1),
        ("workbench/world/a.py", "from ..photos import open_photo", 1),
        ("workbench/jobs/a.py", "import recipes.train_lora", 1),
        ("workbench/cli/a.py", "from ui import app\nfrom recipes import train_lora", 2),
        ("recipes/a.py", "from workbench import jobs, training\nfrom workbench import __version__", 0),
        ("workbench/helpers.py", "", 1),
        ("workbench/photos/a.py", "from workbench.helpers import x", 1),
    ],
)
def test_the_rule_itself(file: str, source: str, wrong: int) -> None:
    assert len(wrong_imports(Path(file), source)) == wrong
