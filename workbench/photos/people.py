"""Whether all photos of a set show one person, for 2 to 100 photos.

The group of the person is grown from the photo that is nearest to half of the others, so neither one stranger nor
nearly half of the set can move it, which a mean would be. Distances are Euclidean between face embeddings; their
model was trained so that 0.6 separates persons (dlib, `dlib_face_recognition_resnet_model_v1`, 99.4 % on LFW).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.photos.verdict import Problem

Likeness = Literal["same", "unsure", "stranger"]

SAME_PERSON = 0.6
# A set of look-alike photos (one afternoon, one room) has small distances, and then less than 0.6 is a stranger.
_STRICTEST, _LOOSEST = 0.52, 0.64
_UNSURE = 0.06
_TWO_STRANGERS = 0.7


@dataclass(frozen=True)
class People:
    """Per photo, in order: whether it shows the person of the set; and notes when there is no such person."""

    likeness: list[Likeness]
    notes: tuple[Problem, ...] = ()


def compare_people(embeddings: Sequence[NDArray[Any]]) -> People:
    """Finds the photos that do not show the person of the others.

    Args:
        embeddings: one (128,) per photo.

    Returns:
        "stranger" where the face is too far from the group's, "unsure" where it is nearly so. When two persons are
        equally frequent everyone is a stranger: which of them is meant, only the person who brought them knows.
    """
    count = len(embeddings)
    if count < 2:
        return People(["same"] * count)
    points = np.stack(embeddings).astype(np.float64)
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    if count == 2:
        return _pair(float(distances[0, 1]))
    group = _largest_group(distances)
    limit = _limit(distances, group)
    away = np.array([_distance_to_group(distances, i, group) for i in range(count)])
    likeness: list[Likeness] = [
        "stranger" if d > limit else "unsure" if d > limit - _UNSURE else "same" for d in away.tolist()
    ]
    outside = np.flatnonzero(away > limit)
    rival = len(_largest_group(distances[np.ix_(outside, outside)])) if len(outside) else 0
    if rival >= count - len(outside):
        return People(["stranger"] * count, (_different_people(),))
    return People(likeness)


def _pair(distance: float) -> People:
    if distance > _TWO_STRANGERS:
        return People(["stranger"] * 2, (_different_people(),))
    return People(["unsure" if distance > SAME_PERSON else "same"] * 2)


def _different_people() -> Problem:
    way_out = "Keep the photos of the one person who is meant"
    return Problem("different_people", "The photos show different people, and nobody in most of them", way_out)


def _largest_group(distances: NDArray[Any]) -> list[int]:
    """Photos within reach of the one that is nearest to half of the others."""
    count = len(distances)
    if count == 1:
        return [0]
    near_half = np.sort(distances, axis=1)[:, 1 : 1 + max(1, count // 2)].mean(axis=1)
    middle = int(np.argmin(near_half))
    return [int(i) for i in np.flatnonzero(distances[middle] <= SAME_PERSON)]


def _limit(distances: NDArray[Any], group: list[int]) -> float:
    within = distances[np.ix_(group, group)][np.triu_indices(len(group), 1)]
    usual = float(np.median(within)) if within.size else 0.0
    return float(np.clip(1.2 * usual + 0.15, _STRICTEST, _LOOSEST))


def _distance_to_group(distances: NDArray[Any], i: int, group: list[int]) -> float:
    others = [j for j in group if j != i]
    return float(np.median(distances[i, others])) if others else 0.0
