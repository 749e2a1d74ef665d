"""Everything that a run's steps only read, computed once: latents, token ids, text embeddings."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors import SafetensorError
from safetensors.torch import load, save

from workbench.backbones import Backbone, Words
from workbench.dataset.folder import KINDS, Example
from workbench.errors import ConfigError, DatasetError, VaultError
from workbench.privacy import owner_of, read_private, write_private

# Which side of a data set is shown mirrored too: of the others there are as many as one likes.
FLIPPED_KINDS = ("photo",)
PIXELS_AT_ONCE = 4 * 512 * 512
PROMPTS_AT_ONCE = 32  # the largest text encoders need 32 MB of activations a prompt


@dataclass(frozen=True)
class EncodedSet:
    """A data set as tensors on the device.

    Attributes:
        mean, std: (m, c, h, w) of every latent; a mirrored picture has a latent of its own.
        views: for each of the n examples, the rows of `mean` that show it.
        wordings: for each of the n examples, the rows of `ids` that caption it.
        ids: token ids of every wording.
        text: what the denoiser is told of every wording, or None when the text encoder learns too.
        weights: (n,) weight of each example in the loss.
        kinds: for each kind that occurs, its examples.
        names: file names, to speak of an example.
        digest: hash of all pictures and captions with their kinds.
        photos_digest: hash of the photos alone.
    """

    mean: torch.Tensor
    std: torch.Tensor
    views: tuple[tuple[int, ...], ...]
    wordings: tuple[tuple[int, ...], ...]
    ids: Words
    text: Words | None
    weights: torch.Tensor
    kinds: dict[str, tuple[int, ...]]
    names: tuple[str, ...]
    digest: str
    photos_digest: str

    def __len__(self) -> int:
        return len(self.names)


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
) -> EncodedSet:
    """Encodes a data set.

    Args:
        backbone: whose latents and text embeddings they become.
        examples: see `load_examples`.
        resolution: side in pixels; 0 takes the base's own.
        flips: photos are shown mirrored too.
        cache_dir: where latents are kept, named by the hash of picture, size, flip and base; None keeps none.
        keep_text: text embeddings are computed too; False when the text encoder will learn.
        weights: weight of each kind in the loss; 1 where it is not given.
        on_picture: called with (latents done, latents in all) after each batch.
        word: gives the wordings of a caption, see `wordings`.

    Raises:
        ConfigError: if the base cannot encode pictures of this size.
        DatasetError: if a picture cannot be opened, or its latent is not finite.
        StorageError: if a latent cannot be kept.
    """
    size = resolution or backbone.resolution
    if size % (multiple := backbone.size_multiple):
        raise ConfigError(
            "data.resolution",
            f"{size} cannot be divided by {multiple}, as {backbone.id} needs",
            f"Use {max(1, round(size / multiple)) * multiple}, or 0 for the base's own",
        )
    jobs = [(example, flip) for example in examples for flip in _flips(example, flips)]
    latents: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
    files = [latent_file(cache_dir, backbone, example, size, flip) for example, flip in jobs]
    for row, file in enumerate(files):
        if file is not None and (kept := _read(file)) is not None:
            latents[row] = kept
    missing = [row for row in range(len(jobs)) if row not in latents]
    at_once = max(1, min(8, PIXELS_AT_ONCE // (size * size)))
    for start in range(0, len(missing), at_once):
        rows = missing[start : start + at_once]
        means, stds = backbone.encode_images(torch.stack([_tensor(jobs[row][0], size, jobs[row][1]) for row in rows]))
        for row, mean, std in zip(rows, means.float().cpu(), stds.float().cpu(), strict=True):
            if not bool(mean.isfinite().all() and std.isfinite().all()):
                name = jobs[row][0].file.name
                raise DatasetError(name, f"{backbone.id} cannot encode it: the result is not finite", "Leave it out")
            latents[row] = (mean, std)
            if (kept_file := files[row]) is not None:
                example = jobs[row][0]
                owner = owner_of(example.file) if example.kind == "photo" else ""
                write_private(kept_file, save({"mean": mean.contiguous(), "std": std.contiguous()}), owner)
        if on_picture:
            on_picture(start + len(rows), len(missing))

    said = [word(example.text) for example in examples]
    ids = backbone.tokenize([wording for each in said for wording in each])
    weights = weights or {}
    return EncodedSet(
        mean=torch.stack([latents[row][0] for row in range(len(jobs))]).to(backbone.device),
        std=torch.stack([latents[row][1] for row in range(len(jobs))]).to(backbone.device),
        views=_rows([len(_flips(example, flips)) for example in examples]),
        wordings=_rows([len(each) for each in said]),
        ids=ids,
        text=_encode_text(backbone, ids) if keep_text else None,
        weights=torch.tensor([weights.get(example.kind, 1.0) for example in examples]).to(backbone.device),
        kinds={
            kind: tuple(index for index, example in enumerate(examples) if example.kind == kind)
            for kind in KINDS
            if any(example.kind == kind for example in examples)
        },
        names=tuple(example.file.name for example in examples),
        digest=_digest(examples),
        photos_digest=_digest([example for example in examples if example.kind == "photo"]),
    )


def _rows(counts: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Consecutive rows, so many for each."""
    ends = np.cumsum([0, *counts]).tolist()
    return tuple(tuple(range(start, end)) for start, end in pairwise(ends))


def _encode_text(backbone: Backbone, ids: Words) -> Words:
    count = len(next(iter(ids.values())))
    parts = [
        backbone.encode_text({name: tensor[start : start + PROMPTS_AT_ONCE] for name, tensor in ids.items()})
        for start in range(0, count, PROMPTS_AT_ONCE)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _flips(example: Example, wanted: bool) -> tuple[bool, ...]:
    return (False, True) if wanted and example.kind in FLIPPED_KINDS else (False,)


def _digest(examples: Sequence[Example]) -> str:
    facts = sorted(f"{example.kind}:{example.sha256}:{example.text}" for example in examples)
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _tensor(example: Example, size: int, flip: bool) -> torch.Tensor:
    """(3, size, size) in [-1, 1]; a picture that is not square is cut at its longer sides."""
    try:
        with Image.open(io.BytesIO(read_private(example.file))) as opened:
            picture = ImageOps.fit(opened.convert("RGB"), (size, size), Image.Resampling.LANCZOS)
    except OSError as error:
        raise DatasetError(example.file.name, "it cannot be opened as a picture", "Leave it out") from error
    if flip:
        picture = ImageOps.mirror(picture)
    pixels = torch.from_numpy(np.array(picture, dtype=np.float32))
    return (pixels / 127.5 - 1).permute(2, 0, 1)


def latent_file(folder: Path | None, backbone: Backbone, example: Example, size: int, flip: bool) -> Path | None:
    """Where a latent is kept; None when none are kept."""
    if folder is None:
        return None
    facts = f"{backbone.fingerprint}:{example.sha256}:{size}:{int(flip)}"
    return folder / f"{hashlib.sha256(facts.encode()).hexdigest()}.safetensors"


def _read(file: Path) -> tuple[torch.Tensor, torch.Tensor] | None:
    """A kept latent, or None when there is none or it is broken: it is encoded again then."""
    try:
        kept = load(read_private(file))
        return kept["mean"], kept["std"]
    except (OSError, SafetensorError, KeyError, VaultError):
        return None
