"""Does a picture look like this person? A similarity, what it is worth, and what speaks for and against it.

    reference = look_at(photos, traits)
    for each in likeness(pictures, reference):
        each.verdict     # likely, unsure, unlikely; unknown with a reason where nothing can be said

The similarity comes from a `Scorer`: our own net, or a stronger model that a person names (`scorers.py`). Beside it
stand the traits that can be seen, and for photographic pictures the distance of the face to photos that no training
has seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.captions.reader import probabilities, read_traits
from workbench.errors import IdentityError
from workbench.identity.calibration import Calibration, Verdict, load_calibration
from workbench.identity.network import DOMAINS, WEIGHTS, Domain, domain_indices, load_verifier
from workbench.identity.traits import Mark, checklist
from workbench.photos.faces import find_faces
from workbench.photos.people import SAME_PERSON

# A picture whose way of drawing the reader is less sure of than this is of neither.
SURE_OF_DOMAIN = 0.75
# Traits that were read from photos with less confidence are not held against a picture.
SURE_OF_TRAIT = 0.5
AT_ONCE = 64


@dataclass(frozen=True)
class Seen:
    """What a scorer makes of pictures.

    Args:
        embeddings: `(n, d)` of length 1; the dot product of two is their similarity.
        strangeness: `(n,)`, how unlike what the scorer knows; compared with a calibration's limit.
    """

    embeddings: NDArray[np.float32]
    strangeness: NDArray[np.float32]


class Scorer(Protocol):
    """What compares pictures with photos.

    Attributes:
        name: what it is called.
        licence: its terms.
        calibration: what its similarities are worth; None when that was never measured.
    """

    name: str
    licence: str
    calibration: Calibration | None

    def see(self, pictures: Sequence[Image.Image], domains: Sequence[Domain]) -> Seen:
        """Looks at pictures, at least one, of which it is known whether they are chibis or photos."""
        ...


class WorldScorer:
    """The product's own: a small net trained on drawings of the chibi world, calibrated on people it never saw."""

    name = "chibi world verifier"
    licence = "Apache-2.0"

    def __init__(self, weights: Path = WEIGHTS) -> None:
        """
        Args:
            weights: of the net; the calibration lies beside it, as JSON of the same name.

        Raises:
            IdentityError: weights or calibration are missing or broken.
        """
        self._net = load_verifier(weights)
        self.calibration: Calibration | None = load_calibration(weights.with_suffix(".json"), weights)

    def see(self, pictures: Sequence[Image.Image], domains: Sequence[Domain]) -> Seen:
        return see_with(self._net, pictures, domains)


