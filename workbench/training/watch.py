"""Sees to it that the photos a run learns from stay what they were: a changed photo means another adapter."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path

from workbench.errors import TrainingError

SECONDS = 5.0


class PhotoWatch:
    """Remembers photos by their content and notices when one is changed or gone."""

    def __init__(self, files: Iterable[Path]) -> None:
        """
        Args:
            files: the photos.
        """
        self._known = {file: (_stamp(file), _content(file)) for file in files}
        self._last = time.monotonic()

    def check(self, at_once: bool = False) -> None:
        """Looks at the photos; between two looks are some seconds, and a file is read only when its date has changed.

        Args:
            at_once: look now.

        Raises:
            TrainingError: names the photo that is gone or another one.
        """
        if not at_once and time.monotonic() - self._last < SECONDS:
            return
        self._last = time.monotonic()
        for file, (stamp, content) in self._known.items():
            now = _stamp(file)
            if now == stamp:
                continue
            if now is None or _content(file) != content:
                what = "is gone" if now is None else "was changed"
                raise TrainingError(
                    file.name,
                    f"the photo {what} while the run was learning from it; the last checkpoint is kept",
                    "Put it back as it was to continue, or start afresh with follow.resume=never",
                )
            self._known[file] = (now, content)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _content(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return ""
