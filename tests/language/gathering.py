"""Gathers what is said to people into the catalogues and compiles them: `make language`.

    python tests/language/gathering.py            adds new messages to every catalogue, takes old ones out, compiles
    python tests/language/gathering.py --missing  lists the messages without a translation, one a line

A new message has an empty translation until somebody writes it into `workbench/language/<language>/…/workbench.po`; the
tests name it. Gathered are the messages that the page, the terminal and the library look up; the words of the errors
they raise; the sentences of the files in `TELLING`, which write for people; and the words of the tables people
choose from.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from sources import Said, looked_up, raised, sentences

from workbench import errors
from workbench.config import ROOT
from workbench.language import ENGLISH, LANGUAGES
from workbench.language.catalogue import DOMAIN, FOLDER

# Their words are looked up where they are shown.
TOLD_CLASSES = frozenset(name for name in vars(errors) if name.endswith("Error")) | {"Problem"}
# Files of the library whose sentences are shown: verdicts on photos, notes on adapters, reasons, plans.
TELLING = frozenset(
    """
    photos/advice photos/compare photos/decode photos/decoder photos/folder photos/judge photos/people photos/subject
    privacy/consent privacy/retention privacy/seal adapters/blend adapters/dora adapters/complete adapters/header
    adapters/hub adapters/keys adapters/proof adapters/report adapters/scrub generation/request generation/styles
    generation/watched
    generation/engine generation/hosted generation/painted generation/grid generation/batch adapters/shelf config/load
    generation/weights identity/candidates identity/choose identity/likeness jobs/health jobs/kind jobs/pictures
    jobs/start jobs/training packs/check safety/pictures safety/prompts training/plan training/stopping
    """.split()  # noqa: SIM905
)


@dataclass
class Message:
    """A message of the catalogue: its plural, and the files it stands in."""

    several: str | None = None
    files: set[str] = field(default_factory=set)


@cache
def gather() -> dict[str, Message]:
    """Every message there is, by its English form."""
    found: dict[str, Message] = {}
    for file in sorted([*(ROOT / "ui").rglob("*.py"), *(ROOT / "workbench").rglob("*.py")]):
        name = file.relative_to(ROOT).as_posix()
        for said in _of_file(file, name):
            message = found.setdefault(said.form, Message())
            message.several = message.several or said.several
            message.files.add(name)
    for word in tables():
        found.setdefault(word, Message()).files.add("words of tables")
    return found


def _of_file(file: Path, name: str) -> Iterator[Said]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    try:
        yield from looked_up(tree)
    except AssertionError as error:
        raise AssertionError(f"{name}: {error}") from None
    yield from raised(tree, TOLD_CLASSES)
    if name.removeprefix("workbench/").removesuffix(".py") in TELLING:
        yield from sentences(tree)


def tables() -> Iterator[str]:
    """Words people choose from or read, that stand in tables of the library; prompts keep the English ones."""
    from workbench.captions import TRAITS
    from workbench.config import TECHNIQUES, explain, setting_names
    from workbench.generation import choices
    from workbench.packs import EXPRESSIONS, platforms
    from workbench.privacy.kept import KEPT

    for table in (TRAITS, choices()):
        for trait, words in table.items():
            yield trait.replace("_", " ")
            yield trait.replace("_", " ").capitalize()
            yield from words
    yield from (each.title for each in EXPRESSIONS.values())
    yield from (each.what for each in KEPT)
    yield from (note for each in platforms().values() for note in each.notes)
    yield from ARGPARSE
    yield from STATES
    yield from SCORES
    yield from READ_AS
    settings, shown = setting_names(), (ROOT / "ui" / "screens" / "train.py").read_text(encoding="utf-8")
    for name in [*settings, *(f"techniques.{technique}" for technique in TECHNIQUES)]:
        if name in settings or f'"{name}"' in shown:
            yield name.rpartition(".")[2].replace("_", " ").capitalize()
        yield explain(name)


STATES = ("submitted", "preparing", "running", "saving", "stopped", "failed", "done", "encrypted", "plain")
# How a prompt was read; the rest of that file are words of prompts.
READ_AS = ("Read as: {text}", "Left out, since the base does not know it: {words}")
# Scores on an adapter's card.
SCORES = ("likely", "likeness", "traits", "bleed", "style", "score")
# What argparse itself says; it looks these up in our catalogue.
ARGPARSE = (
    "usage: ",
    "positional arguments",
    "options",
    "show this help message and exit",
    "show program's version number and exit",
    "%(prog)s: error: %(message)s\n",
    "argument %(argument_name)s: %(message)s",
    "the following arguments are required: %s",
    "unrecognized arguments: %s",
    "expected one argument",
    "expected at least one argument",
    "invalid %(type)s value: %(value)r",
    "invalid choice: %(value)r (choose from %(choices)s)",
)


def po_file(code: str) -> Path:
    """The catalogue of a language as people edit it."""
    return FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def read_catalogue(code: str) -> Catalog:
    """A catalogue as it is in its file; an empty one when there is none."""
    file = po_file(code)
    with io.BytesIO(file.read_bytes() if file.is_file() else b"") as content:
        found = read_po(content, locale=code)
    # Files carry no date; babel would put in the present one.
    found.creation_date = found.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    return found


def renewed(code: str, messages: dict[str, Message]) -> Catalog:
    """A catalogue with these messages, and the translations of those that it had."""
    old = read_catalogue(code)
    new = Catalog(locale=code, project="chibi-workbench", charset="utf-8", fuzzy=False, header_comment=HEADER)
    for form, message in sorted(messages.items()):
        kept = old.get(form)
        several = bool(message.several)
        string = kept.string if kept is not None and isinstance(kept.id, tuple | list) == several else None
        places = [(file, None) for file in sorted(message.files)]
        new.add((form, message.several) if several else form, string or (("",) if several else ""), locations=places)
    return new


HEADER = """\
# What the chibi LoRA workbench says, in another language. Brought up to date and compiled by `make language`.
# What stands between braces is a name or a number that is put in; it has to stand in the translation too."""


def po_bytes(catalogue: Catalog) -> bytes:
    """The file of a catalogue: sorted, without dates and line numbers, so that it changes only with its messages."""
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=120, sort_output=True, include_lineno=False, omit_header=False)
    lines = buffer.getvalue().split(b"\n")
    dated = (b'"POT-Creation-Date', b'"PO-Revision-Date', b'"Last-Translator', b'"Generated-By', b'"Report-Msgid')
    return b"\n".join(line for line in lines if not line.startswith(dated))


def mo_bytes(code: str) -> bytes:
    """What the compiled catalogue has to be."""
    buffer = io.BytesIO()
    write_mo(buffer, read_catalogue(code))
    return buffer.getvalue()


def missing(code: str) -> list[str]:
    """The messages that a catalogue lacks or has no translation of."""
    has = read_catalogue(code)
    return [
        form
        for form in sorted(gather())
        if (message := has.get(form)) is None
        or not (message.string[0] if isinstance(message.string, tuple | list) else message.string)
    ]


def main() -> int:
    """Brings every catalogue up to date; or says what is missing."""
    codes = [code for code in LANGUAGES if code != ENGLISH]
    if "--missing" in sys.argv:
        for code in codes:
            for form in missing(code):
                print(form.replace("\n", "\\n"))
        return 0
    messages = gather()
    for code in codes:
        file = po_file(code)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(po_bytes(renewed(code, messages)))
        file.with_suffix(".mo").write_bytes(mo_bytes(code))
        print(f"{LANGUAGES[code]}: {len(messages)} messages, {len(missing(code))} without a translation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
