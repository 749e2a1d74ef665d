"""From pictures to figures: what the judges say of each subject's pictures, and the means over subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.identity import metrics
from benchmarks.identity.judges import Judges, Seen
from benchmarks.identity.people import Subject
from workbench.captions.reader import ANSWERS, TRAIT_NAMES

# All traits there are, each counting the same: nothing is left out that a row happens to be bad at.
TRAITS = TRAIT_NAMES
# What a prompt asks for; the two parts of the clothes count half each.
ASKED = {"expression": 1.0, "clothing": 0.5, "clothing_colour": 0.5, "headwear": 1.0, "background": 1.0}
FALSE_POSITIVES = 0.01
FIGURES = (
    "attribute_agreement", "top1", "top5", "tpr_at_fpr1", "editability", "style", "copy", "bleed", "diversity",
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """A subject's pictures as the judges see them.

    Attributes:
        seen: what they say of pictures asked for with the trigger.
        plain: of pictures without it; None where there are none.
        thumbnails: (pictures, 32, 32, 3).
    """

    seen: Seen
    plain: Seen | None
    thumbnails: np.ndarray


class Scorer:
    """Knows the subjects: their traits, their places among people, their selfies; scores rows of pictures of them."""

    def __init__(self, judges: Judges, everyone: Sequence[Subject], pictures: int) -> None:
        """
        Args:
            judges: who look.
            everyone: the subjects, and others a picture may be taken for.
            pictures: how many there are of each subject in a row.
        """
        self.judges, self.everyone, self.count = judges, list(everyone), pictures
        places = [judges.look(subject.references()).places.mean(axis=0) for subject in self.everyone]
        self._selfies: dict[Subject, np.ndarray] = {}
        self.places = np.stack([place / np.linalg.norm(place) for place in places])

    def look(self, pictures: Sequence[Image.Image], plain: Sequence[Image.Image] = ()) -> Look:
        """Lets the judges look at a subject's pictures."""
        return Look(
            self.judges.look(pictures),
            self.judges.look(plain) if plain else None,
            np.stack([metrics.thumbnail(picture) for picture in pictures]),
        )

    def score(
        self,
        looks: Mapping[Subject, Look],
        photos: int,
        base: Mapping[Subject, Look],
        truth: Mapping[Subject, Look],
    ) -> dict[str, dict[Subject, float]]:
        """Every figure for every subject of a row.

        Args:
            looks: the row's pictures.
            photos: how many selfies the row learns from.
            base: the base's own pictures, for what is chance without the trigger.
            truth: the true drawings, for how diverse such scenes are.

        Returns:
            figure -> subject -> value. `bleed` is there for subjects with pictures without the trigger.
        """
        similarity = {subject: look.seen.places @ self.places.T for subject, look in looks.items()}
        columns = {subject: self.everyone.index(subject) for subject in looks}
        wrong = [np.delete(similarity[subject], columns[subject], axis=1).ravel() for subject in looks]
        threshold = metrics.threshold_at(np.concatenate(wrong), FALSE_POSITIVES)
        values: dict[str, dict[Subject, float]] = {name: {} for name in FIGURES}
        for subject, look in looks.items():
            own = columns[subject]
            places = metrics.ranks(similarity[subject], own)
            values["attribute_agreement"][subject] = agreement_with(subject, look.seen)
            values["top1"][subject] = metrics.within(places, 1)
            values["top5"][subject] = metrics.within(places, 5)
            values["tpr_at_fpr1"][subject] = metrics.passing(similarity[subject][:, own], threshold)
            values["editability"][subject] = self.editability(subject, look.seen)
            values["style"][subject] = float((look.seen.answers(["style"]) == 0).mean())
            values["copy"][subject] = metrics.copies(look.thumbnails, self.selfies(subject, photos))
            bare = base.get(subject)
            if look.plain is not None and bare is not None and bare.plain is not None:
                values["bleed"][subject] = agreement_with(subject, look.plain) - agreement_with(subject, bare.plain)
            if subject in truth and (possible := metrics.diversity(truth[subject].thumbnails)) > 0:
                values["diversity"][subject] = metrics.diversity(look.thumbnails) / possible
        return values

    def selfies(self, subject: Subject, count: int) -> np.ndarray:
        """(count, 32, 32, 3) of a subject's selfies, drawn once."""
        if len(self._selfies.get(subject, ())) < count:
            self._selfies[subject] = np.stack([metrics.thumbnail(each) for each in subject.selfies(count)])
        return self._selfies[subject][:count]

    def editability(self, subject: Subject, seen: Seen) -> float:
        """Share of what the prompts asked for that the pictures show."""
        shares = self.obeyed(subject, seen)
        return sum(ASKED[name] * share for name, share in shares.items()) / sum(ASKED.values())

    def obeyed(self, subject: Subject, seen: Seen) -> dict[str, float]:
        """The same for each thing that is asked for."""
        asked = np.array([[ANSWERS[n].index(getattr(s, n)) for n in ASKED] for s in subject.scenes(self.count)])
        return dict(zip(ASKED, metrics.per_attribute(seen.answers(list(ASKED)), asked).tolist(), strict=True))


def right_traits(subject: Subject) -> np.ndarray:
    """(traits,) answers of the true character."""
    known = subject.character.to_dict()
    return np.array([ANSWERS[name].index(known[name]) for name in TRAITS])


def agreement_with(subject: Subject, seen: Seen) -> float:
    """Share of the true character's traits that are found, over all pictures."""
    return metrics.agreement(seen.answers(TRAITS), right_traits(subject))


def per_trait(looks: Mapping[Subject, Look]) -> dict[str, float]:
    """Trait -> share of pictures in which it is found, mean over subjects."""
    shares = [metrics.per_attribute(look.seen.answers(TRAITS), right_traits(each)) for each, look in looks.items()]
    return {name: round(float(share), 4) for name, share in zip(TRAITS, np.mean(shares, axis=0), strict=True)}


def per_wish(scorer: Scorer, looks: Mapping[Subject, Look]) -> dict[str, float]:
    """Thing asked for -> share of pictures in which it is shown, mean over subjects."""
    obeyed = [scorer.obeyed(subject, look.seen) for subject, look in looks.items()]
    return {name: round(float(np.mean([each[name] for each in obeyed])), 4) for name in ASKED}


def estimates(values: Mapping[str, Mapping[Subject, float]]) -> dict[str, dict[str, float]]:
    """Figure -> mean with its interval over the subjects that have it."""
    return {name: metrics.bootstrap(np.array(list(each.values()))).to_dict() for name, each in values.items() if each}


def of_bound(ours: Mapping[Subject, float], bound: Mapping[Subject, float]) -> dict[str, float]:
    """Attribute agreement as a share of that of the true drawings of the same scenes."""
    both = [subject for subject in ours if subject in bound]
    if not both:
        return {}
    return metrics.bootstrap(np.array([ours[s] for s in both]), np.array([bound[s] for s in both])).to_dict()


def ahead(ours: Mapping[str, Mapping[Any, float]], other: Mapping[str, Mapping[Any, float]]) -> dict[str, Any]:
    """Figure -> how much higher ours is, subject by subject, with its interval."""
    found = {}
    for name in FIGURES:
        both = [subject for subject in ours.get(name, {}) if subject in other.get(name, {})]
        if both:
            found[name] = metrics.bootstrap(np.array([ours[name][s] - other[name][s] for s in both])).to_dict()
    return found
