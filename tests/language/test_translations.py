"""The catalogues hold every message, whole and well formed; and the code says nothing to people that they lack."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from gathering import TOLD_CLASSES, gather, mo_bytes, po_bytes, po_file, read_catalogue, renewed
from sources import form_of, unsaid

from workbench.config import ROOT
from workbench.language import ENGLISH, LANGUAGES
from workbench.language.catalogue import messages

CODES = [code for code in LANGUAGES if code != ENGLISH]
PLACES = re.compile(r"\{\w*\}|%\(\w+\)[sr]|%s")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
HELP = "`make language` gathers and compiles; then write the translations into {}"


@pytest.mark.parametrize("code", CODES)
def test_catalogues_hold_every_message_and_no_old_one(code: str) -> None:
    has = {each.id if isinstance(each.id, str) else each.id[0] for each in read_catalogue(code) if each.id}
    wanted = set(gather())
    assert not wanted - has, f"new messages: {sorted(wanted - has)}. {HELP.format(po_file(code))}"
    assert not has - wanted, f"messages that nobody says any more: {sorted(has - wanted)}. `make language` drops them"


@pytest.mark.parametrize("code", CODES)
def test_every_message_is_translated_with_the_same_places(code: str) -> None:
    for each in read_catalogue(code):
        forms = [each.id] if isinstance(each.id, str) else list(each.id)
        strings = [each.string] if isinstance(each.string, str) else list(each.string)
        if not forms[0]:
            continue
        assert all(strings), f"{forms[0]!r} has no translation. {HELP.format(po_file(code))}"
        for string in strings:
            assert set(PLACES.findall(string)) == set(PLACES.findall(forms[-1])), (forms[0], string)
            assert string.count("{") == string.count("}") == len(re.findall(r"\{\w+\}", string)), string
            assert string.count("`") == forms[0].count("`"), f"commands stand between backticks: {string!r}"
            assert string.count("**") == forms[0].count("**"), string
            assert "fuzzy" not in each.flags


# Names of programs, formats, settings and prompts are the same in every language.
SAME = re.compile(r"[\w\s.,:;·×/+*`'\"$%{}()\[\]<>=…—–#@\\?!-]*")


@pytest.mark.parametrize("code", CODES)
def test_translations_are_chinese(code: str) -> None:
    """A sentence that was copied is no translation; single words and prompts may stay."""
    for form, string in messages(code).items():
        if not CHINESE.search(string):
            assert len(re.findall(r"[A-Za-z]{3,}", PLACES.sub("", form))) < 5 and SAME.fullmatch(form), (form, string)


@pytest.mark.parametrize("code", CODES)
def test_compiled_catalogues_are_those_that_people_edit(code: str) -> None:
    file = po_file(code)
    assert file.with_suffix(".mo").read_bytes() == mo_bytes(code), "compile it: make language"
    assert file.read_bytes() == po_bytes(renewed(code, gather())), "bring it into its usual form: make language"


# What looks like words for people and is none: pieces of markup, prompts, commands, what a script or a picture's font
# reads, and the names of commands and programs.
NO_WORDS = frozenset(
    """\
placeholder="{placeholder}" aria-label="{label}"
"cache", "storage"
/login?over
Python
/door/{path:path}
/admin/{action}
/{path:path}
private, no-store
the line of jobs cannot be read
max-age=31536000
{cookie}={code}; Path=/; Max-Age={year}; HttpOnly; SameSite=Lax{secure}
max-age=86400
default-src 'none'; img-src data:; style-src 'unsafe-inline'
default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src 'self'; form-action 'self'; \
base-uri 'none'; frame-ancestors 'none'
band tall
shot picked
cat ears
each step
left out
{number} {noun}
its base is not here: {reason}
its base {base} is not here: {reason}
cancelled before it began
with the adapter
words alone
hosted service
  .venv/bin/workbench create --adapter {name} --expression laughing --background park
make ui
.venv/bin/workbench train photos=DIR name=NAME
chibi of {triggers} {noun}, smiling
chibi workbench
{base} · {steps} steps · {lasted} on {processor}
{os} cores of {value}
NAME[:STRENGTH][@PART]
hub {repository}
workbench {version}
workbench: {thing}
workbench: {expired}
workbench: {value}
workbench: {words}
{state} workbench runs show {name} · workbench stop {name}""".split("\n")  # noqa: SIM905
)

SPOKEN = sorted(
    [
        *(ROOT / "ui").rglob("*.py"),
        *(ROOT / "workbench" / "cli").glob("*.py"),
        *(ROOT / "workbench" / "gate").glob("*.py"),
        *(ROOT / "workbench" / "identity" / f"{name}.py" for name in ("run_page", "charts")),
    ]
)


@pytest.mark.parametrize("file", SPOKEN, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_nothing_is_said_that_is_not_looked_up(file: Path) -> None:
    assert forgotten(file.read_text(encoding="utf-8")) == []


def forgotten(source: str) -> list[str]:
    """The words for people that a source says without looking them up, with their lines."""
    found = []
    for node in unsaid(ast.parse(source), TOLD_CLASSES):
        form, _ = form_of(node) or ("", {})
        if form not in NO_WORDS:
            found.append(f"line {node.lineno}: {form}")
    return found


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('st.button("Draw it")', 1),
        ('st.button(tr("Draw it"), key="draw it now")', 0),
        ("theme.section(f\"{count(3, 'photo')} to learn from\")", 1),
        ("st.html(f\"<b class='some thing'>{escaped(name)}</b>\")", 0),
        ('st.html(f"<b>{escaped(name)} is here</b>")', 1),
        ('METHODS = {"svd": "Sum, cut to a rank"}', 1),
        ('METHODS = {"svd": mark("Sum, cut to a rank")}', 0),
        ('raise PhotoError(name, "it is not there", "Choose another")', 0),
        ('st.caption(words or "Nothing here yet")', 1),
        ('if st.session_state["a b c"] == "Some word": pass', 0),
        ('def f():\n    """Two words."""\n    st.switch_page("screens/train.py")', 0),
    ],
)
def test_the_finder_of_forgotten_words(source: str, count: int) -> None:
    assert len(forgotten(source)) == count
