"""What a person says of single photos: the words that should stay editable, such as the expression and the clothes.

Kept in `captions.json` beside the photos, by the first 16 characters of the file's sha256.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from workbench.photos.subject import Subject, subject_folder
from workbench.privacy import read_private, write_private

LONGEST_WORDS = 200


def photo_words(subject: Subject) -> dict[str, str]:
    """The words that were given to a subject's photos: `{"3f2a…": "smiling, wearing a red hoodie"}`.

    Photos without words are left out; a file that is broken counts as no words.
    """
    folder = subject_folder(subject.name)
    try:
        table: Any = json.loads(read_private(folder / "captions.json"))
    except (OSError, ValueError):
        return {}
    if not isinstance(table, dict):
        return {}
    there = {path.stem for path in (folder / "crops").glob("*.png") if not path.name.startswith(".")}
    return {key: words for key, words in table.items() if key in there and isinstance(words, str) and words.strip()}


def save_photo_words(subject: Subject, words: Mapping[str, str]) -> None:
    """Gives words to some photos and leaves the others as they are; empty words are taken away.

    Args:
        words: by the first 16 characters of the photo's sha256. What cannot be seen becomes a space, and what is
            longer than `LONGEST_WORDS` is cut.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    clean = {key: " ".join("".join(c if c.isprintable() else " " for c in text).split()) for key, text in words.items()}
    table = photo_words(subject) | {key: text.strip(" ,")[:LONGEST_WORDS] for key, text in clean.items()}
    kept = {key: text for key, text in table.items() if text}
    write_private(subject_folder(subject.name) / "captions.json", json.dumps(kept, ensure_ascii=False, indent=1) + "\n")
