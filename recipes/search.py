"""Looks for better settings within a time budget: Optuna proposes, short runs learn, the likeness score judges.

    python recipes/search.py photos=DIR name=NAME --minutes 60
    python recipes/search.py --config recipes/configs/identity.yaml photos=DIR name=NAME --minutes 60 --json

A part of the photos is held back from every run (`--held-out`, 1 of 4 by default): the pictures that a trial draws are
compared with those, so that learning by heart does not win. Each trial is a run of its own, `NAME-search-3`, in a
process of its own. What was tried is kept in `workspace/search/NAME.log`; the same line again goes on from there.

It needs Optuna (`pip install optuna`). The best settings are printed and written as YAML, ready for `--config`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

if find_spec("workbench") is None:  # not installed; but this file lies in the repository, beside the package
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from workbench.config import (
    Settings,
    atomic_write,
    changed_settings,
    find_path,
    home,
    load_settings,
    make_folder,
    settings_to_yaml,
    strengths,
    wished,
    with_settings,
)
from workbench.device import prepare_environment
from workbench.errors import ConfigError, PhotoError, TrainingError, WorkbenchError
from workbench.jobs import forget_person
from workbench.privacy import read_private, write_private

RECIPE = Path(__file__).with_name("train_lora.py")
# Other words than the previews': a score on what every run shows anyway would be tuned to it.
PROMPTS = (
    "chibi of {trigger} {class_noun}, laughing, wearing a green sweater, beach background",
    "chibi of {trigger} {class_noun}, calm, wearing a white shirt, gray background",
    "chibi of {trigger} {class_noun}, sad, wearing a blue dress, forest background",
    "chibi of {trigger} {class_noun}, smiling, wearing a kimono, pink background",
)
SEEDS = (101, 102)
USUAL_WORD_RATE = 1e-3  # where the settings have none


def main(arguments: list[str] | None = None) -> int:
    """Searches, prints what was found, and returns the exit code."""
    parser = argparse.ArgumentParser(description="Looks for better settings within a time budget.")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings to start from")
    parser.add_argument("--minutes", type=float, default=60.0, help="time budget; a trial that has begun is finished")
    parser.add_argument("--trials", type=int, default=1000, help="at most so many trials")
    parser.add_argument("--held-out", type=float, default=0.25, help="share of the photos that judge and do not teach")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("settings", nargs="*", metavar="key=value", help="single settings: photos=DIR name=NAME")
    options = parser.parse_args(arguments)
    prepare_environment()
    try:
        settings = load_settings(options.config, options.settings)
        best = search(settings, 60 * options.minutes, options.trials, options.held_out)
    except WorkbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(best, indent=2))
    else:
        print(f"best of {best['trials']} trials: score {best['score']:.3f}, {best['settings']}")
        print(f"accelerate launch --config_file accelerate_config.yaml recipes/train_lora.py --config {best['file']}")
    return 0


def search(settings: Settings, seconds: float, trials: int, share: float) -> dict[str, Any]:
    """The story: photos apart, proposals, runs, scores, the best.

    Args:
        settings: what all trials have in common.
        seconds: time budget.
        trials: at most so many.
        share: of the photos that are held back.

    Raises:
        ConfigError: if Optuna is not installed.
        PhotoError: if there are too few photos to hold one back.
    """
    try:
        import optuna
    except ImportError:
        raise ConfigError("recipes/search.py", "Optuna is not installed", "pip install optuna") from None
    folder = make_folder(home() / "search" / settings.name)
    teach, judge = split_photos(find_path(settings.photos), folder, share)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal = optuna.storages.journal.JournalFileBackend(str(folder.with_suffix(".log")))
    study = optuna.create_study(
        study_name=settings.name,
        storage=optuna.storages.JournalStorage(journal),
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=settings.seed, multivariate=True, n_startup_trials=4),
        load_if_exists=True,
    )
    if not study.trials:
        study.enqueue_trial(usual(settings))  # the settings as they are must be beaten, not only bad luck

    def trial_score(trial: Any) -> float:
        changes = propose(trial, settings)
        name = f"{settings.name}-search-{trial.number}"
        tried = with_settings(settings, changes | {"name": name, "photos": str(teach), "follow.preview_every": 0})
        file = folder / f"trial-{trial.number}.yaml"
        atomic_write(file, settings_to_yaml(tried))
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, str(RECIPE), "--config", str(file)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(f"trial {trial.number} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
            raise optuna.TrialPruned
        score = judge_adapter(tried, judge)
        forget_person(name)  # a trial's crops, run and adapter are nobody's avatar
        print(f"trial {trial.number}: {score:.3f} in {time.perf_counter() - began:.0f} s, {changes}", flush=True)
        return score

    try:
        study.optimize(trial_score, n_trials=trials, timeout=seconds)
    finally:
        shutil.rmtree(teach, ignore_errors=True)
    if not any(trial.value is not None for trial in study.trials):
        raise TrainingError(
            "The search", "no trial came to its end", "Give it more --minutes, or see what failed above"
        )
    best = study.best_trial
    found = with_settings(settings, best.user_attrs["changes"])
    file = folder / "best.yaml"
    atomic_write(file, settings_to_yaml(found))
    return {"score": best.value, "settings": changed_settings(found), "trials": len(study.trials), "file": str(file)}


def split_photos(photos: Path, folder: Path, share: float) -> tuple[Path, tuple[Any, ...]]:
    """Copies the photos that teach into a folder of their own, sealed where the vault is, and crops those that judge.

    Args:
        photos: folder of photos.
        folder: where the copies go.
        share: of the photos that judge; at least one.

    Returns:
        The folder of those that teach, and the crops of the others.

    Raises:
        PhotoError: if fewer than two photos can be used.
    """
    from workbench.dataset.selfies import gather_selfies

    selfies = gather_selfies(str(photos), "")
    count = max(1, round(share * len(selfies.names)))
    if len(selfies.names) - count < 1:
        raise PhotoError(
            str(photos), "a search needs two photos at least: one to learn from, one to judge by", "Add one"
        )
    teach = folder / "photos"
    shutil.rmtree(teach, ignore_errors=True)
    make_folder(teach)
    for file in selfies.files[:-count]:
        write_private(teach / file.name, read_private(file))
    return teach, selfies.crops[-count:]


def usual(settings: Settings) -> dict[str, Any]:
    """The settings as they are, in the words of `propose`."""
    extras = strengths(settings.train.techniques)
    return {
        "learning_rate": settings.train.learning_rate,
        "text_share": extras["text_learning_rate"] / max(settings.train.learning_rate, 1e-9),
        "rank": settings.lora.rank,
        "steps": settings.train.steps,
        "prior_weight": extras["prior_weight"],
        "anchors": settings.data.anchors,
        "word": extras["word_learning_rate"] > 0,
        "word_learning_rate": extras["word_learning_rate"] or USUAL_WORD_RATE,
    }


def propose(trial: Any, settings: Settings) -> dict[str, Any]:
    """Settings to try: those that decide likeness most, around the ones that are set."""
    rate, steps = settings.train.learning_rate, settings.train.steps
    word_rate = strengths(settings.train.techniques)["word_learning_rate"] or USUAL_WORD_RATE
    learning_rate = trial.suggest_float("learning_rate", rate / 5, rate * 5, log=True)
    share = trial.suggest_float("text_share", 0.05, 2.0, log=True)
    rank = trial.suggest_categorical("rank", sorted({4, 8, 16, 32, settings.lora.rank}))
    word = trial.suggest_categorical("word", [False, True])
    extras = {
        "text_learning_rate": learning_rate * share,
        "prior_weight": trial.suggest_float("prior_weight", 0.0, 8.0),
        "word_learning_rate": 0.0,
    }
    if word:
        low, high = word_rate / 5, min(1.0, word_rate * 5)
        extras["word_learning_rate"] = trial.suggest_float("word_learning_rate", low, high, log=True)
    changes = {
        "train.learning_rate": learning_rate,
        "lora.rank": rank,
        "lora.alpha": float(rank),
        "train.steps": trial.suggest_int("steps", max(1, steps // 2), steps * 2, log=True),
        "data.anchors": trial.suggest_categorical("anchors", sorted({0, 8, 16, 32, settings.data.anchors})),
        "train.techniques": wished(settings.train.techniques | extras),
    }
    trial.set_user_attr("changes", changes)
    return changes


def judge_adapter(settings: Settings, photos: tuple[Any, ...]) -> float:
    """Draws with a finished adapter and compares with photos it has not seen.

    Returns:
        0 to 1: the mean of the probability that the pictures show the person and of the traits found in them, times
        how surely they are chibis. Where likeness cannot be told, the traits alone.
    """
    from workbench.captions import check_traits, read_traits
    from workbench.generation import Engine, Request
    from workbench.identity import likeness, trait_agreement

    engine = Engine(settings.base)
    pictures = []
    for prompt in PROMPTS:
        words = prompt.format(trigger=settings.trigger, class_noun=settings.class_noun)
        for seed in SEEDS:
            request = Request(words, seed=seed, count=1, adapters=[(settings.name, 1.0)])
            pictures += [picture.image for picture in engine.generate(request)]
    traits = {name: reading.value for name, reading in read_traits(photos).items()} | check_traits(settings.traits)
    agreement = trait_agreement(pictures, traits)
    known = [each.probability for each in likeness(pictures, photos, traits) if each.probability is not None]
    score = (sum(known) / len(known) + agreement.score) / 2 if known else agreement.score
    return score * agreement.style


if __name__ == "__main__":
    sys.exit(main())
