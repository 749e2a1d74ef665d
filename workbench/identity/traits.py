"""Trait agreement: which of a person's visible traits are found in pictures of them.

The reader of `workbench.captions` looks at each picture; a trait counts as found with the probability the reader gives
to the person's own value. It is a measure of what words can tell (hair, skin, glasses, beard, …), not of a face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from workbench.captions.reader import ANSWERS, probabilities

# Traits plainly seen in a chibi, with their share in the score. Eye shape, brows and face shape are left out: the
# reader is unsure of them in small pictures, and an unsure judge would add noise, not knowledge.
WEIGHTS: dict[str, float] = {
    "hair_colour": 3.0, "hair_style": 3.0, "skin": 2.0, "glasses": 2.0, "facial_hair": 2.0, "eye_colour": 1.0,
    "age": 0.5, "freckles": 0.5,
}  # fmt: skip

Mark = Literal["✓", "✗", "?"]
# From this share on a trait is there, below that one it is not; in between the reader cannot tell.
FOUND, MISSING = 0.6, 0.2


@dataclass(frozen=True)
class Agreement:
    """How well pictures show a person's traits.

    Args:
        score: weighted share of traits found, 0 to 1, mean over pictures.
        per_trait: the same for each trait alone.
        style: how surely the pictures are chibis, 0 to 1.
    """

    score: float
    per_trait: dict[str, float]
    style: float

    def to_dict(self) -> dict[str, Any]:
        return {"score": self.score, "per_trait": self.per_trait, "style": self.style}


def _found(pictures: Sequence[Image.Image], traits: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    said = probabilities(pictures)
    known = {name: ANSWERS[name].index(traits[name]) for name in WEIGHTS if name in traits}
    return {name: said[name][:, index] for name, index in known.items()}, said["style"][:, 0]


def trait_agreement(pictures: Sequence[Image.Image], traits: Mapping[str, Any]) -> Agreement:
    """Looks for a person's traits in pictures.

    Args:
        pictures: at least one; any size.
        traits: trait -> word, as read from the photos or corrected by the person; missing ones are not scored.

    Returns:
        The agreement; its score is 0 when no trait is known.
    """
    found, style = _found(pictures, traits)
    per_trait = {name: round(float(share.mean()), 4) for name, share in found.items()}
    total = sum(WEIGHTS[name] for name in per_trait)
    score = sum(WEIGHTS[name] * share for name, share in per_trait.items()) / total if total else 0.0
    return Agreement(round(score, 4), per_trait, round(float(style.mean()), 4))


def rank_pictures(pictures: Sequence[Image.Image], traits: Mapping[str, Any]) -> list[int]:
    """The pictures' positions, the most alike first; pictures that are no chibis come last."""
    found, style = _found(pictures, traits)
    score = np.zeros(len(pictures))
    for name, share in found.items():
        score += WEIGHTS[name] * share
    score = score / max(sum(WEIGHTS[name] for name in found), 1e-9) + np.where(style > 0.5, 1.0, 0.0)
    return [int(i) for i in np.argsort(-score, kind="stable")]


def checklist(said: Mapping[str, np.ndarray], traits: Mapping[str, Any]) -> dict[str, Mark]:
    """Ticks off a person's traits in one picture.

    Args:
        said: of each attribute, the probabilities of its words `(words,)`, as `probabilities` gives them for a picture.
        traits: the person's.

    Returns:
        ✓ for a trait that is seen, ✗ for one that is not, ? where the reader cannot tell; for the traits that are
        plainly seen in a chibi (`WEIGHTS`).
    """
    marks: dict[str, Mark] = {}
    for name in WEIGHTS:
        if name not in traits or traits[name] not in ANSWERS[name]:
            continue
        share = float(said[name][ANSWERS[name].index(traits[name])])
        marks[name] = "✓" if share >= FOUND else "✗" if share < MISSING else "?"
    return marks
