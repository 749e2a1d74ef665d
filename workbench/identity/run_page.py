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

STYLE = (Path(__file__).with_name("run_page.css")).read_text(encoding="utf-8")
STATES = {"done": "good", "failed": "bad", "stopped": "warn"}
PHOTO, PREVIEW = 168, 1040  # px: side of a photo, longest width of a row of previews


def page(facts: RunFacts) -> str:
    """The whole page as HTML that loads nothing from anywhere."""
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
    title = f"{escape(facts.name)} · run report"
    # No script, no address: what a person's own words could smuggle in would have nothing to call.
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main>"
        f"<footer>chibi workbench {escape(__version__)}</footer></body></html>\n"
    )


def _head(facts: RunFacts) -> str:
    status, settings = facts.status, facts.settings
    state = str(status.get("state") or "unknown")
    date = ""
    with suppress(KeyError, TypeError, ValueError, OverflowError, OSError):  # a heartbeat may be missing, or nonsense
        date = datetime.fromtimestamp(status["updated"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    steps = f"{status.get('step', '?')} of {status.get('steps', '?')} steps"
    line = " · ".join(
        str(part)
        for part in (
            f"base {settings.get('base', 'chibi-mini')}",
            f"trigger {settings.get('trigger', 'zkq')} {settings.get('class_noun', 'person')}",
            steps,
            date,
        )
        if part
    )
    reason = f'<p class="{STATES.get(state, "plain")}-words">{escape(str(status["reason"]))}</p>' \
        if status.get("reason") and state != "done" else ""  # fmt: skip
    chosen = ""
    if facts.choice.step:
        chosen = f'<p class="chosen"><b>Checkpoint after step {facts.choice.step}</b>: {escape(facts.choice.why)}.</p>'
    badge = f'<span class="badge {STATES.get(state, "plain")}">{escape(state)}</span>'
    return f"<header><h1>{escape(facts.name)} {badge}</h1><p>{escape(line)}</p>{reason}{chosen}</header>"


def _photos(facts: RunFacts) -> str:
    told = facts.report.get("photos")
    said: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    pictures = "".join(
        f'<img src="{_uri(ImageOps.fit(photo, (PHOTO, PHOTO)))}" width="{PHOTO}" height="{PHOTO}" alt="photo {number}">'
        for number, photo in enumerate(facts.photos, start=1)
    )
    note = f"<p class='small'>{_code(facts.photos_note)}</p>" if facts.photos_note else ""
    left_out = _list("Left out", said.get("left out")) + _list("Advice", said.get("advice"))
    if not (pictures or note or left_out):
        return ""
    return _section("Photos", f'<div class="photos">{pictures}</div>{note}{left_out}')


def _curves(facts: RunFacts) -> str:
    losses = numbers(facts.metrics, "loss")
    until = max((step for step, _ in losses), default=None)
    parts = []
    if losses:
        lines = [Line("each step", losses, "pale"), Line("smoothed", smoothed(losses))]
        held = numbers(facts.validation, "loss")
        lines += [Line("held-out photos", held, "second", dots=True)] if held else []
        parts.append(_chart("Loss", line_chart("Loss by step", lines, until=until), lines))
    for key, name in (("likeness", "Likeness"), ("trait_score", "Trait agreement")):
        points = numbers(facts.metrics, key)
        if not points:
            continue
        lines = [Line("mean of the preview's pictures", points, "main", dots=True)]
        likely = numbers(facts.metrics, "likely")
        lines += [Line("share called likely", likely, "second", dots=True)] if likely else []
        mark = float(facts.choice.step) if facts.choice.step else None
        svg = line_chart(f"{name} by step", lines, mark, "taken", least=0.0, most=1.0, until=until)
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
        taken = ' <span class="badge good">taken</span>' if step == facts.choice.step else ""
        said = f" · {escape(_score(scores[step]))}" if step in scores else ""
        rows.append(
            f'<figure><img src="{_uri(row)}" alt="previews after step {step}">'
            f"<figcaption>Step {step}{said}{taken}</figcaption></figure>"
        )
    follow = facts.settings.get("follow")
    asked = _list("Prompts", follow.get("preview_prompts") if isinstance(follow, Mapping) else None)
    return _section("Previews", "".join(rows) + asked) if rows else ""


def _score(score: Score) -> str:
    what = "likeness" if score.by == "likeness" else "trait agreement"
    each = ", ".join(f"{value:.2f}" for value in score.each)
    likely = "" if score.likely is None else f", {score.likely:.0%} likely"
    return f"{what} {score.mean:.2f} ({each}{likely})"


def _traits(facts: RunFacts) -> str:
    traits = facts.report.get("traits")
    if not isinstance(traits, Mapping) or not traits:
        return ""
    return _section(
        "What the photos show", _facts({str(name).replace("_", " "): said for name, said in traits.items()})
    )


def _seconds(facts: RunFacts) -> str:
    seconds = facts.report.get("seconds")
    if not isinstance(seconds, Mapping):
        return ""
    known = {str(k): float(v) for k, v in seconds.items() if isinstance(v, int | float)}
    most = max(known.values(), default=0.0)
    rows = "".join(
        f'<tr><th>{escape(stage)}</th><td><span class="bar" style="width:{max(0.5, 100 * value / most):.1f}%"></span>'
        f"</td><td>{value:.1f} s</td></tr>"
        for stage, value in known.items()
        if most > 0
    )
    total = f"<p class='small'>{sum(known.values()):.0f} s in all</p>"
    return _section("Seconds", f'<table class="bars">{rows}</table>{total}') if rows else ""


def _settings(facts: RunFacts) -> str:
    flat: dict[str, Any] = {}
    for name, value in facts.settings.items():
        if isinstance(value, Mapping) and name != "traits":
            flat |= {f"{name}.{inner}": each for inner, each in value.items()}
        else:
            flat[name] = value
    if not flat:
        return ""
    return _section("Settings", f"<details><summary>{len(flat)} settings</summary>{_facts(flat)}</details>")


def _machine(facts: RunFacts) -> str:
    parts = ""
    for title in ("machine", "versions"):
        table = facts.report.get(title)
        parts += f"<h3>{title.capitalize()}</h3>{_facts(table)}" if isinstance(table, Mapping) and table else ""
    return _section("Made with", parts) if parts else ""


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _facts(table: Mapping[Any, Any]) -> str:
    rows = "".join(f"<dt>{escape(_plain(name))}</dt><dd>{escape(_plain(value))}</dd>" for name, value in table.items())
    return f"<dl>{rows}</dl>"


def _list(title: str, lines: Any) -> str:
    if not isinstance(lines, list) or not lines:
        return ""
    return f"<h3>{escape(title)}</h3><ul>{''.join(f'<li>{escape(str(line))}</li>' for line in lines)}</ul>"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
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
