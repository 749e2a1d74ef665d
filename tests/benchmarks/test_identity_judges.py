"""The judges: their drawings, what they learn in seconds, and that the weights which ship see what is drawn."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.identity import judge_data
from benchmarks.identity.judges import HERE, STAGES, Judges, load_net, new_net, save_net
from workbench.captions.reader import ANSWERS

LARGEST = 3_000_000
LEARN = 64


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """64 characters in one small chunk."""
    folder = tmp_path_factory.mktemp("drawings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge_data, "CHUNK", LEARN)
        judge_data.render(folder, LEARN, bar=False)
    return folder


def test_a_character_is_drawn_in_four_scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_data, "CHUNK", 2)
    [path] = judge_data.render(tmp_path, 2, bar=False)
    before = path.stat().st_mtime_ns
    assert judge_data.render(tmp_path, 1, bar=False) == [path] and path.stat().st_mtime_ns == before
    pictures, answers = judge_data.load([path])
    assert pictures.shape == (2, 4, 144, 144, 3) and answers.shape == (2, 4, len(ANSWERS))
    names = list(ANSWERS)
    trait, style = names.index("hair_style"), names.index("style")
    assert (answers[:, :, trait] == answers[:, :1, trait]).all(), "one character has one hair style"
    assert answers[0, :, style].tolist() == [0, 0, 1, 1]
    assert (answers[:, :2, names.index("light")] == -100).all() and (answers[:, 2:, names.index("pose")] == -100).all()
    assert len({pictures[0, view].tobytes() for view in range(4)}) == 4
    assert np.array_equal(pictures[1, 2], judge_data.drawing(1, 2))


@pytest.mark.parametrize("stage", STAGES)
def test_weights_carry_their_facts_and_stay_small(stage: str, tmp_path: Path) -> None:
    path = tmp_path / f"{stage}.safetensors"
    net = new_net(stage)
    save_net(path, net, {"samples": 7}, half=True)
    assert path.stat().st_size <= LARGEST
    assert load_net(path, new_net(stage)) == {"samples": 7}


@pytest.mark.slow
def test_both_learn_and_go_on_from_what_they_learnt(drawings: Path, tmp_path: Path) -> None:
    from benchmarks.identity import judge_training
    from benchmarks.identity.judge_training import LOSSES, train

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge_data, "CHUNK", LEARN)
        # A second a step: the same steps are taken on any machine.
        patch.setattr(judge_training, "_computed", itertools.count().__next__)
        pictures, answers = judge_data.load(judge_data.render(drawings, LEARN, bar=False))
        for stage in STAGES:
            before = LOSSES[stage](new_net(stage), pictures, answers, np.random.default_rng(0)).item()
            train(stage, drawings, tmp_path, minutes=40 / 60, characters=LEARN)
            net = new_net(stage)
            facts = load_net(tmp_path / f"{stage}.safetensors", net)
            after = LOSSES[stage](net.train(), pictures, answers, np.random.default_rng(0)).item()
            assert after < 0.97 * before
            train(stage, drawings, tmp_path, minutes=2 / 60, characters=LEARN)
            assert load_net(tmp_path / f"{stage}.safetensors", net)["samples"] > facts["samples"] > 0


def test_the_judges_that_ship_see_what_is_drawn() -> None:
    from PIL import Image

    judges = Judges()
    for stage in STAGES:
        assert (HERE / f"{stage}.safetensors").stat().st_size <= LARGEST
        assert judges.facts[stage]["accuracy"] and judges.facts[stage]["seeds"] == judge_data.JUDGE_SEEDS
        json.dumps(judges.facts[stage])
    people = range(24)
    views = [
        judges.look([Image.fromarray(judge_data.drawing(i, view, judge_data.HELD_OUT_SEEDS + 500)) for i in people])
        for view in (0, 2)
    ]
    right = np.array([judge_data.answers_of(i, 0, judge_data.HELD_OUT_SEEDS + 500) for i in people])
    names = [name for name in ANSWERS if name != "light"]
    columns = [list(ANSWERS).index(name) for name in names]
    assert (views[0].found[:, columns] == right[:, columns]).mean() > 0.85
    nearest = (views[0].places @ views[1].places.T).argmax(axis=1)
    assert (nearest == np.arange(24)).mean() > 0.5, "chibis are matched with one photo of the same character"
