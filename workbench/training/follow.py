"""Follows a run's steps: loss curve, time left, the bar in the terminal, and whether the loss is still sound."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from workbench.dataset.encode import EncodedSet
from workbench.errors import NonFiniteLossError
from workbench.training.run import RunFolder

# On a GPU, reading a number waits for all work that was queued; so numbers are read for many steps at once.
STEPS_AT_ONCE = 10
LINE_SECONDS = 5.0


def is_due(step: int, every: int) -> bool:
    """Whether something that is done every so many steps is done after this one; 0 is never."""
    return every > 0 and step % every == 0


class Follower:
    """Takes each step's numbers as tensors and reads them in groups.

    Every process calls it with the same numbers, so that all stop together; only the one with `run` writes.
    """

    def __init__(
        self, data: EncodedSet, start: int, steps: int, run: RunFolder | None, names: Sequence[str], tracker: Any = None
    ) -> None:
        """
        Args:
            data: whose examples are shown.
            start: steps done already.
            steps: of the whole run.
            run: where the numbers are written; None in processes that do not write.
            names: what the first examples, the photos, are called when a person is told of them.
            tracker: an object with `log(values, step)`, such as an `Accelerator`.
        """
        self._data, self._steps, self._run, self._tracker = data, steps, run, tracker
        self._names = [*names, *data.names[len(names) :]]
        self._at_once = 1 if data.device.type == "cpu" else STEPS_AT_ONCE
        self._pending: list[tuple[int, torch.Tensor, torch.Tensor, tuple[int, ...], float]] = []
        self._since, self._last_line = time.perf_counter(), time.perf_counter()
        self._done, self._pace = start, 0.0
        self.losses: list[float] = []
        self._bar: Any = None
        if run is not None:
            run.status("running", stage="training", step=start, steps=steps)
        if run is not None and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=steps, initial=start, desc=run.name, unit="step", dynamic_ncols=True)

    def step(
        self, step: int, losses: torch.Tensor, grad_norm: torch.Tensor, examples: tuple[int, ...], rate: float
    ) -> None:
        """Takes a finished step.

        Args:
            step: from 1.
            losses: (batch,) of the whole batch.
            grad_norm: () before clipping.
            examples: which examples the losses belong to.
            rate: learning rate.

        Raises:
            NonFiniteLossError: see `flush`.
        """
        self._pending.append((step, losses.detach(), grad_norm.detach(), examples, rate))
        if len(self._pending) >= self._at_once:
            self.flush()

    def flush(self) -> None:
        """Reads the numbers of the steps since the last time and writes them down.

        Raises:
            NonFiniteLossError: if one is NaN or infinite; names the photo.
        """
        if not self._pending:
            return
        numbers = torch.stack(
            [torch.cat([losses, norm.reshape(1).to(losses)]) for _, losses, norm, _, _ in self._pending]
        )
        rows = numbers.float().cpu()
        seconds = (time.perf_counter() - self._since) / len(self._pending)
        # The first steps are slow, and a busy machine changes its pace: recent steps count more.
        self._pace = seconds if self._pace == 0 or self._done < 3 else 0.9 * self._pace + 0.1 * seconds
        records = []
        for (step, _, _, examples, rate), row in zip(self._pending, rows, strict=True):
            losses, norm = row[:-1], float(row[-1])
            self._check(step, losses, examples)
            self._done = step
            self.losses.append(float(losses.mean()))
            record = {"step": step, "loss": self.losses[-1], "lr": rate, "grad_norm": norm}
            records.append(record | {"seconds": seconds, "left": self._pace * (self._steps - step)})
        self._pending.clear()
        if self._run is not None:
            self._write(self._run, records)
        self._since = time.perf_counter()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """For work that is not a step: reads what is pending first, and counts the work's time to nobody's step."""
        self.flush()
        yield
        self._since = time.perf_counter()

    def validated(self, step: int, loss: float | None) -> None:
        """Writes down the loss of photos that are held out; None when there are none."""
        if loss is None:
            return
        if self._run is not None:
            self._run.add_validation(step, loss)
            self._run.log(f"step {step}: held-out photos have loss {loss:.4f}")
        if self._tracker is not None:
            self._tracker.log({"validation_loss": loss}, step=step)

    def close(self) -> None:
        """Ends the bar."""
        if self._bar is not None:
            self._bar.close()

    def _write(self, run: RunFolder, records: list[dict[str, Any]]) -> None:
        run.add_metrics(records)
        last = records[-1]
        run.status("running", beat=True, stage="training", step=last["step"], steps=self._steps)
        if self._tracker is not None:
            for record in records:
                self._tracker.log({"loss": record["loss"], "learning_rate": record["lr"]}, step=record["step"])
        if self._bar is not None:
            self._bar.set_postfix_str(f"loss {last['loss']:.3f}", refresh=False)
            self._bar.update(last["step"] - self._bar.n)
        elif time.perf_counter() - self._last_line >= LINE_SECONDS or last["step"] == self._steps:
            self._last_line = time.perf_counter()
            minutes, seconds = divmod(round(last["left"]), 60)
            print(
                f"step {last['step']}/{self._steps}, loss {last['loss']:.3f}, {minutes}:{seconds:02d} left", flush=True
            )

    def _check(self, step: int, losses: torch.Tensor, examples: tuple[int, ...]) -> None:
        bad = [self._names[example] for example, loss in zip(examples, losses, strict=True) if not loss.isfinite()]
        if bad:
            names = ", ".join(dict.fromkeys(bad))
            raise NonFiniteLossError(
                f"Step {step}",
                f"the loss of {names} became NaN or infinite; the last checkpoint before it is kept",
                "Look at this picture, or lower train.learning_rate, and start again",
            )
