"""What a person asks for: a `Request` of pictures, and `Preferences` that write the prompt.

Both check themselves when they are made, so a bad one never reaches the engine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from workbench.errors import GenerationError
from workbench.world.character import CHARACTER_WORDS, SCENE_WORDS
from workbench.world.words import scene_words, traits_words

LONGEST_PROMPT = 2_000
LARGEST_SEED = 2**32 - 1
MOST_CANDIDATES = 16
MOST_STEPS = 150
MOST_GUIDANCE = 30.0
MOST_STRENGTH = 2.0
MOST_ADAPTERS = 4
SIZES = (16, 2048)
ENLARGEMENTS = (1, 2, 4)


@dataclass(frozen=True)
class Variation:
    """How far the noise a picture begins with is turned towards the noise of another seed.

    Args:
        seed: the other one, 0 to 2**32 - 1.
        strength: 0 is the picture itself, 1 the other seed's; between them the noise runs along the arc.

    Raises:
        GenerationError: something is out of range.
    """

    seed: int
    strength: float

    def __post_init__(self) -> None:
        _check(_number(self.seed, 0, LARGEST_SEED), "The variation's seed", f"{self.seed!r} is out of range",
               f"Choose a whole number from 0 to {LARGEST_SEED}")  # fmt: skip
        _check(_number(self.strength, 0, 1, whole=False), "The strength of the variation",
               f"{self.strength!r} is out of range", "Choose 0 (the same) to 1 (another seed)")  # fmt: skip


@dataclass(frozen=True)
class Start:
    """A picture that the drawing begins from instead of from noise alone.

    Args:
        picture: the name that `keep_start` gave it.
        noise: how much of it noise covers first: near 0 hardly changes it, 1 forgets it.
        mask: the name of a picture that is white where to draw anew; empty draws everything anew.

    Raises:
        GenerationError: something is out of range.
    """

    picture: str
    noise: float = 0.6
    mask: str = ""

    def __post_init__(self) -> None:
        for name in filter(None, (self.picture or "?", self.mask)):
            _check(isinstance(name, str) and bool(re.fullmatch(r"[0-9a-f]{64}", name)), "The picture to begin from",
                   f"{str(name)[:80]!r} is no name of one", "Choose the picture again")  # fmt: skip
        _check(_number(self.noise, 0.01, 1, whole=False), "The change", f"{self.noise!r} is out of range",
               "Choose 0.01 (hardly any) to 1 (all new)")  # fmt: skip


@dataclass(frozen=True)
class Request:
    """Pictures to make.

    Args:
        prompt: what to draw.
        negative: what to stay away from.
        seed: of the first candidate, 0 to 2**32 - 1; candidate i has seed + i (which may wrap around).
        count: number of candidates, 1 to 16.
        steps: sampling steps, 1 to 150; 0 takes the base's own.
        guidance: how closely to follow the prompt, 1 (not at all) to 30; 0 takes the base's own.
        adapters: (name on the shelf, strength from -2 to 2), at most 4.
        size: side in pixels; 0 takes the base's own.
        variation: turns the beginning towards another seed; candidate i then keeps the seed and takes the variation's
            seed + i.
        start: begins from a picture.
        enlarge: 2 or 4 enlarges the finished picture by Lanczos, without the base.

    Words of the prompt can be weighted, as in `(smiling:1.3)`; see `weights.py`.

    Raises:
        GenerationError: something is out of range.
    """

    prompt: str
    negative: str = ""
    seed: int = 0
    count: int = 4
    steps: int = 0
    guidance: float = 0.0
    adapters: Sequence[tuple[str, float]] = ()
    size: int = 0
    variation: Variation | None = None
    start: Start | None = None
    enlarge: int = 1

    def __post_init__(self) -> None:
        check, number = _check, _number
        check(isinstance(self.prompt, str) and bool(self.prompt.strip()), "The prompt", "it is empty",
              "Say what to draw, for example: chibi of a person, smiling")  # fmt: skip
        for thing, text in (("The prompt", self.prompt), ("The negative prompt", self.negative)):
            check(isinstance(text, str) and len(text) <= LONGEST_PROMPT, thing,
                  f"it is longer than {LONGEST_PROMPT} letters", "Shorten it")  # fmt: skip
        check(number(self.seed, 0, LARGEST_SEED), "The seed", f"{self.seed!r} is out of range",
              f"Choose a whole number from 0 to {LARGEST_SEED}")  # fmt: skip
        check(number(self.count, 1, MOST_CANDIDATES), "The number of candidates", f"{self.count!r} is out of range",
              f"Choose 1 to {MOST_CANDIDATES}")  # fmt: skip
        check(number(self.steps, 0, MOST_STEPS), "The steps", f"{self.steps!r} is out of range",
              f"Choose 1 to {MOST_STEPS}, or 0 for the base's own")  # fmt: skip
        check(self.guidance == 0 or number(self.guidance, 1, MOST_GUIDANCE, whole=False), "The guidance",
              f"{self.guidance!r} is out of range",
              f"Choose 1 to {MOST_GUIDANCE:g}, or 0 for the base's own")  # fmt: skip
        check(self.size == 0 or number(self.size, *SIZES), "The size", f"{self.size!r} is out of range",
              f"Choose {SIZES[0]} to {SIZES[1]} pixels, or 0 for the base's own")  # fmt: skip
        check(number(self.enlarge, 1, 4) and self.enlarge in ENLARGEMENTS, "The enlargement",
              f"{self.enlarge!r} is not possible", "Choose 2 or 4, or 1 for none")  # fmt: skip
        self._check_adapters()

    def _check_adapters(self) -> None:
        check, number = _check, _number
        pairs = self.adapters
        whole = isinstance(pairs, Sequence) and not isinstance(pairs, str)
        whole = whole and all(
            isinstance(pair, Sequence) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs
        )
        check(whole, "The adapters", "they are not pairs of a name and a strength", "Write for example mia and 0.8")
        object.__setattr__(self, "adapters", tuple((name, strength) for name, strength in pairs))
        check(len(pairs) <= MOST_ADAPTERS, "The adapters", f"there are {len(pairs)}", f"Choose at most {MOST_ADAPTERS}")
        names = [name for name, _ in pairs]
        for name, strength in pairs:
            check(number(strength, -MOST_STRENGTH, MOST_STRENGTH, whole=False), f"The strength of {name!r}",
                  f"{strength!r} is out of range",
                  f"Choose a number from -{MOST_STRENGTH:g} to {MOST_STRENGTH:g}; 1 is as trained")  # fmt: skip
            check(names.count(name) == 1, f"The adapter {name!r}", "it is chosen twice", "Choose it once, stronger")


def _check(fits: bool, thing: str, reason: str, way_out: str) -> None:
    if not fits:
        raise GenerationError(thing, reason, way_out)


def _number(value: Any, low: float, high: float, whole: bool = True) -> bool:
    kind = isinstance(value, int) if whole else isinstance(value, int | float) and math.isfinite(value)
    return kind and not isinstance(value, bool) and low <= value <= high


@dataclass(frozen=True)
class Preferences:
    """What a person picks from lists instead of writing a prompt; empty means not said.

    The words are those of the chibi world, which the built-in base has learnt.

    Args:
        hair_style, hair_colour, eye_colour, glasses, facial_hair, skin, age: of the person; leave them empty for a
            person whom an adapter knows, or set them to change that person.
        expression, clothing, clothing_colour, headwear, background, pose: of the picture.
        extra: any other words, put at the end.

    Raises:
        GenerationError: a word is not in its list.
    """

    hair_style: str = ""
    hair_colour: str = ""
    eye_colour: str = ""
    glasses: str = ""
    facial_hair: str = ""
    skin: str = ""
    age: str = ""
    expression: str = ""
    clothing: str = ""
    clothing_colour: str = ""
    headwear: str = ""
    background: str = ""
    pose: str = ""
    extra: str = ""

    def __post_init__(self) -> None:
        for name, words in choices().items():
            chosen = getattr(self, name)
            if chosen and chosen not in words:
                raise GenerationError(
                    f"The {name.replace('_', ' ')}", f"{chosen!r} is not in its list", f"Choose {', '.join(words)}"
                )

    def prompt(self, trigger: str = "", class_noun: str = "person") -> str:
        """Writes the prompt.

        Args:
            trigger: the adapter's word for the person; empty draws anyone.
            class_noun: what the person is.

        Returns:
            `chibi of zkq person, smiling, wearing a red hoodie, blue background`; without a trigger
            `chibi of a young person with long straight black hair, smiling, …`.
        """
        said = {key: value for key, value in asdict(self).items() if value}
        noun = class_noun.strip() or "person"
        age = said.pop("age", "")
        if not trigger:
            who = "a child" if (age, noun) == ("child", "person") else " ".join(filter(None, (age, noun)))
            who = who if who == "a child" else f"{'an' if who[0] in 'aeiou' else 'a'} {who}"
        else:
            who = " ".join(filter(None, (trigger.strip(), age if age != "child" else "", noun)))
        traits = traits_words(said)
        scene = scene_words(said, "chibi")
        first = f"chibi of {who}" + (f" with {traits}" if traits else "")
        return ", ".join(part for part in (first, scene, self.extra.strip(" ,")) if part)


def choices() -> dict[str, list[str]]:
    """For each preference, the words to choose from."""
    tables: Mapping[str, Mapping[str, float]] = CHARACTER_WORDS | SCENE_WORDS
    return {field.name: list(tables[field.name]) for field in fields(Preferences) if field.name in tables}
