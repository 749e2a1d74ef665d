"""The compiled catalogues: `<language>/LC_MESSAGES/workbench.mo`, read once."""

from __future__ import annotations

import gettext
from functools import lru_cache
from pathlib import Path

DOMAIN = "workbench"
FOLDER = Path(__file__).resolve().parent


@lru_cache
def catalogue(code: str) -> gettext.NullTranslations:
    """The catalogue of a language; an empty one, which gives English, when its file is not there."""
    return gettext.translation(DOMAIN, FOLDER, [code], fallback=True)


@lru_cache
def messages(code: str) -> dict[str, str]:
    """Every message of a language that has a translation, by its English form; of plurals, the several."""
    found: dict[str, str] = {}
    # The standard library reads the file and gives no public list of what it read.
    for key, text in getattr(catalogue(code), "_catalog", {}).items():
        if isinstance(key, str):
            found[key] = text
        elif key[1] == 0:  # (one, index of the plural form); Chinese has one form
            found[key[0]] = text
    found.pop("", None)
    return found
