"""The subjects of the benchmark: characters from seeds that nothing was trained on, their selfies and their prompts.

Everything follows from a subject's seed, so anyone who names the seeds repeats the benchmark, and anyone who chooses
others has a benchmark of their own.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workbench.config import atomic_write
from workbench.errors import WorkbenchError
from workbench.generation import Preferences
from workbench.world.character import (
    BACKGROUNDS,
    CLOTHING,
    COLOURS,
    EXPRESSIONS,
    HEADWEAR,
    POSES,
    Character,
    Scene,
    sample_character,
    sample_scene,
)
from workbench.world.draw import draw
from workbench.world.words import scene_words, traits_words

SUBJECT_SEEDS = 800_000
# Characters of training data, of the product's nets and of the judges all lie in here.
TAKEN_SEEDS = range(1_000_000, 10_000_000)
TRIGGER, NOUN = "zkq", "person"
SELFIE_SIZE, PICTURE_SIZE = 640, 256
MOST_SELFIES = 10
# Photos the trainings never see: the judges know a subject by these.
REFERENCES = 5


@dataclass(frozen=True)
class Subject:
    """A subject of the benchmark. Scenes and pictures are made when they are asked for, always the same ones."""

    seed: int

    @property
    def name(self) -> str:
        return f"s{self.seed}"

    @cached_property
    def character(self) -> Character:
        return sample_character(self.seed)

    @cached_property
    def selfie_scenes(self) -> tuple[Scene, ...]:
        """Ten scenes, of which no two share expression and background; a hat is worn in few, as in people's selfies."""
        return _distinct(self.seed, 0, MOST_SELFIES)

    @cached_property
    def reference_scenes(self) -> tuple[Scene, ...]:
        return _distinct(self.seed, 1, REFERENCES)

    def selfies(self, count: int) -> list[Image.Image]:
        """The first `count` selfies, photo-like drawings of 640 px."""
        return [
            draw(self.character, scene, "photo", SELFIE_SIZE, seed=self.seed * 100 + index)
            for index, scene in enumerate(self.selfie_scenes[:count])
        ]

    def references(self) -> list[Image.Image]:
        """Photos that no training sees."""
        return [
            draw(self.character, scene, "photo", PICTURE_SIZE, seed=self.seed * 100 + 50 + index)
            for index, scene in enumerate(self.reference_scenes)
        ]

    def scenes(self, count: int) -> list[Scene]:
        """What the prompts ask for: every word of an attribute comes once before one comes again."""
        random = np.random.default_rng([self.seed, 0x9E4])
        hats = [word for word in HEADWEAR if word != "none"]
        columns: dict[str, list[Any]] = {
            "expression": _spread(random, list(EXPRESSIONS), count),
            "clothing": _spread(random, list(CLOTHING), count),
            "clothing_colour": _spread(random, list(COLOURS), count),
            "background": _spread(random, list(BACKGROUNDS), count),
            "pose": _spread(random, list(POSES), count),
            # Every second picture with a hat: it hides hair, in the true drawings as well.
            "headwear": [
                word for pair in zip(["none"] * count, _spread(random, hats, count), strict=True) for word in pair
            ],
        }
        return [Scene(**{name: words[index] for name, words in columns.items()}) for index in range(count)]

    def truth(self, count: int) -> list[Image.Image]:
        """The world's own drawings of what the prompts ask for: the upper bound."""
        return [draw(self.character, scene, "chibi", PICTURE_SIZE) for scene in self.scenes(count)]


def _distinct(seed: int, kind: int, count: int) -> tuple[Scene, ...]:
    found: list[Scene] = []
    for attempt in range(100 * count):
        bare = {} if len(found) % 5 == 3 else {"headwear": "none"}
        scene = sample_scene(seed * 10_000 + kind * 5_000 + attempt, **bare)
        # There are fewer expressions than selfies: after a round of them they may come again.
        recent = found[-7:]
        if all(scene.background != old.background and scene.expression != old.expression for old in recent):
            found.append(scene)
        if len(found) == count:
            break
    return tuple(found)


def _spread(random: np.random.Generator, words: list[str], count: int) -> list[str]:
    chosen: list[str] = []
    while len(chosen) < count:
        chosen += [words[int(index)] for index in random.permutation(len(words))]
    return chosen[:count]


def subjects(seed_base: int, count: int) -> list[Subject]:
    """`count` subjects from a seed on.

    Raises:
        WorkbenchError: if something was trained on characters of these seeds.
    """
    if seed_base < 0 or (seed_base + count > TAKEN_SEEDS.start and seed_base < TAKEN_SEEDS.stop):
        raise WorkbenchError(
            f"Seeds {seed_base} to {seed_base + count - 1}",
            "training data and the judges use characters of such seeds",
            f"Choose seeds below {TAKEN_SEEDS.start} or from {TAKEN_SEEDS.stop} on",
        )
    return [Subject(seed_base + index) for index in range(count)]


def prompt(scene: Scene, trigger: str = TRIGGER) -> str:
    """The prompt of a picture: names the subject and the scene, no trait. Without a trigger it names anyone."""
    chosen = {
        name: getattr(scene, name) for name in ("expression", "clothing", "clothing_colour", "background", "pose")
    }
    return Preferences(**chosen, headwear=scene.headwear).prompt(trigger, NOUN)


def named_prompt(character: Character, scene: Scene) -> str:
    """The same scene with all traits in words and no trigger, as the base has learnt to read them."""
    who = {"child": "a child", "old": "an old person"}.get(character.age, f"a {character.age} person")
    return f"chibi of {who} with {traits_words(character.to_dict())}, {scene_words(scene)}"


def write_selfies(subject: Subject, count: int, folder: Path) -> Path:
    """Writes selfies as a person would bring them: JPEG files in a folder of their own."""
    for index, picture in enumerate(subject.selfies(count), start=1):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=92)
        atomic_write(folder / f"selfie-{index}.jpg", buffer.getvalue())
    return folder
