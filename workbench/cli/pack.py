"""`workbench pack`: sixteen expressions of a person, as sticker packs and avatars that platforms take."""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.output import Commands, Flags, print_json, print_table, short_path
from workbench.language import told, tr, trn

if TYPE_CHECKING:
    from workbench.packs import Look, Pack, Platform

# Of `workbench.packs` (a test compares them); importing them would slow down every command's help.
MOVES = ("mix", "blink", "talk", "bounce")
FRAMES = ("none", "circle", "rounded")


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "pack",
        parents=[flags],
        help=tr("sticker packs and avatars for WeChat, Telegram, LINE, Discord, WhatsApp, …"),
        epilog=tr("The shortest way: workbench pack draw mia -a mia; workbench pack export mia -p wechat"),
    )
    parser.set_defaults(run=list_all)
    actions = parser.add_subparsers(dest="action", metavar="action")

    def action(name: str, words: str, run: Any, named: bool = True) -> argparse.ArgumentParser:
        one: argparse.ArgumentParser = actions.add_parser(name, parents=[flags], help=words)
        if named:
            one.add_argument("name", metavar="NAME", help=tr("of the pack"))
        one.set_defaults(run=run)
        return one

    action("list", tr("the packs there are"), list_all, named=False)
    draw = action("draw", tr("draw the sixteen expressions; goes on where it was stopped"), draw_pack)
    draw.add_argument(
        "-a", "--adapter", action="append", default=[], metavar="NAME[:STRENGTH]", help=tr("who is drawn")
    )
    draw.add_argument("--base", default="", help=tr("base model; the adapter's own if not given"))
    draw.add_argument("--seed", type=int, help=tr("of all pictures, so that the person stays the same"))
    draw.add_argument("--steps", type=int, default=0, help=tr("sampling steps; the base's own if not given"))
    draw.add_argument("--clothing", default="hoodie", metavar="WORD")
    draw.add_argument("--clothing-colour", default="red", metavar="WORD")
    again = action("again", tr("draw single expressions again"), draw_again)
    again.add_argument("expressions", nargs="+", metavar="EXPRESSION")
    again.add_argument("--seed", type=int, help=tr("another one is taken if not given"))
    export = action("export", tr("make the files for a platform, and check them"), export_files)
    export.add_argument(
        "-p", "--platform", action="append", required=True, metavar="PLATFORM", help=tr("may be repeated")
    )
    export.add_argument("--move", choices=MOVES, help=tr("make the stickers move"))
    export.add_argument("--out", type=Path, metavar="DIR", help=tr("where to write; into the pack if not given"))
    export.add_argument("--sign", action="store_true", help=tr("add a C2PA manifest (needs the extra `credentials`)"))
    sheet = action("sheet", tr("all stickers on one page"), draw_sheet)
    sheet.add_argument("--out", type=Path, metavar="FILE", help=tr("a PNG; sheet.png in the pack if not given"))
    for one in (export, sheet):
        one.add_argument("--only", default="", metavar="LIST", help=tr("expressions, with commas; their order is kept"))
        one.add_argument("--words", choices=("en", "zh"), default="", help=tr("lettering on the stickers"))
        one.add_argument("--frame", choices=FRAMES, default="none")
        one.add_argument("--colour", default="#ffd9e1", help=tr("behind frames and avatars"))
        one.add_argument("--border", type=float, default=0.028, help=tr("of the shorter side; 0 for none (0.028)"))
        one.add_argument("--no-shadow", action="store_true")
    check = action(
        "check", tr("hold a folder of finished files against a platform's limits"), check_folder, named=False
    )
    check.add_argument("folder", type=Path, metavar="DIR")
    check.add_argument("-p", "--platform", required=True, metavar="PLATFORM")
    action("platforms", tr("what each platform takes, and where that is written"), list_platforms, named=False)
    delete = action("delete", tr("erase a pack with its files"), delete_one)
    delete.add_argument("--yes", action="store_true", help=tr("do not ask"))


def list_all(args: argparse.Namespace) -> int:
    from workbench.errors import PackError
    from workbench.packs import list_packs, load_pack

    rows: list[dict[str, Any]] = []
    for name in list_packs():
        try:
            rows.append(_describe(load_pack(name)))
        except PackError as error:
            rows.append({"name": name, "broken": error.reason})
    if args.json:
        print_json(rows)
    elif rows:
        print_table(
            [[each["name"], each.get("broken") or tr("{drawn} of 16 drawn", drawn=len(each["drawn"]))] for each in rows]
        )
    else:
        print(tr("There is no pack yet. workbench pack draw NAME -a ADAPTER makes one."))
    return 0


def draw_pack(args: argparse.Namespace) -> int:
    from workbench.adapters import find_adapter
    from workbench.cli.create import _name_and_strength
    from workbench.packs import Recipe, create_pack, list_packs, load_pack

    if args.name in list_packs():
        pack = load_pack(args.name)
    else:
        adapters = tuple(_name_and_strength(word) for word in args.adapter)
        card = find_adapter(adapters[0][0]).card if adapters else None
        recipe = Recipe(
            adapters=adapters,
            trigger=card.trigger if card else "",
            class_noun=(card.class_noun if card else "") or "person",
            base=args.base or (card.base if card else "") or "chibi-mini",
            seed=random.randrange(2**31) if args.seed is None else args.seed,
            clothing=args.clothing,
            clothing_colour=args.clothing_colour,
            steps=args.steps,
        )
        recipe.request(_known("ok"))  # a mistake in a word should leave no pack behind
        pack = create_pack(args.name, recipe)
    return _draw(args, pack, pack.missing, None)


def draw_again(args: argparse.Namespace) -> int:
    from workbench.packs import load_pack

    seed = random.randrange(2**31) if args.seed is None else args.seed
    return _draw(args, load_pack(args.name), args.expressions, seed)


