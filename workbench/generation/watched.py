"""What stands between a finished picture and a person: filters, and the question whose face it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.adapters import find_adapter
from workbench.errors import SubjectError
from workbench.photos import load_subject
from workbench.safety import PictureFilter, blurred, note_refusal

_OWN = ("mine", "drawn")


def shows_others(adapters: Sequence[str], shelf: Path | None = None) -> bool:
    """Whether one of the adapters draws somebody who has not said here that the face is theirs, or drawn.

    Args:
        adapters: names on the shelf.
        shelf: its folder; None takes the usual one.

    Raises:
        AdapterError: one is not there.
    """
    for name in adapters:
        entry = find_adapter(name, shelf)
        try:
            consent = load_subject(entry.label.subject or entry.card.name or name).consent
        except SubjectError:
            return True
        if consent is None or consent.whose not in _OWN:
            return True
    return False


def look_over(image: Any, record: dict[str, Any], filters: Sequence[PictureFilter]) -> tuple[Any, dict[str, Any]]:
    """The picture, or its blur with the reason in its record; what was taken away is kept nowhere.

    Args:
        image: a finished PIL picture.
        record: how it was made.

    Raises:
        StorageError: that something was blurred cannot be written down.
    """
    for look in filters:
        if why := look(image):
            note_refusal("picture", why)
            notes = [*record.get("notes", []), f"It is blurred: {why}. Another seed or other words may help"]
            return blurred(image), record | {"notes": notes}
    return image, record
