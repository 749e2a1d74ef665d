"""`workbench adapters`: the shelf. What makes new files of adapters is in `adapters_make.py`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli import adapters_make
from workbench.cli.output import Commands, Flags, megabytes, print_json, print_table, short_path
from workbench.language import told, tr, trn

if TYPE_CHECKING:
    from workbench.adapters import ShelfEntry
    from workbench.adapters.scrub import Finding


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "adapters", parents=[flags], help=tr("list, show, check, mix, share and delete adapters")
    )
    parser.set_defaults(run=list_adapters, search="", tag=[])
    actions = parser.add_subparsers(dest="action", metavar="action")
    listing = actions.add_parser("list", parents=[flags], help=tr("what is on the shelf"))
    listing.add_argument("--search", default="", metavar="WORDS", help=tr("only those that have all these words"))
    listing.add_argument("--tag", action="append", default=[], help=tr("only those with this tag; may be repeated"))
    listing.set_defaults(run=list_adapters)
    for action, words, run in (
        ("show", tr("what an adapter says of itself"), show),
        ("clean", tr("take out what its file tells of the photos it was trained on"), clean),
        ("delete", tr("put it into the trash"), delete),
        ("restore", tr("bring it back from the trash"), restore),
        ("label", tr("write tags, whose version it is and its usual strength on it"), label),
        ("card", tr("write licence, agreed use, author or trigger into its card"), card),
    ):
        one = actions.add_parser(action, parents=[flags], help=words)
        one.add_argument("name", metavar="NAME")
        one.set_defaults(run=run)
        if action == "delete":
            one.add_argument("--for-good", action="store_true", help=tr("erase it at once; there is no way back"))
        elif action == "label":
            one.add_argument("--tags", metavar="A,B", help=tr("separated by commas; empty takes them away"))
            one.add_argument("--subject", help=tr("whose version it is"))
            one.add_argument("--strength", type=float, help=tr("to begin with; 1 is as trained"))
        elif action == "card":
            for field, help_ in (
                ("licence", tr("terms under which it may be shared")), ("scope", tr("what the person shown agreed to")),
                ("author", tr("who made it")), ("trigger", tr("the word that calls the person")),
            ):  # fmt: skip
                one.add_argument(f"--{field}", help=help_)
    trash = actions.add_parser("trash", parents=[flags], help=tr("what was deleted in the last 30 days"))
    trash.add_argument("--empty", action="store_true", help=tr("erase all of it for good"))
    trash.set_defaults(run=show_trash)
    importer = actions.add_parser("import", parents=[flags], help=tr("put a file, a zip or a peft folder on the shelf"))
    importer.add_argument("file", type=Path, metavar="FILE")
    importer.add_argument("--name", default="", help=tr("what to call it; the file's name if not given"))
    importer.add_argument("--replace", action="store_true", help=tr("replace an adapter of that name"))
    importer.add_argument("--partial", action="store_true", help=tr("bring only those weights that are understood"))
    importer.add_argument("--base", default="", help=tr("the base it was trained on; a DoRA cannot be read without"))
    importer.set_defaults(run=import_file)
    rename = actions.add_parser("rename", parents=[flags], help=tr("give it another name"))
    rename.add_argument("name", metavar="NAME")
    rename.add_argument("new_name", metavar="NEW")
    rename.set_defaults(run=rename_one)
    adapters_make.add(actions, flags)


def list_adapters(args: argparse.Namespace) -> int:
    from workbench.adapters import list_shelf
    from workbench.adapters.browse import search_shelf

    entries = list_shelf()
    found = search_shelf(entries, args.search, [tag.casefold() for tag in args.tag])
    if args.json:
        print_json([describe(entry) for entry in found])
    elif found:
        print_table([_row(entry) for entry in found])
    elif entries:
        print(tr("No adapter has all of these words and tags."))
    else:
        print(tr("The shelf is empty. workbench train photos=DIR name=NAME makes an adapter."))
    return 0


def show(args: argparse.Namespace) -> int:
    from workbench.adapters import find_adapter
    from workbench.adapters.browse import subject_of, versions

    entry = find_adapter(args.name)
    if args.json:
        print_json(describe(entry))
        return 0
    card = asdict(entry.card)
    card.pop("thumbnail")
    print(f"{short_path(entry.path)}  {megabytes(entry.size)}")
    for key, value in card.items():
        if value not in ("", 0, 0.0, {}, []):
            print(f"  {key}: {_plain(value)}")
    from workbench.adapters import list_shelf

    others = [each.name for each in versions(list_shelf())[subject_of(entry)] if each.name != entry.name]
    for key, value in (
        (tr("on the shelf under"), ", ".join(entry.label.tags)), (tr("other versions"), ", ".join(others)),
        (tr("usual strength"), f"{entry.label.strength:g}" if entry.label.strength != 1 else ""),
    ):  # fmt: skip
        if value:
            print(f"  {key}: {value}")
    for note in entry.notes:
        print(tr("  note: {note}", note=told(note)))
    say_private(entry.private, entry.name)
    return 0


def import_file(args: argparse.Namespace) -> int:
    from workbench.adapters import import_adapter
    from workbench.adapters.formats import import_peft, is_peft_folder
    from workbench.adapters.share import unpack_adapter
    from workbench.backbones import open_backbone

    more: dict[str, Any] = {}
    base = open_backbone(args.base) if args.base else None
    if args.file.suffix.lower() == ".zip":
        unpacked = unpack_adapter(args.file, args.name, replace=args.replace, partial=args.partial, backbone=base)
        entry = unpacked.entry
        more = {"licence": unpacked.licence, "consent": unpacked.consent, "left_out": list(unpacked.left_out)}
    elif is_peft_folder(args.file):
        entry = import_peft(args.file, args.name or args.file.resolve().name, None, args.replace, args.partial)
    else:
        entry = import_adapter(
            args.file, args.name or args.file.name, replace=args.replace, partial=args.partial, backbone=base
        )
    if args.json:
        print_json(describe(entry) | more)
        return 0
    print(tr("{name} is on the shelf.", name=entry.name))
    for note in entry.notes:
        print(tr("  note: {note}", note=told(note)))
    for key, value in more.items():
        if value:
            print(f"  {key.replace('_', ' ')}: {_plain(value)[:2000]}")
    say_private(entry.private, entry.name)
    return 0


def clean(args: argparse.Namespace) -> int:
    from workbench.adapters import find_adapter
    from workbench.adapters.scrub import scrub_file

    found = scrub_file(find_adapter(args.name).path)
    if args.json:
        print_json({"removed": [asdict(each) for each in found]})
    elif found:
        print(tr("Taken out of {name}: {keys}", name=args.name, keys=", ".join(each.key for each in found)))
    else:
        print(tr("{name} tells nothing of the photos it was trained on.", name=args.name))
    return 0


def rename_one(args: argparse.Namespace) -> int:
    from workbench.adapters import rename_adapter

    entry = rename_adapter(args.name, args.new_name)
    print_json(describe(entry)) if args.json else print(tr("{name} is now {name2}.", name=args.name, name2=entry.name))
    return 0


def delete(args: argparse.Namespace) -> int:
    from workbench.adapters import delete_adapter
    from workbench.adapters.trash import DAYS, trash_adapter

    if args.for_good:
        removed = delete_adapter(args.name)
        if args.json:
            print_json({"removed": [str(path) for path in removed]})
        else:
            print(tr("Erased {files}", files=", ".join(short_path(path) for path in removed)))
        return 0
    deleted = trash_adapter(args.name)
    if args.json:
        print_json({"removed": [path.name for path in deleted.files], "undo": deleted.id})
    else:
        print(
            tr(
                "{name} is in the trash for {days} days. workbench adapters restore {name}",
                name=deleted.name,
                days=DAYS,
            )
        )
    return 0


def restore(args: argparse.Namespace) -> int:
    from workbench.adapters.trash import restore_adapter

    entry = restore_adapter(args.name)
    print_json(describe(entry)) if args.json else print(tr("{name} is on the shelf again.", name=entry.name))
    return 0


def show_trash(args: argparse.Namespace) -> int:
    from workbench.adapters.trash import empty_trash, list_trash

    if args.empty:
        erased = empty_trash()
        print_json({"removed": [path.name for path in erased]}) if args.json else print(
            trn("Erased {number} file.", "Erased {number} files.", len(erased))
        )
        return 0
    found = list_trash()
    if args.json:
        print_json([{"id": each.id, "name": each.name, "days_left": each.days_left} for each in found])
    elif found:
        print_table(
            [
                [
                    each.name,
                    f"{each.deleted:%Y-%m-%d %H:%M}",
                    trn("{number} day left", "{number} days left", each.days_left),
                ]
                for each in found
            ]
        )
    else:
        print(tr("The trash is empty."))
    return 0


def label(args: argparse.Namespace) -> int:
    from workbench.adapters import find_adapter
    from workbench.adapters.labels import change_label

    name = find_adapter(args.name).name
    tags = None if args.tags is None else args.tags.split(",")
    now = change_label(name, tags=tags, subject=args.subject, strength=args.strength)
    if args.json:
        print_json(asdict(now))
    else:
        print(
            tr(
                "{name}: tags {tags}; strength {strength}; subject {subject}",
                name=name,
                tags=", ".join(now.tags) or tr("none"),
                strength=f"{now.strength:g}",
                subject=now.subject or name,
            )
        )
    return 0


def card(args: argparse.Namespace) -> int:
    from workbench.adapters import find_adapter
    from workbench.adapters.rewrite import rewrite_card

    fields = ("licence", "scope", "author", "trigger")
    changes = {key: getattr(args, key) for key in fields if getattr(args, key) is not None}
    now = rewrite_card(find_adapter(args.name).path, **changes)
    if args.json:
        print_json({key: getattr(now, key) for key in fields})
    else:
        print("\n".join(f"{key}: {getattr(now, key) or tr('not stated')}" for key in fields))
    return 0


def say_private(findings: Sequence[Finding], name: str) -> None:
    """Says in red what a file gives away."""
    if not findings:
        return
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    red, plain = ("\033[31m", "\033[0m") if coloured else ("", "")
    for each in findings:
        print(f"{red}  {tr('private: {key} tells {why}', key=each.key, why=told(each.why))}{plain}")
    print(tr("  Exports leave this out. workbench adapters clean {name} takes it out of the file itself.", name=name))


def describe(entry: ShelfEntry) -> dict[str, Any]:
    """A shelf entry as plain JSON. The thumbnail stays out: it is longer than all the rest."""
    from workbench.adapters.browse import subject_of

    card = asdict(entry.card) if entry.info and entry.info.card else None
    if card:
        card.pop("thumbnail")
    return {
        "name": entry.name,
        "path": str(entry.path),
        "bytes": entry.size,
        "modified": entry.modified.isoformat(),
        "broken": entry.broken,
        "notes": list(entry.notes),
        "subject": subject_of(entry),
        "label": asdict(entry.label),
        "private": [asdict(each) for each in entry.private],
        "card": card,
    }


def _row(entry: ShelfEntry) -> list[str]:
    card = entry.card
    rank = tr("rank {rank}", rank=card.rank) if card.rank else ""
    words = tr("broken: {reason}", reason=told(entry.broken)) if entry.broken else "; ".join(map(told, entry.notes))
    if entry.private:
        words = "; ".join(filter(None, [words, tr("tells of its photos")]))
    tags = " ".join(f"#{tag}" for tag in entry.label.tags)
    when = f"{entry.modified:%Y-%m-%d %H:%M}"
    return [entry.name, card.trigger, card.base, rank, megabytes(entry.size), when, tags, words]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
