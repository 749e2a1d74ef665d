"""`workbench compare`: a picture beside what comes of words alone, here and, when asked for, by a hosted service."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.output import Commands, Flags, print_json, short_path
from workbench.errors import GenerationError
from workbench.language import told, tr

if TYPE_CHECKING:
    from PIL.Image import Image

    from workbench.adapters import Card
    from workbench.generation import Picture
    from workbench.identity.likeness import Likeness

Made = tuple[str, str, "Picture"]  # which way, its id in the gallery, the picture


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "compare",
        parents=[flags],
        help=tr("a picture beside what words alone give: is the adapter worth it?"),
        epilog=tr(
            "With --hosted the words, and nothing else, leave this computer: it shows them and asks each time, or is "
            "told by --yes that they may go."
        ),
    )
    parser.add_argument("picture", metavar="PICTURE", help=tr("of the gallery, by its id, or a PNG with its recipe"))
    parser.add_argument("--words", default="", help=tr("other words than the prompt with the card's traits in it"))
    parser.add_argument("--base", default="", help=tr("base model; the picture's own if not given"))
    parser.add_argument("--hosted", action="store_true", help=tr("OpenAI Images too: LEAVES THIS COMPUTER"))
    parser.add_argument("--model", default="", help=tr("of the hosted service"))
    parser.add_argument("--yes", action="store_true", help=tr("send the words without asking"))
    parser.add_argument("--out", type=Path, metavar="DIR", help=tr("also write the PNG files here"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from workbench.config import atomic_write
    from workbench.gallery import Gallery
    from workbench.generation import Engine, picture_png
    from workbench.generation.plain_words import plain_request, plain_words

    gallery = Gallery()
    first = _picture(gallery, args.picture)
    cards = _cards(first[2].record)
    words = args.words.strip() or plain_words(first[2].record["prompt"], cards)
    request = plain_request(first[2].record, words)
    model = _may_be_sent(args, words) if args.hosted else ""
    made: list[Made] = [first]
    [plain] = Engine(args.base or first[2].record.get("base") or "chibi-mini").generate(request)
    made.append(("words alone", gallery.add(plain), plain))
    if model:
        from workbench.generation.hosted import draw_hosted

        hosted = draw_hosted(words, model)
        made.append(("hosted service", gallery.add(hosted), hosted))
    found = _likeness(first[2].record, cards, [picture.image for _, _, picture in made])
    result: list[dict[str, Any]] = []
    for number, (way, name, picture) in enumerate(made):
        path = gallery.get(name).path if name else Path(args.picture)
        if args.out:
            path = args.out / f"{number + 1}-{way.replace(' ', '-')}.png"
            atomic_write(path, picture_png(picture))
        likeness = found[number].to_dict() if found else None
        result.append({"way": way, "id": name, "path": str(path), "record": picture.record, "likeness": likeness})
    if args.json:
        print_json({"words": words, "pictures": result})
    else:
        _tell(words, result, found)
    return 0


def _picture(gallery: Any, name: str) -> Made:
    """A picture of the gallery, or one in a file."""
    from workbench.cli.gallery import find
    from workbench.generation import Picture, read_record
    from workbench.photos import open_photo

    if Path(name).is_file():
        return "with the adapter", "", Picture(open_photo(Path(name)).image, read_record(Path(name)))
    kept = find(gallery, name)
    if not kept.prompt:
        raise GenerationError(kept.id, "it carries no recipe", "Choose a picture that was made here")
    return "with the adapter", kept.id, Picture(open_photo(kept.path).image, kept.record)


def _cards(record: dict[str, Any]) -> list[Card]:
    from workbench.adapters import find_adapter
    from workbench.errors import AdapterError

    cards = []
    for each in record["adapters"]:
        try:
            cards.append(find_adapter(each["name"]).card)
        except AdapterError:
            continue  # it left the shelf; its trigger word stays in the words
    return cards


def _may_be_sent(args: argparse.Namespace, words: str) -> str:
    """Shows what would leave this computer and asks; the model to ask, for this one time.

    Raises:
        GenerationError: the service is off, or nobody said yes.
    """
    from workbench.generation.hosted import MODELS, hosted_service

    service = hosted_service()
    if service.off:
        raise GenerationError("The hosted service", service.off, service.way_out)
    print(tr("LEAVES THIS COMPUTER, to {host}:", host=service.host), file=sys.stderr)
    print(f"  {words}", file=sys.stderr)
    if not args.yes:
        refused = GenerationError("The words", "nobody said that they may be sent", "Add --yes, or leave --hosted out")
        if not sys.stdin.isatty():
            raise refused
        print(tr("Send them this once? [y/N] "), end="", file=sys.stderr, flush=True)
        if input().strip().lower() not in ("y", "yes", "是"):
            raise refused
    return args.model or MODELS[0]


def _likeness(record: dict[str, Any], cards: list[Card], images: list[Image]) -> list[Likeness]:
    """How much each looks like the person of the first adapter; empty without photos of them."""
    from workbench.identity.candidates import rank_candidates

    if not record["adapters"]:
        return []
    return list(rank_candidates(record["adapters"][0]["name"], images, cards[0].traits if cards else {}).found)


def _tell(words: str, result: list[dict[str, Any]], found: list[Likeness]) -> None:
    from workbench.identity.candidates import in_words

    print(tr("In words alone: {words}", words=words))
    ways = {
        "with the adapter": tr("with the adapter"),
        "words alone": tr("words alone, the same base and seed"),
        "hosted service": tr("hosted service, the words left this computer"),
    }
    for number, each in enumerate(result):
        print(f"{ways[each['way']]}: {short_path(Path(each['path']))}")
        if found:
            print(f"  {told(in_words(found[number]))}")
        for note in each["record"].get("notes", []):
            print(f"  {told(note)}")
    if not found:
        print(tr("No photos of this person are here to compare with."))
