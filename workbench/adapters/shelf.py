"""The shelf: the folder of finished adapters. What lies in the folder is what is on the shelf; there is no index.

Tags and the like are labels beside the files (`labels.py`); what is deleted goes to the trash (`trash.py`).
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.adapters.card import Card
from workbench.adapters.complete import find_strays, refuse_strays, strength_warnings, without_weights
from workbench.adapters.file import KOHYA_SUFFIX, AdapterInfo, check_weights, inspect_adapter
from workbench.adapters.header import MAX_FILE, PICKLES, read_header, refuse_pickle
from workbench.adapters.labels import Label, change_label, read_labels, write_label
from workbench.adapters.scrub import Finding
from workbench.adapters.weights import read_weights
from workbench.config import atomic_write, make_folder, safe_name, shelf, storage_errors
from workbench.errors import AdapterError

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class ShelfEntry:
    """An adapter on the shelf, or a file there that should be one.

    Args:
        name: the file's name without `.safetensors`.
        info: what its header tells; None when it is broken.
        broken: why it cannot be used, or empty.
        notes: what the person should know of it, such as that its base is unknown.
        label: what the person wrote on it.
    """

    name: str
    path: Path
    size: int
    modified: datetime
    info: AdapterInfo | None
    broken: str
    notes: tuple[str, ...]
    label: Label = field(default_factory=Label)

    @property
    def private(self) -> tuple[Finding, ...]:
        """What its metadata gives away of the photos it was trained on; see `scrub.py`."""
        return self.info.private if self.info else ()

    @property
    def card(self) -> Card:
        return (self.info.card if self.info else None) or Card(name=self.name, class_noun="", created="")


def list_shelf(folder: Path | None = None) -> list[ShelfEntry]:
    """All adapters on the shelf, newest first, broken ones included; files dropped in by hand count like any other.

    Only headers are read, so a shelf of hundreds is quick. An export `NAME.kohya.safetensors` beside its
    `NAME.safetensors` is not listed again.
    """
    folder = folder or shelf()
    if not folder.is_dir():
        return []
    with storage_errors(folder):
        files = [path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file()]
    names = {path.name for path in files}
    labels = read_labels(folder)
    entries = []
    for path in files:
        original = path.name.removesuffix(KOHYA_SUFFIX) + SUFFIX
        if path.suffix.lower() not in (SUFFIX, *PICKLES) or (path.name.endswith(KOHYA_SUFFIX) and original in names):
            continue
        with suppress(FileNotFoundError):  # taken away since the folder was read
            entries.append(read_entry(path, labels))
    return sorted(entries, key=lambda entry: (-entry.modified.timestamp(), entry.name))


def read_entry(path: Path, labels: Mapping[str, Label] | None = None) -> ShelfEntry:
    """One file of the shelf; `labels` are the shelf's when they have been read already."""
    info, broken = None, ""
    stat, name = path.stat(), path.name.removesuffix(SUFFIX)
    label = (read_labels(path.parent) if labels is None else labels).get(name, Label())
    notes = list(label.warnings)
    try:
        info = inspect_adapter(path)
    except AdapterError as error:
        broken = f"{error.reason}. {error.way_out}."
    else:
        if info.card is None:
            notes.append("It has no card: its base and trigger word are unknown")
        elif not info.card.base:
            notes.append("It does not say which base it was trained on")
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    return ShelfEntry(name, path, stat.st_size, modified, info, broken, tuple(notes), label)


def find_adapter(name: str, folder: Path | None = None) -> ShelfEntry:
    """Finds a usable adapter by name; `.safetensors` may be left on.

    Raises:
        AdapterError: there is none of that name (says the nearest), or it is broken.
    """
    entry = named_entry(name, folder)
    if entry.broken:
        raise AdapterError(entry.path.name, *entry.broken.removesuffix(".").rsplit(". ", 1))
    return entry


def named_entry(name: str, folder: Path | None = None) -> ShelfEntry:
    """Like `find_adapter`, but broken ones are found too.

    Raises:
        AdapterError: there is none of that name; says the nearest.
    """
    name = name.removesuffix(SUFFIX)
    entries = {entry.name: entry for entry in list_shelf(folder)}
    if name in entries:
        return entries[name]
    near = difflib.get_close_matches(name, entries, n=3, cutoff=0.5) or sorted(entries)[:5]
    way_out = f"There is {', '.join(near)}" if near else "Train one, or put a .safetensors file in loras/"
    raise AdapterError(f"Adapter {name!r}", "it is not on the shelf", way_out)


