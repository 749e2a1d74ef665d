"""People for the tests of privacy."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from workbench.config import ROOT
from workbench.photos import Subject, add_photos, create_subject, judge_photos, open_photo
from workbench.privacy import keys, seal


def restart() -> None:
    """What a new process knows: nothing."""
    keys._unlocked.clear()
    seal._known.clear()


def some_photos(count: int = 2) -> list[Path]:
    return sorted((ROOT / "examples" / "selfies").iterdir())[:count]


def bring(name: str = "mia", count: int = 1) -> Subject:
    """A person with sample selfies."""
    subject = create_subject(name)
    add_photos(subject, judge_photos([open_photo(path) for path in some_photos(count)]))
    return subject


def png(colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(buffer, "PNG")
    return buffer.getvalue()
