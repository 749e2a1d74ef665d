"""`workbench create`: draws pictures from words, from pictures or from a table, and keeps them in the gallery."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.output import Commands, Flags, print_json, short_path
from workbench.language import tr

if TYPE_CHECKING:
    from workbench.generation import Engine, Picture, Request

# The fields of `generation.Preferences` (a test compares them); importing them would slow down every command's help.
PREFERENCES = (
    "hair_style", "hair_colour", "eye_colour", "glasses", "facial_hair", "skin", "age",
    "expression", "clothing", "clothing_colour", "headwear", "background", "pose", "extra",
)  # fmt: skip


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "create",
        parents=[flags],
        help=tr("draw pictures into the gallery"),
        epilog=tr(
            "Without a prompt the preferences write it, with the first adapter's trigger word. See docs/create.md."
        ),
    )
    parser.add_argument(
        "prompt", nargs="?", default="",
        help=tr("what to draw; {trigger} and {class_noun} are filled in; (word:1.3) says a word louder"),
    )  # fmt: skip
    parser.add_argument(
        "-a",
        "--adapter",
        action="append",
        default=[],
        metavar="NAME[:STRENGTH]",
        help=tr("who is drawn; may be repeated"),
    )
    parser.add_argument("--base", default="", help=tr("base model; the adapter's own if not given"))
    parser.add_argument("--negative", default="", help=tr("what to stay away from"))
    parser.add_argument("--style", default="", metavar="NAME", help=tr("ready-made words (`--styles` lists them)"))
    parser.add_argument("--seed", type=int, default=0, help=tr("of the first picture; the next ones count up"))
    parser.add_argument("--count", type=int, help=tr("number of pictures (4)"))
    parser.add_argument("--steps", type=int, default=0, help=tr("sampling steps; the base's own if not given"))
    parser.add_argument("--guidance", type=float, default=0.0, help=tr("how closely to follow the prompt"))
    parser.add_argument("--size", type=int, default=0, help=tr("side in pixels; the base's own if not given"))
    parser.add_argument("--out", type=Path, metavar="DIR", help=tr("also write the PNG files here"))
    again = parser.add_argument_group(tr("from a picture"))
    again.add_argument(
        "--again", type=Path, metavar="PNG", help=tr("make a picture or a sheet again from what is inside it")
    )
    again.add_argument("--remix", type=Path, metavar="PNG", help=tr("its seed and settings with other words"))
    again.add_argument(
        "--from", dest="start", type=Path, metavar="PICTURE",
        help=tr("begin from a photo, sketch or PNG, or from one that a recipe names by its sha256"),
    )  # fmt: skip
    again.add_argument("--change", type=float, help=tr("how much of it may change, 0.01 to 1 (0.6)"))
    again.add_argument(
        "--redraw", default="", metavar="PART", help=tr("hair, face, clothes, headwear, around, or l,t,r,b")
    )
    again.add_argument("--mask", type=Path, metavar="PICTURE", help=tr("only what is white in it"))
    again.add_argument("--vary", type=float, metavar="STRENGTH", help=tr("pictures near --from PNG, 0 to 1"))
    again.add_argument(
        "--towards",
        default="",
        metavar="SEED:STRENGTH",
        help=tr("turn the beginning towards another seed, such as 7:0.3"),
    )
    again.add_argument("--upscale", type=int, choices=(2, 4), help=tr("--from PNG larger"))
    again.add_argument("--plain", action="store_true", help=tr("enlarge without the base"))
    again.add_argument(
        "--enlarge", type=int, choices=(2, 4), default=1, help=tr("enlarge what is drawn, without the base")
    )
    many = parser.add_argument_group(tr("many at once"))
    many.add_argument("--compare", action="store_true", help=tr("without and with the adapter, at the same seed"))
    many.add_argument(
        "--x", metavar="AXIS", help=tr("a sheet: what changes from left to right, such as strength=0..1.2/4")
    )
    many.add_argument("--y", metavar="AXIS", help=tr("what changes from top to bottom, such as seed=1..3"))
    many.add_argument("--csv", type=Path, metavar="FILE", help=tr("a table: one row, one picture"))
    preferences = parser.add_argument_group(tr("preferences (`workbench create --choices` lists the words)"))
    for name in PREFERENCES:
        preferences.add_argument(f"--{name.replace('_', '-')}", default="", metavar="WORD")
    parser.add_argument("--choices", action="store_true", help=tr("list the words of each preference"))
    parser.add_argument("--styles", action="store_true", help=tr("list the styles"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from workbench.cli.create_many import draw_rows, draw_sheet
    from workbench.generation import choices
    from workbench.generation.sheet import is_sheet
    from workbench.generation.styles import styles

    if args.choices:
        return _say(choices(), args.json)
    if args.styles:
        lines = {name: [each.words, *each.wishes.values(), each.prompt] for name, each in styles().items()}
        return _say(lines, args.json, "")
    if args.csv:
        return draw_rows(args)
    if args.compare or args.x or args.y or (args.again and is_sheet(args.again)):
        return draw_sheet(args)
    return _tell(args, _pictures(args))


def _pictures(args: argparse.Namespace) -> list[tuple[str, Picture]]:
    """Draws, and keeps each picture as soon as it is finished.

    Returns:
        Ids in the gallery, and pictures.
    """
    from workbench.cli.create_from import made_without_the_base, request_from_picture
    from workbench.gallery import Gallery
    from workbench.generation import read_record

    gallery = Gallery()
    kept: list[tuple[str, Picture]] = []
    if args.again:
        record = read_record(args.again)
        picture = engine_of(args, record.get("base", "")).remake(record)
        return [(gallery.add(picture), picture)]
    if enlarged := made_without_the_base(args):
        return [(gallery.add(enlarged), enlarged)]
    # Before the base is opened: a mistake in a word should not cost the seconds that takes.
    request, base = request_from_picture(args) or (request_of(args), base_of(args))
    engine_of(args, base).generate(
        request,
        on_step=progress(args, request.count),
        on_picture=lambda _, picture: kept.append((gallery.add(picture), picture)),
    )
    return kept


def _tell(args: argparse.Namespace, kept: list[tuple[str, Picture]]) -> int:
    """Ranks the pictures by the likeness of their first adapter's person, and says what was made."""
    from workbench.adapters import find_adapter
    from workbench.config import atomic_write
    from workbench.errors import AdapterError
    from workbench.gallery import Gallery
    from workbench.generation import picture_png
    from workbench.identity.candidates import Ranking, in_words, rank_candidates

    pictures = [picture for _, picture in kept]
    adapters = pictures[0].record["adapters"] if pictures else []
    ranking = Ranking(list(range(len(pictures))))
    if adapters:
        try:
            traits = find_adapter(adapters[0]["name"]).card.traits
        except AdapterError:
            traits = {}  # it was taken off the shelf meanwhile
        ranking = rank_candidates(adapters[0]["name"], [picture.image for picture in pictures], traits)
    gallery, made = Gallery(), []
    told: set[str] = set()
    for index, (name, picture) in enumerate(kept):
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


