"""The pictures of a row, drawn by the engine that the product draws with, each kept on disk as soon as it is there."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from benchmarks.identity.people import Subject, named_prompt, prompt
from benchmarks.identity.rows import Row
from benchmarks.identity.train import digest_of
from workbench.config import ROOT, atomic_write

if TYPE_CHECKING:
    from workbench.generation import Engine

CODE = "code"  # under this name a picture says what drew it
OnPicture = Callable[[int, int], None]


class Drawer:
    """Draws with one engine, opened when the first picture is missing."""

    def __init__(self, base: str, fingerprint: str, shelf: Path, folder: Path, keep: bool = False) -> None:
        """
        Args:
            base: name or folder of the base.
            fingerprint: its hash.
            shelf: the benchmark's adapters.
            folder: where pictures are kept.
            keep: pictures count as drawn also when the code has changed since.
        """
        self._base, self._fingerprint, self._shelf, self._folder = base, fingerprint, shelf, folder
        self._keep = keep

    @cached_property
    def engine(self) -> Engine:
        from workbench.generation import Engine

        return Engine(self._base, self._shelf)

    @cached_property
    def _code(self) -> str:
        return digest_of([ROOT / "workbench" / "generation", ROOT / "workbench" / "backbones" / "catalogue.yaml"])

    def pictures(
        self, prompts: Sequence[str], seeds: Sequence[int], adapter: str = "", on_picture: OnPicture | None = None
    ) -> list[Image.Image]:
        """One picture for each prompt.

        Args:
            prompts, seeds: one for each picture.
            adapter: its name on the benchmark's shelf; empty draws with the base alone.
            on_picture: called with (pictures done, pictures in all).

        Raises:
            GenerationError, AdapterError: see `Engine.generate`.
        """
        pictures = []
        for index, (words, seed) in enumerate(zip(prompts, seeds, strict=True)):
            path = self._folder / f"{self._key(words, seed, adapter)}.png"
            picture = self._open(path)
            if picture is None:
                picture = self._draw(words, seed, adapter)
                buffer, note = io.BytesIO(), PngInfo()
                note.add_text(CODE, self._code)
                picture.save(buffer, "PNG", pnginfo=note)
                atomic_write(path, buffer.getvalue())
            pictures.append(picture)
            if on_picture:
                on_picture(index + 1, len(prompts))
        return pictures

    def _draw(self, words: str, seed: int, adapter: str) -> Image.Image:
        from workbench.generation import Request

        adapters = [(adapter, 1.0)] if adapter else []
        [picture] = self.engine.generate(Request(words, seed=seed, count=1, adapters=adapters))
        return picture.image.convert("RGB")

    def _open(self, path: Path) -> Image.Image | None:
        """A kept picture, or None when there is none, it is not whole, or other code drew it."""
        with suppress(OSError, SyntaxError), Image.open(path) as opened:
            picture = opened.convert("RGB")
            return picture if self._keep or opened.info.get(CODE) == self._code else None
        return None

    def _key(self, words: str, seed: int, adapter: str) -> str:
        from workbench.adapters import file_sha256

        weights = file_sha256(self._shelf / f"{adapter}.safetensors") if adapter else ""
        facts: list[Any] = [self._fingerprint, weights, words, seed]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


def row_pictures(
    drawer: Drawer, subject: Subject, row: Row, count: int, adapter: str = "", on_picture: OnPicture | None = None
) -> list[Image.Image]:
    """The pictures by which a row is judged on a subject: one for each of the subject's scenes."""
    scenes = subject.scenes(count)
    if row.kind == "truth":
        return subject.truth(count)
    named = row.kind == "named"
    prompts = [named_prompt(subject.character, scene) if named else prompt(scene) for scene in scenes]
    return drawer.pictures(prompts, _seeds(subject, count), adapter, on_picture)


def plain_pictures(
    drawer: Drawer, subject: Subject, count: int, adapter: str = "", on_picture: OnPicture | None = None
) -> list[Image.Image]:
    """Half as many pictures of the first scenes and seeds, asked for without the trigger: they show anyone."""
    scenes = subject.scenes(count)[: max(1, count // 2)]
    return drawer.pictures([prompt(scene, "") for scene in scenes], _seeds(subject, len(scenes)), adapter, on_picture)


def _seeds(subject: Subject, count: int) -> list[int]:
    # Every subject has noise of its own, and every row the same noise for a subject.
    return [subject.seed * 100 % 2**31 + index for index in range(count)]
