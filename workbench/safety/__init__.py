"""What is not drawn, and what is shown blurred: prompts by words, pictures by a checker.

prompts.py   which prompts are refused, and why; the words are in refusals.yaml
pictures.py  filters of finished pictures, and the blur
"""

from __future__ import annotations

from workbench.safety.pictures import PictureFilter, blurred, filters, register
from workbench.safety.prompts import Refusal, is_on, judge_prompt, note_refusal, refuse

__all__ = [
    "PictureFilter",
    "Refusal",
    "blurred",
    "filters",
    "is_on",
    "judge_prompt",
    "note_refusal",
    "refuse",
    "register",
]
