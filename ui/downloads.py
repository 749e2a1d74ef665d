"""What is made only when it is downloaded."""

from __future__ import annotations

import tempfile
from pathlib import Path

from workbench.adapters import ShelfEntry, export_kohya
from workbench.adapters.browse import subject_of
from workbench.adapters.shelf import file_sha256
from workbench.privacy import note_shared


def kohya_bytes(path: Path) -> bytes:
    """An adapter as kohya spells it, for ComfyUI and A1111; the shelf is left as it is.

    Raises:
        AdapterError: the adapter cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        return export_kohya(path, Path(folder) / f"{path.stem}.kohya.safetensors").read_bytes()


def shared(entry: ShelfEntry, form: str) -> bytes:
    """An adapter's file as it is downloaded; that it left is written down, so that it can be called back.

    Args:
        form: `diffusers` or `kohya`.

    Raises:
        AdapterError: the adapter cannot be read.
        StorageError: it cannot be written down.
    """
    content = kohya_bytes(entry.path) if form == "kohya" else entry.path.read_bytes()
    note_shared(entry.name, subject_of(entry), file_sha256(entry.path), form, entry.card.scope)
    return content
