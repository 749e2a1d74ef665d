"""`workbench create`: draws pictures from a prompt or from preferences, and keeps them in the gallery."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.output import Commands, Flags, print_json, short_path

if TYPE_CHECKING:
    from workbench.generation import Picture
    from workbench.identity.candidates import Ranking

# The fields of `generation.Preferences` (a test compares them); importing them would slow down every command's help.
PREFERENCES = (
    "hair_style", "hair_colour", "glasses", "facial_hair", "skin", "age",
    "expression", "clothing", "clothing_colour", "headwear", "background", "pose", "extra",
)  # fmt: skip


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "create",
        parents=[flags],
        help="draw pictures into the gallery",
        epilog="Without a prompt the preferences write it, with the first adapter's trigger word.",
    )
    parser.add_argument("prompt", nargs="?", default="", help="what to draw; {trigger} and {class_noun} are filled in")
    parser.add_argument(
        "-a", "--adapter", action="append", default=[], metavar="NAME[:STRENGTH]", help="who is drawn; may be repeated"
    )
    parser.add_argument("--base", default="", help="base model; the adapter's own if not given")
    parser.add_argument("--negative", default="", help="what to stay away from")
    parser.add_argument("--seed", type=int, default=0, help="of the first picture; the next ones count up")
    parser.add_argument("--count", type=int, default=4, help="number of pictures (4)")
    parser.add_argument("--steps", type=int, default=0, help="sampling steps; the base's own if not given")
    parser.add_argument("--guidance", type=float, default=0.0, help="how closely to follow the prompt")
    parser.add_argument("--size", type=int, default=0, help="side in pixels; the base's own if not given")
    parser.add_argument("--out", type=Path, metavar="DIR", help="also write the PNG files here")
    parser.add_argument("--again", type=Path, metavar="PNG", help="make a picture again from the recipe inside it")
    preferences = parser.add_argument_group("preferences (`workbench create --choices` lists the words)")
    for name in PREFERENCES:
        preferences.add_argument(f"--{name.replace('_', '-')}", default="", metavar="WORD")
    parser.add_argument("--choices", action="store_true", help="list the words of each preference")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from workbench.config import atomic_write
    from workbench.gallery import Gallery
    from workbench.generation import choices, picture_png
    from workbench.identity.candidates import in_words

    if args.choices:
        return _say_choices(choices(), args.json)
    # Before the base is opened: a mistake in a word should not cost the seconds that takes.
    gallery = Gallery()
    pictures = _again(args) if args.again else _draw(args)
    ranking = _rank(pictures)
    made = []
    told: set[str] = set()
    for index, picture in enumerate(pictures):
        name = gallery.add(picture)
        path = gallery.get(name).path
        if args.out:
            path = args.out / path.name
            atomic_write(path, picture_png(picture))
        found = ranking.found[index] if ranking.found else None
        made.append(
            {
                "id": name,
                "path": str(path),
                "record": picture.record,
                "rank": ranking.order.index(index) + 1,
                "likeness": found.to_dict() if found else None,
            }
        )
        if not args.json:
            print(short_path(path))
            for note in picture.notes:
                if note not in told:  # what is true of all pictures is said once
                    print(f"  {note}")
            told |= set(picture.notes)
            if found:
                print(f"  {in_words(found)}")
    if args.json:
        print_json(made)
    return 0


def _draw(args: argparse.Namespace) -> list[Picture]:
    from workbench.adapters import find_adapter
    from workbench.generation import Engine, Preferences, Request

    adapters = [_name_and_strength(word) for word in args.adapter]
    cards = [find_adapter(name).card for name, _ in adapters]
    trigger = cards[0].trigger if cards else ""
    noun = (cards[0].class_noun if cards else "") or "person"
    # Preferences are checked even when a prompt is given, so that a flag that has no effect is not silently lost.
    wishes = Preferences(**{name: getattr(args, name) for name in PREFERENCES})
    prompt = args.prompt.replace("{trigger}", trigger).replace("{class_noun}", noun) or wishes.prompt(trigger, noun)
    request = Request(
        prompt=prompt,
        negative=args.negative,
        seed=args.seed,
        count=args.count,
        steps=args.steps,
        guidance=args.guidance,
        adapters=adapters,
        size=args.size,
    )
    engine = Engine(args.base or (cards[0].base if cards else "") or "chibi-mini")
    return engine.generate(request, on_step=_progress(args, request.count))


def _rank(pictures: list[Picture]) -> Ranking:
    """The pictures by their likeness to the person of their first adapter."""
    from workbench.adapters import find_adapter
    from workbench.errors import AdapterError
    from workbench.identity.candidates import Ranking, rank_candidates

    adapters = pictures[0].record["adapters"] if pictures else []
    if not adapters:
        return Ranking(list(range(len(pictures))))
    try:
        traits = find_adapter(adapters[0]["name"]).card.traits
    except AdapterError:
        traits = {}  # it was taken off the shelf meanwhile
    return rank_candidates(adapters[0]["name"], [picture.image for picture in pictures], traits)


def _again(args: argparse.Namespace) -> list[Picture]:
    from workbench.generation import Engine, read_record

    record = read_record(args.again)
    return [Engine(args.base or record.get("base") or "chibi-mini").remake(record)]


def _name_and_strength(word: str) -> tuple[str, float]:
    """`mia:0.8`, or `mia` at the strength that its label on the shelf says."""
    from workbench.adapters.labels import Label, read_labels
    from workbench.errors import GenerationError

    name, _, strength = word.partition(":")
    try:
        return name, float(strength) if strength else read_labels().get(name, Label()).strength
    except ValueError:
        raise GenerationError(
            f"The adapter {word!r}", f"{strength!r} is not a strength", "Write it as mia:0.8"
        ) from None


def _progress(args: argparse.Namespace, count: int) -> Any:
    if args.json or not sys.stderr.isatty():
        return None

    def on_step(candidate: int, step: int, steps: int) -> None:
        end = "\r" if (candidate, step) != (count - 1, steps) else "\n"
        print(f"picture {candidate + 1}/{count}, step {step}/{steps}", end=end, file=sys.stderr, flush=True)

    return on_step


def _say_choices(words: dict[str, list[str]], as_json: bool) -> int:
    if as_json:
        print_json(words)
    else:
        for name, options in words.items():
            print(f"--{name.replace('_', '-')}: {', '.join(options)}")
    return 0
