"""Generation: a `Request` (a prompt, or preferences that write one) becomes `Picture`s that can be made again.

`request.py` is what a person asks for, `engine.py` draws it, `record.py` keeps how it was made inside the PNG.
`beginning.py` and `starts.py` begin from a picture or near another seed, `weights.py` weights words, `styles.py` are
ready-made words, `grid.py` draws many at once on a sheet, `batch.py` draws the rows of a table, `portray.py` draws an
adapter for its own card.
"""

from __future__ import annotations

from workbench.generation.engine import Engine
from workbench.generation.record import Picture, parameters_text, picture_png, read_record, request_from_record
from workbench.generation.request import Preferences, Request, Start, Variation, choices
from workbench.generation.starts import keep_start, read_start

__all__ = [
    "Engine",
    "Picture",
    "Preferences",
    "Request",
    "Start",
    "Variation",
    "choices",
    "keep_start",
    "parameters_text",
    "picture_png",
    "read_record",
    "read_start",
    "request_from_record",
]
