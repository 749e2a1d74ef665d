"""`workbench gallery`: what the gallery's screen can do, for the terminal."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from workbench.cli import main
from workbench.config import ROOT
from workbench.gallery import Gallery
from workbench.generation import read_record

sys.path.insert(0, str(ROOT / "tests" / "ui"))
from furnish import furnish_gallery


@pytest.fixture
def gallery(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: object, code: int = 0) -> Any:
        assert main(["gallery", *map(str, words), "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return run


def test_found_by_words_adapter_star_and_date(gallery: Any, capsys: pytest.CaptureFixture[str]) -> None:
    furnish_gallery(5)
    names = furnish_gallery(3, adapter="leo")
    assert gallery()["found"] == 8 and len(gallery("list", "--limit", 2)["pictures"]) == 2
    assert gallery("list", "--adapter", "leo")["found"] == 3
    [starred] = gallery("list", "--adapter", "leo", "--stars")["pictures"]
    assert starred["id"] == names[-1] and starred["record"]["seed"] == 102
    assert gallery("list", "zkq", "101")["found"] == Gallery().count("zkq 101") == 2
    assert gallery("list", "--since", "2026-01-03")["found"] == 0 == gallery("list", "--until", "2026-01-01")["found"]
    assert main(["gallery", "list", "--adapter", "leo"]) == 0
    told = capsys.readouterr().out
    assert told.count("leo:1") == 3 and names[0] in told and "★" in told
    assert (
        main(["gallery", "list", "nothing", "like", "that"]) == 0
        and "No picture is like that" in capsys.readouterr().out
    )
    assert main(["gallery", "--since", "yesterday"]) == 2 and "it is no date" in capsys.readouterr().err


def test_an_empty_gallery_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gallery"]) == 0 and "The gallery is empty" in capsys.readouterr().out


def test_a_picture_is_named_by_a_part_of_its_id(gallery: Any, capsys: pytest.CaptureFixture[str]) -> None:
    names = furnish_gallery(3)
    for word in (names[1], names[1][-6:], f"chibi-{names[1]}.png"):
        assert gallery("show", word)[0]["id"] == names[1]
    assert main(["gallery", "show", names[1]]) == 0
    told = capsys.readouterr().out
    assert "seed: 101" in told and "adapters: mia:1" in told and "file: " in told
    assert main(["gallery", "show", "2026"]) == 2 and "3 pictures have that in their id" in capsys.readouterr().err
    assert main(["gallery", "show", "zzz"]) == 2 and "not in the gallery" in capsys.readouterr().err


def test_written_elsewhere_with_their_recipes(gallery: Any, tmp_path: Path) -> None:
    names = furnish_gallery(3)
    told = gallery("export", names[0], names[2], "--out", tmp_path / "some")
    assert told["pictures"] == 2
    assert {read_record(path)["seed"] for path in (tmp_path / "some").glob("*.png")} == {100, 102}
    told = gallery("export", "--words", "101", "--out", tmp_path / "far" / "one.zip")
    with zipfile.ZipFile(tmp_path / "far" / "one.zip") as archive:
        assert told["pictures"] == 1 and archive.namelist() == [f"chibi-{names[1]}.png"]
    assert gallery("export", "--stars", "--out", tmp_path / "starred")["pictures"] == 1
    assert gallery("export", "--words", "nothing", "--out", tmp_path / "none", code=1)["pictures"] == 0


def test_deleted_and_brought_back(gallery: Any, capsys: pytest.CaptureFixture[str]) -> None:
    names = furnish_gallery(4)
    gallery("collect", names[3], "--into", "Birthday")
    undo = gallery("delete", names[3], names[1])["undo"]
    assert Gallery().count() == 2
    [batch] = gallery("trash")
    assert batch["id"] == undo and set(batch["pictures"]) == {names[1], names[3]} and batch["days_left"] == 30
    assert set(gallery("restore")["restored"]) == {names[1], names[3]}
    assert Gallery().get(names[3]).starred and Gallery().collections_of(names[3]) == ["Birthday"]
    undo = gallery("delete", names[0])["undo"]
    assert gallery("restore", undo)["restored"] == [names[0]]
    assert main(["gallery", "restore"]) == 2 and "it is empty" in capsys.readouterr().err
    gallery("delete", names[0], "--for-good")
    assert gallery("trash") == [] and Gallery().count() == 3
    gallery("delete", names[1])
    assert len(gallery("trash", "--empty")["removed"]) == 1 and gallery("trash") == []


def test_stars_given_and_taken(gallery: Any) -> None:
    names = furnish_gallery(2)
    gallery("star", names[0])
    gallery("star", names[1], "--off")
    assert [each["id"] for each in gallery("list", "--stars")["pictures"]] == [names[0]]
    assert gallery("list", "--collection", "Nobody's")["found"] == 0
