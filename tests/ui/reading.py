"""What can be read on a page under test."""

from __future__ import annotations

import re
from typing import Any

from streamlit.testing.v1 import AppTest


def text_of(page: AppTest) -> str:
    """All that can be read on the page, without markup."""
    kinds: list[Any] = [
        page.get("html"), page.markdown, page.caption, page.error, page.warning, page.info, page.toast, page.code,
    ]  # fmt: skip
    words: list[str] = []
    for elements in kinds:
        for element in elements:
            value = getattr(element, "value", None)
            words.append(value if isinstance(value, str) else str(getattr(element.proto, "body", "")))
    plain = re.sub(r"\\(.)", r"\1", re.sub(r"<style.*?</style>|<[^>]+>", " ", " ".join(words), flags=re.S))
    return re.sub(r"\s+", " ", plain)


def keys(elements: Any) -> set[str]:
    """The keys of widgets."""
    return {element.key for element in elements if element.key}
