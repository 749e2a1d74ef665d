"""A pack on the disk: found again after anything, drawn again in part, erased whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from world_pictures import picture

from workbench.errors import GenerationError, PackError
from workbench.generation import Picture, Request
from workbench.packs import (
    EXPRESSIONS,
    Look,
    Pack,
    Recipe,
    create_pack,
    delete_pack,
    list_packs,
    load_pack,
    pack_sheet,
    packs_of,
)


class WorldEngine:
    """Draws what a request asks for with the world instead of a model; as `Engine` is called, no more."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def generate(self, request: Request, on_step: Any = None, should_stop: Any = None) -> list[Picture]:
        self.asked.append(request)
        if should_stop and should_stop():
            return []
        if on_step:
            on_step(0, 1, 1)
        return [picture("smile", request.seed)]


def test_a_pack_is_found_again(pack: Pack) -> None:
    again = load_pack("mia")
    assert again == pack and list_packs() == ["mia"]
    assert again.drawn == tuple(EXPRESSIONS)[:8] and again.missing == tuple(EXPRESSIONS)[8:]
    assert again.seed_of("smile") == 5 and again.seed_of("meow") is None
    assert again.choose(["meow", "smile", "meow"]).chosen == load_pack("mia").chosen == ("meow", "smile")
    with pytest.raises(PackError, match="none of this name"):
        pack.choose(["grin"])


def test_prompts_keep_the_person_and_change_the_face() -> None:
    recipe = Recipe(adapters=(("mia", 0.9),), trigger="zkq", seed=9, clothing="hoodie", clothing_colour="green")
    asked = {name: recipe.request(each) for name, each in EXPRESSIONS.items()}
    assert asked["smile"].prompt == "chibi of zkq person, smiling, wearing a green hoodie, blue background"
    assert asked["hooray"].prompt.endswith("blue background, cheering")
    assert asked["night"].prompt == "chibi of zkq person, sleepy, wearing a green hoodie, a beanie, blue background"
    assert len({each.prompt for each in asked.values()}) == 16
    assert {(each.seed, each.count, each.adapters) for each in asked.values()} == {(9, 1, (("mia", 0.9),))}
    anyone = Recipe(person={"hair_style": "bob", "hair_colour": "pink"}).request(EXPRESSIONS["ok"], seed=3)
    assert anyone.prompt.startswith("chibi of a person with pink bob hair, neutral expression") and anyone.seed == 3
    with pytest.raises(GenerationError, match="clothing"):
        Recipe(clothing="toga").request(EXPRESSIONS["ok"])


def test_drawing_goes_on_where_it_was_stopped(pack: Pack) -> None:
    engine, told = WorldEngine(), []
    stop = iter([False, False, True])
    made = pack.draw(engine, on_picture=lambda name, _: told.append(name), should_stop=lambda: next(stop))  # type: ignore[arg-type]
    assert made == told == list(EXPRESSIONS)[8:10] and len(load_pack("mia").drawn) == 10
    pack.draw(engine)  # type: ignore[arg-type]
    assert pack.missing == () and {request.seed for request in engine.asked} == {5}


def test_single_ones_are_drawn_again(pack: Pack) -> None:
    before = pack.cut("sad").tobytes()
    assert pack.draw(WorldEngine(), ["sad"], seed=77) == ["sad"]  # type: ignore[arg-type]
    assert pack.seed_of("sad") == 77 and pack.seed_of("smile") == 5
    assert pack.cut("sad").tobytes() != before, "the old cut-out is gone with its picture"
    with pytest.raises(PackError, match="'grin'"):
        pack.draw(WorldEngine(), ["grin"])  # type: ignore[arg-type]


def test_cut_outs_are_kept_and_follow_their_picture(pack: Pack) -> None:
    first = pack.cut("ok")
    small = pack.folder / "cut" / "ok.png"
    made = small.stat().st_mtime_ns
    assert pack.cut("ok").tobytes() == first.tobytes() and small.stat().st_mtime_ns == made
    os.utime(pack.picture_file("ok"), ns=(made + 10**9, made + 10**9))
    pack.cut("ok")
    assert small.stat().st_mtime_ns != made
    assert list(pack.cuts()) == list(EXPRESSIONS)[:8] and list(pack.cuts(["sad", "ok"])) == ["sad", "ok"]
    with pytest.raises(PackError, match="not drawn yet"):
        pack.cut("meow")
    pack.picture_file("wink").write_bytes(b"\x89PNG half")
    with pytest.raises(PackError, match="Draw this expression again"):
        pack.cut("wink")


def test_a_picture_that_cannot_be_cut_names_its_expression(pack: Pack) -> None:
    pack.keep("angry", Picture(Image.linear_gradient("L").convert("RGB"), picture("angry").record))
    with pytest.raises(PackError, match="Angry"):
        pack.cut("angry")


def test_names(pack: Pack) -> None:
    for wrong in ("../x", "", "a/b", "mia"):
        with pytest.raises(PackError):
            create_pack(wrong, Recipe())
    for wrong in ("../mia", "nobody", ""):
        with pytest.raises(PackError):
            load_pack(wrong)
        with pytest.raises(PackError):
            delete_pack(wrong)


@pytest.mark.parametrize("damage", ["{", "[]", '{"recipe": 3}', '{"recipe": {}, "chosen": [], "created": 1, "x'])
def test_a_broken_pack_is_told_and_can_be_erased(pack: Pack, damage: str) -> None:
    (pack.folder / "pack.json").write_text(damage, encoding="utf-8")
    assert list_packs() == ["mia"]
    with pytest.raises(PackError, match="broken"):
        load_pack("mia")
    assert packs_of("mia") == ["mia"], "forgetting a person finds it too"
    assert delete_pack("mia") and list_packs() == []


def test_erased_without_a_trace(pack: Pack) -> None:
    create_pack("leo-2", Recipe(adapters=(("leo", 1.0), ("mia", 0.2))))
    assert packs_of("mia") == ["leo-2", "mia"] and packs_of("leo") == ["leo-2"] and packs_of("eve") == []
    pack.cut("ok")
    folder = pack.folder
    removed = delete_pack("mia")
    assert len(removed) == 10 and not folder.exists() and list_packs() == ["leo-2"]


def test_what_a_later_version_writes_is_left_out(pack: Pack) -> None:
    file = pack.folder / "pack.json"
    table = json.loads(file.read_text(encoding="utf-8"))
    table["recipe"]["mood"], table["chosen"] = "blue", ["smile", "grin"]
    file.write_text(json.dumps(table), encoding="utf-8")
    assert load_pack("mia").recipe == pack.recipe and load_pack("mia").chosen == ("smile",)


def test_the_sheet_shows_all(cuts: dict[str, Image.Image], tmp_path: Path) -> None:
    page = pack_sheet(cuts, Look(words="en"))
    assert page.mode == "RGB" and page.width > 900 and page.height > 1000
    assert pack_sheet(dict(list(cuts.items())[:3])).height < 400
