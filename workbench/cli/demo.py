"""`workbench demo`: the whole way once, from the sample selfies to a sheet of avatars."""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.output import Commands, Flags, duration, print_json, short_path
from workbench.errors import TrainingError
from workbench.language import ENGLISH, speaking, tr

if TYPE_CHECKING:
    from PIL import Image

NAME = "sample"
PHOTOS = "examples/selfies"
SEED = 7
# What the reader gets wrong about the sample subject, corrected as a person does on the page.
CORRECTIONS = {"traits.freckles": "true"}
SCENES: tuple[dict[str, str], ...] = (
    {"expression": "smiling", "clothing": "hoodie", "clothing_colour": "red", "background": "blue"},
    {"expression": "laughing", "clothing": "overalls", "clothing_colour": "blue", "background": "park"},
    {"expression": "winking", "clothing": "suit", "clothing_colour": "black", "background": "pink"},
    {"expression": "surprised", "clothing": "t-shirt", "clothing_colour": "yellow", "background": "beach"},
    {"expression": "smiling", "clothing": "kimono", "clothing_colour": "purple", "background": "white"},
    {"expression": "neutral", "clothing": "sweater", "clothing_colour": "green", "headwear": "beanie"}
    | {"background": "yellow"},
    {"expression": "angry", "clothing": "jacket", "clothing_colour": "gray", "headwear": "headphones"}
    | {"background": "city"},
    {"expression": "sleepy", "clothing": "dress", "clothing_colour": "white", "headwear": "cat ears"}
    | {"background": "purple"},
)


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "demo", parents=[flags], help=tr("learn the sample subject and draw a sheet of avatars")
    )
    parser.add_argument(
        "settings", nargs="*", metavar="key=value", help=tr("settings of the training, for example steps=50")
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from workbench import jobs
    from workbench.cli.follow import follow
    from workbench.config import atomic_write, home, load_settings, shelf

    # The demo is about one subject; everything else of the training may be changed.
    words = [*args.settings, f"name={NAME}"]
    if not any(word.startswith("photos=") for word in words):
        words = [*(f"{name}={word}" for name, word in CORRECTIONS.items()), *words]
    settings = load_settings(None, words)
    started = time.perf_counter()
    jobs.start_training(dict(word.split("=", 1) for word in words) | {"follow.resume": "never"}, NAME)
    state = follow(NAME, quiet=args.json)
    if state.state != "done":
        raise TrainingError(f"Run {NAME}", state.reason or state.state, f"See {jobs.run_folder(NAME) / 'output.txt'}")
    seconds = {"training": time.perf_counter() - started}
    pictures, scores, more = _draw(args.json)
    seconds |= more | {"in all": time.perf_counter() - started}

    report = _report(settings.base, scores, seconds)
    folder = home() / "demo"
    # The sheet's font has Latin letters only.
    with speaking(ENGLISH):
        lasted = duration(seconds["in all"])
    note = f"{settings.base} · {settings.train.steps} steps · {lasted} on {processor()}"
    atomic_write(folder / "sheet.png", _sheet(settings.photos, pictures, note))
    atomic_write(folder / "report.json", json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    files = {
        "sheet": folder / "sheet.png",
        "report": folder / "report.json",
        "adapter": shelf() / f"{NAME}.safetensors",
    }
    if args.json:
        print_json({name: str(path) for name, path in files.items()} | report)
    else:
        _say(files, scores, seconds["in all"])
    return 0


def _draw(quiet: bool) -> tuple[list[tuple[Image.Image, str]], dict[str, Any], dict[str, float]]:
    """One picture for each scene, kept in the gallery too, with its label; how alike they are; seconds it took."""
    from workbench.adapters import find_adapter
    from workbench.gallery import Gallery
    from workbench.generation import Engine, Preferences, Request
    from workbench.identity import trait_agreement

    start = time.perf_counter()
    card = find_adapter(NAME).card
    engine, gallery = Engine(card.base), Gallery()
    opened = time.perf_counter()
    drawn = []
    for index, scene in enumerate(SCENES):
        prompt = Preferences(**scene).prompt(card.trigger, card.class_noun)
        [picture] = engine.generate(Request(prompt, seed=SEED + index, count=1, adapters=[(NAME, 1.0)]))
        gallery.add(picture)
        drawn.append((picture.image, _label(scene)))
        if not quiet:
            print(
                tr("avatar {index}/{scenes}: {scene}", index=index + 1, scenes=len(SCENES), scene=_label(scene)),
                flush=True,
            )
    end = time.perf_counter()
    scores = trait_agreement([image for image, _ in drawn], card.traits).to_dict()
    seconds = {"opening the base": opened - start, "drawing": end - opened, "each avatar": (end - opened) / len(SCENES)}
    return drawn, scores, seconds


def _label(scene: dict[str, str]) -> str:
    clothes = f"{scene['clothing_colour']} {scene['clothing']}"
    return " · ".join(filter(None, (scene["expression"], clothes, scene.get("headwear", ""), scene["background"])))


def _sheet(photos: str, pictures: list[tuple[Image.Image, str]], note: str) -> bytes:
    from workbench.cli.sheet import compose_sheet
    from workbench.config import find_path
    from workbench.photos import SUFFIXES, open_photo

    files = sorted(path for path in find_path(photos).iterdir() if path.suffix.lower() in SUFFIXES)
    sheet = compose_sheet("chibi workbench", [open_photo(path).image for path in files], pictures, note)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _report(base: str, scores: dict[str, Any], seconds: dict[str, float]) -> dict[str, Any]:
    """What was measured, with where and with what: a number without its machine says nothing."""
    import psutil

    from workbench import __version__, jobs

    run = json.loads((jobs.run_folder(NAME) / "report.json").read_text(encoding="utf-8"))
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "base": base,
        "traits": run["traits"],
        "scores": {"trait agreement": scores},
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "seconds of the training": run["seconds"],
        "versions": {"workbench": __version__, **run["versions"]},
        "machine": {
            **run["machine"],
            "processor": processor(),
            "memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        },
    }


def processor() -> str:
    """The processor's name, with the number of its cores."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux, or an architecture that does not name its processor there
    # The sheet's font has neither × nor ®.
    return f"{os.cpu_count()} cores of {name.replace('(R)', '').replace('(TM)', '')}"


def _say(files: dict[str, Path], scores: dict[str, Any], total: float) -> None:
    print(
        "\n"
        + tr(
            "Done in {total}. The avatars show {score} of the traits that the photos show.",
            total=duration(total),
            score=f"{scores['score']:.0%}",
        )
    )
    for name, path in files.items():
        print(f"  {name:<8} {short_path(path)}")
    print("\n" + tr("Next:"))
    print(f"  {'make ui':47} {tr('your own photos, in the browser')}")
    print(f"  .venv/bin/workbench create --adapter {NAME} --expression laughing --background park")
    print(f"  {'.venv/bin/workbench train photos=DIR name=NAME':47} {tr('a person of your own')}")
