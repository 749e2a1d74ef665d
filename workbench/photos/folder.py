"""A folder of pictures, judged: what `workbench check DIR` prints."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from workbench.errors import PhotoError
from workbench.photos.compare import judge_photos
from workbench.photos.photo import SUFFIXES, Photo, open_photo
from workbench.photos.verdict import Problem, Verdict

MAX_FILES = 100


def check_folder(folder: Path | str, on_photo: Callable[[int, int], None] | None = None) -> Verdict:
    """Judges all pictures of a folder (not of folders in it), in the order of their names.

    Args:
        folder: where the photos are. Nothing in it is altered.
        on_photo: called with (photos done, photos in all) after each one.

    Raises:
        PhotoError: there is no such folder, it may not be read, holds no picture, or more than `MAX_FILES`.
    """
    folder = Path(folder)
    pictures, others = _list_folder(folder)
    if not pictures:
        found = f"there are {len(others)} files in it, none of them a picture" if others else "it is empty"
        raise PhotoError(str(folder), found, "Put 3 to 20 photos of one person in it (JPEG, PNG, WebP or HEIC)")
    if len(pictures) > MAX_FILES:
        raise PhotoError(
            str(folder), f"it holds {len(pictures)} pictures", "Choose 3 to 20 photos of one person into a folder"
        )
    verdict = judge_photos([_open_or_error(path) for path in pictures], on_photo)
    if not others:
        return verdict
    names = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
    return replace(verdict, notes=(*verdict.notes, Problem("left_out", f"Left out, as no picture: {names}", "")))


def _list_folder(folder: Path) -> tuple[list[Path], list[str]]:
    try:
        if not folder.exists():
            raise PhotoError(str(folder), "there is no such folder", "Check the path")
        if not folder.is_dir():
            raise PhotoError(str(folder), "it is a file, not a folder", "Name the folder that holds the photos")
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
        # A folder that may be listed but not entered tells the names and nothing else.
        files = [entry for entry in entries if entry.is_file()] if os.access(folder, os.X_OK) else None
    except PermissionError as error:
        raise _no_permission(folder) from error
    except OSError as error:
        raise PhotoError(str(folder), f"it cannot be read ({error.strerror})", "Copy the photos elsewhere") from error
    if files is None:
        raise _no_permission(folder)
    pictures = [file for file in files if file.suffix.lower() in SUFFIXES]
    return pictures, [file.name for file in files if file not in set(pictures)]


def _no_permission(folder: Path) -> PhotoError:
    return PhotoError(str(folder), "you may not read this folder", "Change its permissions, or copy the photos")


def _open_or_error(path: Path) -> Photo | PhotoError:
    try:
        return open_photo(path)
    except PhotoError as error:
        return error
