"""Translating sentences that were finished in English: with their values already in them.

The library raises and writes plain English, `f"{name} has {count} photos"`. The catalogue holds the form, `{name} has
{count} photos`. A finished sentence is compared with the forms, the one with the most words of its own first; what
stands at its places is put into the translation. That keeps the language out of every place that can fail.
"""

from __future__ import annotations

import gettext
import re
from functools import lru_cache

PLACE = re.compile(r"\{(\w+)\}")
# A form needs words of its own: `{thing}: {reason}` would take everything. Those with few (`Run {name}`) are tried when
# a sentence cannot be taken apart any more.
FEWEST_LETTERS, FEW_LETTERS = 3, 10


def translate_finished(catalogue: gettext.NullTranslations, sentence: str, depth: int = 0) -> str:
    """The sentence in the catalogue's language.

    Several sentences, and what follows a name and a colon, are tried one by one.

    Args:
        catalogue: of the language.
        sentence: in English.
        depth: how many sentences it stands in.

    Returns:
        The translation; the sentence itself where there is none.
    """
    if not sentence.strip() or depth > 3:
        return sentence
    if (exact := catalogue.gettext(sentence)) != sentence:
        return exact
    # Without its full stop first: the last value of a form would swallow it.
    core = sentence.rstrip(".")
    if core != sentence and (found := _whole(catalogue, core, depth)) is not None:
        return f"{found}{catalogue.gettext('.')}"
    if (found := _whole(catalogue, sentence, depth)) is not None:
        return found
    # A capital at the beginning of a line is the page's, not the message's.
    if core[:1].isupper() and (found := _whole(catalogue, core[:1].lower() + core[1:], depth)) is not None:
        return found + (catalogue.gettext(".") if core != sentence else "")
    parts = re.split(r"(?<=[.!?])\s+", sentence)
    if len(parts) > 1:
        said = [translate_finished(catalogue, part, depth + 1) for part in parts]
        return "".join(said) if all(new != old for new, old in zip(said, parts, strict=True)) else " ".join(said)
    name, colon, rest = sentence.partition(": ")
    if colon and (said_rest := translate_finished(catalogue, rest, depth + 1)) != rest:
        return f"{translate_finished(catalogue, name, depth + 1)}{catalogue.gettext(': ')}{said_rest}"
    return _whole(catalogue, sentence, depth, FEWEST_LETTERS) or sentence


def _whole(catalogue: gettext.NullTranslations, sentence: str, depth: int, fewest: int = FEW_LETTERS) -> str | None:
    plain = catalogue.gettext(sentence)
    if plain != sentence:
        return plain
    for words, pattern, form, translation in _forms(catalogue):
        if sum(map(str.isalpha, "".join(words))) < fewest:
            break  # they come in order
        if all(word in sentence for word in words) and (match := re.fullmatch(pattern, sentence, re.DOTALL)):
            values = {
                # A value of several words may be a message too; one word is somebody's name.
                name: translate_finished(catalogue, value, depth + 1) if " " in value.strip() else value
                for name, value in match.groupdict().items()
            }
            try:
                return translation.format(**values)
            except (KeyError, IndexError, ValueError) as error:
                raise ValueError(f"the translation of {form!r} asks for another value than the form has") from error
    return None


@lru_cache
def _forms(catalogue: gettext.NullTranslations) -> list[tuple[list[str], str, str, str]]:
    """The messages with places: (their own words, pattern, form, translation), those with the most letters first."""
    found = []
    for key, translation in getattr(catalogue, "_catalog", {}).items():
        form = key if isinstance(key, str) else key[0]
        forms = [form]
        if not isinstance(key, str) and form.startswith("{number} "):
            forms.append(form + "s")
        for each in forms:
            words = [word for word in PLACE.sub("\0", each).split("\0") if word]
            if not PLACE.search(each) or sum(map(str.isalpha, "".join(words))) < FEWEST_LETTERS:
                continue
            found.append((words, _pattern(each), each, translation))
    return sorted(found, key=lambda each: -sum(map(str.isalpha, "".join(each[0]))))


def _pattern(form: str) -> str:
    """A form as a regular expression; a place that stands twice must hold the same both times."""
    seen: set[str] = set()

    def place(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>.+?)"

    pieces = re.split(r"(\{\w+\})", form)
    return "".join(place(match) if (match := PLACE.fullmatch(piece)) else re.escape(piece) for piece in pieces if piece)
