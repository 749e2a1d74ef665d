"""The report of a run: one page that needs nothing else, for whoever wants to know how an adapter came about.

Everything in it is read from the run's folder, so it can be written during a run, at its end, or a year later; what is
missing or broken is left out. Text that came from a person is escaped.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from workbench.config import atomic_write, home
from workbench.dataset import load_examples
from workbench.errors import WorkbenchError
from workbench.identity.choose import Choice, Score, choose, read_scores
from workbench.privacy import read_private
from workbench.processes import read_object
from workbench.training.run import RunFolder

FILE = "report.html"
MOST_PHOTOS = 24
WITHOUT_PHOTOS = (
    "Photos are left out of this copy, which is kept longer than they are. `workbench report` makes one with them."
)


@dataclass(frozen=True)
class RunFacts:
    """What a run's folder tells.

    Args:
        name: of the run.
        status: its last heartbeat.
        settings: as it was started, by group.
        metrics: a record for each step.
        validation: the same of photos that were held out.
        scores: of the previews.
        choice: which checkpoint was taken, or would be, and why.
        previews: step -> the row of pictures.
        photos: small pictures, empty when they are left out.
        photos_note: why there are none.
        report: what the recipe wrote at the end: seconds, versions, machine, photos, traits.
    """

    name: str
    status: dict[str, Any]
    settings: dict[str, Any]
    metrics: list[dict[str, Any]]
    validation: list[dict[str, Any]]
    scores: list[Score]
    choice: Choice
    previews: dict[int, Image.Image]
    photos: list[Image.Image] = field(default_factory=list)
    photos_note: str = ""
    report: dict[str, Any] = field(default_factory=dict)


def read_run(folder: Path, photos: bool = True) -> RunFacts:
    """Reads a run's folder.

    Args:
        folder: `runs/NAME`.
        photos: whether the photos of its data set are wanted.
    """
    run = RunFolder(folder)
    report = read_object(folder / "report.json")
    metrics = _lines(folder / "metrics.jsonl")
    scores = read_scores(metrics)
    chosen = report.get("chosen")
    if isinstance(chosen, dict) and isinstance(chosen.get("step"), int):
        choice = Choice(chosen["step"], str(chosen.get("why", "")), bool(chosen.get("last", True)))
    else:
        choice = choose(scores)
    shown, note = _photos(run.name) if photos else ([], WITHOUT_PHOTOS)
    return RunFacts(
        name=run.name,
        status=run.read_status(),
        settings=_settings(folder / "settings.yaml"),
        metrics=metrics,
        validation=_lines(folder / "validation.jsonl"),
        scores=scores,
        choice=choice,
        previews=_previews(folder / "previews"),
        photos=shown,
        photos_note=note,
        report=report,
    )


def write_report(folder: Path, out: Path | None = None, photos: bool = True, code: str = "") -> Path:
    """Writes the page.

    Args:
        folder: `runs/NAME`.
        out: where to; None writes `report.html` into the run's folder.
        photos: whether the photos are shown. A page with photos belongs to whoever asked for it; the one in the run's
            folder is kept longer than the photos are, so it should go without.
        code: of the language it is written in; empty for that of whoever is spoken to.

    Returns:
        Where it is.

    Raises:
        StorageError: it cannot be written.
    """
    from workbench.identity.run_page import page

    out = out or folder / FILE
    atomic_write(out, page(read_run(folder, photos), code))
    return out


def _photos(name: str) -> tuple[list[Image.Image], str]:
    try:
        files = [each.file for each in load_examples(home() / "datasets" / name) if each.kind == "photo"]
        found = []
        for file in files[:MOST_PHOTOS]:
            with Image.open(io.BytesIO(read_private(file))) as opened:
                found.append(opened.convert("RGB"))
        return found, ""
    except (WorkbenchError, OSError, Image.DecompressionBombError) as error:
        reason = error.reason if isinstance(error, WorkbenchError) else "they cannot be read"
        return [], f"The photos are not shown: {reason}."


def _previews(folder: Path) -> dict[int, Image.Image]:
    found = {}
    for file in sorted(folder.glob("step-*.png")) if folder.is_dir() else []:
        try:
            with Image.open(file) as opened:
                found[int(file.stem.rpartition("-")[2])] = opened.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue  # one that is being written, or was damaged
    return found


def _settings(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def _lines(path: Path) -> list[dict[str, Any]]:
    """A file's complete records."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    records = []
    for line in lines:
        with suppress(ValueError):
            records.append(json.loads(line))
    return [each for each in records if isinstance(each, dict)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def numbers(records: Sequence[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    """(step, value) of the records that have a number of this name."""
    return [
        (float(each["step"]), float(each[name]))
        for each in records
        if _is_number(each.get("step")) and _is_number(each.get(name))
    ]