def wishes_of(args: argparse.Namespace) -> dict[str, str]:
    """The preferences that were given, and those of the style where nothing else is said."""
    from workbench.generation.styles import find_style

    said = {name: value for name in PREFERENCES if (value := getattr(args, name))}
    return (dict(find_style(args.style).wishes) if args.style else {}) | said


def request_of(args: argparse.Namespace) -> Request:
    """What the words of the command ask for.

    Raises:
        GenerationError, AdapterError: they make no sense.
    """
    from workbench.adapters import find_adapter
    from workbench.cli.create_from import towards
    from workbench.generation import Preferences, Request
    from workbench.generation.styles import find_style

    adapters = [_name_and_strength(word) for word in args.adapter]
    cards = [find_adapter(name).card for name, _ in adapters]
    trigger = cards[0].trigger if cards else ""
    noun = (cards[0].class_noun if cards else "") or "person"
    # Preferences are checked even when a prompt is given, so that a flag that has no effect is not silently lost.
    wishes = Preferences(**wishes_of(args))
    prompt = args.prompt.replace("{trigger}", trigger).replace("{class_noun}", noun) or wishes.prompt(trigger, noun)
    negative = args.negative
    if args.style:
        prompt, negative = find_style(args.style).apply(prompt, negative)
    return Request(
        prompt=prompt,
        negative=negative,
        seed=args.seed,
        count=4 if args.count is None else args.count,
        steps=args.steps,
        guidance=args.guidance,
        adapters=adapters,
        size=args.size,
        variation=towards(args.towards),
        enlarge=args.enlarge,
    )


def base_of(args: argparse.Namespace) -> str:
    """The base of the first adapter, as its card tells it; empty for the usual one."""
    from workbench.adapters import find_adapter

    return find_adapter(_name_and_strength(args.adapter[0])[0]).card.base if args.adapter else ""


def engine_of(args: argparse.Namespace, base: str = "") -> Engine:
    """The open base: the one that was named, else this one, else the built-in one."""
    from workbench.generation import Engine

    return Engine(args.base or base or "chibi-mini")


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


def progress(args: argparse.Namespace, count: int) -> Any:
    """Shows on a terminal which step of which picture is drawn; None elsewhere."""
    if args.json or not sys.stderr.isatty():
        return None

    def on_step(candidate: int, step: int, steps: int) -> None:
        end = "\r" if (candidate, step) != (count - 1, steps) else "\n"
        words = tr(
            "picture {number}/{count}, step {step}/{steps}", number=candidate + 1, count=count, step=step, steps=steps
        )
        print(words, end=end, file=sys.stderr, flush=True)

    return on_step


def _say(words: dict[str, list[str]], as_json: bool, before: str = "--") -> int:
    if as_json:
        print_json(words)
    else:
        for name, options in words.items():
            print(f"{before}{name.replace('_', '-')}: {', '.join(filter(None, options))}")
    return 0
