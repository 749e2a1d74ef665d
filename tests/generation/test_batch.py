"""Tables of pictures: what a row asks for, what is told of rows that make no sense, and that no other row is lost."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from workbench.adapters import Card, find_adapter
from workbench.errors import GenerationError
from workbench.generation import Engine, Request, picture_png, read_record
from workbench.generation.batch import COLUMNS, EXAMPLE, Outcome, draw_table, outcomes_csv, read_table

COMMON = Request("chibi of a person", steps=2, seed=10)


def test_the_example_is_right() -> None:
    rows = read_table(EXAMPLE, COMMON)
    assert [row.name for row in rows] == ["guard", "baker", "wizard"] and not any(row.problem for row in rows)
    assert rows[0].request and rows[0].request.seed == 1 and rows[0].request.steps == 2
    assert rows[0].request.prompt == (
        "chibi of a person with short black hair, angry, wearing a gray jacket, in the city"
    )


def test_what_rows_say() -> None:
    cards = {"mia": Card(name="mia", created="", trigger="zkq", class_noun="girl")}
    table = """Name;Prompt;Adapter;Strength;Seed;Style;Expression;Variation

    a;photo of {trigger} {class_noun};mia;0,5;;;sad;
    b;;mia;;3;beach;;
    c;;none;;;;angry;0.2
    ;;;;;;;
    d;;;;;;;
    """
    a, b, c, d = (row.request for row in read_table(table, COMMON, cards.__getitem__))
    assert a and a.prompt == "photo of zkq girl, sad" and a.adapters == (("mia", 0.5),) and a.seed == 10
    assert b and b.prompt.startswith("chibi of zkq girl, laughing, wearing a yellow t-shirt") and b.seed == 3
    assert c and c.prompt == "chibi of a person, angry" and c.adapters == () and c.variation and c.seed == 12
    assert c.variation.strength == 0.2
    assert d and d.prompt == "chibi of a person" and d.seed == 13


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_tables_as_programs_save_them(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "npc.csv").write_bytes("name,prompt\r\n守卫,萌版头像，微笑\r\n".encode(encoding))
    [row] = read_table(tmp_path / "npc.csv", COMMON)
    assert row.name == "守卫" and row.request and row.request.prompt == "萌版头像，微笑"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("name,expresion\na,sad\n", "Did you mean expression"),
        ("name,name\na,b\n", "there twice"),
        ("name,prompt\n", "no rows"),
        ("", "no rows"),
        ("seed\n" + "1\n" * 1001, "1001 rows"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "no text"),
        (b"x" * (5 * 2**20), "far larger"),
    ],
)
def test_what_is_no_table(table: bytes | str, told: str) -> None:
    with pytest.raises(GenerationError, match=told):
        read_table(table, COMMON)


def test_rows_that_make_no_sense_are_told_and_the_others_drawn(engine: Engine, shelf_folder: Path) -> None:
    table = "\n".join(
        [
            "name,expression,seed,adapter,prompt",
            "good,smiling,1,mia,",
            "face,grumpy,2,,",
            "number,sad,x,,",
            "good,sad,4,,",
            "long,sad,5,,a,b,c",
            "lost,sad,6,nobody,",
            "last,sad,7,,",
            "size,sad,99999999999,,",
            'quoted,,8,,"chibi, smiling"',
        ]
    )
    rows = read_table(table, COMMON, lambda name: find_adapter(name, shelf_folder).card)
    seen: list[tuple[int, Outcome]] = []
    outcomes = draw_table(engine, rows, on_outcome=lambda number, each: seen.append((number, each)))
    assert [each for _, each in seen] == outcomes and len(outcomes) == 9
    assert [each.row.name for each in outcomes if each.picture] == ["good", "last", "quoted"]
    assert [each.row.line for each in outcomes] == list(range(2, 11))
    problems = {each.row.line: each.problem for each in outcomes if each.problem}
    told = {3: "Choose neutral", 4: "no number", 5: "another row", 6: "7 cells", 7: "not on the shelf", 9: "range"}
    assert all(words in problems[line] for line, words in told.items())
    picture = outcomes[0].picture
    assert picture and picture.record["label"] == "good"
    record = read_record(picture_png(picture))
    assert record["label"] == "good" and engine.remake(record).image.tobytes() == picture.image.tobytes()
    result = list(csv.DictReader(io.StringIO(outcomes_csv(outcomes, {0: "good.png"}))))
    assert result[0] | {"prompt": ""} == {
        "line": "2", "name": "good", "file": "good.png", "seed": "1", "prompt": "", "problem": "",
    }  # fmt: skip
    assert "Choose neutral" in result[1]["problem"]


def test_a_stopped_table_says_which_rows_were_not_drawn(engine: Engine) -> None:
    rows = read_table("seed\n1\n2\n3\n", COMMON)
    asked: list[int] = []
    outcomes = draw_table(engine, rows, should_stop=lambda: bool(asked), on_outcome=lambda *_: asked.append(1))
    assert [bool(each.picture) for each in outcomes] == [True, False, False]
    assert outcomes[2].problem.startswith("It was stopped")


def test_results_are_no_formulas(engine: Engine) -> None:
    [row] = read_table("name,seed\n=cmd(),1\n", COMMON)
    assert "'=cmd()" in outcomes_csv([Outcome(row, None, "x")], {})


def test_columns_are_what_requests_and_preferences_have() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS) and {"expression", "hair_style", "prompt", "seed"} <= set(COLUMNS)
