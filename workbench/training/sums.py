"""Sums of a folder's files, in a file that `sha256sum --check` reads: what a disk gives back changed is noticed."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

SUMS = "SHA256SUMS"


def write_sums(folder: Path) -> None:
    """Writes the sums of the files that are in a folder now."""
    lines = [f"{_sum(file)}  {file.name}\n" for file in sorted(folder.iterdir()) if file.name != SUMS]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def changed_files(folder: Path) -> list[str]:
    """Files that are not what they were when their sums were written.

    Args:
        folder: in which the sums lie; folders of versions that wrote none have nothing to compare.

    Returns:
        Their names; that of the sums where they cannot be read.
    """
    try:
        lines = (folder / SUMS).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError:
        return [SUMS]
    found = [re.fullmatch(rb"([0-9a-f]{64})  ([\w.-]+)", line) for line in lines]
    if not found or not all(found):
        return [SUMS]
    sums = {match[2].decode(): match[1].decode() for match in found if match}
    return [name for name, expected in sums.items() if _sum(folder / name) != expected]


def _sum(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:  # not there, or the disk cannot read it
        return ""
