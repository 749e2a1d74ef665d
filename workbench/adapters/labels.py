"""What a person writes on the adapters of their shelf: tags, whose version it is, the strength they like best.

It is kept beside the adapters in `.shelf.json` and never inside them: an adapter that is given away tells nothing of
the shelf it stood on. A file that is added, renamed or taken away by hand is no error; its label is just not there.
"""

from __future__ import annotations

import json
import math
import threading
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from workbench.config import atomic_write, shelf, storage_errors
from workbench.config.alone import alone
from workbench.errors import AdapterError

FILE = ".shelf.json"
MOST_TAGS, LONGEST_TAG = 20, 30
STRONGEST = 2.0
_LOCK = threading.Lock()  # sessions of the page are threads of one process


@dataclass(frozen=True)
class Label:
    """What is written on one adapter.

    Args:
        tags: words to find it by, in small letters.
        subject: whose version it is; empty goes by its name.
        strength: the strength to begin with; 1 is as trained.
        warnings: what was found when it was brought here, such as weights of an absurd size.
    """

    tags: tuple[str, ...] = ()
    subject: str = ""
    strength: float = 1.0
    warnings: tuple[str, ...] = ()


def read_labels(folder: Path | None = None) -> dict[str, Label]:
    """All labels of a shelf by the adapter's name; empty when there is no file, or one that cannot be read."""
    try:
        table = json.loads(((folder or shelf()) / FILE).read_text(encoding="utf-8"))
        entries = table["adapters"].items()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    return {str(name): parse_label(entry) for name, entry in entries if isinstance(entry, dict)}


def write_label(name: str, label: Label | None, folder: Path | None = None) -> None:
    """Writes an adapter's label; None, or one that says nothing, takes it away.

    Raises:
        StorageError: the shelf cannot be written.
    """
    folder = folder or shelf()
    # The command line may write at the same time as the page.
    with _LOCK, alone(folder) if folder.is_dir() else nullcontext():
        labels = read_labels(folder)
        if labels.get(name) == label or (name not in labels and label in (None, Label())):
            return
        path = folder / FILE
        if not labels and path.exists():
            # Whatever it is, somebody may still want to read it.
            with suppress(OSError):
                path.replace(path.with_name(".shelf.unreadable.json"))
        labels.pop(name, None)
        if label not in (None, Label()):
            assert label is not None
            labels[name] = label
        if not labels:
            with storage_errors(path):
                path.unlink(missing_ok=True)
            return
        table = {"format": 1, "adapters": {key: asdict(labels[key]) for key in sorted(labels)}}
        atomic_write(path, json.dumps(table, ensure_ascii=False, indent=1))


def change_label(
    name: str,
    folder: Path | None = None,
    *,
    tags: list[str] | None = None,
    subject: str | None = None,
    strength: float | None = None,
    warnings: list[str] | None = None,
) -> Label:
    """Changes what is given of an adapter's label and leaves the rest.

    Raises:
        AdapterError: a tag is too long or holds a comma, there are too many, or the strength is out of range.
        StorageError: the shelf cannot be written.
    """
    label = read_labels(folder).get(name, Label())
    if tags is not None:
        label = replace(label, tags=_tags(name, tags))
    if subject is not None:
        label = replace(label, subject=subject.strip()[:80])
    if strength is not None:
        if not (math.isfinite(strength) and -STRONGEST <= strength <= STRONGEST):
            raise AdapterError(name, f"a strength of {strength:g} is out of range", f"Choose at most {STRONGEST:g}")
        label = replace(label, strength=float(strength))
    if warnings is not None:
        label = replace(label, warnings=tuple(warnings))
    write_label(name, label, folder)
    return label


def _tags(name: str, tags: list[str]) -> tuple[str, ...]:
    clean = list(dict.fromkeys(" ".join(tag.split()).casefold() for tag in tags if tag.strip()))
    if any(len(tag) > LONGEST_TAG or "," in tag for tag in clean) or len(clean) > MOST_TAGS:
        raise AdapterError(name, "its tags are too long or too many", f"Use up to {MOST_TAGS} tags of one or two words")
    return tuple(clean)


def parse_label(entry: dict[str, Any]) -> Label:
    """Reads a label that may have been edited by hand: what is of another type counts as not written."""
    chosen: dict[str, Any] = {}
    for each in fields(Label):
        value = entry.get(each.name)
        if each.name in ("tags", "warnings") and isinstance(value, list):
            chosen[each.name] = tuple(str(word)[:400] for word in value[:MOST_TAGS])
        elif each.name == "subject" and isinstance(value, str):
            chosen[each.name] = value[:80]
        elif each.name == "strength" and isinstance(value, int | float) and abs(value) <= STRONGEST:
            chosen[each.name] = float(value)
    return Label(**chosen)
