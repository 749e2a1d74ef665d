"""The run folder: the truth about a run, on disk, where a page, a command and the next attempt find it.

runs/NAME/settings.yaml      what it was started with
runs/NAME/status.json        heartbeat: {state, stage, step, steps, pid, birth, boot, updated, reason}
runs/NAME/metrics.jsonl      a line for each step: {step, loss, lr, grad_norm, seconds, left}
runs/NAME/log.txt            what was said, with the time
runs/NAME/checkpoints/       see `checkpoint`
runs/NAME/previews/          step-000100.png: one row of pictures
runs/NAME/best.safetensors   what the best preview so far was drawn with
runs/NAME/adapter.safetensors, report.json, report.html      when it is done
runs/NAME/validation.jsonl   {step, loss} of photos that are held out
runs/NAME/stop               a file of this name asks the run to save and stop
runs/NAME/save, preview      likewise: to save, or to draw a preview, and go on
runs/NAME/earlier/1/ …       the products of earlier runs of this name that were finished or set aside
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from workbench.config import atomic_write, make_folder, storage_errors
from workbench.errors import RunBusyError, StorageError, TrainingError, WorkbenchError
from workbench.processes import mark, read_object

STATES = ("preparing", "running", "saving", "stopped", "failed", "done")
PRODUCTS = (
    "settings.yaml", "status.json", "metrics.jsonl", "validation.jsonl", "log.txt", "checkpoints", "previews",
    "adapter.safetensors", "report.json", "report.html", "best.safetensors", "training",
)  # fmt: skip
WISHES = ("stop", "save", "preview")
HEARTBEAT_SECONDS = 1.0


class StopAsked(Exception):
    """Someone asked to stop; says how."""


class RunFolder:
    """A run's folder. Only one process writes to it, the one that holds its lock."""

    def __init__(self, folder: Path) -> None:
        """
        Args:
            folder: `runs/NAME`; need not exist yet.
        """
        self.folder = folder
        self.name = folder.name
        self.checkpoints = folder / "checkpoints"
        self._status: dict[str, Any] = {"state": "preparing", "stage": "", "step": 0, "steps": 0, "reason": ""}
        self._last_beat = 0.0

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keeps other processes from writing to the run; the system lets go when this process ends, however it ends.

        Raises:
            RunBusyError: if another process holds it.
            StorageError: if the folder cannot be made.
        """
        make_folder(self.folder)
        with storage_errors(self.folder), (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = self.read_status().get("pid", "unknown")
                raise RunBusyError(
                    f"Run {self.name}",
                    f"another process (number {pid}) is training it",
                    "Wait for it, stop it, or choose another name",
                ) from None
            yield

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Whatever ends the block, the run folder says so: stopped, or failed and why.

        Raises:
            TrainingError: in place of an error that says that memory ran out.
        """
        try:
            yield
        except StopAsked as wish:
            self.status("stopped", stage="stopped", reason=str(wish))
            self.log(str(wish))
        except WorkbenchError as error:
            self._fail(str(error))
            raise
        except Exception as error:
            if not out_of_memory(error):
                self._fail(f"{type(error).__name__}: {error}")
                raise
            told = TrainingError(
                f"Run {self.name}",
                "the memory ran out",
                "Lower data.resolution or lora.rank; `workbench plan` says what fits",
            )
            self._fail(str(told))
            raise told from error
        except BaseException as error:
            self._fail(f"ended by {type(error).__name__}")
            raise

    def _fail(self, reason: str) -> None:
        # On a full disk even this cannot be written; the error itself must still be seen.
        with suppress(StorageError):
            self.status("failed", stage="failed", reason=reason)
            self.log(reason)

    def status(self, state: str = "", *, beat: bool = False, **fields: Any) -> None:
        """Writes the heartbeat.

        Args:
            state: one of `STATES`; empty keeps the present one.
            beat: write only if the last heartbeat is a second old: for calls from inside loops.
            fields: stage, step, steps, reason.
        """
        self._status |= fields | ({"state": state} if state else {})
        now = time.time()
        if beat and now - self._last_beat < HEARTBEAT_SECONDS:
            return
        self._last_beat = now
        content = json.dumps(self._status | mark() | {"updated": now}, ensure_ascii=False)
        if beat:
            # Not flushed to the disk: after a power cut nobody asks for the last second's heartbeat.
            with storage_errors(self.folder):
                temporary = self.folder / ".status.json"
                temporary.write_text(content, encoding="utf-8")
                temporary.replace(self.folder / "status.json")
        else:
            atomic_write(self.folder / "status.json", content)

    def read_status(self) -> dict[str, Any]:
        """The last heartbeat, empty when there is none."""
        return read_object(self.folder / "status.json")

    def log(self, line: str) -> None:
        """Adds a line to `log.txt`, with the time."""
        with storage_errors(self.folder), (self.folder / "log.txt").open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")

    def add_metrics(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Adds lines to `metrics.jsonl`."""
        text = "".join(json.dumps(dict(record)) + "\n" for record in records)
        with storage_errors(self.folder), (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(text)

    def metrics(self) -> list[dict[str, Any]]:
        """All complete lines of `metrics.jsonl`."""
        records = []
        with suppress(FileNotFoundError):
            for line in (self.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
                with suppress(ValueError):
                    records.append(json.loads(line))
        return records

    def forget_metrics_after(self, step: int) -> None:
        """Drops the lines of steps that will be done again because they came after the last checkpoint."""
        kept = [record for record in self.metrics() if record["step"] <= step]
        atomic_write(self.folder / "metrics.jsonl", "".join(json.dumps(record) + "\n" for record in kept))

    def preview(self, step: int) -> Path:
        """Where the preview after a step goes."""
        return self.folder / "previews" / f"step-{step:06d}.png"

    def ask(self, wish: str) -> None:
        """Asks the running process for something, one of `WISHES`."""
        with storage_errors(self.folder):
            (self.folder / wish).touch()

    def take(self, wish: str) -> bool:
        """Whether someone asked for it since the last time; for the process that runs."""
        if not (self.folder / wish).exists():
            return False
        (self.folder / wish).unlink(missing_ok=True)
        return True

    def add_validation(self, step: int, loss: float) -> None:
        """Adds a line to `validation.jsonl`; a step that was done again replaces the lines from it on."""
        kept = [record for record in self.validation() if record["step"] < step]
        lines = [json.dumps(record) + "\n" for record in [*kept, {"step": step, "loss": loss}]]
        atomic_write(self.folder / "validation.jsonl", "".join(lines))

    def validation(self) -> list[dict[str, Any]]:
        """All lines of `validation.jsonl`."""
        with suppress(FileNotFoundError):
            lines = (self.folder / "validation.jsonl").read_text(encoding="utf-8").splitlines()
            return [json.loads(line) for line in lines]
        return []

    def stop_asked(self) -> bool:
        """Whether someone put a file named `stop` into the folder."""
        return (self.folder / "stop").exists()

    def clear_stop(self) -> None:
        """Takes the file `stop` and other wishes away, so that they do not reach the next attempt."""
        for wish in WISHES:
            (self.folder / wish).unlink(missing_ok=True)

    def begin(self, settings: str, afresh: bool) -> str:
        """Moves a finished run aside, so that a new one of its name starts from nothing; an unfinished one goes on.

        Args:
            settings: of the run that begins, as YAML.
            afresh: an unfinished one is moved aside too.

        Returns:
            What to tell the person; empty when nothing was there.
        """
        self.clear_stop()
        finished = self.read_status().get("state") == "done"
        kept = self.set_aside() if finished or afresh or not self.checkpoints.exists() else None
        atomic_write(self.folder / "settings.yaml", settings)
        why = "it was finished" if finished else "told to start afresh"
        return f"{why}; what was there is kept in {kept}" if kept else ""

    def set_aside(self) -> Path | None:
        """Moves what an earlier run left into `earlier/`, so that a new one starts with an empty folder.

        Returns:
            Where it went, or None when there was nothing worth keeping; then it is removed.
        """
        worth = any((self.folder / name).exists() for name in ("adapter.safetensors", "checkpoints"))
        number = 1 + max((int(path.name) for path in self.folder.glob("earlier/[0-9]*")), default=0)
        target = make_folder(self.folder / "earlier" / str(number)) if worth else None
        with storage_errors(self.folder):
            for name in PRODUCTS:
                path = self.folder / name
                if not path.exists():
                    continue
                if target:
                    path.rename(target / name)
                elif path.is_file():
                    path.unlink()
        return target


def out_of_memory(error: BaseException) -> bool:
    """Whether an error, or what caused it, says that the memory, of the GPU or the computer, ran out."""
    # torch has a class of its own for GPUs; on a CPU it is a RuntimeError of the allocator.
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and "allocate memory" in str(error))
        or (error.__cause__ is not None and out_of_memory(error.__cause__))
    )
