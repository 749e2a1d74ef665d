"""Stop means save: Ctrl-C, a polite kill and a file named `stop` all end a run at the end of the step it is in."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from workbench.training.run import RunFolder, StopAsked


class Stopping:
    """Whether someone asked the run to stop."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self.reason = ""

    def asked(self) -> bool:
        """Whether to save and stop now."""
        if not self.reason and self._run.stop_asked():
            self.reason = "stopped by hand"
        return bool(self.reason)

    def check(self) -> None:
        """For preparations, which have nothing to save.

        Raises:
            StopAsked: if someone asked to stop.
        """
        if self.asked():
            raise StopAsked(self.reason)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Turns the first Ctrl-C or SIGTERM inside the block into a wish; a second one ends the process at once."""

        def wish(number: int, frame: FrameType | None) -> None:
            self.reason = "stopped by Ctrl-C" if number == signal.SIGINT else "stopped by a signal"
            signal.signal(number, before[number])

        before: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, wish)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
