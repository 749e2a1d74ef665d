"""`workbench create` from a picture: variations, a remix, parts drawn anew, a larger one, a photo or a sketch."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import GenerationError

if TYPE_CHECKING:
    from PIL.Image import Image

    from workbench.generation import Picture, Request, Variation

USUAL_CHANGE = 0.6


def request_from_picture(args: argparse.Namespace) -> tuple[Request, str] | None:
    """What is asked for of a picture, and the base that drew it; None when no picture is named.

    Raises:
        GenerationError, PhotoError: the flags do not go together, or the picture cannot be used.
    """
    if args.remix:
        return _remix(args)
    if not args.start:
        for flag in ("vary", "upscale", "change", "redraw", "mask"):
            if getattr(args, flag):
                raise GenerationError(f"--{flag}", "it does not say of which picture", "Add --from PICTURE")
        return None
    if _is_kept(args.start) and args.vary is None and not args.upscale:
        return _from_kept(args)
    record, image = _with_recipe(args.start)
    if args.vary is not None:
        from workbench.generation.again import varied

        of = _needed(record, args.start, "--vary")
        request = varied(of, args.vary, args.seed or (of["seed"] + 1) % 2**32, 4 if args.count is None else args.count)
        return request, of.get("base", "")
    if args.upscale:
        from workbench.generation.again import larger

        of = _needed(record, args.start, "--upscale")
        return larger(of, image, args.upscale, *([args.change] if args.change else [])), of.get("base", "")
    return _from_picture(args, record, image)


def made_without_the_base(args: argparse.Namespace) -> Picture | None:
    """The enlarged picture, when that is asked for and the base is of no use in it."""
    if not (args.start and args.upscale):
        return None
    from workbench.generation import Picture
    from workbench.generation.again import enlarged_picture, second_pass_suits

    record, image = _with_recipe(args.start)
    of = _needed(record, args.start, "--upscale")
    if second_pass_suits(args.base or of.get("base", "")) and not args.plain:
        return None
    return enlarged_picture(Picture(image, of), args.upscale)


def towards(words: str) -> Variation | None:
    """`7:0.3` as a variation; None for nothing.

    Raises:
        GenerationError: it is none, or out of range.
    """
    from workbench.generation import Variation

    if not words:
        return None
    seed, _, strength = words.partition(":")
    try:
        return Variation(int(seed), float(strength))
    except ValueError:
        raise GenerationError(
            f"The variation {words[:40]!r}", "it is not a seed and a strength", "Write 7:0.3"
        ) from None


def _is_kept(path: Path) -> bool:
    """Whether a word names a picture that is kept for beginnings, as recipes do, and no file."""
    return bool(re.fullmatch("[0-9a-f]{64}", str(path))) and not path.exists()


def _from_kept(args: argparse.Namespace) -> tuple[Request, str]:
    """Begins as a recipe says: from what is in the workspace's `starts/`."""
    from workbench.cli.create import base_of, request_of
    from workbench.generation import Start, keep_start, read_start

    request = request_of(args)
    read_start(str(args.start))  # which tells when it was erased, before a base is opened
    if args.mask and _is_kept(args.mask):
        mask = str(args.mask)
        read_start(mask)
    else:
        painted = _mask(args)
        mask = keep_start(painted, request.adapters[0][0] if request.adapters else "") if painted else ""
    change = USUAL_CHANGE if args.change is None else args.change
    return replace(request, start=Start(str(args.start), change, mask)), base_of(args)


def _remix(args: argparse.Namespace) -> tuple[Request, str]:
    from workbench.cli.create import request_of, wishes_of
    from workbench.generation import read_record
    from workbench.generation.again import remixed

    record = read_record(args.remix)
    if not args.prompt and not wishes_of(args):
        raise GenerationError("The remix", "it has no other words", "Add a prompt, or preferences with --adapter")
    prompt = args.prompt or request_of(args).prompt
    return remixed(record, prompt, args.negative or None), record.get("base", "")


def _from_picture(args: argparse.Namespace, record: dict[str, Any] | None, image: Image) -> tuple[Request, str]:
    from workbench.cli.create import base_of, request_of, wishes_of
    from workbench.generation import Start, keep_start
    from workbench.generation.again import redrawn

    change = USUAL_CHANGE if args.change is None else args.change
    mask = _mask(args)
    count = args.count or (1 if mask else 4)
    if record and not args.adapter:
        # A picture of ours says who is in it; only what is said anew differs.
        words = args.prompt or (request_of(args).prompt if wishes_of(args) else "")
        request = redrawn(record, image, change, mask, words, count)
        return replace(request, seed=args.seed or request.seed), record.get("base", "")
    request = request_of(args)
    owner = request.adapters[0][0] if request.adapters else ""
    start = Start(keep_start(image, owner), change, keep_start(mask, owner) if mask else "")
    return replace(request, start=start, count=count), base_of(args)


def _mask(args: argparse.Namespace) -> Image | None:
    from workbench.generation.regions import parse_region
    from workbench.photos import open_photo

    if args.mask and args.redraw:
        raise GenerationError("The mask", "a part is named and a mask is given as well", "Choose --redraw or --mask")
    if args.redraw:
        return parse_region(args.redraw)
    return open_photo(args.mask).image.convert("L") if args.mask else None


def _with_recipe(path: Path) -> tuple[dict[str, Any] | None, Image]:
    """A picture, with its recipe when it is one of ours."""
    from workbench.generation import read_record
    from workbench.photos import open_photo

    image = open_photo(path).image
    try:
        return read_record(path), image
    except GenerationError:
        return None, image


def _needed(record: dict[str, Any] | None, path: Path, flag: str) -> dict[str, Any]:
    if record is None:
        raise GenerationError(path.name, f"it carries no recipe, which {flag} needs", "Choose a PNG of the gallery")
    return record
