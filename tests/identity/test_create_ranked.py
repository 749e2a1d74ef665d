"""`workbench create` says how much each candidate looks like the person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_candidates import photos
from tiny import make_tiny_base
from tiny_adapter import make_adapter

from workbench.cli import main
from workbench.config import home, shelf
from workbench.dataset import build_dataset
from workbench.world.character import sample_character


@pytest.mark.slow
def test_candidates_have_a_rank_and_a_likeness(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = make_tiny_base(tmp_path / "tiny")
    shelf().mkdir(parents=True)
    make_adapter(shelf() / "mia.safetensors", base, traits=sample_character(721).to_dict())
    line = ["create", "chibi of zkq person", "-a", "mia", "--base", str(base), "--count", "2", "--steps", "1"]
    assert main(["--json", *line]) == 0
    made = json.loads(capsys.readouterr().out)
    assert sorted(each["rank"] for each in made) == [1, 2] and all(each["likeness"] is None for each in made)

    build_dataset(home() / "datasets" / "mia", [(photo, "photo of zkq person") for photo in photos(721, 2)])
    assert main(["--json", *line]) == 0
    made = json.loads(capsys.readouterr().out)
    assert {each["likeness"]["verdict"] for each in made} <= {"unknown", "unlikely"}
    assert all(each["likeness"]["traits"] for each in made)
    assert main(line) == 0
    assert "hair colour" in capsys.readouterr().out
