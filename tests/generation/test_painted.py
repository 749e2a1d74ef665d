"""What the page's brush sends: a mask, or a refusal in words."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw

from workbench.errors import GenerationError
from workbench.generation.painted import MOST_RUNS, SIDE, painted_mask, painted_runs

ALL = SIDE * SIDE


def test_a_mask_is_what_was_painted() -> None:
    mask = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(mask).ellipse((40, 60, 200, 180), 255)
    again = painted_mask(painted_runs(mask))
    assert again is not None and again.mode == "L" and ImageChops.difference(mask, again).getbbox() is None
    whole = painted_mask(painted_runs(Image.new("L", (64, 64), 255)))
    assert painted_runs(Image.new("L", (9, 9), 255)) == [0, ALL] and whole is not None
    assert whole.getextrema() == (255, 255) and whole.size == (SIDE, SIDE)


@pytest.mark.parametrize("runs", [None, [ALL]])
def test_nothing_painted_is_no_mask(runs: Any) -> None:
    assert painted_mask(runs) is None


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ("data:image/png;base64,AAAA", "no list"),
        ({"runs": [ALL]}, "no list"),
        ([], "add up to 0"),
        ([10, 10], "add up to 20"),
        ([10, ALL], "add up to"),
        ([ALL + 1], "whole number"),
        ([10.5, ALL - 10.5], "whole number"),
        ([-5, ALL + 5], "whole number"),
        ([True, ALL - 1], "whole number"),
        (["1", ALL - 1], "whole number"),
        ([10, 0, ALL - 10], "behind the first is 0"),
        ([1] * (MOST_RUNS + 1), f"more than {MOST_RUNS}"),
        ([[ALL]], "whole number"),
        ([float("nan"), ALL], "whole number"),
    ],
)
def test_anything_else_is_refused_in_words(runs: Any, reason: str) -> None:
    with pytest.raises(GenerationError, match=reason) as told:
        painted_mask(runs)
    assert "paint again" in str(told.value)
