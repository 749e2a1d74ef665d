"""SECURITY.md claims nothing that no test holds; and a few things that must not be in the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from workbench.config import ROOT

PAGES = ("SECURITY.md", "SECURITY.zh.md")
FILES = sorted(path for folder in ("workbench", "recipes", "ui") for path in (ROOT / folder).rglob("*.py"))


def claims(page: str) -> list[tuple[str, str]]:
    """The tests a page names, as files and names in the order of its table."""
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / page).read_text(encoding="utf-8"))


CLAIMS = claims(PAGES[0])


@pytest.mark.parametrize("page", PAGES)
def test_every_attacker_has_a_test(page: str) -> None:
    rows = [line for line in (ROOT / page).read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert len(claims(page)) == len(rows) - 2 >= 15, "a line of the table names no test"


def test_both_languages_name_the_same_tests_line_by_line() -> None:
    assert claims(PAGES[1]) == CLAIMS


@pytest.mark.parametrize(("file", "name"), CLAIMS, ids=lambda each: each.rsplit("/")[-1])
def test_the_named_test_is_there(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    found = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef) and each.name == name]
    assert found and any(isinstance(each, ast.Assert | ast.With) for each in ast.walk(found[0])), "it asserts nothing"


def shells(source: str) -> list[str]:
    """Calls that hand text to a shell."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in ("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"):
                found.append(name)
            found += [name for each in node.keywords if each.arg == "shell" and ast.unparse(each.value) != "False"]
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_run_through_a_shell(file: Path) -> None:
    assert shells(file.read_text(encoding="utf-8")) == []


def test_the_search_for_shells_finds_them() -> None:
    assert shells("import os\nos.system('x')\nsubprocess.run(x, shell=True)") == ["os.system", "subprocess.run"]


def test_crops_are_opened_in_one_place() -> None:
    """Whoever opened a crop's file by itself would fail on encrypted ones, or tempt somebody to leave them plain."""
    wrong = []
    for file in (ROOT / "ui").rglob("*.py"):
        source = file.read_text(encoding="utf-8")
        if re.search(r"Image\.open\(\s*(path|crop)", source) and "crops" in source:
            wrong.append(file.name)
    assert wrong == []
