"""From a similarity to what may be said of it: a probability, and likely, unsure or unlikely.

Similarities of people who are known to be the same or different are fitted by a logistic curve (Platt, "Probabilistic
outputs for support vector machines", 1999). What is fitted on some people is stated on others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.config import atomic_write
from workbench.errors import IdentityError

Verdict = Literal["likely", "unsure", "unlikely", "unknown"]
Numbers = NDArray[np.float64]
# Of strangers, and of those strangers who look alike, this share is called likely at most; of own pictures, this share
# falls under the line of unlikely.
FALSE_LIKELY, ALIKE_LIKELY, FALSE_UNLIKELY = 0.01, 0.05, 0.02


@dataclass(frozen=True)
class Curve:
    """How similarities of one kind of picture are read.

    Args:
        slope, intercept: probability = 1 / (1 + exp(-(slope · similarity + intercept))), for as many own pictures as
            strangers' ones.
        likely: from this similarity on a picture is likely of the person.
        unlikely: below this one it is unlikely; in between nobody can tell.
        strange: pictures whose features are further away than this are not judged.
    """

    slope: float
    intercept: float
    likely: float
    unlikely: float
    strange: float = 1e9

    def probability(self, similarity: float) -> float:
        return float(1 / (1 + np.exp(-np.clip(self.slope * similarity + self.intercept, -60, 60))))

    def verdict(self, similarity: float) -> Verdict:
        if similarity >= self.likely:
            return "likely"
        return "unlikely" if similarity < self.unlikely else "unsure"


@dataclass(frozen=True)
class Calibration:
    """The curves of a scorer, and what they were measured on.

    Args:
        curves: by domain, `chibi` and `photo`.
        figures: by domain, rates on people of whom nothing was learnt: see `rates`.
        made: how: seeds, counts, the hash of the weights.
        photos: where the median strangeness of a person's photos is above this, nothing is said of that person's
            pictures: see `photos_limit`.
    """

    curves: dict[str, Curve]
    figures: dict[str, dict[str, float]] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    photos: float = 1e9


def photos_limit(strangeness: Numbers) -> float:
    """The limit for a person's photos together, from `(people, photos)` strangeness of people who are known.

    A median of several varies less than a single one, so this limit is much nearer: it tells real photographs from
    photo-like drawings, which the limit of a single picture does not.
    """
    return float(np.quantile(np.median(strangeness, axis=1), 0.995))


def fit_curve(
    same: Numbers, different: Numbers, alike: Numbers | None = None, strangeness: Numbers | None = None
) -> Curve:
    """Fits a curve.

    Args:
        same: similarities of pictures with photos of the same person, `(n,)`.
        different: similarities with photos of others, `(m,)`.
        alike: those of them whose hair colour and skin are the same, `(k,)`.
        strangeness: of pictures of the domain; its 99.5 % point, widened by a quarter, becomes the limit.

    Returns:
        The curve. Where own pictures and strangers hardly overlap, `unlikely` is moved down to `likely`.
    """
    x = np.concatenate([same, different])
    y = np.concatenate([np.ones(len(same)), np.zeros(len(different))])
    weight = np.concatenate([np.full(len(same), 0.5 / len(same)), np.full(len(different), 0.5 / len(different))])
    middle, width = float(x.mean()), float(x.std()) or 1.0
    design = np.stack([(x - middle) / width, np.ones_like(x)], 1)
    values = np.zeros(2)
    for _ in range(50):  # Newton's method; the ridge keeps the slope finite when the two do not overlap at all
        p = 1 / (1 + np.exp(-np.clip(design @ values, -60, 60)))
        gradient = design.T @ (weight * (p - y)) + 1e-3 * values
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + 1e-3 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        values = values - step
        if np.abs(step).max() < 1e-9:
            break
    slope, offset = float(values[0] / width), float(values[1] - values[0] * middle / width)
    likely = float(np.quantile(different, 1 - FALSE_LIKELY))
    if alike is not None and len(alike):
        likely = max(likely, float(np.quantile(alike, 1 - ALIKE_LIKELY)))
    unlikely = min(likely, float(np.quantile(same, FALSE_UNLIKELY)))
    strange = 1e9 if strangeness is None else 1.25 * float(np.quantile(strangeness, 0.995))
    return Curve(slope, offset, likely, unlikely, strange)


def rates(curve: Curve, same: Numbers, different: Numbers, alike: Numbers) -> dict[str, float]:
    """What a curve does with people it was not fitted on.

    Args:
        same, different: see `fit_curve`.
        alike: similarities with photos of others of the same hair colour and skin, `(k,)`.

    Returns:
        `tpr`: own pictures called likely; `fpr`: strangers' ones called likely, `fpr_alike` of those who look alike;
        `missed`: own pictures called unlikely; `unsure`: own pictures in between; `auc`: the chance that an own
        picture is more similar than a stranger's one.
    """

    def share(hits: NDArray[np.bool_]) -> float:
        return round(float(hits.mean()), 4) if hits.size else 0.0

    order = np.searchsorted(np.sort(different), same) / len(different)
    return {
        "tpr": share(same >= curve.likely),
        "fpr": share(different >= curve.likely),
        "fpr_alike": share(alike >= curve.likely),
        "missed": share(same < curve.unlikely),
        "unsure": share((same >= curve.unlikely) & (same < curve.likely)),
        "auc": round(float(order.mean()), 4),
    }


def save_calibration(calibration: Calibration, path: Path | str) -> None:
    """Writes a calibration as JSON beside the weights.

    Raises:
        StorageError: it cannot be written.
    """
    atomic_write(Path(path), json.dumps(asdict(calibration), indent=1) + "\n")


def load_calibration(path: Path, weights: Path | None = None) -> Calibration:
    """Reads a calibration.

    Args:
        path: the JSON.
        weights: the file it must belong to; None does not look.

    Raises:
        IdentityError: it is missing, broken, or of other weights.
    """
    way_out = "Make it with `python recipes/train_likeness.py`, or install the workbench again"
    try:
        content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        curves = {name: Curve(**{key: float(value) for key, value in each.items()})
                  for name, each in content["curves"].items()}  # fmt: skip
        calibration = Calibration(curves, dict(content["figures"]), dict(content["made"]), float(content["photos"]))
    except FileNotFoundError:
        raise IdentityError(path.name, "the calibration of the likeness score is missing", way_out) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IdentityError(path.name, "the calibration of the likeness score is broken", way_out) from error
    if weights is not None and calibration.made.get("weights") != sha256_of(weights):
        raise IdentityError(path.name, f"it was measured with another {weights.name}", way_out)
    return calibration


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
