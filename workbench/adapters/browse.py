"""Finding things on the shelf: by words, by tags, and all versions of one subject together."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.adapters.shelf import ShelfEntry

# "mia-v2", "mia_3", "mia-000150": what people and training tools put behind a name for the next version.
_VERSION = re.compile(r"(?i)^(.*?\w)[-_ ](?:v?\d{1,6}|v\d+\.\d+|new|final|old|copy)$")


def subject_of(entry: ShelfEntry) -> str:
    """Whose adapter it is: what its label says, else its name without the version behind it.

    An adapter that stands under another name than it was made under keeps the name it was given here.
    """
    return subject_named(entry.name, entry.label.subject)


def subject_named(name: str, label: str = "") -> str:
    """The same by an adapter's name and the subject on its label, for those that left the shelf too."""
    if label:
        return label
    while match := _VERSION.match(name):
        name = match[1]
    return name


def versions(entries: Iterable[ShelfEntry]) -> dict[str, list[ShelfEntry]]:
    """The shelf by subject, each subject's versions from the first made to the last.

    Order of the subjects: that of their latest version, newest first.
    """
    found: dict[str, list[ShelfEntry]] = {}
    for entry in entries:
        found.setdefault(subject_of(entry), []).append(entry)
    for several in found.values():
        several.sort(key=_made)
    return dict(sorted(found.items(), key=lambda item: _made(item[1][-1]), reverse=True))


def _made(entry: ShelfEntry) -> tuple[str, str]:
    return entry.card.created or entry.modified.isoformat(), entry.name


def search_shelf(entries: Iterable[ShelfEntry], words: str = "", tags: Sequence[str] = ()) -> list[ShelfEntry]:
    """The entries that have all tags and all words.

    Args:
        words: looked for in name, subject, tags, trigger, base, traits, licence and file name; parts of words count,
            letter case and accents do not. Broken files are found by their names.
    """
    wanted = [_plain(word) for word in words.split()]
    return [
        entry
        for entry in entries
        if set(tags) <= set(entry.label.tags) and all(word in _all_words(entry) for word in wanted)
    ]


def all_tags(entries: Iterable[ShelfEntry]) -> list[str]:
    """The tags in use, the most used first."""
    counts = Counter(tag for entry in entries for tag in entry.label.tags)
    return [tag for tag, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def _all_words(entry: ShelfEntry) -> str:
    card = entry.card
    traits = [f"{key} {value}" for key, value in card.traits.items()]
    return _plain(
        " ".join(
            [entry.path.name, subject_of(entry), *entry.label.tags, card.name, card.trigger, card.class_noun, card.base,
             card.family, card.licence, *card.tags, *traits]
        )
    )  # fmt: skip


def _plain(text: str) -> str:
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in split if not unicodedata.combining(letter))
