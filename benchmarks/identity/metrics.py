"""The formulas of the identity benchmark: plain arrays in, numbers out; nothing here knows a model or a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image

THUMBNAIL = 32
RESAMPLES = 2000


def agreement(found: np.ndarray, right: np.ndarray) -> float:
    """Share of answers that are right, every attribute and every picture counting the same.

    Args:
        found: (pictures, attributes) answers.
        right: (attributes,) of the true character, or (pictures, attributes).
    """
    return float((found == right).mean())


def per_attribute(found: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(attributes,) share of pictures in which each is right; arguments as in `agreement`."""
    return np.asarray((found == right).mean(axis=0), dtype=np.float64)


def ranks(similarity: np.ndarray, own: int) -> np.ndarray:
    """Where the right subject stands among all, 0 the nearest; a tie counts against it.

    Args:
        similarity: (pictures, subjects).
        own: the right subject's column.

    Returns:
        (pictures,) whole numbers.
    """
    others = np.delete(similarity, own, axis=1)
    return np.asarray((others >= similarity[:, own, None]).sum(axis=1))


def within(places: np.ndarray, first: int) -> float:
    """Share of pictures whose subject is among the first so many: top-1, top-5."""
    return float((places < first).mean())


def threshold_at(impostors: np.ndarray, rate: float) -> float:
    """The lowest threshold that lets at most this share of impostors pass, where passing means to lie above it."""
    falling = np.sort(impostors.ravel())[::-1]
    allowed = int(np.floor(rate * len(falling) + 1e-9))
    return float(falling[allowed]) if allowed < len(falling) else float("-inf")


def passing(scores: np.ndarray, threshold: float) -> float:
    """Share above a threshold: the true positive rate when the scores are those of right pairs."""
    return float((scores > threshold).mean())


def thumbnail(picture: Image.Image) -> np.ndarray:
    """(32, 32, 3) in [0, 1]: what is left when details do not count."""
    small = picture.convert("RGB").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64) / 255


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Root of the mean squared difference of two thumbnails, 0 to 1."""
    return float(np.sqrt(np.square(one - other).mean()))


def pair_distances(thumbnails: np.ndarray) -> np.ndarray:
    """Distances of all pairs of `(n, 32, 32, 3)`, `(n (n - 1) / 2,)`."""
    pairs = [(i, j) for i in range(len(thumbnails)) for j in range(i)]
    return np.array([distance(thumbnails[i], thumbnails[j]) for i, j in pairs])


def copies(pictures: np.ndarray, photos: np.ndarray) -> float:
    """Share of pictures that are a training photo again.

    A picture counts when it is nearer to a photo, or to its mirror image, than half of what lies between the two most
    alike photos of the set.

    Args:
        pictures, photos: (n, 32, 32, 3) and (m, 32, 32, 3) thumbnails. A single photo is compared with its mirror
            image in place of another photo.
    """
    mirrored = photos[:, :, ::-1]
    between = pair_distances(photos) if len(photos) > 1 else np.array([distance(photos[0], mirrored[0])])
    limit = between.min() / 2
    nearest = [min(distance(picture, photo) for photo in (*photos, *mirrored)) for picture in pictures]
    return float((np.array(nearest) < limit).mean())


def diversity(thumbnails: np.ndarray) -> float:
    """Mean distance between a subject's pictures."""
    return float(pair_distances(thumbnails).mean()) if len(thumbnails) > 1 else 0.0


@dataclass(frozen=True)
class Estimate:
    """A mean over subjects with its 95 % interval, and over how many."""

    mean: float
    low: float
    high: float
    count: int

    def to_dict(self) -> dict[str, float]:
        return {key: round(value, 4) for key, value in asdict(self).items()}


def bootstrap(values: np.ndarray, below: np.ndarray | None = None, seed: int = 0) -> Estimate:
    """Mean over subjects, with the percentile interval of means over subjects drawn with replacement.

    Args:
        values: (subjects,) one number each. Subjects are drawn, not pictures: pictures of one subject are not
            independent of each other.
        below: (subjects,) what the values are a share of; then it is the ratio of the means.
        seed: of the draws.

    Raises:
        ValueError: if there is no subject.
    """
    if len(values) == 0:
        raise ValueError("a mean of no subjects")
    drawn = np.random.default_rng([seed, 0xB007]).integers(len(values), size=(RESAMPLES, len(values)))
    means, mean = values[drawn].mean(axis=1), float(values.mean())
    if below is not None:
        under = below[drawn].mean(axis=1)
        means = np.divide(means, under, out=np.zeros_like(means), where=under > 0)
        mean = mean / float(below.mean()) if below.mean() > 0 else 0.0
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(mean, float(low), float(high), len(values))
