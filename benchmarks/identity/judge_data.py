"""Drawings for the judges: characters of their own seeds, each drawn twice as a chibi and twice as a photo.

Chunks are rendered once, under a temporary name and then renamed, so rendering can be stopped at any moment.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from workbench.captions.reader import ANSWERS, truth
from workbench.config import make_folder
from workbench.world.character import Character, Scene, sample_character, sample_scene
from workbench.world.draw import Style, draw

JUDGE_SEEDS = 6_000_000
HELD_OUT_SEEDS = 6_900_000
CHUNK = 128  # characters
SIZE = 144  # 128 px with room for shifted crops
VIEWS: tuple[tuple[Style, int], ...] = (("chibi", 0), ("chibi", 1), ("photo", 0), ("photo", 1))


def character_of(index: int, seeds: int = JUDGE_SEEDS) -> Character:
    return sample_character(seeds + index)


def scene_of(index: int, view: int, seeds: int = JUDGE_SEEDS) -> Scene:
    """No two drawings of a character share a scene: what they have in common is the person."""
    return sample_scene(seeds + 4 * index + view)


def drawing(index: int, view: int, seeds: int = JUDGE_SEEDS) -> np.ndarray:
    """Drawing `view` of character `index`: drawn at 256 px like the pictures to be judged, then shrunk; uint8."""
    style, number = VIEWS[view]
    picture = draw(character_of(index, seeds), scene_of(index, view, seeds), style, 256, seed=4 * index + number)
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX))


def answers_of(index: int, view: int, seeds: int = JUDGE_SEEDS) -> list[int]:
    """The right answers in the order of `ANSWERS`; -100 for what a style does not show."""
    style = VIEWS[view][0]
    right = truth(character_of(index, seeds), scene_of(index, view, seeds), style)
    right["light" if style == "chibi" else "pose"] = -100
    return [right[name] for name in ANSWERS]


def render(folder: Path, characters: int, seeds: int = JUDGE_SEEDS, bar: bool = True) -> list[Path]:
    """Renders what is missing of the first `characters`, rounded up to whole chunks of 128.

    Returns:
        The chunks' files, in order; each holds uint8 `(128, 4, 144, 144, 3)`.
    """
    make_folder(folder)
    paths = [folder / f"{seeds}-{SIZE}-{chunk:04d}.npy" for chunk in range(-(-characters // CHUNK))]
    for chunk, path in enumerate(tqdm(paths, "drawings of the judges", unit="chunk", disable=not bar)):
        if path.exists():
            continue
        pictures = np.empty((CHUNK, len(VIEWS), SIZE, SIZE, 3), dtype=np.uint8)
        for offset in range(CHUNK):
            for view in range(len(VIEWS)):
                pictures[offset, view] = drawing(chunk * CHUNK + offset, view, seeds)
        part = path.with_suffix(f".part{os.getpid()}")
        with part.open("wb") as file:
            np.save(file, pictures, allow_pickle=False)
        part.rename(path)
    return paths


def load(paths: list[Path], seeds: int = JUDGE_SEEDS) -> tuple[np.ndarray, np.ndarray]:
    """Pictures `(characters, 4, 144, 144, 3)` and answers `(characters, 4, attributes)`."""
    pictures = np.concatenate([np.load(path, allow_pickle=False) for path in paths])
    return pictures, np.concatenate([_answers(path, chunk, seeds) for chunk, path in enumerate(paths)])


def _answers(chunk_path: Path, chunk: int, seeds: int) -> np.ndarray:
    """Kept beside the drawings: to sample 16,000 scenes again takes ten seconds."""
    path = chunk_path.with_name(f"{chunk_path.stem}-answers.npy")
    if not path.exists():
        rows = [[answers_of(chunk * CHUNK + i, view, seeds) for view in range(len(VIEWS))] for i in range(CHUNK)]
        np.save(path, np.array(rows), allow_pickle=False)
    return np.asarray(np.load(path, allow_pickle=False))
