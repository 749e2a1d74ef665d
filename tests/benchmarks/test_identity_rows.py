"""What is compared: settings that load, the peer as published, rows chosen by name, steps that fit into a time."""

from __future__ import annotations

import pytest

from benchmarks.identity.peer import Script, fit
from benchmarks.identity.rows import CURVES, LEVERS, OURS, PEER, QUICK, ROWS, choose, with_steps
from workbench.config import ROOT, Settings, changed_settings, load_settings, settings_to_yaml, strengths
from workbench.errors import ConfigError

ALL = [*ROWS, *CURVES, *LEVERS]


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_settings_load_and_survive_being_written(row, tmp_path) -> None:
    settings = load_settings(row.config, list(row.settings))
    (tmp_path / "settings.yaml").write_text(settings_to_yaml(settings), encoding="utf-8")
    assert load_settings(tmp_path / "settings.yaml", []) == settings
    if row.settings:
        assert settings != load_settings(row.config, []) or row.curve  # a point of a curve may be the default itself


def test_names_are_the_only_ones() -> None:
    assert len({row.name for row in ALL}) == len(ALL)
    assert set(QUICK) <= {row.name for row in ROWS}
    assert load_settings(OURS.config, list(OURS.settings)) == Settings(), "ours is the shipped default"


def test_the_peer_is_what_diffusers_publishes() -> None:
    told = changed_settings(load_settings(PEER, []))
    assert told["lora.rank"] == told["lora.alpha"] == 4
    assert told["lora.targets"] == ["to_q", "to_k", "to_v", "to_out.0"] and not told["lora.text_encoder"]
    assert (told["train.steps"], told["train.batch_size"], told["train.learning_rate"]) == (500, 1, 1e-4)
    assert told["train.schedule"] == "constant" and not told["data.class_pictures"] and not told["data.anchors"]
    extras = strengths(told["train.techniques"])
    off = ("warmup", "word_learning_rate", "min_snr_gamma", "captions", "flips", "prior_weight")
    assert [extras[name] for name in off] == [0] * len(off)


def test_rows_are_chosen_by_name_curve_or_speed() -> None:
    assert [row.name for row in choose("ours, base", False, False)] == ["base", "ours"]
    assert [row.at for row in choose("photos", False, False)] == [1, 3, 5, 10]
    assert [row.name for row in choose("", True, False)] == list(QUICK)
    assert {row.kind for row in choose("", True, True)} >= {"script"}
    assert len(choose("", False, False)) == len([row for row in [*ROWS, *CURVES] if row.kind != "script"])
    assert choose("curves", False, False) == list(CURVES)
    assert choose("levers", False, False) == list(LEVERS)


@pytest.mark.parametrize(("names", "words"), [("fly", "no row 'fly'"), ("script-time", "script is not given")])
def test_what_cannot_be_run_is_refused(names: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        choose(names, False, False)


def test_steps_are_put_over_what_the_row_says() -> None:
    row = with_steps(next(row for row in ROWS if row.name == "peer-time"), 37)
    assert load_settings(row.config, list(row.settings)).train.steps == 37


@pytest.mark.parametrize(
    ("start", "each", "steps", "budget", "found"),
    [
        (20.0, 0.5, 150, 95.0, 150),  # the same time, the same steps
        (20.0, 0.1, 150, 95.0, 750),
        (20.0, 0.1, 150, 95.4, 750),  # 754 steps, down to a multiple of ten
        (20.0, 1.0, 150, 95.0, 75),
        (20.0, 1.0, 150, 5.0, 1),  # not even the start fits
        (20.0, 0.0, 150, 95.0, 150),  # a clock too coarse to see a step
    ],
)
def test_steps_that_fit_into_a_time(start: float, each: float, steps: int, budget: float, found: int) -> None:
    measured: list[int] = []

    def seconds(count: int) -> float:
        measured.append(count)
        return start + each * count

    assert fit(seconds, steps, budget) == found
    assert measured == [10, steps]


def test_two_steps_can_be_measured_too() -> None:
    assert fit(lambda count: 3.0 + count, 2, 10.0) == 7


def test_the_peers_script_gets_the_published_launch_line() -> None:
    command = Script(ROOT / "train_dreambooth_lora.py", "python").command(ROOT, ROOT / "photos", ROOT / "out", 500)
    words = dict(word.removeprefix("--").split("=", 1) for word in command if word.startswith("--") and "=" in word)
    assert words["learning_rate"] == "1e-4" and words["lr_scheduler"] == "constant" and words["lr_warmup_steps"] == "0"
    assert words["train_batch_size"] == "1" and words["max_train_steps"] == "500"
    assert words["instance_prompt"] == "a photo of zkq person" and "with_prior_preservation" not in words
