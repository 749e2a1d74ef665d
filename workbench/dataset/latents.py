"""Pictures as latents and prompts as words, encoded once and kept under the hash of all that decides them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors import SafetensorError

from workbench.backbones import Backbone, Words
from workbench.dataset.buckets import Size
from workbench.dataset.folder import Example
from workbench.dataset.whole import from_bytes, to_bytes
from workbench.errors import DatasetError, VaultError
from workbench.privacy import owner_of, read_private, write_private

PIXELS_AT_ONCE = 4 * 512 * 512
PROMPTS_AT_ONCE = 32  # the largest text encoders need 32 MB of activations a prompt
Latent = tuple[torch.Tensor, torch.Tensor]  # mean and standard deviation, each (c, h, w)


@dataclass(frozen=True)
class View:
    """One way in which an example is shown: its number, mirrored or not, and its size in pixels."""

    example: int
    flip: bool
    size: Size


def encode_views(
    backbone: Backbone,
    examples: Sequence[Example],
    views: Sequence[View],
    cache_dir: Path | None,
    on_picture: Callable[[int, int], None] | None = None,
) -> list[Latent]:
    """The latents of views, on the CPU, in their order.

    Args:
        backbone: whose autoencoder.
        examples: whose numbers the views name.
        views: what is wanted.
        cache_dir: where latents are kept; None keeps none.
        on_picture: called with (latents done, latents to do) after each batch.

    Raises:
        DatasetError: if a picture cannot be opened, or its latent is not finite.
        StorageError: if a latent cannot be kept.
    """
    latents: dict[int, Latent] = {}
    files = [latent_file(cache_dir, backbone, examples[view.example], view.size, view.flip) for view in views]
    for row, file in enumerate(files):
        if file is not None and (kept := _read(file)) is not None:
            latents[row] = kept
    missing = [row for row in range(len(views)) if row not in latents]
    if missing:
        backbone.hold("vae")
    done = 0
    for size in dict.fromkeys(views[row].size for row in missing):
        rows_of_size = [row for row in missing if views[row].size == size]
        at_once = max(1, min(8, PIXELS_AT_ONCE // (size[0] * size[1])))
        for start in range(0, len(rows_of_size), at_once):
            rows = rows_of_size[start : start + at_once]
            pixels = torch.stack([_tensor(examples[views[row].example], size, views[row].flip) for row in rows])
            means, stds = backbone.encode_images(pixels)
            for row, mean, std in zip(rows, means.float().cpu(), stds.float().cpu(), strict=True):
                latents[row] = (mean, std)
                _keep(files[row], examples[views[row].example], latents[row], backbone.id)
            done += len(rows)
            if on_picture:
                on_picture(done, len(missing))
    return [latents[row] for row in range(len(views))]


def encode_words(backbone: Backbone, ids: Words, cache_dir: Path | None, owner: str = "") -> Words:
    """What the denoiser is told of prompts; of a base in phases it is kept, for its text encoders load slowly.

    Args:
        backbone: whose text encoders.
        ids: see `Backbone.tokenize`.
        cache_dir: where the words are kept; None keeps none.
        owner: whose photos they speak of.
    """
    file = None
    if cache_dir is not None and backbone.phases is not None:
        digest = hashlib.sha256(backbone.fingerprint.encode())
        for name, tensor in sorted(ids.items()):
            digest.update(f":{name}:{tuple(tensor.shape)}:".encode() + tensor.cpu().numpy().tobytes())
        file = cache_dir / f"{digest.hexdigest()}.safetensors"
        with suppress(OSError, ValueError, SafetensorError, VaultError):  # not there, broken or locked: encoded anew
            return {name: tensor.to(backbone.device) for name, tensor in from_bytes(read_private(file)).items()}
    backbone.hold("text")
    count = len(next(iter(ids.values())))
    parts = [
        backbone.encode_text({name: tensor[start : start + PROMPTS_AT_ONCE] for name, tensor in ids.items()})
        for start in range(0, count, PROMPTS_AT_ONCE)
    ]
    words = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    if file is not None:
        write_private(file, to_bytes(words), owner)
    return words


def _keep(file: Path | None, example: Example, latent: Latent, base: str) -> None:
    mean, std = latent
    if not bool(mean.isfinite().all() and std.isfinite().all()):
        raise DatasetError(
            example.file.name,
            f"{base} cannot encode it: the result is not finite",
            "Leave it out; when it happens with every picture, the base's autoencoder is broken: choose another base",
        )
    if file is not None:
        owner = owner_of(example.file) if example.kind == "photo" else ""
        write_private(file, to_bytes({"mean": mean, "std": std}), owner)


def picture_size(example: Example) -> Size:
    """Width and height of an example's picture.

    Raises:
        DatasetError: if it cannot be opened.
    """
    with _opened(example) as picture:
        return picture.size


def _tensor(example: Example, size: Size, flip: bool) -> torch.Tensor:
    """(3, h, w) in [-1, 1]; what is too long on one side is cut there, in the middle."""
    with _opened(example) as opened:
        try:
            picture = ImageOps.fit(opened.convert("RGB"), size, Image.Resampling.LANCZOS)
        except OSError as error:
            raise _no_picture(example) from error
    if flip:
        picture = ImageOps.mirror(picture)
    pixels = torch.from_numpy(np.array(picture, dtype=np.float32))
    return (pixels / 127.5 - 1).permute(2, 0, 1)


def _opened(example: Example) -> Image.Image:
    try:
        return Image.open(io.BytesIO(read_private(example.file)))
    except OSError as error:
        raise _no_picture(example) from error


def _no_picture(example: Example) -> DatasetError:
    return DatasetError(example.file.name, "it cannot be opened as a picture", "Leave it out")


def latent_file(folder: Path | None, backbone: Backbone, example: Example, size: Size, flip: bool) -> Path | None:
    """Where a latent is kept; None when none are kept."""
    if folder is None:
        return None
    said = str(size[0]) if size[0] == size[1] else f"{size[0]}x{size[1]}"
    facts = f"{backbone.fingerprint}:{example.sha256}:{said}:{int(flip)}"
    return folder / f"{hashlib.sha256(facts.encode()).hexdigest()}.safetensors"


def _read(file: Path) -> Latent | None:
    """A kept latent, or None when there is none or it is broken: it is encoded again then."""
    try:
        kept = from_bytes(read_private(file))
        return kept["mean"], kept["std"]
    except (OSError, ValueError, SafetensorError, KeyError, VaultError):
        return None
