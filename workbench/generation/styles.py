"""Styles: ready-made words in `styles.yaml`, and in a file of the same form that a person writes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from workbench.config import home
from workbench.errors import GenerationError
from workbench.generation.request import choices

SHIPPED = Path(__file__).with_name("styles.yaml")
READS = ("world", "any")


@dataclass(frozen=True)
class Style:
    """Words that go together.

    Args:
        name: what it is called in commands.
        words, words_zh: what people call it.
        wishes: preferences it chooses.
        prompt: words for the end of the prompt.
        negative: words to stay away from.
        reads: `world` when chibi-mini knows its words, `any` when a base must read any English.
    """

    name: str
    words: str = ""
    words_zh: str = ""
    wishes: Mapping[str, str] = field(default_factory=dict)
    prompt: str = ""
    negative: str = ""
    reads: str = "world"

    def apply(self, prompt: str, negative: str) -> tuple[str, str]:
        """A prompt and a negative prompt with this style's words at their ends."""
        return tuple(", ".join(filter(None, pair)) for pair in ((prompt, self.prompt), (negative, self.negative)))  # type: ignore[return-value]


def with_style(wishes: Mapping[str, str], style: Style | None) -> dict[str, str]:
    """Preferences that write by themselves the prompt that the style makes of theirs."""
    extra = ", ".join(filter(None, (wishes.get("extra", "").strip(" ,"), style.prompt if style else "")))
    return dict(wishes) | ({"extra": extra} if extra else {})


def own_styles() -> Path:
    """The file in which a person writes styles: `styles.yaml` in the workspace."""
    return home() / "styles.yaml"


def styles() -> dict[str, Style]:
    """All styles by name; a person's own go before shipped ones of the same name.

    Raises:
        GenerationError: the person's file is no such list; it says where and what is right.
    """
    return shipped_styles() | _read(own_styles())


def find_style(name: str) -> Style:
    """A style by name.

    Raises:
        GenerationError: there is none; names the nearest.
    """
    known = styles()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        way_out = f"Did you mean {near[0]}?" if near else f"Choose among {', '.join(known)}"
        raise GenerationError(f"The style {name[:60]!r}", "there is none of this name", way_out)
    return known[name]


@cache
def shipped_styles() -> dict[str, Style]:
    """The styles that come with the workbench."""
    return _read(SHIPPED)


def _read(file: Path) -> dict[str, Style]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise GenerationError(file.name, "it cannot be read as YAML", "Correct it, or move it away") from error
    if not isinstance(content, dict):
        raise GenerationError(file.name, "it does not list styles by name", "Write it as docs/create.md shows")
    return {str(name): _style(file, str(name), table) for name, table in content.items()}


def _style(file: Path, name: str, table: Any) -> Style:
    place, known = f"{file.name}, {name}", [each.name for each in fields(Style) if each.name != "name"]
    if not isinstance(table, dict):
        raise GenerationError(place, "it says nothing of the style", f"Say one of {', '.join(known)}")
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            way_out = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}"
            raise GenerationError(place, f"{str(key)[:60]!r} is nothing that a style says", way_out)
        if not isinstance(value, dict if key == "wishes" else str):
            raise GenerationError(place, f"{key} cannot be {str(value)[:60]!r}", "Write it as docs/create.md shows")
    if table.get("reads", "world") not in READS:
        raise GenerationError(place, f"reads cannot be {table['reads']!r}", f"Choose {' or '.join(READS)}")
    lists = choices()
    for wish, word in table.get("wishes", {}).items():
        if wish not in lists or word not in lists[wish]:
            raise GenerationError(
                place, f"the wish {wish}: {word} is in no list", f"Choose {', '.join(lists.get(wish, lists))}"
            )
    return Style(name=name, **table)
