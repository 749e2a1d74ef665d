"""One training of the benchmark: our recipe, really launched, in folders of its own, and never done twice.

Each training has a home of its own, so that no picture or latent of another one is found in a cache and every
training takes what a person's first one takes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.identity.people import Subject, write_selfies
from benchmarks.identity.rows import Row
from workbench.config import ROOT, atomic_write, load_settings, settings_to_yaml
from workbench.device import thread_count
from workbench.errors import TrainingError
from workbench.jobs import launch_command

# What decides an adapter besides settings, photos and base.
CODE = ("recipes/train_lora.py", "workbench/captions", "workbench/dataset", "workbench/photos", "workbench/training")
OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Place:
    """Where the benchmark keeps what it made, and what it is made with.

    Attributes:
        work: the folder of everything.
        base: name or folder of the base model, and its hash.
        extra: settings of our recipe that differ from the default, for trials; a row's own are stronger.
        keep: trainings count as done also when the code has changed since.
    """

    work: Path
    base: str
    fingerprint: str
    extra: tuple[str, ...] = ()
    keep: bool = False

    @property
    def shelf(self) -> Path:
        return self.work / "loras"


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
        name: of the adapter on the benchmark's shelf.
        seconds: from the launch to the end of the process; None when it was stopped and continued on the way.
        facts: what the run told of itself.
    """

    name: str
    seconds: float | None
    facts: dict[str, Any] = field(default_factory=dict)


def train(place: Place, subject: Subject, row: Row, on_progress: OnProgress | None = None) -> Trained:
    """Trains an adapter, goes on with one that was stopped, or finds it done.

    Raises:
        ConfigError: if the row's settings are wrong.
        TrainingError: if the recipe failed; says its last words.
    """
    photos = write_selfies(subject, row.photos, place.work / "photos" / f"{subject.name}-{row.photos}")
    name = f"{subject.name}-{_digest(place, row, photos)}"
    folder = place.work / "trainings" / name
    done = finished(place, folder, name)
    if done:
        return done
    if (folder / "code").exists() and (folder / "code").read_text(encoding="utf-8") != code_digest():
        shutil.rmtree(folder)  # begun with other code, and nothing tells whether that would have given the same
    atomic_write(folder / "code", code_digest())
    words = [*_words(place, row), f"name={name}", f"photos={photos}", f"base={place.base}"]
    atomic_write(folder / "settings.yaml", settings_to_yaml(load_settings(row.config, words)))
    home = folder / "home"
    begun = (home / "runs" / name / "checkpoints").exists()
    seconds = _launch(place, folder, name, on_progress)
    report = json.loads((home / "runs" / name / "report.json").read_text(encoding="utf-8"))
    facts = {key: report.get(key) for key in ("seconds", "photos", "loss", "machine", "traits")}
    measured = None if begun else round(seconds, 2)
    record = {"seconds": measured, "facts": facts, "code": code_digest(), "row": row.name}
    atomic_write(folder / "record.json", json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    for waste in ("cache", "datasets", f"runs/{name}/checkpoints"):
        shutil.rmtree(home / waste, ignore_errors=True)
    return Trained(name, measured, facts)


def finished(place: Place, folder: Path, name: str) -> Trained | None:
    """A training that was done before by the same code, or by any when that is wished."""
    with suppress(OSError, ValueError, KeyError):
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        same = place.keep or record["code"] == code_digest()
        if same and (place.shelf / f"{name}.safetensors").exists():
            return Trained(name, record["seconds"], record["facts"])
    return None


def _words(place: Place, row: Row) -> list[str]:
    """A trial changes our recipe and what is derived from it; the peer stays what it is."""
    return [*(() if row.config else place.extra), *row.settings]


def _digest(place: Place, row: Row, photos: Path) -> str:
    settings = settings_to_yaml(load_settings(row.config, [*_words(place, row), "name=x", "photos=x", "base=x"]))
    content = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(photos.iterdir())]
    return hashlib.sha256(json.dumps([settings, content, place.fingerprint]).encode()).hexdigest()[:12]


@cache
def code_digest() -> str:
    """Hash of the code that decides an adapter, as it was when this process first asked."""
    return digest_of(ROOT / path for path in CODE)


def digest_of(places: Iterable[Path]) -> str:
    """Hash of all Python and weight files in some folders, and of single files."""
    digest = hashlib.sha256()
    for place in places:
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            if path.suffix in (".py", ".safetensors"):
                digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _launch(place: Place, folder: Path, name: str, on_progress: OnProgress | None) -> float:
    """Runs the recipe to its end and returns the seconds it took."""
    environment = os.environ | {
        "PYTHONUNBUFFERED": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "WORKBENCH_HOME": str(folder / "home"),
        "WORKBENCH_KEYS": str(folder / "keys"),
        "WORKBENCH_LORAS": str(place.shelf),
        # accelerate would give the run one thread.
        "WORKBENCH_THREADS": str(thread_count()),
    }
    status = folder / "home" / "runs" / name / "status.json"

    def look() -> None:
        with suppress(OSError, ValueError):
            told = json.loads(status.read_text(encoding="utf-8"))
            if on_progress:
                on_progress(int(told.get("step") or 0), int(told.get("steps") or 0), str(told.get("stage") or ""))

    seconds, code = run(launch_command(folder / "settings.yaml"), environment, folder / "output.txt", look)
    told = json.loads(status.read_text(encoding="utf-8")) if status.exists() else {}
    if code or told.get("state") != "done":
        raise TrainingError(f"Run {name}", told.get("reason") or last_words(folder / "output.txt"),
                            f"See {folder / 'output.txt'}")  # fmt: skip
    return seconds


def run(
    command: Sequence[str], environment: dict[str, str], output: Path, look: Callable[[], None]
) -> tuple[float, int]:
    """Runs a process to its end; Ctrl-C reaches it too and is waited for, so that it saves.

    Returns:
        Seconds, and the exit code.
    """
    started = time.perf_counter()
    with output.open("ab") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    code = process.wait(timeout=0.5)
                    return time.perf_counter() - started, code
                look()
        except KeyboardInterrupt:
            process.wait()
            raise


def last_words(output: Path) -> str:
    """The last line a process printed."""
    lines = output.read_text(encoding="utf-8", errors="replace").splitlines() if output.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it ended without a word")
