"""`workbench create` from pictures, of sheets and of tables, on a tiny base."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_adapter import make_adapter

from workbench.cli import main
from workbench.config import atomic_write, home, shelf
from workbench.gallery import Gallery
from workbench.generation.sheet import read_sheet, read_sheet_recipe

Result = list[dict[str, Any]]


@pytest.fixture
def create(base: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    shelf().mkdir(parents=True, exist_ok=True)
    make_adapter(shelf() / "mia.safetensors", base, seed=1)

    def run(*words: object, code: int = 0) -> Any:
        assert main(["create", *map(str, words), "--base", str(base), "--steps", "4", "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def drawn(create: Any) -> dict[str, Any]:
    made: Result = create("-a", "mia", "--expression", "sad", "--count", 1, "--seed", 5)
    return made[0]


def image(made: dict[str, Any]) -> np.ndarray:
    with Image.open(made["path"]) as opened:
        return np.asarray(opened.convert("RGB"), np.int16)


def test_near_a_picture(create: Any, drawn: dict[str, Any]) -> None:
    near: Result = create("--from", drawn["path"], "--vary", 0.3, "--seed", 50, "--count", 2)
    assert [each["record"]["variation"] for each in near] == [
        {"seed": 50, "strength": 0.3},
        {"seed": 51, "strength": 0.3},
    ]
    assert {each["record"]["seed"] for each in near} == {5} and near[0]["rank"] in (1, 2)
    [again] = create("--again", near[1]["path"])
    np.testing.assert_array_equal(image(again), image(near[1]))


def test_same_seed_other_words(create: Any, drawn: dict[str, Any]) -> None:
    [remix] = create("chibi of zkq person, angry", "--remix", drawn["path"])
    assert remix["record"]["seed"] == 5 and remix["record"]["prompt"] == "chibi of zkq person, angry"
    assert remix["record"]["adapters"][0]["name"] == "mia"


def test_from_a_photo_and_parts_of_a_picture(create: Any, drawn: dict[str, Any], tmp_path: Path) -> None:
    Image.new("RGB", (90, 60), "teal").save(tmp_path / "photo.jpg")
    [made] = create("-a", "mia", "--from", tmp_path / "photo.jpg", "--change", 0.5, "--count", 1)
    assert made["record"]["start"]["noise"] == 0.5 and made["record"]["start"]["mask"] == ""
    [redrawn] = create("--from", drawn["path"], "--redraw", "0,0,0.5,1", "--change", 0.9)
    np.testing.assert_array_equal(image(redrawn)[:, 16:], image(drawn)[:, 16:])
    assert redrawn["record"]["prompt"] == drawn["record"]["prompt"]
    Image.new("L", (32, 32), 0).save(tmp_path / "mask.png")
    [same] = create("--from", drawn["path"], "--mask", tmp_path / "mask.png", "--change", 0.9)
    np.testing.assert_array_equal(image(same), image(drawn))


def test_larger(create: Any, drawn: dict[str, Any]) -> None:
    [second] = create("--from", drawn["path"], "--upscale", 2)
    assert image(second).shape == (64, 64, 3) and "start" in second["record"]
    [plain] = create("--from", drawn["path"], "--upscale", 4, "--plain")
    assert image(plain).shape == (128, 128, 3) and plain["record"]["enlarge"] == 4


def test_a_style_fills_what_is_not_said(create: Any) -> None:
    [made] = create("--style", "beach", "--clothing", "suit", "--count", 1)
    assert made["record"]["prompt"] == (
        "chibi of a person, laughing, wearing a yellow suit, a hat, in the beach, cheering"
    )


def test_a_sheet(create: Any, tmp_path: Path) -> None:
    told = create(
        "-a", "mia", "--expression", "sad", "--x", "expression=sad,angry", "--y", "seed=1..2", "--out", tmp_path
    )
    records = read_sheet(Path(told["path"]))
    assert [[each["prompt"].rsplit(", ")[-1] for each in row if each] for row in records] == [["sad", "angry"]] * 2
    assert len(told["ids"]) == 4 == Gallery().count() - 1 and Gallery().get(told["sheet"]).is_sheet
    again = create("--again", told["path"], "--out", tmp_path / "again")
    assert len(again["ids"]) == 4
    with Image.open(told["path"]) as first, Image.open(again["path"]) as second:
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second))
    told = create("-a", "mia:0.8", "--compare", "--seed", 3, "--out", tmp_path)
    assert [each["adapters"][0]["strength"] for each in told["cells"][0]] == [0.0, 0.8]


def test_a_sheet_over_preferences_keeps_the_style(create: Any) -> None:
    atomic_write(home() / "styles.yaml", "mine:\n  prompt: soft light\n  negative: blurry\n")
    told = create("--style", "mine", "--extra", "with a kite", "--x", "expression=sad,angry")
    prompts = [each["prompt"] for each in told["cells"][0]]
    assert prompts == [f"chibi of a person, {word}, with a kite, soft light" for word in ("sad", "angry")]
    assert {each["negative"] for each in told["cells"][0]} == {"blurry"}
    assert read_sheet_recipe(Path(told["path"])).wishes == {"extra": "with a kite, soft light"}


def test_a_table(create: Any, tmp_path: Path) -> None:
    (tmp_path / "npc.csv").write_text("name,expression,adapter\nguard,angry,mia\nbaker,hungry,\nking/1,sad,\n")
    made: Result = create("--csv", tmp_path / "npc.csv", "--out", tmp_path / "npc", code=1)
    assert [each["file"] for each in made] == ["guard.png", "", "king-1.png"]
    assert "Choose neutral" in made[1]["problem"] and made[0]["record"]["label"] == "guard"
    results = list(csv.DictReader((tmp_path / "npc" / "results.csv").open(encoding="utf-8")))
    assert [each["file"] for each in results] == ["guard.png", "", "king-1.png"]
    assert {path.name for path in (tmp_path / "npc").glob("*.png")} == {"guard.png", "king-1.png"}
    assert Gallery().count() == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--vary", "0.5"], "Add --from"),
        (["--upscale", "2"], "Add --from"),
        (["--from", "PHOTO", "--vary", "0.5"], "no recipe"),
        (["--from", "PHOTO", "--redraw", "feet"], "Choose hair"),
        (["--remix", "PHOTO"], "does not carry a record"),
        (["--compare"], "Add --adapter"),
        (["--x", "sed=1"], "Did you mean seed"),
        (["--style", "beech"], "Did you mean beach"),
        (["--csv", "nowhere.csv"], "nowhere.csv"),
        (["chibi, (sad:9)"], "0 to 2"),
    ],
)
def test_what_cannot_be_is_told(
    words: list[str], told: str, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (64, 64), "teal").save(photo)
    assert main(["create", *(str(photo) if word == "PHOTO" else word for word in words), "--base", str(base)]) != 0
    assert told in capsys.readouterr().err


def test_styles_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["create", "--styles"]) == 0
    assert "beach: Beach day, laughing" in capsys.readouterr().out


def test_a_prompt_behind_two_dashes_may_begin_with_one(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["create", "--json", "--base", str(base), "--steps", "1", "--count", "1", "--", "-smiling- chibi"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)[0]["record"]["prompt"] == "-smiling- chibi"
