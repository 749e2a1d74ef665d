"""What a run does when memory runs out (no torch until it has)."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping
from typing import Any

from workbench.training.run import out_of_memory


def fitting(attempt: Callable[[dict[str, Any]], None], values: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Runs an attempt; when memory runs out, steps down and tries again, as long as there is a way down.

    Args:
        attempt: trains with some settings changed, by dotted name, and continues from the last checkpoint.
        values: all settings by dotted name.
        say: tells the person.
    """
    changes: dict[str, Any] = {}
    while True:
        try:
            return attempt(changes)
        except Exception as error:
            step = way_down(error, {**values, **changes})
            if not step:
                raise
        # Outside of the handler: the error held the whole step's memory.
        release_memory()
        changes |= step | {"follow.resume": "auto"}
        told = ", ".join(f"{key}={value}" for key, value in step.items())
        say(f"the memory ran out; goes on from the last checkpoint with {told}")


def way_down(error: BaseException, values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings to change after an error, so that the run may go on.

    Args:
        error: what ended the attempt.
        values: settings by dotted name.

    Returns:
        Empty when the error is another one, the ladder has ended, or several processes train together: the others
        are in the middle of a step.
    """
    if not out_of_memory(error) or os.environ.get("WORLD_SIZE", "1") != "1":
        return {}
    import torch

    from workbench.training.memory import lower_rung

    return lower_rung(values, gpu=torch.cuda.is_available())


def release_memory() -> None:
    """Gives back what the failed attempt held."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
