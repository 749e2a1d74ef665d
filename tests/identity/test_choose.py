"""Which checkpoint is taken: the best one, unless the difference may be chance."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from workbench.config import home
from workbench.identity.choose import Chooser, Score, choose, read_scores
from workbench.identity.likeness import WorldScorer
from workbench.training import RunFolder
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw

PROMPTS = ["chibi of zkq person, smiling", "chibi of zkq person, sad", "photo of zkq person, smiling"]
TRAITS = sample_character(711).to_dict()


def score(step: int, *each: float, by: str = "likeness") -> Score:
    return Score(step, each, by, 0.5)


def test_the_best_wins_when_it_is_better_than_chance() -> None:
    taken = choose([score(50, 0.5, 0.5, 0.5), score(100, 0.9, 0.8, 0.85), score(150, 0.3, 0.25, 0.3)])
    assert (taken.step, taken.last) == (100, False) and "0.85 after step 100, 0.28 after step 150" in taken.why


def test_otherwise_the_last_one_is_taken() -> None:
    taken = choose([score(50, 0.9, 0.1, 0.6), score(100, 0.2, 0.7, 0.6)])
    assert (taken.step, taken.last) == (100, True) and "no more than chance" in taken.why
    assert choose([score(50, 0.4), score(100, 0.5)]).step == 100
    assert choose([score(50, 0.5, 0.5), score(100, 0.5, 0.5)]).step == 100
    assert choose([]).step == 0


def test_scores_of_different_kinds_are_not_compared() -> None:
    assert choose([score(50, 0.9, 0.9, by="traits"), score(100, 0.1, 0.1)]).step == 100


@pytest.fixture
def run() -> RunFolder:
    folder = RunFolder(home() / "runs" / "mia")
    folder.status("running")
    folder.add_metrics([{"step": step, "loss": 0.5} for step in range(1, 7)])
    return folder


def preview(person: int, style: str = "chibi") -> list[Image.Image]:
    styles = [style, style, "photo"]
    scenes = [sample_scene(20 * person + i, headwear="none", light="daylight") for i in range(3)]
    return [
        draw(sample_character(person), s, k, 256, seed=i) for i, (s, k) in enumerate(zip(scenes, styles, strict=True))
    ]  # type: ignore[arg-type]


def photos(person: int) -> list[Image.Image]:
    scenes = [sample_scene(30 * person + i, headwear="none", light="daylight") for i in range(3)]
    return [draw(sample_character(person), scene, "photo", 256, seed=i) for i, scene in enumerate(scenes)]


@pytest.mark.slow
def test_previews_are_scored_and_the_best_adapter_is_kept(run: RunFolder, scorer: WorldScorer) -> None:
    chooser = Chooser(run, photos(711), TRAITS, patience=2, scorer=scorer)
    assert chooser.told == ""
    stranger, person, photographic = preview(714), preview(711), preview(711, "photo")
    chooser.look(2, stranger, PROMPTS, {"a": torch.zeros(2)})
    best = chooser.look(4, person, PROMPTS, {"a": torch.ones(2)})
    assert not chooser.gives_up
    worse = chooser.look(5, photographic, PROMPTS, {"a": torch.full((2,), 2.0)})
    assert worse.each[:2] == (0.0, 0.0), "a photo is not what a chibi's prompt asks for"
    chooser.look(6, stranger, PROMPTS, {"a": torch.full((2,), 3.0)})
    assert chooser.best == best and chooser.gives_up and best.by == "likeness"

    loaded: dict[str, torch.Tensor] = {}
    adapter = SimpleNamespace(load_state=loaded.update)
    taken = chooser.settle(adapter, 6)
    assert taken.step == 4 and torch.equal(loaded["a"], torch.ones(2)) and chooser.kept(2) is None
    assert chooser.settle(adapter, 6, keep_best=False).step == 6
    (run.folder / "best.safetensors").unlink()
    assert "is gone" in chooser.settle(adapter, 6).why
    final = chooser.final(person, PROMPTS)
    assert final["likeness"] == pytest.approx(best.mean, abs=1e-3) and {"traits", "likely"} <= final.keys()
    lines = run.metrics()
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6], "one line for each step"
    assert lines[3]["likeness"] == pytest.approx(best.mean, abs=1e-3) and "likeness" not in lines[2]
    assert [one.step for one in read_scores(lines)] == [2, 4, 5, 6]


@pytest.mark.slow
def test_faces_of_photographic_pictures_are_compared_with_photos_held_out(run: RunFolder, scorer: WorldScorer) -> None:
    chooser = Chooser(run, photos(711), TRAITS, held_out=1, scorer=scorer)
    own = chooser.look(2, preview(711), PROMPTS, {})
    assert own.face is not None and own.face < 0.6
    assert read_scores(run.metrics())[0].face == own.face


@pytest.mark.slow
def test_a_continued_run_knows_the_scores_of_the_first_attempt(run: RunFolder, scorer: WorldScorer) -> None:
    first = Chooser(run, photos(711), TRAITS, scorer=scorer)
    first.look(2, preview(711), PROMPTS, {"a": torch.zeros(2)})
    first.look(4, preview(714), PROMPTS, {"a": torch.ones(2)})
    second = Chooser(run, photos(711), TRAITS, start=3, scorer=scorer)
    assert list(second.scores) == [2] and second.scores[2] == first.scores[2]
    assert second.kept(2) is not None


@pytest.mark.slow
def test_without_a_scorer_traits_decide(run: RunFolder, tmp_path: Path) -> None:
    chooser = Chooser(run, photos(711), TRAITS, scorer="no such model")
    assert "no such folder" in chooser.told
    own = chooser.look(2, preview(711), PROMPTS, {})
    other = chooser.look(4, preview(714), PROMPTS, {})
    assert own.by == other.by == "traits" and own.mean > other.mean and own.likely is None
    noted = json.loads((run.folder / "metrics.jsonl").read_text().splitlines()[1])["trait_score"]
    assert noted == pytest.approx(own.mean, abs=1e-4)
    assert np.isclose(own.mean, own.traits, atol=0.02)
