"""Which adapters left this computer: written down at export, so that a person who is forgotten can call them back."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from workbench.config import atomic_write, home, make_folder, storage_errors


def note_shared(adapter: str, subject: str, sha256: str, form: str, scope: str) -> None:
    """Writes down that an adapter was exported or downloaded.

    Args:
        adapter: its name on the shelf.
        subject: whose it is.
        sha256: of the adapter's file: how a copy is recognised.
        form: how it left: `kohya`, `diffusers`, …
        scope: the agreed use at that time.

    Raises:
        StorageError: it cannot be written.
    """
    when = datetime.now(UTC).isoformat(timespec="seconds")
    line = {"adapter": adapter, "subject": subject, "sha256": sha256, "form": form, "scope": scope, "when": when}
    make_folder(home())
    with storage_errors(home()), (home() / "shared.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def list_shared(names: Collection[str] | None = None) -> list[dict[str, Any]]:
    """What left this computer, oldest first.

    Args:
        names: only adapters of these names or subjects.
    """
    return [line for line in _lines() if names is None or _is_of(line, names)]


def drop_shared(names: Collection[str]) -> list[dict[str, Any]]:
    """Takes the lines of some adapters or subjects out; they go into the receipt.

    Raises:
        StorageError: it cannot be written.
    """
    return _keep(lambda line: not _is_of(line, names))


def _keep(wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    lines = _lines()
    kept, file = [line for line in lines if wanted(line)], home() / "shared.jsonl"
    if len(kept) < len(lines):
        if kept:
            atomic_write(file, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept))
        else:
            with storage_errors(file):
                file.unlink(missing_ok=True)
    return [line for line in lines if not wanted(line)]


def _is_of(line: dict[str, Any], names: Collection[str]) -> bool:
    return str(line.get("adapter")) in names or str(line.get("subject")) in names


def _lines() -> list[dict[str, Any]]:
    lines = []
    with suppress(FileNotFoundError, NotADirectoryError):
        for text in (home() / "shared.jsonl").read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                line = json.loads(text)
                lines += [line] if isinstance(line, dict) else []
    return lines
