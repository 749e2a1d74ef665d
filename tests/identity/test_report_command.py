"""`workbench report NAME`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_run_report import furnish

from workbench.cli import main


def test_the_page_is_written_where_it_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = furnish()
    monkeypatch.chdir(tmp_path)
    assert main(["report", "mia"]) == 0
    assert capsys.readouterr().out.strip() == "mia-report.html"
    assert (tmp_path / "mia-report.html").read_text().count("<img") == 4
    assert not (folder / "report.html").exists()

    out = tmp_path / "deep" / "page.html"
    assert main(["--json", "report", "mia", "--out", str(out), "--no-photos"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(out)}
    assert out.read_text().count("<img") == 3


def test_a_run_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "nobody"]) == 2
    assert "nobody" in capsys.readouterr().err