def import_adapter(
    source: bytes | Path,
    name: str,
    folder: Path | None = None,
    replace: bool = False,
    partial: bool = False,
    backbone: Any = None,
) -> ShelfEntry:
    """Puts an adapter on the shelf after reading all of it; nothing is left there when it is refused.

    What it gives away of its photos is in `ShelfEntry.private`, weights of an absurd size are in its notes.

    Args:
        source: a file's bytes, or its path.
        name: what to call it; a `.safetensors` at the end is dropped.
        replace: whether an adapter of that name may be replaced.
        partial: whether to bring only those weights that are understood; otherwise a file with others is refused.
        backbone: the open base that it was trained on; a DoRA cannot be understood without (see `dora.py`).

    Raises:
        AdapterError: not a safetensors LoRA, broken, not finite, altered since it was saved, with weights that would
            not be used or lack their other half, or the name is taken.
        SubjectError: the name cannot be a file's name.
        StorageError: the disk is full or the shelf may not be written.
    """
    from workbench.adapters import dora  # which reads files as the shelf does

    folder = make_folder(folder or shelf())
    if isinstance(source, Path):
        refuse_pickle(source.name)
        if not source.is_file():
            raise AdapterError(source.name, "there is no such file", "Check the path")
        if source.stat().st_size > MAX_FILE:
            raise AdapterError(source.name, "it is larger than any adapter", "Choose an adapter, not a whole model")
        source = source.read_bytes()
    refuse_pickle(name if Path(name).suffix.lower() in PICKLES else "a.safetensors")
    name = safe_name(name.removesuffix(SUFFIX))
    target = folder / (name + SUFFIX)
    if target.exists() and not replace:
        raise AdapterError(f"Adapter {name!r}", "there is one of that name on the shelf", "Choose another name")
    arriving = folder / f".arriving-{os.getpid()}-{name}{SUFFIX}"
    try:
        atomic_write(arriving, source)
        told: list[str] = []
        try:
            if dora.lengths(read_header(arriving)):
                if backbone is None:
                    raise AdapterError(name, dora.NEEDS_BASE, dora.WAY_OUT)
                source, said = dora.plain_lora(source, name, backbone)
                told = [said]
                atomic_write(arriving, source)
            source = _checked(arriving, source, partial)
            warnings = told + strength_warnings(read_weights(arriving))
        except AdapterError as error:
            raise AdapterError(target.name, error.reason, error.way_out) from None
        atomic_write(target, source)
    finally:
        with suppress(OSError):  # on a read-only shelf it was never made, and the first error is the one to tell
            arriving.unlink(missing_ok=True)
    change_label(name, folder, warnings=warnings)
    return read_entry(target)


def _checked(arriving: Path, source: bytes, partial: bool) -> bytes:
    """Reads all of a file that arrives, and leaves out what is not understood when that is wanted."""
    header = read_header(arriving)
    if partial and (strays := find_strays(header)):
        check_weights(arriving)  # before the hash is made anew
        source = without_weights(arriving, header, {*strays.unused, *strays.lost})
        atomic_write(arriving, source)
    else:
        refuse_strays(header, arriving.name)
    inspect_adapter(arriving)
    check_weights(arriving)
    return source


def delete_adapter(name: str, folder: Path | None = None) -> list[Path]:
    """Erases an adapter for good, broken ones too, with its kohya export and label; see `trash_adapter` otherwise.

    Returns:
        The files that were removed.

    Raises:
        AdapterError: there is none of that name.
    """
    entry = named_entry(name, folder)
    export = entry.path.with_name(entry.name + KOHYA_SUFFIX)
    removed = [path for path in (entry.path, export) if path.exists()]
    for path in removed:
        with storage_errors(path):
            path.unlink()
    write_label(entry.name, None, entry.path.parent)
    return removed


def rename_adapter(name: str, new_name: str, folder: Path | None = None) -> ShelfEntry:
    """Gives an adapter, and its kohya export, another file name; the card inside keeps the name it was made under.

    Raises:
        AdapterError: there is none of the old name, or one of the new.
        SubjectError: the new name cannot be a file's name.
    """
    entry = named_entry(name, folder)
    new_name = safe_name(new_name.removesuffix(SUFFIX))
    target = entry.path.with_name(new_name + SUFFIX)
    # A file in kohya's spelling may stand there alone, as an adapter of its own: it would be written over.
    if target.exists() or target.with_name(new_name + KOHYA_SUFFIX).exists():
        raise AdapterError(f"Adapter {new_name!r}", "there is one of that name on the shelf", "Choose another name")
    with storage_errors(target):
        export = entry.path.with_name(entry.name + KOHYA_SUFFIX)
        if export.exists():
            export.replace(target.with_name(new_name + KOHYA_SUFFIX))
        entry.path.replace(target)
    write_label(new_name, entry.label, target.parent)
    write_label(entry.name, None, target.parent)
    return read_entry(target)


def file_sha256(path: Path) -> str:
    """SHA-256 of a whole file, in hexadecimal: what a picture's record names its adapters by."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