def _draw(args: argparse.Namespace, pack: Pack, expressions: Any, seed: int | None) -> int:
    from workbench.generation import Engine

    def on_picture(name: str, _: Any) -> None:
        if not args.json:
            print(short_path(pack.picture_file(name)))

    for expression in expressions:
        pack.recipe.request(_known(expression), seed)  # a mistake in a word should not cost the time of opening a base
    if expressions:
        pack.draw(Engine(pack.recipe.base), expressions, seed, on_picture=on_picture)
    if args.json:
        print_json(_describe(pack))
    elif not expressions:
        print(tr("All sixteen expressions of {name} are drawn.", name=pack.name))
    return 0


def export_files(args: argparse.Namespace) -> int:
    from workbench.packs import export_pack, find_platform, load_pack

    pack = load_pack(args.name)
    targets = [find_platform(name) for name in args.platform]
    cuts = pack.cuts(_only(args))
    made = []
    for platform in targets:
        folder = (args.out or pack.folder / "exports") / platform.id
        made.append(
            export_pack(
                cuts,
                platform,
                folder,
                _look(args),
                args.move,
                pack.name,
                pack.known_layout,
                args.sign,
                _progress(args, platform),
            )
        )
    if args.json:
        print_json([asdict(each) for each in made])
    else:
        for each in made:
            problems = len(each.problems)
            words = trn("{number} problem", "{number} problems", problems) if problems else tr("passed its check")
            files = trn("{number} file", "{number} files", each.files)
            print(f"{each.platform}: {files}, {words}: {short_path(each.zip)}")
            for line in (*map(str, each.problems), *each.notes):
                print(f"  {told(line)}")
    return int(any(each.problems for each in made))


def draw_sheet(args: argparse.Namespace) -> int:
    import io

    from workbench.config import atomic_write
    from workbench.packs import load_pack, pack_sheet

    pack = load_pack(args.name)
    buffer = io.BytesIO()
    pack_sheet(pack.cuts(_only(args)), _look(args)).save(buffer, "PNG", optimize=True)
    path = args.out or pack.folder / "sheet.png"
    atomic_write(path, buffer.getvalue())
    print_json({"path": str(path)}) if args.json else print(short_path(path))
    return 0


def check_folder(args: argparse.Namespace) -> int:
    from workbench.errors import PackError
    from workbench.packs import check_pack, find_platform

    platform = find_platform(args.platform)
    if not args.folder.is_dir():
        raise PackError(str(args.folder), "there is no such folder", "Name the folder with the finished files")
    problems = check_pack(args.folder, platform)
    if args.json:
        print_json([asdict(each) for each in problems])
    else:
        print("\n".join(map(str, problems)) or tr("{title}: everything fits.", title=platform.title))
    return int(bool(problems))


def list_platforms(args: argparse.Namespace) -> int:
    from workbench.packs import checked_on, platforms

    if args.json:
        print_json({"checked": checked_on(), "platforms": {name: asdict(each) for name, each in platforms().items()}})
        return 0
    print(tr("Looked up on {checked_on}:", checked_on=checked_on()))
    for name, each in platforms().items():
        rule = each.files[0]
        kinds = dict.fromkeys(filter(None, (rule.format, rule.moving_format)))
        pictures = tr("{counts} pictures", counts=told(each.counts_words()))
        size = f"{told(each.sizes_words())}, {rule.bytes // 1000} KB"
        print(f"  {name:16} {each.title}: {pictures}, {'/'.join(kinds)}, {size}")
        for source in each.sources:
            print(f"  {'':16} {source}")
    return 0


def delete_one(args: argparse.Namespace) -> int:
    from workbench.errors import PackError
    from workbench.packs import delete_pack

    if not args.yes:
        if args.json or not sys.stdin.isatty():
            raise PackError(args.name, "this erases for good and nobody is here to ask", "Add --yes")
        if input(tr("Erase the pack {name}? [y/N] ", name=args.name)).strip().lower() != "y":
            print(tr("Nothing was erased."))
            return 1
    removed = delete_pack(args.name)
    print_json({"removed": [str(path) for path in removed]}) if args.json else print(
        trn("Erased {number} file.", "Erased {number} files.", len(removed))
    )
    return 0


def _describe(pack: Pack) -> dict[str, Any]:
    return {
        "name": pack.name, "folder": str(pack.folder), "created": pack.created, "drawn": list(pack.drawn),
        "missing": list(pack.missing), "chosen": list(pack.chosen), "recipe": asdict(pack.recipe),
    }  # fmt: skip


def _look(args: argparse.Namespace) -> Look:
    from workbench.packs import Look

    return Look(args.border, not args.no_shadow, args.frame, args.colour, args.words)


def _only(args: argparse.Namespace) -> list[str] | None:
    names = [name.strip() for name in args.only.split(",") if name.strip()]
    for name in names:
        _known(name)
    return names or None


def _known(expression: str) -> Any:
    from workbench.errors import PackError
    from workbench.packs import EXPRESSIONS

    if expression not in EXPRESSIONS:
        raise PackError(
            f"The expression {expression!r}", "there is none of this name", f"Choose {', '.join(EXPRESSIONS)}"
        )
    return EXPRESSIONS[expression]


def _progress(args: argparse.Namespace, platform: Platform) -> Any:
    if args.json or not sys.stderr.isatty():
        return None

    def on_file(done: int, in_all: int) -> None:
        end = "\n" if done == in_all else "\r"
        print(
            tr("{title}: file {done} of {in_all}", title=platform.title, done=done, in_all=in_all),
            end=end,
            file=sys.stderr,
            flush=True,
        )

    return on_file
