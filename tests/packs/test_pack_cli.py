"""`workbench pack`: every action, in words and as JSON; from one command to files that pass their check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tiny import make_tiny_base

from workbench.cli import main
from workbench.cli.pack import FRAMES, MOVES
from workbench.packs import EXPRESSIONS, Pack, compose, list_packs, load_pack, moving


def result(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main(["--json", "pack", *words]) == code
    return json.loads(capsys.readouterr().out)


def test_words_are_those_of_the_library() -> None:
    assert MOVES == moving.KINDS and FRAMES == compose.FRAMES


def test_export_check_and_sheet(pack: Pack, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    made = result(capsys, "export", "mia", "-p", "discord-emoji", "-p", "steam", "--out", out, "--only", "smile,ok")
    assert [(each["platform"], each["files"], each["problems"]) for each in made] == [
        ("discord-emoji", 2, []), ("steam", 1, []),
    ]  # fmt: skip
    folder = tmp_path / "out" / "discord-emoji"
    assert result(capsys, "check", str(folder), "-p", "discord-emoji") == []
    (folder / "more.txt").write_text("x")
    (problem,) = result(capsys, "check", str(folder), "-p", "discord-emoji", code=1)
    assert problem["rule"] == "stray"
    assert main(["pack", "check", str(folder), "-p", "discord-emoji"]) == 1
    assert "more.txt" in capsys.readouterr().out
    sheet = Path(result(capsys, "sheet", "mia", "--words", "en", "--frame", "circle")["path"])
    with Image.open(sheet) as image:
        assert image.width > 900


def test_an_export_says_what_it_did(pack: Pack, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", "export", "mia", "-p", "discord-emoji", "--only", "ok", "--move", "bounce"]) == 0
    said = capsys.readouterr().out
    assert "discord-emoji: 1 file, passed its check" in said
    assert (pack.folder / "exports" / "discord-emoji" / "01.gif").is_file()


def test_listing_and_deleting(pack: Pack, capsys: pytest.CaptureFixture[str]) -> None:
    (entry,) = result(capsys, "list")
    assert entry["name"] == "mia" and len(entry["drawn"]) == 8 and entry["recipe"]["trigger"] == "zkq"
    assert main(["pack"]) == 0 and "8 of 16 drawn" in capsys.readouterr().out
    assert main(["pack", "delete", "mia"]) == 2 and list_packs() == ["mia"]
    assert len(result(capsys, "delete", "mia", "--yes")["removed"]) == 9 and list_packs() == []
    assert main(["pack", "list"]) == 0 and "no pack yet" in capsys.readouterr().out


def test_platforms_are_listed_with_their_sources(capsys: pytest.CaptureFixture[str]) -> None:
    page = result(capsys, "platforms")
    assert page["platforms"]["line"]["sources"] == ["https://creator.line.me/en/guideline/sticker/"]
    assert main(["pack", "platforms"]) == 0
    said = capsys.readouterr().out
    assert page["checked"] in said and "WhatsApp stickers: 3 to 30 pictures" in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["export", "mia", "-p", "line", "--only", "grin"], "grin"),
        (["export", "mia", "-p", "myspace"], "myspace"),
        (["export", "mia", "-p", "wechat", "--only", "ok"], "8, 16 or 24"),
        (["export", "mia", "-p", "line", "--border", "3"], "border"),
        (["export", "leo", "-p", "line"], "leo"),
        (["again", "mia", "grin"], "grin"),
        (["check", "/nowhere", "-p", "line"], "no such folder"),
        (["draw", "../x"], "../x"),
        (["draw", "new", "--clothing", "toga"], "toga"),
        (["draw", "new", "-a", "nobody"], "nobody"),
    ],
)
def test_mistakes_are_told_in_a_line(
    pack: Pack, capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    assert main(["pack", *words]) == 2
    said = capsys.readouterr().err
    assert reason in said and "Traceback" not in said
    assert list_packs() == ["mia"]


@pytest.mark.slow
def test_from_a_base_to_sixteen_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cuts: dict[str, Image.Image]
) -> None:
    base = make_tiny_base(tmp_path / "tiny-base")
    drawn = result(capsys, "draw", "crowd", "--base", str(base), "--steps", "2", "--seed", "7")
    assert drawn["missing"] == [] and drawn["drawn"] == list(EXPRESSIONS)
    pack = load_pack("crowd")
    assert {pack.seed_of(name) for name in EXPRESSIONS} == {7}
    first = pack.picture_file("sad").read_bytes()
    result(capsys, "again", "crowd", "sad", "--seed", "8")
    assert pack.seed_of("sad") == 8 and pack.picture_file("sad").read_bytes() != first
    assert main(["pack", "draw", "crowd"]) == 0 and "are drawn" in capsys.readouterr().out
    # Noise has no background to cut away; that is said, and names the picture.
    assert main(["pack", "export", "crowd", "-p", "telegram"]) == 2
    assert "background" in capsys.readouterr().err
