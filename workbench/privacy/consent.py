"""Whose face it is, that it may be used, and for what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from workbench.errors import SubjectError

WHOSE = {
    "mine": "It is my own face",
    "agreed": "It is someone else's face, and they agreed to this",
    "child": "It is my child's face, and I may decide for them",
    "drawn": "It is nobody's face: drawn or generated",
}
SCOPES = {
    "personal": "for ourselves: the adapter stays here",
    "share": "may be shared, not sold",
    "commercial": "may be shared and used commercially",
}


@dataclass(frozen=True)
class Consent:
    """What was stated when the photos were brought.

    Args:
        whose: one of `WHOSE`.
        scope: one of `SCOPES`: what the adapter may be used for.
        given: when, in UTC, ISO 8601.
    """

    whose: str
    scope: str
    given: str

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


def state_consent(whose: str, scope: str = "personal") -> Consent:
    """A consent that is given now.

    Raises:
        SubjectError: a word is none of those to choose from.
    """
    for said, table in ((whose, WHOSE), (scope, SCOPES)):
        if said not in table:
            raise SubjectError("The consent", f"{said!r} is none of its words", f"Say one of {', '.join(table)}")
    return Consent(whose, scope, datetime.now(UTC).isoformat(timespec="seconds"))


def parse_consent(table: Any) -> Consent | None:
    """A consent as it was kept; None when there is none, or one that cannot be understood, which counts as none."""
    if not isinstance(table, Mapping):
        return None
    whose, scope, given = (str(table.get(key, "")) for key in ("whose", "scope", "given"))
    return Consent(whose, scope, given) if whose in WHOSE and scope in SCOPES else None


def scope_words(scope: str) -> str:
    """What a card's scope means; a scope in somebody's own words is given back, none is said to be none."""
    return SCOPES.get(scope, scope) or "not stated: ask the person before you share it"
