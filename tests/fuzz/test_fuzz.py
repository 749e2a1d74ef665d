"""A short run of what `make fuzz` does for long, and every case it has ever found."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzzing import CORPUS
from hypothesis import given, settings
from hypothesis import strategies as st
from targets import TARGETS, make_input, try_input

FOUND = sorted(CORPUS.glob("*.bin"))


@pytest.mark.parametrize("name", TARGETS)
def test_good_files_are_taken(name: str) -> None:
    seeds = TARGETS[name].seeds()
    assert [try_input(name, make_input(TARGETS[name], number)) for number in range(len(seeds))] == [True] * len(seeds)


@pytest.mark.parametrize("name", TARGETS)
def test_broken_files_are_refused_in_words(name: str) -> None:
    answers = [try_input(name, make_input(TARGETS[name], number)) for number in range(100, 400)]
    assert name == "card" or not all(answers), "nothing was broken: the inputs are not what they should be"


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=25, deadline=None)
@given(data=st.binary(max_size=300))
def test_noise_is_refused_in_words(name: str, data: bytes) -> None:
    try_input(name, data)


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.stem)
def test_what_was_once_found_is_mended(case: Path) -> None:
    try_input(case.stem.split("-")[0], case.read_bytes())
