"""Bases to choose from on the page."""

from __future__ import annotations

import pytest

from ui.bases import base_names, base_of
from workbench.backbones import own_catalogue


@pytest.mark.parametrize("content", ["mine: [", "mine: {words: nowhere}"])
def test_a_broken_file_of_own_bases_does_not_hide_the_others(content: str) -> None:
    own_catalogue().parent.mkdir(parents=True, exist_ok=True)
    own_catalogue().write_text(content)
    assert "chibi-mini" in base_names() and "mine" not in base_names()
    assert base_of("") == "chibi-mini"


def test_a_persons_own_bases_can_be_chosen() -> None:
    own_catalogue().parent.mkdir(parents=True, exist_ok=True)
    own_catalogue().write_text("mine: {source: somewhere/else}")
    assert "mine" in base_names() and base_of("mine") == "mine"
