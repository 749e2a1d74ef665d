"""What is said to people, in their language: English, or simplified Chinese.

    tr("Take {name} out", name=name)            the sentence in the language of whoever reads it
    trn("{number} photo", "{number} photos", 3) one or several
    mark("Quick")                               a word of a table, looked up with `tr` when it is shown
    told(str(error.reason))                     a sentence that was finished in English, as errors and files keep them

English stands in the code and is its own translation. The others are catalogues of `gettext` beside this file, gathered
and compiled by `make language`. Nothing is looked up at import: a page is read by many people at once, each in a
language of their own, so who is spoken to is asked at each look-up. That is the block of `speaking`, else whoever
`ask` named (the page, which knows its session), else the environment of the program (a terminal).

Keys, file formats, prompts and the names people give stay as they are in every language.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from workbench.language.catalogue import catalogue
from workbench.language.finished import translate_finished

__all__ = [
    "ENGLISH",
    "LANGUAGES",
    "ask",
    "known_language",
    "language",
    "mark",
    "speaking",
    "told",
    "told_error",
    "tr",
    "trn",
]

ENGLISH = "en"
# Each by its own name.
LANGUAGES = {ENGLISH: "English", "zh": "中文"}

_spoken: ContextVar[str | None] = ContextVar("spoken", default=None)
_askers: dict[str, Callable[[], str | None]] = {}


def known_language(locale: str | None) -> str | None:
    """The language of a locale's name, as browsers (`zh-CN`) and systems (`zh_CN.UTF-8`) write it.

    Returns:
        A key of `LANGUAGES`, None for a language that is not spoken here, and for none.
    """
    name = (locale or "").lower().replace("_", "-").partition(".")[0].partition("-")[0]
    return name if name in LANGUAGES else None


def language() -> str:
    """The language of whoever is spoken to now, a key of `LANGUAGES`."""
    asked = _spoken.get() or next(filter(None, (each() for each in list(_askers.values()))), None)
    return asked or _of_environment()


def _of_environment() -> str:
    """`$WORKBENCH_LANG`, else what the system's own programs obey; English when neither is one of ours."""
    for name in ("WORKBENCH_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return known_language(value) or ENGLISH
    return ENGLISH


def ask(name: str, asker: Callable[[], str | None]) -> None:
    """Names somebody who may know who is spoken to.

    Args:
        name: of the asker; a second one of that name takes its place.
        asker: called at each look-up, on the thread that looks up; None when it does not know.
    """
    _askers[name] = asker


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Inside, this thread or task speaks the language.

    Raises:
        ValueError: it is no key of `LANGUAGES`.
    """
    if code not in LANGUAGES:
        raise ValueError(f"{code!r} is none of {', '.join(LANGUAGES)}")
    token = _spoken.set(code)
    try:
        yield
    finally:
        _spoken.reset(token)


def mark(message: str) -> str:
    """The message itself: it is to be gathered here and looked up later."""
    return message


def tr(message: str, /, **values: object) -> str:
    """A message in the language of whoever is spoken to.

    Args:
        message: in English, a literal (or what `mark` was given); `{name}` where a value comes.
        values: what is put in.
    """
    code = language()
    found = message if code == ENGLISH or not message else catalogue(code).gettext(message)
    return found.format(**values) if values else found


def trn(one: str, several: str, number: int, /, **values: object) -> str:
    """A message about a number of things; `{number}` is the number."""
    code = language()
    if code == ENGLISH:
        found = one if number == 1 else several
    else:
        found = catalogue(code).ngettext(one, several, number)
    return found.format(number=number, **values)


def told(sentence: str) -> str:
    """A finished English sentence in the language of whoever is spoken to; as it is when the catalogue lacks it.

    Errors carry sentences with names and numbers already in them, and files keep sentences that somebody else may
    read later; both are translated here, where they are shown.
    """
    code = language()
    return sentence if code == ENGLISH else translate_finished(catalogue(code), sentence)


def told_error(thing: str, reason: str, way_out: str) -> str:
    """An error as one line; the parts as `WorkbenchError` has them."""
    return tr("{thing}: {reason}. {way_out}.", thing=told(thing), reason=told(reason), way_out=told(way_out))
