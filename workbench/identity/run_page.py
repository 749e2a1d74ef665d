"""The report of a run as HTML; see `run_report`."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from workbench import __version__
from workbench.identity.charts import Line, line_chart, smoothed
from workbench.identity.choose import Score
from workbench.identity.run_report import RunFacts, numbers
from workbench.language import language, mark, speaking, told, tr, trn

STYLE = (Path(__file__).with_name("run_page.css")).read_text(encoding="utf-8")
STATES = {"done": "good", "failed": "bad", "stopped": "warn"}
# What a run does one after the other, by the names in its heartbeat and its report.
STAGES = {
    "starting": mark("Starting"),
    "photos": mark("Judging and cropping the photos"),
    "imports": mark("Loading the libraries"),
    "base": mark("Opening the base"),
    "traits": mark("Reading what the photos show"),
    "anchors and class pictures": mark("Drawing practice pictures"),
    "data set": mark("Writing the data set"),
    "encoding": mark("Encoding the pictures"),
    "adapter": mark("Preparing the adapter"),
    "training": mark("Learning"),
    "previews": mark("Drawing a preview"),
    "last preview": mark("Drawing the last preview"),
    "saving": mark("Saving and proving"),
}
BEFORE = {"launcher": mark("Launching"), "start": mark("Starting")}
MACHINE = {
    "device": mark("Device"),
    "system": mark("System"),
    "python": "Python",
    "cores": mark("Cores"),
    "precision": mark("Precision"),
}
PHOTO, PREVIEW = 168, 1040  # px: side of a photo, longest width of a row of previews


def page(facts: RunFacts, code: str = "") -> str:
    """The whole page as HTML that loads nothing from anywhere.

    Args:
        facts: of the run.
        code: of the language it is written in; empty for that of whoever is spoken to. What a person or a program
            wrote (prompts, settings, versions) stays as it is.
    """
    with speaking(code or language()):
        return _page(facts)


def _page(facts: RunFacts) -> str:
    body = "".join(
        part
        for part in (
            _head(facts),
            _photos(facts),
            _curves(facts),
            _previews(facts),
            _traits(facts),
            _seconds(facts),
            _settings(facts),
            _machine(facts),
        )
        if part
    )
    title = f"{escape(facts.name)} · {escape(tr('run report'))}"
    # No script, no address: what a person's own words could smuggle in would have nothing to call.
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        f'<!doctype html><html lang="{language()}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main>"
        f"<footer>{escape(tr('Chibi workbench'))} {escape(__version__)}</footer></body></html>\n"
    )


def _head(facts: RunFacts) -> str:
    status, settings = facts.status, facts.settings
    state = str(status.get("state") or "unknown")
    date = ""
    with suppress(KeyError, TypeError, ValueError, OverflowError, OSError):  # a heartbeat may be missing, or nonsense
        date = datetime.fromtimestamp(status["updated"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    steps = tr("{step} of {steps} steps", step=status.get("step", "?"), steps=status.get("steps", "?"))
    words = f"{settings.get('trigger', 'zkq')} {settings.get('class_noun', 'person')}"
    line = " · ".join(
        str(part)
        for part in (
            tr("base {base}", base=settings.get("base", "chibi-mini")),
            tr("trigger {words}", words=words),
            steps,
            date,
        )
        if part
    )
    reason = f'<p class="{STATES.get(state, "plain")}-words">{escape(told(str(status["reason"])))}</p>' \
        if status.get("reason") and state != "done" else ""  # fmt: skip
    chosen = ""
    if facts.choice.step:
        taken = tr("Checkpoint after step {step}", step=facts.choice.step)
        why = f"{tr(': ')}{told(facts.choice.why)}{tr('.')}"
        chosen = f'<p class="chosen"><b>{escape(taken)}</b>{escape(why)}</p>'
    badge = f'<span class="badge {STATES.get(state, "plain")}">{escape(tr(state))}</span>'
    return f"<header><h1>{escape(facts.name)} {badge}</h1><p>{escape(line)}</p>{reason}{chosen}</header>"


def _photos(facts: RunFacts) -> str:
    judged = facts.report.get("photos")
    said: Mapping[str, Any] = judged if isinstance(judged, Mapping) else {}
    pictures = "".join(
        f'<img src="{_uri(ImageOps.fit(photo, (PHOTO, PHOTO)))}" width="{PHOTO}" height="{PHOTO}" '
        f'alt="{escape(tr("photo {number}", number=number))}">'
        for number, photo in enumerate(facts.photos, start=1)
    )
    note = f"<p class='small'>{_code(told(facts.photos_note))}</p>" if facts.photos_note else ""
    left_out = _list(tr("Left out"), _told(said.get("left out"))) + _list(tr("Advice"), _told(said.get("advice")))
    if not (pictures or note or left_out):
        return ""
    return _section(tr("Photos"), f'<div class="photos">{pictures}</div>{note}{left_out}')


def _curves(facts: RunFacts) -> str:
    losses = numbers(facts.metrics, "loss")
    until = max((step for step, _ in losses), default=None)
    parts = []
    if losses:
        lines = [Line(tr("each step"), losses, "pale"), Line(tr("smoothed"), smoothed(losses))]
        held = numbers(facts.validation, "loss")
        lines += [Line(tr("held-out photos"), held, "second", dots=True)] if held else []
        parts.append(_chart(tr("Loss"), line_chart(tr("Loss by step"), lines, until=until), lines))
    for key, name, title in (
        ("likeness", tr("Likeness"), tr("Likeness by step")),
        ("trait_score", tr("Trait agreement"), tr("Trait agreement by step")),
    ):
        points = numbers(facts.metrics, key)
        if not points:
            continue
        lines = [Line(tr("mean of the preview's pictures"), points, "main", dots=True)]
        likely = numbers(facts.metrics, "likely")
        lines += [Line(tr("share called likely"), likely, "second", dots=True)] if likely else []
        at = float(facts.choice.step) if facts.choice.step else None
        svg = line_chart(title, lines, at, tr("taken"), least=0.0, most=1.0, until=until)
        parts.append(_chart(name, svg, lines))
    return "".join(parts)


def _chart(title: str, svg: str, lines: Iterable[Line]) -> str:
    keys = "".join(f'<span class="key {escape(line.kind)}">{escape(line.name)}</span>' for line in lines)
    return _section(title, f'{svg}<p class="legend">{keys}</p>')


def _previews(facts: RunFacts) -> str:
    scores = {score.step: score for score in facts.scores}
    rows = []
    for step in sorted(facts.previews, reverse=True):
        row = facts.previews[step]
        row.thumbnail((PREVIEW, PREVIEW))
        taken = f' <span class="badge good">{escape(tr("taken"))}</span>' if step == facts.choice.step else ""
        said = f" · {escape(_score(scores[step]))}" if step in scores else ""
        rows.append(
            f'<figure><img src="{_uri(row)}" alt="{escape(tr("previews after step {step}", step=step))}">'
            f"<figcaption>{escape(tr('Step {step}', step=step))}{said}{taken}</figcaption></figure>"
        )
    follow = facts.settings.get("follow")
    asked = _list(tr("Prompts"), follow.get("preview_prompts") if isinstance(follow, Mapping) else None)
    return _section(tr("Previews"), "".join(rows) + asked) if rows else ""


def _score(score: Score) -> str:
    what = tr("likeness") if score.by == "likeness" else tr("trait agreement")
    each = ", ".join(f"{value:.2f}" for value in score.each)
    likely = "" if score.likely is None else tr(", {likely} likely", likely=f"{score.likely:.0%}")
    return f"{what} {score.mean:.2f} ({each}{likely})"


def _traits(facts: RunFacts) -> str:
    traits = facts.report.get("traits")
    if not isinstance(traits, Mapping) or not traits:
        return ""
    table = {
        tr(str(name).replace("_", " ")): tr(said) if isinstance(said, str) and said else said
        for name, said in traits.items()
    }
    return _section(tr("What the photos show"), _facts(table))


def _seconds(facts: RunFacts) -> str:
    seconds = facts.report.get("seconds")
    if not isinstance(seconds, Mapping):
        return ""
    known = {str(k): float(v) for k, v in seconds.items() if isinstance(v, int | float)}
    most = max(known.values(), default=0.0)
    rows = "".join(
        f"<tr><th>{escape(tr((STAGES | BEFORE).get(stage, stage)))}</th>"
        f'<td><span class="bar" style="width:{max(0.5, 100 * value / most):.1f}%"></span></td>'
        f"<td>{escape(tr('{seconds} s', seconds=f'{value:.1f}'))}</td></tr>"
        for stage, value in known.items()
        if most > 0
    )
    in_all = tr("{seconds} s in all", seconds=f"{sum(known.values()):.0f}")
    total = f"<p class='small'>{escape(in_all)}</p>"
    return _section(tr("Seconds"), f'<table class="bars">{rows}</table>{total}') if rows else ""


def _settings(facts: RunFacts) -> str:
    flat: dict[str, Any] = {}
    for name, value in facts.settings.items():
        if isinstance(value, Mapping) and name != "traits":
            flat |= {f"{name}.{inner}": each for inner, each in value.items()}
        else:
            flat[name] = value
    if not flat:
        return ""
    number = trn("{number} setting", "{number} settings", len(flat))
    return _section(tr("Settings"), f"<details><summary>{escape(number)}</summary>{_facts(flat)}</details>")


def _machine(facts: RunFacts) -> str:
    parts = ""
    for key, title in (("machine", tr("Machine")), ("versions", tr("Versions"))):
        table = facts.report.get(key)
        if isinstance(table, Mapping) and table:
            named = {tr(MACHINE.get(str(name), str(name))) if name else name: value for name, value in table.items()}
            parts += f"<h3>{escape(title)}</h3>{_facts(named)}"
    return _section(tr("Made with"), parts) if parts else ""


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _facts(table: Mapping[Any, Any]) -> str:
    rows = "".join(f"<dt>{escape(_plain(name))}</dt><dd>{escape(_plain(value))}</dd>" for name, value in table.items())
    return f"<dl>{rows}</dl>"


def _told(lines: Any) -> list[str]:
    """Sentences of the workbench, in the language; prompts stay as they are."""
    return [told(str(line)) for line in lines] if isinstance(lines, list) else []


def _list(title: str, lines: Any) -> str:
    if not isinstance(lines, list) or not lines:
        return ""
    return f"<h3>{escape(title)}</h3><ul>{''.join(f'<li>{escape(str(line))}</li>' for line in lines)}</ul>"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {inner}" for key, inner in value.items()) or "–"
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "–"
    return str(value) if value not in ("", None) else "–"


def _code(text: str) -> str:
    """Escaped text with commands between backticks as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
