"""The regular expressions in a LoRA's metadata, which peft runs against the name of every layer.

A stranger's expression can be made to run for years (catastrophic backtracking), so only the simple ones that tools
write are let through: layer names, `^`, `$`, an escaped dot, a few `.*`, and a text encoder's first name that may be
missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench.errors import AdapterError

# Newer CLIP encoders dropped the first part of their layers' names, those with a projection kept it.
EITHER_NAME = r"(text_model\.)?"
_SIMPLE = re.compile(rf"\^?(?:{re.escape(EITHER_NAME)})?(?:[\w-]|\\?\.\*?)*\$?")
LONGEST, MOST_STARS = 300, 3
# peft's fields that hold expressions: as keys of a table, or as a text.
_TABLES = ("rank_pattern", "alpha_pattern")
_TEXTS = ("target_modules", "exclude_modules", "layers_pattern", "target_parameters", "modules_to_save")


def refuse_patterns(table: Any, name: str) -> None:
    """Raises AdapterError when a LoRA's metadata holds an expression that nobody writes without ill will."""
    if not isinstance(table, Mapping):
        return
    for field, value in table.items():
        last = str(field).rpartition(".")[2]
        if last in _TABLES and isinstance(value, Mapping):
            expressions = list(map(str, value))
        elif last in _TEXTS and isinstance(value, str):
            expressions = value.strip("()").split("|")
        else:
            continue
        for each in expressions:
            if len(each) > LONGEST or each.count("*") > MOST_STARS or not _SIMPLE.fullmatch(each):
                raise AdapterError(
                    name, f"its LoRA metadata holds the expression {each[:60]!r}, which could run for ever",
                    "Ask whoever made it for the file as another tool writes it",
                )  # fmt: skip


def pattern_value(pattern: Mapping[str, Any], module: str, usual: Any) -> Any:
    """What a table of patterns gives to a layer, as peft finds it; the whole name first, since that is quick.

    Tables with a line for every layer are common (ranks chosen by energy), and peft's own search would compare each
    line with each layer.
    """
    for exact in (f"^{module}", module):
        if exact in pattern:
            return pattern[exact]
    for key, value in pattern.items():
        # A whole name behind "^" can only fit the layer of that name; the dots of another do not matter.
        if not key.startswith("^") and re.match(rf"(.*\.)?({key})$", module):
            return value
        if key.startswith("^") and "*" in key and re.match(rf"{key}$", module):
            return value
    return usual
