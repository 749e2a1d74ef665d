"""Stop means save: Ctrl-C, a polite kill and a file named `stop` all end a run at the end of the step it is in."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

from workbench.training.report import writes
from workbench.training.run import RunFolder, StopAsked


@contextmanager
def attempted(run: RunFolder) -> Iterator[Stopping]:
    """Holds a run's folder, listens for wishes to stop, and whatever ends the block, the folder says so.

    Raises:
        RunBusyError: if another process holds it.
        TrainingError: in place of an error that says that memory ran out.
    """
    stopping = Stopping(run)
    with ExitStack() as stack:
        if writes():
            stack.enter_context(run.hold())
            stack.enter_context(run.attempt())
        stack.enter_context(stopping.listening())
        yield stopping


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

    def progress(self, done: int, total: int) -> None:
        """Every slow preparation calls this with how far it is; it ends here when someone asked to stop.

        Raises:
            StopAsked: see `check`.
        """
        self.check()
        if writes():
            self._run.status(beat=True, step=done, steps=total)

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