def see_with(net: Any, pictures: Sequence[Image.Image], domains: Sequence[Domain]) -> Seen:
    """Looks at pictures with a verifier."""
    import torch

    from workbench.captions.reader import to_input

    embeddings, strangeness = [], []
    with torch.no_grad(), torch.autocast("cpu", enabled=False):  # also when asked by a run in half precision
        for start in range(0, len(pictures), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            close, strange = net(to_input(pictures[part]), domain_indices(domains[part]))
            embeddings.append(close.numpy())
            strangeness.append(strange.numpy())
    return Seen(np.concatenate(embeddings), np.concatenate(strangeness))


@cache
def own_scorer() -> WorldScorer:
    """The product's own scorer, opened once.

    Raises:
        IdentityError: weights or calibration are missing or broken.
    """
    return WorldScorer()


@dataclass(frozen=True)
class Reference:
    """A person as their photos show them.

    Args:
        scorer: what looked at the photos.
        embedding: `(d,)`, the photos' mean, of length 1.
        traits: what of the person words can tell; see `checklist`.
        reason: why pictures cannot be compared with these photos; empty when they can.
        held_out: face embeddings `(m, 128)` of photos that no training has seen; None when there are none.
    """

    scorer: Scorer
    embedding: NDArray[np.float32]
    traits: Mapping[str, Any]
    reason: str = ""
    held_out: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Likeness:
    """How much a picture looks like a person.

    Args:
        similarity: -1 to 1; None where the picture was not compared.
        probability: that it shows the person, had own and strangers' pictures been equally many; None where unknown.
        verdict: likely, unsure, unlikely, or unknown.
        reason: why it is unknown, in words; empty otherwise.
        domain: chibi, photo, or neither.
        traits: ✓, ✗ or ? for each of the person's traits.
        face_distance: for photographic pictures, the median distance of the face to held-out photos; under 0.6 faces
            are usually one person's (dlib). None where there is no face or nothing to compare it with.
        face_reason: why there is no face distance; empty otherwise.
    """

    similarity: float | None
    probability: float | None
    verdict: Verdict
    reason: str = ""
    domain: str = ""
    traits: dict[str, Mark] = field(default_factory=dict)
    face_distance: float | None = None
    face_reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @property
    def same_face(self) -> bool | None:
        """Whether the face is near enough to the held-out photos; None where that is unknown."""
        return None if self.face_distance is None else self.face_distance <= SAME_PERSON


def look_at(
    photos: Sequence[Image.Image],
    traits: Mapping[str, Any] | None = None,
    held_out: Sequence[Image.Image] = (),
    scorer: Scorer | None = None,
) -> Reference:
    """Looks at a person's photos, once for many pictures.

    Args:
        photos: head-and-shoulders crops, at least one.
        traits: as the person corrected them; None reads them from the photos and keeps those that are clear.
        held_out: crops of photos that no training has seen.
        scorer: None takes our own.

    Raises:
        IdentityError: there is no photo, or our own scorer's weights are missing.
    """
    if not photos:
        raise IdentityError("The likeness score", "there is no photo to compare with", "Bring photos of the person")
    scorer = scorer or own_scorer()
    seen = scorer.see(photos, ["photo"] * len(photos))
    mean = seen.embeddings.mean(0)
    if traits is None:
        read = read_traits(photos)
        traits = {name: reading.value for name, reading in read.items() if reading.confidence >= SURE_OF_TRAIT}
    reason = ""
    if scorer.calibration is None:
        reason = f"what a similarity of {scorer.name} is worth was never measured"
    elif float(np.median(seen.strangeness)) > scorer.calibration.photos:
        reason = f"the photos are unlike anything {scorer.name} has learnt from"
    faces = [found[0].embedding for found in map(find_faces, held_out) if found]
    return Reference(
        scorer, mean / max(float(np.linalg.norm(mean)), 1e-9), dict(traits), reason, np.stack(faces) if faces else None
    )


def likeness(
    pictures: Sequence[Image.Image],
    photos: Reference | Sequence[Image.Image],
    traits: Mapping[str, Any] | None = None,
    held_out: Sequence[Image.Image] = (),
    scorer: Scorer | None = None,
) -> list[Likeness]:
    """Compares pictures with a person's photos.

    Args:
        pictures: chibis or photographic pictures, any size.
        photos: crops of the person, or what `look_at` made of them; the other arguments are for crops only.
        traits, held_out, scorer: see `look_at`.

    Returns:
        One for each picture, in their order. A picture that is neither a chibi nor photographic, one that is unlike
        anything the scorer knows, and a photographic one without a face are unknown.

    Raises:
        IdentityError: see `look_at`.
    """
    reference = photos if isinstance(photos, Reference) else look_at(photos, traits, held_out, scorer)
    if not pictures:
        return []
    said = probabilities(pictures)
    style = said["style"]
    domains: list[Domain] = [DOMAINS[int(index)] for index in style.argmax(1)]
    seen = reference.scorer.see(pictures, domains)
    found = []
    for index, picture in enumerate(pictures):
        similarity = round(float(seen.embeddings[index] @ reference.embedding), 4)
        marks = checklist({name: share[index] for name, share in said.items()}, reference.traits)
        sure = float(style[index].max()) >= SURE_OF_DOMAIN
        distance, face_reason = _face(picture, reference) if domains[index] == "photo" else (None, "it is a drawing")
        reason = _doubt(reference, domains[index], sure, float(seen.strangeness[index]), face_reason)
        domain = domains[index] if sure else "neither"
        if reason or reference.scorer.calibration is None:
            found.append(Likeness(similarity, None, "unknown", reason, domain, marks, distance, face_reason))
            continue
        curve = reference.scorer.calibration.curves[domains[index]]
        chance = round(curve.probability(similarity), 4)
        found.append(Likeness(similarity, chance, curve.verdict(similarity), "", domain, marks, distance, face_reason))
    return found


NO_FACE = "no face was found in it"


def _doubt(reference: Reference, domain: Domain, sure: bool, strangeness: float, face_reason: str) -> str:
    """Why nothing can be said of a picture; empty when something can."""
    if reference.reason:
        return reference.reason
    if not sure:
        return "it is neither clearly a chibi nor clearly photographic"
    calibration = reference.scorer.calibration
    if calibration is not None and strangeness > calibration.curves[domain].strange:
        return f"it is unlike anything {reference.scorer.name} has learnt from"
    return NO_FACE if face_reason == NO_FACE else ""


def _face(picture: Image.Image, reference: Reference) -> tuple[float | None, str]:
    """The distance of the largest face to the held-out photos, or why there is none."""
    faces = find_faces(picture.convert("RGB"))
    if not faces:
        return None, NO_FACE
    if reference.held_out is None:
        return None, "no photo with a face was held out from training"
    distances = np.linalg.norm(reference.held_out - faces[0].embedding, axis=1)
    return round(float(np.median(distances)), 4), ""
