"""Everything that a run's steps only read, computed once: latents, token ids, text embeddings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from workbench.backbones import Backbone, Words
from workbench.dataset.buckets import Size, bucket_sizes, cut_off, nearest_bucket, sides
from workbench.dataset.folder import KINDS, Example
from workbench.dataset.latents import View, encode_views, encode_words, picture_size
from workbench.errors import ConfigError
from workbench.privacy import owner_of

# Which side of a data set is shown mirrored too: of the others there are as many as one likes.
FLIPPED_KINDS = ("photo",)


@dataclass(frozen=True)
class Grid:
    """The latents of one size; a step learns from one grid.

    Attributes:
        mean, std: (m, c, h, w) of every latent; a mirrored picture has a latent of its own.
        views: for each of the n examples, the rows of `mean` that show it; none where it has other sizes.
        cut: (m, 2) pixels that were cut off each picture at its top and left, or None when sizes are not looked at.
    """

    mean: torch.Tensor
    std: torch.Tensor
    views: tuple[tuple[int, ...], ...]
    cut: torch.Tensor | None = None


@dataclass(frozen=True)
class EncodedSet:
    """A data set as tensors on the device.

    Attributes:
        grids: the latents by their size, the largest size first; usually there is one.
        wordings: for each of the n examples, the rows of `ids` that caption it.
        ids: token ids of every wording.
        text: what the denoiser is told of every wording, or None when the text encoder learns too.
        lessons: what the base is told of every wording when it teaches, or None when it does not: what it was asked for
            when it drew the picture, else the caption; nothing where the wording is empty.
        weights: weight of each wording in the loss.
        kinds: for each kind that occurs, its examples.
        names: file names, to speak of an example.
        digest: hash of all pictures and captions with their kinds.
        photos_digest: hash of the photos alone.
    """

    grids: tuple[Grid, ...]
    wordings: tuple[tuple[int, ...], ...]
    ids: Words
    text: Words | None
    weights: torch.Tensor
    kinds: dict[str, tuple[int, ...]]
    names: tuple[str, ...]
    digest: str
    photos_digest: str
    lessons: Words | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def device(self) -> torch.device:
        return self.weights.device


@torch.no_grad()
def encode(
    backbone: Backbone,
    examples: Sequence[Example],
    resolution: int = 0,
    flips: bool = False,
    cache_dir: Path | None = None,
    keep_text: bool = True,
    weights: Mapping[str, float] | None = None,
    on_picture: Callable[[int, int], None] | None = None,
    word: Callable[[str], list[str]] = lambda caption: [caption],
    ratio: float = 1.0,
    smallest: float = 1.0,
    teach: bool = False,
) -> EncodedSet:
    """Encodes a data set.

    Args:
        backbone: whose latents and text embeddings they become.
        examples: see `load_examples`.
        resolution: side in pixels; 0 takes the base's own.
        flips: photos are shown mirrored too.
        cache_dir: where latents, and words of a base in phases, are kept by their content's hash; None keeps none.
        keep_text: text embeddings are computed too; False when the text encoder will learn.
        weights: weight of each kind in the loss; 1 where it is not given. What the base teaches about anyone of the
            class weighs as class pictures do.
        on_picture: called with (latents done, latents to do) after each batch.
        word: gives the wordings of a caption, see `wordings`.
        ratio: longer side by shorter side of aspect buckets, see `bucket_sizes`; 1 cuts every picture square.
        smallest: pictures are shown smaller too, see `buckets.sides`; 1 shows them at one resolution.
        teach: the base's own words are encoded too, with which it teaches; see `Objective`.

    Raises:
        ConfigError: if the base cannot encode pictures of this size.
        DatasetError: if a picture cannot be opened, or its latent is not finite.
        StorageError: if a latent cannot be kept.
    """
    side, multiple = resolution or backbone.resolution, backbone.size_multiple
    if side % multiple:
        raise ConfigError(
            "data.resolution",
            f"{side} cannot be divided by {multiple}, as {backbone.id} needs",
            f"Use {max(1, round(side / multiple)) * multiple}, or 0 for the base's own",
        )
    buckets = [bucket_sizes(each, multiple, ratio) for each in sides(side, multiple, smallest)]
    sizes = [picture_size(example) for example in examples] if ratio > 1 else []
    views = dict.fromkeys(
        View(number, flip, nearest_bucket(sizes[number], some) if sizes else some[0])
        for some in buckets
        for number, example in enumerate(examples)
        for flip in _flips(example, flips)
    )
    pairs = [_lessons(example, word(example.text), teach) for example in examples]
    ids = backbone.tokenize([said for each in pairs for said, _ in each])
    owner = next((owner_of(example.file) for example in examples if example.kind == "photo"), "")
    text = encode_words(backbone, ids, cache_dir, owner) if keep_text else None
    lessons = None
    if teach:
        told = backbone.tokenize([told for each in pairs for _, told in each])
        lessons = encode_words(backbone, told, cache_dir, owner)
    latents = encode_views(backbone, examples, list(views), cache_dir, on_picture)
    weights = weights or {}
    return EncodedSet(
        grids=_grids(list(views), latents, sizes, len(examples), backbone.device),
        wordings=_rows([len(each) for each in pairs]),
        ids=ids,
        text=text,
        weights=torch.tensor(
            [
                weights.get("class" if said and said == example.anyone else example.kind, 1.0)
                for example, each in zip(examples, pairs, strict=True)
                for said, _ in each
            ]
        ).to(backbone.device),
        kinds={
            kind: tuple(index for index, example in enumerate(examples) if example.kind == kind)
            for kind in KINDS
            if any(example.kind == kind for example in examples)
        },
        names=tuple(example.file.name for example in examples),
        digest=_digest(examples),
        photos_digest=_digest([example for example in examples if example.kind == "photo"]),
        lessons=lessons,
    )


def _lessons(example: Example, wordings: Sequence[str], teach: bool) -> list[tuple[str, str]]:
    """What is said of an example, and what the base is told when it teaches what to answer.

    Of what the base teaches, a part goes without words. Guidance draws what the words say away from what is drawn
    without words (arXiv 2207.12598), and an adapter drifts there too: by a quarter to three quarters of what it
    changes, and takes that from the person. Another part of the anchors is about anyone of the class in the person's
    place: there it is decided whether the trigger word makes the difference (docs/identity.md).
    """
    if example.kind == "photo" or not teach:
        return [(words, words) for words in wordings]
    asked = [(words, (example.asked or example.text) if words else "") for words in wordings]
    anyone = [(example.anyone, example.anyone)] * len(wordings) if example.anyone else []
    return [*asked, *asked, *[("", "")] * len(wordings), *anyone]


def _grids(
    views: Sequence[View],
    latents: Sequence[tuple[torch.Tensor, torch.Tensor]],
    sizes: Sequence[Size],
    count: int,
    device: torch.device,
) -> tuple[Grid, ...]:
    """Sorts latents by their size; `sizes` of the pictures are empty when all are square."""
    grids = []
    for size in sorted({view.size for view in views}, key=lambda size: (-size[0] * size[1], size)):
        rows = [row for row, view in enumerate(views) if view.size == size]
        shown: list[list[int]] = [[] for _ in range(count)]
        for place, row in enumerate(rows):
            shown[views[row].example].append(place)
        cuts = [cut_off(sizes[views[row].example], size, views[row].flip) for row in rows] if sizes else None
        grids.append(
            Grid(
                mean=torch.stack([latents[row][0] for row in rows]).to(device),
                std=torch.stack([latents[row][1] for row in rows]).to(device),
                views=tuple(tuple(each) for each in shown),
                cut=torch.tensor(cuts).to(device) if cuts else None,
            )
        )
    return tuple(grids)


def _rows(counts: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Consecutive rows, so many for each."""
    ends = np.cumsum([0, *counts]).tolist()
    return tuple(tuple(range(start, end)) for start, end in pairwise(ends))


def _flips(example: Example, wanted: bool) -> tuple[bool, ...]:
    return (False, True) if wanted and example.kind in FLIPPED_KINDS else (False,)


def _digest(examples: Sequence[Example]) -> str:
    facts = sorted(f"{example.kind}:{example.sha256}:{example.text}" for example in examples)
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()
