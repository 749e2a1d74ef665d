"""Requests as words: what is drawn later is what was asked for, starts and variations with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tiny import make_tiny_base
from tiny_adapter import make_adapter

from workbench.adapters import find_adapter
from workbench.cli import build_parser, main
from workbench.cli.create import base_of, request_of
from workbench.cli.create_from import request_from_picture
from workbench.config import home, shelf
from workbench.errors import GenerationError
from workbench.gallery import Gallery
from workbench.generation import Preferences, Request, Start, Variation, keep_start
from workbench.generation.grid import grid_cells, parse_axis
from workbench.generation.sheet import read_sheet_recipe
from workbench.jobs import footprint, forget_person, keep_table, queue, submit_pictures, words_of, words_of_grid
from workbench.jobs.pictures import Pictures, adapters_asked

NAME = "0" * 64


def start() -> Start:
    mask = Image.new("L", (32, 32))
    mask.paste(255, (8, 8, 20, 20))
    return Start(keep_start(Image.new("RGB", (40, 30), "teal"), "mia"), 0.35, keep_start(mask, "mia"))


@pytest.fixture
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_tiny_base(tmp_path_factory.mktemp("base") / "tiny")
    shelf().mkdir(parents=True)
    make_adapter(shelf() / "mia.safetensors", made, seed=1)
    return made


def read(words: list[str]) -> tuple[Request, str]:
    args = build_parser().parse_args(["create", *words])
    return request_from_picture(args) or (request_of(args), base_of(args))


def test_words_ask_for_exactly_the_request(base: Path) -> None:
    begun = start()
    for request in (
        Request("--a, b", "c", 5, 2, 3, 4.5, [("mia", 0.5)], 64),
        Request("near", "", 9, 4, 2, 0.0, [("mia", 1.0)], 0, Variation(77, 0.3)),
        Request("from", "", 9, 1, 2, 0.0, [("mia", 1.0)], 0, start=begun),
        Request("from all", "", 9, 8, 2, 0.0, [], 0, start=Start(begun.picture, 0.6)),
        Request("both, large", "x", 0, 1, 0, 0.0, [], 0, Variation(0, 1.0), begun, 2),
    ):
        assert read(words_of(request, str(base)))[0] == request


def test_a_part_of_a_picture_is_drawn_later(base: Path) -> None:
    begun = start()
    words = words_of(Request("zkq person", "", 3, 1, 2, 0.0, [("mia", 1.0)], 0, None, begun), str(base))
    assert main(["create", *words]) == 0
    [kept] = Gallery().search()
    assert kept.record["start"] == {"picture": begun.picture, "noise": 0.35, "mask": begun.mask}


def test_a_table_begins_from_the_picture_too(base: Path) -> None:
    begun = start()
    common = Request("zkq person", "", 3, 1, 2, 0.0, [("mia", 1.0)], 0, None, begun)
    table = keep_table(b"name,expression\na,sad\nb,angry\n")
    job = submit_without_worker(words_of(common, str(base), "--csv", str(table)))
    assert main(["create", *job.request["words"]]) == 0
    assert [each.record["start"]["picture"] for each in Gallery().search()] == [begun.picture] * 2
    assert Pictures().outcome(job, 0) == ("done", "") and not table.exists()


def submit_without_worker(words: list[str]):  # type: ignore[no-untyped-def]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.jobs.pictures.wake", lambda **_: None)  # no process of its own from a test
        return submit_pictures(words, "mia")


@pytest.mark.parametrize("by_hand", [True, False], ids=["written", "chosen"])
def test_a_grid_is_drawn_later(base: Path, by_hand: bool) -> None:
    wishes = None if by_hand else {"expression": "sad", "extra": "soft light"}
    prompt = "-sad, in the rain" if by_hand else Preferences(**wishes).prompt("zkq", "person")  # type: ignore[arg-type]
    request = Request(prompt, "-hat, glasses", 3, 1, 1, 0.0, [("mia", 0.5)], 0)
    x, y = parse_axis("strength=0,0.5"), parse_axis("words=sad,angry" if by_hand else "expression=sad,angry")
    job = submit_without_worker(words_of_grid(request, str(base), x, y, wishes))
    assert main(["create", *job.request["words"]]) == 0
    [sheet] = [each for each in Gallery().search() if each.is_sheet]
    recipe = read_sheet_recipe(sheet.path)
    wanted = grid_cells(request, x, y, wishes, lambda name: find_adapter(name).card)
    assert [[cell.request for cell in row if cell] for row in recipe.cells()] == [
        [
            replace(cell.request, steps=1, guidance=made["guidance"], size=made["size"])
            for cell, made in zip(a, b, strict=True)
            if made
        ]
        for a, b in zip(wanted, recipe.rows, strict=True)
    ]
    assert (recipe.x, recipe.y, recipe.wishes) == (x, y, wishes)
    assert sheet.record["sheet"] == [x.name, y.name] and Gallery().count() == 5
    assert ["soft light" in each["prompt"] for row in recipe.rows for each in row if each] == [not by_hand] * 4


def test_forgetting_takes_the_grids_that_wait_and_the_sheets(base: Path) -> None:
    make_adapter(shelf() / "leo.safetensors", base, seed=2)
    asked = Request("someone", "", 3, 1, 1, 0.0, [("mia", 1.0)], 0)
    words = words_of_grid(asked, str(base), parse_axis("adapter=none,leo"))
    assert main(["create", *words]) == 0
    job, other = submit_without_worker(words), submit_without_worker(words_of(asked, str(base)))
    assert adapters_asked(job) == {"mia", "leo", "none"} and adapters_asked(other) == {"mia"}
    [sheet] = [each for each in Gallery().search(adapter="leo", words="someone") if each.is_sheet]
    assert sheet.path in [thing.path for thing in footprint("leo").things]
    forget_person("leo")
    assert not sheet.path.exists() and [each.id for each in queue.jobs("submitted")] == [other.id]


def test_a_forgotten_person_takes_the_start_along(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begun = start()
    words = words_of(Request("someone", "", 3, 1, 2, 0.0, [], 0, None, begun), str(base))
    kinds = {thing.kind for thing in footprint("mia").things if thing.path.is_relative_to(home() / "starts")}
    assert kinds == {"Photos, sketches and masks that pictures were begun from in Create"}
    forget_person("mia")
    assert not list((home() / "starts").rglob("*.png"))
    assert main(["create", *words]) == 2
    assert "erased with the photos" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--towards", "seven", "a"], "not a seed and a strength"),
        (["--towards", "7:2", "a"], "out of range"),
        (["--from", NAME, "a"], "not on this computer"),
        (["--from", NAME, "--vary", "0.3"], NAME[:20]),
        (["--mask", NAME, "a"], "--from PICTURE"),
    ],
)
def test_what_makes_no_sense_is_told(words: list[str], reason: str) -> None:
    from workbench.errors import WorkbenchError

    with pytest.raises(WorkbenchError, match=reason) as told:
        read(words)
    assert isinstance(told.value, GenerationError) or NAME in str(told.value)
