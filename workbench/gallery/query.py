"""What is looked for in the gallery, and the same as a condition of SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Query:
    """What is looked for; empty means not asked.

    Args:
        words: all of them must occur in the prompt, the base's name, the seed or the adapters' names; parts of words
            count, letter case does not.
        adapter: only pictures made with this one.
        subject: only pictures of this person: made with any of their adapters.
        collection: only those in this collection.
        stars_only: only those with a star.
        since, until: ISO 8601 times or dates in UTC; `until` itself is not included.
    """

    words: str = ""
    adapter: str = ""
    subject: str = ""
    collection: str = ""
    stars_only: bool = False
    since: str = ""
    until: str = ""


def where(query: Query, adapters: Sequence[str]) -> tuple[str, list[Any]]:
    """The condition on `pictures`, and the values of its question marks.

    Args:
        adapters: those of the query's subject.
    """
    conditions: list[str] = ["1"]
    values: list[Any] = []

    def must(condition: str, *given: Any) -> None:
        conditions.append(condition)
        values.extend(given)

    for word in query.words.casefold().split():
        must("instr(words, ?) > 0", word)
    if query.adapter:
        must("id in (select id from used where adapter = ?)", query.adapter)
    if query.subject:
        must(f"id in (select id from used where adapter in ({','.join('?' * len(adapters))}))", *adapters)
    if query.collection:
        must("id in (select id from members where collection = ?)", query.collection)
    if query.stars_only:
        must("starred = 1")
    if query.since:
        must("created >= ?", query.since)
    if query.until:
        must("created < ?", query.until)
    return " and ".join(conditions), values
