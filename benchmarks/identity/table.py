"""Results as Markdown tables, written between the markers of documents, so that no number is ever typed by hand.

    python -m benchmarks.identity.table docs/identity.md README.md     # from the newest full results
    python -m benchmarks.identity.table --json FILE                    # prints all tables

A document has pairs of markers such as `<!-- identity: rows -->` and `<!-- end -->`; known are machine, rows, short,
subjects, traits, obeyed, curves, judges and ahead.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.identity.rows import QUICK
from workbench.config import ROOT, atomic_write

RESULTS = ROOT / "benchmarks" / "results"
MARKED = re.compile(r"(<!-- identity: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
COLUMNS = {
    "attribute_agreement": "agreement", "attribute_agreement_of_bound": "of bound", "top1": "top-1", "top5": "top-5",
    "tpr_at_fpr1": "TPR at 1 %", "editability": "editability", "style": "style", "copy": "copy", "bleed": "bleed",
    "diversity": "diversity",
}  # fmt: skip
Report = Mapping[str, Any]


def main() -> None:
    """Fills documents, or prints."""
    parser = argparse.ArgumentParser(description="Identity results as tables in documents.")
    parser.add_argument("documents", nargs="*", type=Path, metavar="FILE", help="Markdown files with markers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="results; default: the newest that are not quick")
    args = parser.parse_args()
    report = json.loads((args.json or newest()).read_text(encoding="utf-8"))
    for document in args.documents:
        atomic_write(document, fill(document.read_text(encoding="utf-8"), report))
        print(f"filled {document}")
    if not args.documents:
        print("\n\n".join(f"{name}\n\n{draw(report)}" for name, draw in TABLES.items()))


def newest() -> Path:
    """The latest full results on this machine's disk."""
    found = [path for path in RESULTS.glob("identity-*.json") if not path.stem.endswith("-quick")]
    found = found or list(RESULTS.glob("identity-*.json"))
    if not found:
        raise SystemExit("error: there are no results yet. Run `python -m benchmarks.identity`.")
    return max(found, key=lambda path: path.stat().st_mtime)


def fill(text: str, report: Report) -> str:
    """A document's text with all marked places filled.

    Raises:
        SystemExit: if a marker's name is not known.
    """

    def place(match: re.Match[str]) -> str:
        if match[2] not in TABLES:
            raise SystemExit(f"error: there is no table {match[2]!r}. Use {', '.join(TABLES)}.")
        return f"{match[1]}{TABLES[match[2]](report)}\n{match[3]}"

    return MARKED.sub(place, text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def estimate(value: Mapping[str, float] | None) -> str:
    """`0.81 (0.77–0.85)`."""
    return f"{value['mean']:.2f} ({value['low']:.2f}–{value['high']:.2f})" if value else "–"


def _number(value: float | None, form: str = ".2f") -> str:
    return "–" if value is None else format(value, form)


def machine(report: Report) -> str:
    """Where, with what and when."""
    where, versions = report["machine"], report["versions"]
    device = f"{where['cores']} CPU cores" if where["device"] == "cpu" else where["device"]
    if where.get("processor"):
        device += f" ({where['processor']})"
    return (
        f"Measured {report['created'][:10]} on {device} with torch {versions['torch']}, diffusers "
        f"{versions['diffusers']}; base {report['base']} ({report['base_fingerprint'][:8]}), {report['subjects']} "
        f"subjects from seed {report['seed_base']}, {report['pictures']} pictures of each."
    )


def rows(report: Report, chosen: Sequence[str] = (), columns: Sequence[str] = tuple(COLUMNS)) -> str:
    """Rows with their means and intervals; every one when none is chosen."""
    lines = []
    for row in (row for name, row in report["rows"].items() if name in chosen or not chosen):
        words = row["words"] + (f" ({row['subjects']} subjects)" if row["subjects"] != report["subjects"] else "")
        words += f", {len(row['failed'])} failed" if row["failed"] else ""
        figures = [estimate(row["figures"].get(name)) for name in columns]
        lines.append([words, *figures, _number(row["seconds_per_subject"], ".0f")])
    return table(["", *(COLUMNS[name] for name in columns), "s a subject"], lines)


def short(report: Report) -> str:
    """The rows and figures that matter most, for a first page."""
    figures = ("attribute_agreement_of_bound", "top1", "tpr_at_fpr1", "editability", "style", "bleed")
    return rows(report, QUICK, figures)


def _shares(report: Report, key: str) -> str:
    shown = {name: row for name, row in report["rows"].items() if name in ("truth", "base", "named", "ours")}
    shown |= {name: row for name, row in report["rows"].items() if name.startswith("peer-time")}
    names = next(iter(report["rows"].values()))[key]
    lines = [[name.replace("_", " "), *(_number(row[key][name]) for row in shown.values())] for name in names]
    return table(["", *shown], lines)


def traits(report: Report) -> str:
    """Trait by trait."""
    return _shares(report, "traits")


def obeyed(report: Report) -> str:
    """What prompts ask for, thing by thing."""
    return _shares(report, "obeyed")


def subjects(report: Report) -> str:
    """Our recipe, subject by subject."""
    each = report["rows"].get("ours", {"each_subject": {}})["each_subject"]
    names = [name for name in COLUMNS if any(name in values for values in each.values())]
    lines = [[subject, *(_number(values.get(name)) for name in names)] for subject, values in each.items()]
    return table(["", *(COLUMNS[name] for name in names)], lines)


def curves(report: Report) -> str:
    """Score against steps and seconds, and against photos."""
    lines = [
        [
            point["words"], _number(point["seconds_per_subject"], ".0f"), str(point["subjects"]),
            *(estimate(point["figures"].get(name)) for name in ("attribute_agreement", "top1", "editability")),
        ]
        for point in report["points"].values()
    ]  # fmt: skip
    return table(["", "s a subject", "subjects", "agreement", "top-1", "editability"], lines)


def judges(report: Report) -> str:
    """The judges' own accuracy on true drawings of characters they have not seen."""
    probe, verifier = (report["judges"][name].get("accuracy", {}) for name in ("probe", "verifier"))
    names = dict.fromkeys(name for style in probe.values() for name in style)
    lines = [[n.replace("_", " "), *(_number(probe[s].get(n)) for s in ("chibi", "photo"))] for n in names]
    matched = [[name, _number(value)] for name, value in verifier.items()]
    return "\n\n".join([table(["probe", "chibi", "photo"], lines), table(["verifier, photo to chibi", ""], matched)])


def ahead(report: Report) -> str:
    """How much higher our recipe's figures are, subject by subject."""
    names = [name for name in COLUMNS if any(name in figures for figures in report["ahead"].values())]
    lines = [
        [report["rows"][row]["words"], *(estimate(figures.get(name)) for name in names)]
        for row, figures in report["ahead"].items()
    ]
    return table(["ours, less", *(COLUMNS[name] for name in names)], lines)


TABLES: dict[str, Callable[[Report], str]] = {
    "machine": machine, "rows": rows, "short": short, "ahead": ahead, "traits": traits, "obeyed": obeyed,
    "subjects": subjects, "curves": curves, "judges": judges,
}  # fmt: skip


if __name__ == "__main__":
    main()
