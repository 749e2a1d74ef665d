"""The benchmark's results: everything that was measured, with where, with what and by whom, as one JSON object."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from benchmarks.identity.people import Subject
from benchmarks.identity.rows import CURVES, LEVERS, ROWS, Row
from benchmarks.identity.score import FIGURES, Look, Scorer, ahead, estimates, of_bound, per_trait, per_wish
from benchmarks.identity.train import Trained

# Whose figures stand for the peer in the summary: the first of these that is there.
PEERS = ("peer-time", "peer-steps")
# Rows of two runs may stand in one table only when all of this is the same.
SAME = ("machine", "versions", "base_fingerprint", "code", "seed_base", "subjects", "pictures", "changed_settings")


@dataclass
class Result:
    """A row with what came of it.

    Attributes:
        row: as it was run.
        looks: subject -> its pictures as the judges see them.
        trained: subject -> its training.
        failed: subject -> why there is nothing.
        values: figure -> subject -> value.
    """

    row: Row
    looks: dict[Subject, Look] = field(default_factory=dict)
    trained: dict[Subject, Trained] = field(default_factory=dict)
    failed: dict[Subject, str] = field(default_factory=dict)
    values: dict[str, dict[Subject, float]] = field(default_factory=dict)

    def seconds(self) -> float | None:
        """Mean seconds from the launch of a training to its end; 0 where nothing is trained."""
        if self.row.kind not in ("train", "script"):
            return 0.0
        measured = [each.seconds for each in self.trained.values() if each.seconds is not None]
        return round(statistics.fmean(measured), 2) if measured else None

    def stages(self) -> dict[str, float]:
        """Mean seconds of each stage of our recipe."""
        told = [each.facts["seconds"] for each in self.trained.values() if each.facts.get("seconds")]
        names = dict.fromkeys(name for stages in told for name in stages)
        return {name: round(statistics.fmean(stages.get(name, 0.0) for stages in told), 2) for name in names}


def build(
    results: Sequence[Result], scorer: Scorer, facts: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Puts everything together.

    Args:
        results: of all rows made so far; those without any pictures are left out.
        scorer: who scored them.
        facts: machine, versions, base, seeds and the like.
        before: earlier results. Their other rows stay when they were made of the same subjects with the same base,
            settings, judges and code.
    """
    by_name = {result.row.name: result for result in results if result.looks}
    bound = by_name["truth"].values["attribute_agreement"] if "truth" in by_name else {}
    rows = {name: _row(result, scorer, bound) for name, result in by_name.items()}
    if before and all(before.get(key) == facts.get(key) for key in SAME) and before["judges"] == scorer.judges.facts:
        rows = _in_order({**before["rows"], **before["points"], **rows})
    points = {name: row for name, row in rows.items() if row["curve"]}
    rows = {name: row for name, row in rows.items() if not row["curve"]}
    return {
        "summary": _summary(rows),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **facts,
        "judges": scorer.judges.facts,
        "failed": {
            result.row.name: {subject.name: reason for subject, reason in result.failed.items()}
            for result in results
            if result.failed
        },
        "rows": rows,
        "points": points,
        "ahead": {
            name: ahead(by_figure(rows["ours"]), by_figure(row))
            for name, row in rows.items()
            if "ours" in rows and name not in ("truth", "ours")
        },
    }


def _in_order(rows: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    order = [row.name for row in (*ROWS, *CURVES, *LEVERS)]
    return {name: rows[name] for name in order if name in rows}


def by_figure(row: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Figure -> subject -> value, of a row as it is written."""
    found: dict[str, dict[str, float]] = {}
    for subject, values in row["each_subject"].items():
        for name, value in values.items():
            found.setdefault(name, {})[subject] = value
    return found


def _row(result: Result, scorer: Scorer, bound: Mapping[Subject, float]) -> dict[str, Any]:
    figures = estimates(result.values)
    if share := of_bound(result.values["attribute_agreement"], bound):
        figures["attribute_agreement_of_bound"] = share
    row = result.row
    return {
        "words": row.words,
        "kind": row.kind,
        "settings": list(row.settings),
        "config": row.config.name if row.config else "",
        "photos": row.photos,
        "curve": row.curve,
        "at": row.at,
        "subjects": len(result.looks),
        "failed": {subject.name: reason for subject, reason in result.failed.items()},
        "figures": figures,
        "traits": per_trait(result.looks),
        "obeyed": per_wish(scorer, result.looks),
        "seconds_per_subject": result.seconds(),
        "seconds_of_stages": result.stages(),
        "each_subject": {
            subject.name: {name: round(each[subject], 4) for name, each in result.values.items() if subject in each}
            for subject in result.looks
        },
    }


def _summary(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Our recipe's means in one flat object; the peer's and the base's the same way below it."""
    peer = next((rows[name] for name in PEERS if name in rows), None)
    return {
        **_means(rows.get("ours")),
        "peer_settings": _means(peer),
        "base": _means(rows.get("base")),
    }


def _means(row: Mapping[str, Any] | None) -> dict[str, float | None]:
    names = ("attribute_agreement", "attribute_agreement_of_bound", *FIGURES[1:])
    figures = row["figures"] if row else {}
    means = {name: figures[name]["mean"] if name in figures else None for name in names}
    return means | {"seconds_per_subject": row["seconds_per_subject"] if row else None}


def machine_name(machine: Mapping[str, Any]) -> str:
    """Short and safe in a file's name: `cpu-2-cores`, `nvidia-h200`."""
    device = str(machine["device"])
    words = f"cpu-{machine['cores']}-cores" if device == "cpu" else device
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
