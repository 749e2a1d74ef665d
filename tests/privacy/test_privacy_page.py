"""The privacy page is the code's own word."""

from __future__ import annotations

from typing import Literal

import pytest

from workbench.cli import main
from workbench.config import ROOT, home, shelf
from workbench.privacy import KEEP_DAYS, KEPT, private_files, row_of, write_private
from workbench.privacy.kept import place_of
from workbench.privacy.page import privacy_page


@pytest.mark.parametrize(("language", "file"), [("en", "PRIVACY.md"), ("zh", "PRIVACY.zh.md")])
def test_the_file_is_what_the_code_says(language: Literal["en", "zh"], file: str) -> None:
    written = (ROOT / "docs" / file).read_text(encoding="utf-8")
    assert written == privacy_page(language), f"workbench privacy --language {language} > docs/{file}"


def test_every_row_is_on_both_pages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["privacy", "--language", "zh"]) == 0
    chinese = capsys.readouterr().out
    for row in KEPT:
        assert row.what in privacy_page() and row.what_zh in chinese
    assert f"{KEEP_DAYS} days" in privacy_page() and f"{KEEP_DAYS} 天" in chinese


def test_what_the_table_calls_encrypted_is_encrypted() -> None:
    for row in KEPT:
        for pattern in row.paths:
            path = place_of(row) / (
                pattern.format(name="mia").replace("*", "0") + ("x.png" if pattern[-1:] == "/" else "")
            )
            if row.sealed and row.until == "photos":
                write_private(path, b"a face")
                assert (path.read_bytes() == b"a face") is False, f"{path} lies open"
    assert set(private_files()) <= {path for path in home().rglob("*") if row_of(path) and row_of(path).sealed}  # type: ignore[union-attr]


@pytest.mark.parametrize("path", ["notes.txt", "subjects/readme.txt", "datasets/x.png", "faces/mia.png"])
def test_a_file_the_table_does_not_know_is_found_out(path: str) -> None:
    assert row_of(home() / path) is None
    assert row_of(shelf() / "faces" / "mia.png") is None
