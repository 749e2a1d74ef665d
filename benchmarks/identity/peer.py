"""The peer: diffusers' own training script on the same photos, and how many steps fit into our recipe's time.

The script needs torchvision, which the workbench keeps out of its environment; `--peer-python` names an interpreter
that has it, beside diffusers, peft and accelerate.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.identity.people import NOUN, TRIGGER, Subject, write_selfies
from benchmarks.identity.rows import Row, with_steps
from benchmarks.identity.train import OnProgress, Place, Trained, code_digest, last_words, run, train
from workbench.adapters import import_adapter
from workbench.backbones import locate
from workbench.config import atomic_write, load_settings
from workbench.device import cpu_computes_half, thread_count
from workbench.errors import TrainingError

PROBE_STEPS = 10


@dataclass(frozen=True)
class Script:
    """A copy of the peer's script.

    Attributes:
        path: `train_dreambooth_lora.py`.
        python: the interpreter that runs it.
        resolution: side of the training pictures; the base's own.
    """

    path: Path
    python: str = sys.executable
    resolution: int = 256

    def command(self, base: Path, photos: Path, out: Path, steps: int) -> list[str]:
        """The launch line that diffusers publishes, with the base's resolution and our seed."""
        precision = "bf16" if cpu_computes_half() and not Path("/proc/driver/nvidia").exists() else "no"
        return [
            self.python, "-m", "accelerate.commands.launch", "--quiet", "--num_processes", "1", "--num_machines", "1",
            "--dynamo_backend", "no", "--mixed_precision", precision, str(self.path),
            f"--pretrained_model_name_or_path={base}", f"--instance_data_dir={photos}", f"--output_dir={out}",
            f"--instance_prompt=a photo of {TRIGGER} {NOUN}", f"--resolution={self.resolution}",
            "--train_batch_size=1", "--gradient_accumulation_steps=1", "--checkpointing_steps=100000",
            "--learning_rate=1e-4", "--lr_scheduler=constant", "--lr_warmup_steps=0", f"--max_train_steps={steps}",
            "--seed=0",
        ]  # fmt: skip

    def train(self, place: Place, subject: Subject, row: Row, steps: int) -> Trained:
        """Trains with the script, or finds it done.

        Raises:
            TrainingError: if the script failed.
        """
        photos = write_selfies(subject, row.photos, place.work / "photos" / f"{subject.name}-{row.photos}")
        facts = [hashlib.sha256(self.path.read_bytes()).hexdigest(), steps, place.fingerprint, self.resolution]
        facts += [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(photos.iterdir())]
        name = f"{subject.name}-p{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:11]}"
        folder = place.work / "trainings" / name
        with suppress(OSError, ValueError, KeyError):
            record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
            if (place.shelf / f"{name}.safetensors").exists():
                return Trained(name, record["seconds"])
        folder.mkdir(parents=True, exist_ok=True)
        threads = str(thread_count())
        environment = os.environ | {"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
        command = self.command(locate(place.base)[0], photos, folder / "out", steps)
        seconds, code = run(command, environment, folder / "output.txt", lambda: None)
        weights = folder / "out" / "pytorch_lora_weights.safetensors"
        if code or not weights.exists():
            reason = last_words(folder / "output.txt")
            raise TrainingError(f"The peer's script on {subject.name}", reason, f"See {folder / 'output.txt'}")
        import_adapter(weights, name, place.shelf, replace=True)
        atomic_write(folder / "record.json", json.dumps({"seconds": round(seconds, 2)}) + "\n")
        return Trained(name, round(seconds, 2))


def steps_of(place: Place) -> int:
    """Steps of our recipe as the benchmark runs it."""
    return load_settings(None, list(place.extra)).train.steps


def steps_in_time(
    place: Place, subject: Subject, row: Row, ours: list[Trained], script: Script | None, on_progress: OnProgress | None
) -> int:
    """How many steps of a row fit into our recipe's seconds, all of them counted from the launch to the end.

    Two trainings of the first subject tell what the row's start and end cost and what a step costs. The answer is
    kept, since seconds are never the same again and another number of steps would be another row.

    Args:
        place: of the benchmark.
        subject: on whom the two trainings are made.
        row: whose steps are sought.
        ours: our recipe's trainings.
        script: the peer's, for rows of that kind.
        on_progress: see `train`.

    Raises:
        TrainingError: if there are no seconds of ours to compare with, or a training failed.
    """
    kept = place.work / "equal-time" / f"{row.name}-{_key(place, row, ours, script)}.json"
    with suppress(OSError, ValueError, KeyError):
        return int(json.loads(kept.read_text(encoding="utf-8"))["steps"])
    measured = [each.seconds for each in ours if each.seconds]
    if not measured:
        raise TrainingError(row.words, "no training of our recipe ran through without a stop", "Leave this row out")
    budget = statistics.median(measured)

    def seconds(steps: int) -> float:
        if row.kind == "script":
            assert script is not None
            return script.train(place, subject, row, steps).seconds or 0.0
        return train(place, subject, with_steps(row, steps), on_progress).seconds or 0.0

    steps = fit(seconds, steps_of(place), budget)
    atomic_write(kept, json.dumps({"steps": steps, "seconds": budget}) + "\n")
    return steps


def fit(seconds: Callable[[int], float], steps: int, budget: float) -> int:
    """Steps that take `budget` seconds, when time is a straight line through two measured numbers of steps.

    Args:
        seconds: measures so many steps.
        steps: the larger number to measure; the smaller is 10, or one less when that is not smaller.
        budget: seconds.

    Returns:
        At least 1; down to a multiple of ten when there are more than a hundred.
    """
    few = min(PROBE_STEPS, max(steps - 1, 1))
    short, long = seconds(few), seconds(steps)
    each = (long - short) / max(steps - few, 1)
    if each <= 0:
        return steps
    found = int((budget - short) / each + few)
    return max(1, found - found % 10 if found > 100 else found)


def _key(place: Place, row: Row, ours: list[Trained], script: Script | None) -> str:
    facts = [[each.name for each in ours], row.settings, str(row.config), place.extra, code_digest()]
    facts.append(str(script.path) if script and row.kind == "script" else "")
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]
