"""Drawings rendered in parallel and kept packed on disk, as training data for chibi-mini and the small nets.

Drawing number `i` of a style is always the same picture: character `i`, with a scene of its own per style. Packs are
plain uint8 arrays in chunks of 256 drawings, each written once under a temporary name and then renamed, so rendering
can be stopped and continued at any moment and read while it grows.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from workbench.world.character import Character, Scene, sample_character, sample_scene
from workbench.world.draw import Style, draw

CHUNK = 256
TRAINING_SEEDS = 1_000_000  # characters of the training data start here; everything below is free for samples and tests


def character_of(index: int) -> Character:
    """The character of training drawing `index`."""
    return sample_character(TRAINING_SEEDS + index)


def scene_of(index: int, style: Style) -> Scene:
    """The scene of training drawing `index` in a style: the same person is met in two different scenes."""
    return sample_scene(TRAINING_SEEDS + 2 * index + (style == "photo"))


def chunk_path(folder: Path, style: Style, chunk: int, size: int, transparent: bool = False) -> Path:
    return folder / f"{style}{'-cut' if transparent else ''}-{size}-{chunk:05d}.npy"


def _render_chunk(folder: Path, style: Style, chunk: int, size: int, transparent: bool) -> Path:
    path = chunk_path(folder, style, chunk, size, transparent)
    pictures = np.empty((CHUNK, size, size, 3 + transparent), dtype=np.uint8)
    for offset in range(CHUNK):
        index = chunk * CHUNK + offset
        drawn = draw(character_of(index), scene_of(index, style), style, size, index, transparent)
        pictures[offset] = np.asarray(drawn)
    part = path.with_suffix(f".part{os.getpid()}")
    with part.open("wb") as file:
        np.save(file, pictures, allow_pickle=False)
    part.rename(path)
    return path


def render_pack(
    folder: Path, style: Style, count: int, size: int = 256, processes: int | None = None, transparent: bool = False
) -> list[Path]:
    """Renders the first `count` training drawings of a style, skipping chunks that are already there.

    Args:
        folder: where the chunks are kept.
        style: `chibi` or `photo`.
        count: how many drawings, rounded up to whole chunks.
        size: pixels.
        processes: how many at a time; None takes one per core.
        transparent: with the person's cover as a fourth channel, kept beside the others.

    Returns:
        The chunks' paths, in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chunks = range(-(-count // CHUNK))
    paths = [chunk_path(folder, style, c, size, transparent) for c in chunks]
    missing = [c for c, path in zip(chunks, paths, strict=True) if not path.exists()]
    if missing:
        with ProcessPoolExecutor(processes) as pool:
            jobs = [pool.submit(_render_chunk, folder, style, c, size, transparent) for c in missing]
            for job in jobs:
                job.result()
    return paths


class Pack:
    """The rendered drawings of one style, read from disk as they are asked for.

    Args:
        folder: where `render_pack` put them.
        style: `chibi` or `photo`.
        size: pixels.
        in_memory: read everything now, for training that picks at random; else read from disk when asked for.
        transparent: the drawings with a fourth channel.
    """

    def __init__(
        self, folder: Path, style: Style, size: int = 256, in_memory: bool = False, transparent: bool = False
    ) -> None:
        self.style: Style = style
        self.chunks: list[np.ndarray] = []
        while (path := chunk_path(folder, style, len(self.chunks), size, transparent)).exists():
            self.chunks.append(np.load(path, mmap_mode=None if in_memory else "r"))

    def __len__(self) -> int:
        return len(self.chunks) * CHUNK

    def __getitem__(self, index: int) -> np.ndarray:
        """Drawing `index` as uint8 `(size, size, 3)`, or with a fourth channel."""
        return np.asarray(self.chunks[index // CHUNK][index % CHUNK])
