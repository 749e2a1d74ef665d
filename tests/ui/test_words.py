"""How sizes, times and the words of strangers are said."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from ui.words import ago, count, duration, escaped, megabytes, plain


@pytest.mark.parametrize(
    ("seconds", "words"), [(-3, "0 s"), (42.4, "42 s"), (59.6, "1 min 00 s"), (80, "1 min 20 s"), (7300, "2 h 01 min")]
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("size", "words"), [(12, "12 bytes"), (4_200, "4 KB"), (4.26e6, "4.3 MB"), (2e9, "2.0 GB")])
def test_megabytes(size: float, words: str) -> None:
    assert megabytes(size) == words


def test_ago() -> None:
    now = time.time()
    assert ago(now) == "just now"
    assert ago(now - 150) == "2 min ago"
    assert ago(datetime.fromtimestamp(now - 7300, UTC)) == "2 h ago"
    assert ago("2024-02-03T12:00:00+00:00") == "3 Feb 2024"
    assert ago("yesterday") == "" and ago(1e30) == ""


def test_count() -> None:
    assert (count(0, "photo"), count(1, "photo"), count(2, "photo")) == ("0 photos", "1 photo", "2 photos")


def test_text_of_strangers_is_no_markup() -> None:
    assert plain("*a* [b](c) $x$ :red[d] `e`") == r"\*a\* \[b\](c) \$x\$ \:red\[d\] \`e\`"
    assert escaped('<img src="x">') == "&lt;img src=&quot;x&quot;&gt;"
