"""The benchmark's story: for each row and subject train, draw, look; then score, write and show."""

from __future__ import annotations

import argparse
import io
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.identity import judges as judges_module
from benchmarks.identity.draw import Drawer, plain_pictures, row_pictures
from benchmarks.identity.judges import Judges
from benchmarks.identity.peer import Script, steps_in_time, steps_of
from benchmarks.identity.people import Subject, subjects
from benchmarks.identity.report import Result, build, machine_name
from benchmarks.identity.rows import FEWER_SUBJECTS, OURS, ROWS, Row, with_steps
from benchmarks.identity.score import Scorer
from benchmarks.identity.sheet import compose
from benchmarks.identity.train import Place, Trained, code_digest, train
from workbench.backbones import fingerprint_folder, locate
from workbench.cli.demo import processor
from workbench.config import ROOT, atomic_write, home
from workbench.device import pick_device
from workbench.errors import TrainingError
from workbench.training.report import machine, versions

TRUTH = ROWS[0]
SHEET_SELFIES, SHEET_SCENES = 5, 4
GALLERY = 24


@dataclass
class Benchmark:
    """One run of the benchmark; see `prepare`."""

    place: Place
    everyone: list[Subject]
    pictures: int
    scorer: Scorer
    drawer: Drawer
    script: Script | None
    facts: dict[str, Any]
    out: Path
    deadline: float
    results: dict[str, Result] = field(default_factory=dict)
    bar: Any = None

    @classmethod
    def prepare(cls, args: argparse.Namespace) -> Benchmark:
        """Opens judges and base, draws what is known of the subjects.

        Raises:
            WorkbenchError: if judges or base are missing, or the seeds were trained on.
        """
        count = args.subjects or (6 if args.quick else GALLERY)
        # Few subjects are looked for among as many people as usual: the next seeds' characters stand in the crowd.
        gallery = subjects(args.seed_base, max(count, GALLERY))
        work = (args.work or home() / "identity-benchmark").absolute()
        folder, entry = locate(args.base)
        base = args.base if entry.id == args.base else str(folder.absolute())
        place = Place(work, base, fingerprint_folder(folder), tuple(args.set), args.keep)
        where = machine(pick_device().type) | {"processor": processor()}
        suffix = "-quick" if args.quick else ""
        out = args.out or ROOT / "benchmarks" / "results" / f"identity-{machine_name(where)}{suffix}.json"
        return cls(
            place=place,
            everyone=gallery[:count],
            pictures=args.pictures,
            scorer=Scorer(Judges(args.judges or judges_module.HERE), gallery, args.pictures),
            drawer=Drawer(base, place.fingerprint, place.shelf, work / "pictures", args.keep),
            script=Script(args.peer_script.absolute(), args.peer_python) if args.peer_script else None,
            facts={
                "machine": where,
                "versions": versions(),
                "base": entry.id,
                "base_fingerprint": place.fingerprint,
                "code": code_digest(),
                "seed_base": args.seed_base,
                "subjects": count,
                "gallery": len(gallery),
                "pictures": args.pictures,
                "changed_settings": list(args.set),
            },
            out=out,
            deadline=time.monotonic() + args.minutes * 60 if args.minutes else float("inf"),
        )

    def about(self) -> str:
        """What is going to be measured, and how well the judges see."""
        lines = [f"{len(self.everyone)} subjects from seed {self.facts['seed_base']}, base {self.facts['base']}"]
        for name, facts in self.scorer.judges.facts.items():
            accuracy = facts.get("accuracy", {})
            told = (
                {style: sum(each.values()) / len(each) for style, each in accuracy.items()} if name == "probe" else {}
            )
            shown = ", ".join(f"{key} {value:.2f}" for key, value in (told or accuracy).items())
            lines.append(f"{name}, on true drawings it has not seen: {shown or 'not checked'}")
        return "\n".join(lines)

    def run(self, rows: list[Row]) -> dict[str, Any]:
        """Makes the rows in their order, writing the results after each."""
        rows = [TRUTH, *(row for row in rows if row != TRUTH)]
        report: dict[str, Any] = {}
        before = json.loads(self.out.read_text(encoding="utf-8")) if self.out.exists() else None
        with tqdm(total=sum(len(self._subjects(row)) for row in rows), unit="subject", dynamic_ncols=True) as self.bar:
            for row in rows:
                self._row(row)
                report = build(list(self.results.values()), self.scorer, self.facts, before)
                atomic_write(self.out, json.dumps(report, ensure_ascii=False, indent=1) + "\n")
        self._sheet()
        return report

    def files(self) -> list[Path]:
        """What was written."""
        return [path for path in (self.out, self.out.with_suffix(".png")) if path.exists()]

    def _subjects(self, row: Row) -> list[Subject]:
        return self.everyone[:FEWER_SUBJECTS] if row.curve or row.lever else self.everyone

    def _row(self, row: Row) -> None:
        result = self.results[row.name] = Result(row)
        for subject in self._subjects(row):
            if time.monotonic() > self.deadline:
                self.bar.write(f"the time is over; {row.name} has {len(result.looks)} subjects")
                break
            self.bar.set_description(f"{row.name} {subject.name}")
            try:
                result.row = row = self._with_equal(row)
                adapter = self._adapter(row, subject, result)
            except TrainingError as error:
                result.failed[subject] = str(error)
                self.bar.write(f"{row.name}, {subject.name}: {error}")
            else:
                made = row_pictures(self.drawer, subject, row, self.pictures, adapter, self._drawing)
                wants_plain = bool(adapter) or row.kind == "base"
                plain = (
                    plain_pictures(self.drawer, subject, self.pictures, adapter, self._drawing) if wants_plain else ()
                )
                result.looks[subject] = self.scorer.look(made, plain)
            self.bar.update()
        if result.looks:
            base, truth = (self.results[name].looks if name in self.results else {} for name in ("base", "truth"))
            result.values = self.scorer.score(result.looks, row.photos, base, truth)

    def _with_equal(self, row: Row) -> Row:
        """A row of equal steps or equal time, with the number of steps that makes it so."""
        if not row.equal or any(word.startswith("train.steps=") for word in row.settings):
            return row
        if row.equal == "steps":
            return with_steps(row, steps_of(self.place))
        ours = []
        for subject in self.everyone:
            with suppress(TrainingError):  # told in its own row
                ours.append(self._train(OURS, subject))
        return with_steps(row, steps_in_time(self.place, self.everyone[0], row, ours, self.script, self._training))

    def _adapter(self, row: Row, subject: Subject, result: Result) -> str:
        if row.kind not in ("train", "script"):
            return ""
        result.trained[subject] = trained = self._train(row, subject)
        return trained.name

    def _train(self, row: Row, subject: Subject) -> Trained:
        if row.kind == "train":
            return train(self.place, subject, row, self._training)
        assert self.script is not None  # `choose` leaves such rows out without a script
        steps = next(int(word.partition("=")[2]) for word in row.settings if word.startswith("train.steps="))
        return self.script.train(self.place, subject, row, steps)

    def _training(self, step: int, steps: int, stage: str) -> None:
        self.bar.set_postfix_str(f"{stage} {step}/{steps}" if steps else stage)

    def _drawing(self, done: int, count: int) -> None:
        self.bar.set_postfix_str(f"pictures {done}/{count}")

    def _sheet(self) -> None:
        """Selfies, true chibis, ours and the peer's of the same scenes; pictures that are on disk are only read."""
        shown = [row for row in self.results.values() if row.row.name in ("ours", "peer-time") and row.looks]
        lines = {}
        for subject in self.everyone:
            groups = [subject.selfies(SHEET_SELFIES), subject.truth(self.pictures)[:SHEET_SCENES]]
            for result in shown:
                trained = result.trained.get(subject)
                made = trained and subject in result.looks
                name = trained.name if trained else ""
                pictures = row_pictures(self.drawer, subject, result.row, self.pictures, name) if made else []
                groups.append(pictures[:SHEET_SCENES])
            lines[subject.name] = groups
        sheet = compose(lines, ["selfies", "true chibis", *(result.row.words for result in shown)])
        buffer = io.BytesIO()
        sheet.save(buffer, "PNG", optimize=True)
        atomic_write(self.out.with_suffix(".png"), buffer.getvalue())
