"""The search: what it tries, whom it lets judge, and one whole trial on a tiny base."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

import pytest
from loaded import load_recipe
from tiny import make_tiny_base

from workbench.config import ROOT, Settings, home, load_settings, shelf, with_settings
from workbench.errors import PhotoError

optuna = pytest.importorskip("optuna")


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    return load_recipe("search")


def test_the_first_trial_is_the_settings_as_they_are(recipe: ModuleType) -> None:
    settings = Settings()
    changes = recipe.propose(optuna.trial.FixedTrial(recipe.usual(settings)), settings)
    assert with_settings(settings, changes) == settings


def test_the_photos_that_judge_do_not_teach(recipe: ModuleType, tmp_path: Path) -> None:
    photos = ROOT / "examples" / "selfies"
    teach, judge = recipe.split_photos(photos, tmp_path, 0.25)
    files = {path.name for path in photos.iterdir() if path.suffix in (".png", ".jpg")}
    kept = {path.name for path in teach.iterdir()}
    assert judge and kept < files and len(kept) + len(judge) <= len(files)

    (tmp_path / "one").mkdir()
    shutil.copy(photos / sorted(files)[0], tmp_path / "one")
    with pytest.raises(PhotoError, match="two photos at least"):
        recipe.split_photos(tmp_path / "one", tmp_path, 0.25)


@pytest.mark.slow
def test_a_trial_leaves_settings_and_nothing_of_the_person(recipe: ModuleType, tmp_path: Path) -> None:
    base = make_tiny_base(tmp_path / "tiny")
    words = [f"base={base}", f"photos={ROOT / 'examples' / 'selfies'}", "name=mia", "train.steps=2", "batch_size=2"]
    words += ["data.class_pictures=0", "prior_weight=0", "trackers="]
    assert recipe.main([*words, "--trials", "1", "--minutes", "5"]) == 0
    found = load_settings(home() / "search" / "mia" / "best.yaml")
    assert found.name == "mia" and found.train.steps == 2
    assert not (home() / "search" / "mia" / "photos").exists()
    assert not list(shelf().glob("*.safetensors")) and not list((home() / "runs").glob("mia-*"))
