"""Which prompts are refused: adult content with minors, and real people who were not asked.

Words can be evaded, and no list is whole: this stops the plain request, as `refusals.yaml` says it, in English and
Chinese, and tells why. What decides about pictures is in `pictures.py`.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import yaml

from workbench.config import home, make_folder, storage_errors
from workbench.errors import ConfigError, GenerationError

MORE = "WORKBENCH_REFUSALS"
SWITCH = "WORKBENCH_SAFETY"
KINDS = ("adult", "minors", "strangers", "names")
REASONS = {
    "minors": "it asks for adult content with a minor",
    "person": "it asks for adult content with a real person who was not asked for that",
    "stranger": "it asks for a real person who has not agreed",
}
_WAY_OUT = {
    "minors": "This is never drawn",
    "person": "Leave the adult words out, or draw your own face or a drawn person",
    "stranger": "Bring photos of somebody who agrees, or describe somebody who does not exist",
}
_FILE = Path(__file__).with_name("refusals.yaml")


@dataclass(frozen=True)
class Refusal:
    """Why a prompt is not drawn.

    Args:
        code: one of `REASONS`.
    """

    code: str

    @property
    def reason(self) -> str:
        return REASONS[self.code]


def is_on() -> bool:
    """Whether strangers are refused and pictures filtered: on a shared server, unless whoever starts it says no.

    `$WORKBENCH_SAFETY` decides: `on` or `off`.
    """
    wish = os.environ.get(SWITCH, "").lower()
    return wish == "on" or (wish != "off" and bool(os.environ.get("WORKBENCH_SHARED")))


def judge_prompt(prompt: str, real_people: bool = False, strict: bool | None = None) -> Refusal | None:
    """Whether a prompt is refused; what it stays away from (the negative prompt) is no matter.

    Args:
        prompt: as it was written.
        real_people: whether an adapter of somebody takes part who has not said that the face is theirs or drawn.
        strict: whether more is refused than adult content with minors; None asks `is_on`.

    Raises:
        ConfigError: the admin's own list cannot be read.
    """
    adult, minor, stranger, name = (_finds(kind, prompt) for kind in KINDS)
    if adult and minor:
        return Refusal("minors")
    if not (is_on() if strict is None else strict):
        return None
    if adult and (real_people or stranger or name):
        return Refusal("person")
    return Refusal("stranger") if stranger or name else None


def refuse(prompts: Collection[str], real_people: bool = False) -> None:
    """Raises when one of the prompts is refused, and writes down that it was, without its words.

    Raises:
        GenerationError: the prompt is refused.
        ConfigError: the admin's own list cannot be read.
    """
    for prompt in prompts:
        found = judge_prompt(prompt, real_people)
        if found is not None:
            note_refusal("prompt", found.code)
            raise GenerationError("The prompt", found.reason, _WAY_OUT[found.code])


def note_refusal(what: str, code: str) -> None:
    """Writes down that something was refused or blurred: when and why, never the prompt or the picture.

    Raises:
        StorageError: it cannot be written.
    """
    line = {"when": datetime.now(UTC).isoformat(timespec="seconds"), "what": what, "why": code}
    make_folder(home())
    with storage_errors(home()), (home() / "safety.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _finds(kind: str, prompt: str) -> bool:
    english, chinese = _patterns(os.environ.get(MORE, ""))[kind]
    text = "".join(
        char for char in unicodedata.normalize("NFKC", prompt).casefold() if unicodedata.category(char) != "Cf"
    )
    # Weights and separators between letters of a word are an evasion, between words they are nothing.
    words = " ".join(re.findall(r"[^\W_]+", text))
    return bool(english.search(words)) or bool(chinese and chinese.search(re.sub(r"[\W_]+", "", text)))


@cache
def _patterns(more: str) -> dict[str, tuple[re.Pattern[str], re.Pattern[str] | None]]:
    lists: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for file in (_FILE, *([Path(more)] if more else [])):
        try:
            table = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
            for kind, entries in table.items():
                lists[kind] += [unicodedata.normalize("NFKC", str(each)).casefold().strip() for each in entries or []]
        except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(str(file), "this list of refusals cannot be read", f"Use the kinds {KINDS}") from error
    found = {}
    for kind, entries in lists.items():
        plain = [re.escape(each) for each in entries if each.isascii() and each]
        other = [re.escape(each) for each in entries if not each.isascii()]
        ending = "" if kind == "names" else "(?:s|es)?"
        found[kind] = (
            re.compile(rf"\b(?:{'|'.join(plain) or '(?!)'}){ending}\b"),
            re.compile("|".join(other)) if other else None,
        )
    return found
