"""Which of several pictures looks most like the person an adapter draws: for Create, with what is on this machine.

Photos are looked for in the person's data set and among the kept ones; those that the last training has not seen are
held out. An adapter that came from elsewhere has no photos here: its card's traits are all there is to go by.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from workbench.config import home
from workbench.dataset import load_examples
from workbench.dataset.selfies import KEPT, gather_selfies
from workbench.errors import WorkbenchError
from workbench.identity.likeness import Likeness, Scorer, likeness, look_at
from workbench.identity.traits import rank_pictures
from workbench.privacy import read_private


@dataclass(frozen=True)
class Ranking:
    """Pictures in the order of their likeness.

    Args:
        order: their positions, the most alike first.
        found: what was found of each, in the order the pictures came; empty when there is nothing to compare with.
        note: why they are ordered by traits only, or not at all; empty when likeness decided.
    """

    order: list[int]
    found: list[Likeness] = field(default_factory=list)
    note: str = ""


def rank_candidates(
    name: str, pictures: Sequence[Image.Image], traits: Mapping[str, Any] | None = None, scorer: Scorer | None = None
) -> Ranking:
    """Orders pictures by how much they look like a person.

    Args:
        name: of the subject, which is the adapter's name too.
        pictures: any number.
        traits: the person's, from the adapter's card.
        scorer: None takes our own.

    Returns:
        By probability where likeness can be judged, else by traits, else as they came.
    """
    if not pictures:
        return Ranking([])
    note = "there are no photos of this person here"
    learnt, held_out = photos_of(name)
    if learnt:
        try:
            found = likeness(pictures, look_at(learnt, traits, held_out, scorer))
        except WorkbenchError as error:
            note = str(error)
        else:
            if any(one.probability is not None for one in found):
                worth = [one.probability if one.probability is not None else -1.0 for one in found]
                return Ranking([int(i) for i in np.argsort(-np.array(worth), kind="stable")], found)
            order = rank_pictures(pictures, traits) if traits else list(range(len(pictures)))
            return Ranking(order, found, found[0].reason)
    return Ranking(rank_pictures(pictures, traits) if traits else list(range(len(pictures))), [], note)


def photos_of(name: str) -> tuple[list[Image.Image], list[Image.Image]]:
    """A person's photos on this machine: those the last training saw, and those it did not.

    Before any training all kept photos are of the first kind.
    """
    seen: dict[str, Image.Image] = {}
    try:
        for example in load_examples(home() / "datasets" / name):
            if example.kind == "photo":
                with Image.open(io.BytesIO(read_private(example.file))) as opened:
                    photo = opened.convert("RGB")
                    seen[_digest(photo)] = photo
    except (WorkbenchError, OSError):
        seen = {}  # no training yet, or its data set is gone or locked
    try:
        kept = list(gather_selfies(KEPT, name).crops)
    except WorkbenchError:
        kept = []
    if not seen:
        return kept, []
    return list(seen.values()), [crop for crop in kept if _digest(crop) not in seen]


def _digest(picture: Image.Image) -> str:
    # Of the pixels: how a file packs them is nobody's promise.
    return hashlib.sha256(f"{picture.size}".encode() + picture.convert("RGB").tobytes()).hexdigest()


def in_words(found: Likeness) -> str:
    """One line for a person: `likely (93 %): hair colour ✓, glasses ✗`."""
    chance = f" ({found.probability:.0%})" if found.probability is not None else ""
    traits = ", ".join(f"{name.replace('_', ' ')} {mark}" for name, mark in found.traits.items())
    face = (
        "" if found.face_distance is None else f"; face {found.face_distance:.2f} from photos held out (same below 0.6)"
    )
    reason = f": {found.reason}" if found.reason else ""
    return f"{found.verdict}{chance}{reason}{face}" + (f" · {traits}" if traits else "")
