"""Generation: a `Request` (a prompt, or preferences that write one) becomes `Picture`s that can be made again.

`request.py` is what a person asks for, `engine.py` draws it, `record.py` keeps how it was made inside the PNG.
"""

from __future__ import annotations

from workbench.generation.engine import Engine
from workbench.generation.record import Picture, parameters_text, picture_png, read_record, request_from_record
from workbench.generation.request import Preferences, Request, choices

__all__ = [
    "Engine",
    "Picture",
    "Preferences",
    "Request",
    "choices",
    "parameters_text",
    "picture_png",
    "read_record",
    "request_from_record",
]
