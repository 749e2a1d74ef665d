"""What is made only when it is downloaded."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from ui.picture import gallery
from workbench.adapters import ShelfEntry, export_kohya
from workbench.adapters.browse import subject_of
from workbench.adapters.formats import diffusers_bytes, export_peft
from workbench.adapters.share import pack_adapter
from workbench.adapters.shelf import file_sha256
from workbench.privacy import note_shared, scope_words


def kohya_bytes(path: Path, keep_private: bool = False) -> bytes:
    """An adapter as kohya spells it, for ComfyUI and A1111; the shelf is left as it is.

    Raises:
        AdapterError: the adapter cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"{path.stem}.kohya.safetensors"
        return export_kohya(path, target, keep_private=keep_private).read_bytes()


def shared(entry: ShelfEntry, form: str, keep_private: bool = False) -> bytes:
    """An adapter's file as it is downloaded; that it left is written down, so that it can be called back.

    Args:
        form: `diffusers`, `kohya`, `peft` (its folder as a zip) or `zip` (with card, README, samples and consent).
        keep_private: whether what the file tells of the photos it was trained on goes along.

    Raises:
        AdapterError: the adapter cannot be read.
        StorageError: it cannot be written down.
    """
    if form == "kohya":
        content = kohya_bytes(entry.path, keep_private)
    elif form == "diffusers":
        content = diffusers_bytes(entry.path, keep_private)
    else:
        content = _peft_zip(entry, keep_private) if form == "peft" else _zip(entry, keep_private)
    note_shared(entry.name, subject_of(entry), file_sha256(entry.path), form, entry.card.scope)
    return content


def _zip(entry: ShelfEntry, keep_private: bool) -> bytes:
    kept = gallery().search(adapter=entry.name, limit=40)
    pictures = [each.path for each in sorted(kept, key=lambda each: not each.starred)[:4]]
    words = scope_words(entry.card.scope) if entry.card.scope else ""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "adapter.zip"
        pack_adapter(entry.path, target, pictures, words, keep_private)
        return target.read_bytes()


def _peft_zip(entry: ShelfEntry, keep_private: bool) -> bytes:
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(buffer, "w") as archive:
        top = export_peft(entry.path, Path(folder) / entry.name, keep_private)
        for path in sorted(path for path in top.rglob("*") if path.is_file()):
            archive.write(path, path.relative_to(folder))
    return buffer.getvalue()
