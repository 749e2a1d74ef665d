"""The documents in both languages: each has its other half, the same commands, and no figure of its own in Chinese."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workbench.config import ROOT

# The privacy page is printed from one table in both languages, and has a test of its own.
PAGES = [
    *sorted(page for page in (ROOT / "docs").glob("*.md") if ".zh" not in page.name),
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "CONTRIBUTING.md",
]
PRINTED = "PRIVACY"
TOP = 12  # lines
WRITTEN = re.compile(r"<!-- [\w: -]+ -->")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?!\d|\s*[万亿])")


def other(page: Path) -> Path:
    return page.with_suffix(".zh.md")


def names(pages: list[Path]) -> list[str]:
    return [page.name for page in pages]


def fences(text: str) -> list[str]:
    """The lines of code of a document, without their comments."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [re.sub(r"(^|\s+)# .*", "", line).rstrip() for block in blocks for line in block.split("\n")]
    return [line for line in lines if line]


def figures(text: str) -> set[str]:
    """The numbers that a document says, those of links and code apart."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"\]\([^)]*\)|^\d+\. ", "", prose, flags=re.MULTILINE)
    return {number.replace(",", "") for number in NUMBER.findall(prose)}


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_each_page_has_its_other_half_and_says_so_at_its_top(page: Path) -> None:
    assert other(page).is_file(), f"{other(page).name} is missing"
    for one, two in ((page, other(page)), (other(page), page)):
        top = "\n".join(one.read_text(encoding="utf-8").split("\n")[:TOP])
        assert f"({two.name})" in top, f"{one.name} does not lead to {two.name}"


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_commands_are_the_same(page: Path) -> None:
    english, chinese = (fences(each.read_text(encoding="utf-8")) for each in (page, other(page)))
    assert [line for line in english if line not in chinese] == [], "in English only"
    assert [line for line in chinese if line not in english] == [], "in Chinese only"


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem != PRINTED], ids=lambda page: page.name)
def test_no_figure_stands_in_chinese_only(page: Path) -> None:
    """A figure that is measured anew is changed in English; the old one must not stay behind."""
    english, chinese = (figures(each.read_text(encoding="utf-8")) for each in (page, other(page)))
    assert chinese - english == set(), f"{other(page).name} says what {page.name} does not"


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_tables_that_commands_write_are_in_english_alone_and_pointed_to(page: Path) -> None:
    text = other(page).read_text(encoding="utf-8")
    assert not WRITTEN.search(text), "a command writes into one of the two only: the other would go stale"
    if WRITTEN.search(page.read_text(encoding="utf-8")):
        assert re.search(rf"\({re.escape(page.name)}#[\w-]+\)", text), "it does not say where the tables are"


@pytest.mark.parametrize("page", [each for page in PAGES for each in (page, other(page))], ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, heading = target.partition("#")
        there = page.parent / file if file else page
        assert there.exists(), f"{target} is not there"
        if heading and there.suffix == ".md":
            titles = re.findall(r"^#+ +(.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in titles}
            assert heading in anchors, f"{target}: no such heading"
