"""`workbench adapters`: the shelf."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.output import Commands, Flags, megabytes, print_json, print_table, short_path

if TYPE_CHECKING:
    from workbench.adapters import ShelfEntry


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser("adapters", parents=[flags], help="list, show, check, share and delete adapters")
    parser.set_defaults(run=list_adapters)
    actions = parser.add_subparsers(dest="action", metavar="action")
    actions.add_parser("list", parents=[flags], help="what is on the shelf").set_defaults(run=list_adapters)
    for action, words, run in (
        ("show", "what an adapter says of itself", show),
        ("check", "open it in a fresh pipeline and compare pictures", check),
        ("export", "write NAME.kohya.safetensors for ComfyUI and A1111", export),
        ("delete", "erase it", delete),
    ):
        one = actions.add_parser(action, parents=[flags], help=words)
        one.add_argument("name", metavar="NAME")
        one.set_defaults(run=run)
        if action == "export":
            one.add_argument(
                "--out", type=Path, metavar="FILE", help="where to write it; beside the adapter if not given"
            )
        if action in ("check", "export"):
            one.add_argument("--base", default="", help="base model; the adapter's own if not given")
    importer = actions.add_parser("import", parents=[flags], help="put a .safetensors file on the shelf")
    importer.add_argument("file", type=Path, metavar="FILE")
    importer.add_argument("--name", default="", help="what to call it; the file's name if not given")
    importer.add_argument("--replace", action="store_true", help="replace an adapter of that name")
    importer.set_defaults(run=import_file)
    rename = actions.add_parser("rename", parents=[flags], help="give it another name")
    rename.add_argument("name", metavar="NAME")
    rename.add_argument("new_name", metavar="NEW")
    rename.set_defaults(run=rename_one)


def list_adapters(args: argparse.Namespace) -> int:
    from workbench.adapters import list_shelf

    entries = list_shelf()
    if args.json:
        print_json([describe(entry) for entry in entries])
    elif entries:
        print_table([_row(entry) for entry in entries])
    else:
        print("The shelf is empty. workbench train photos=DIR name=NAME makes an adapter.")
    return 0


def show(args: argparse.Namespace) -> int:
    from workbench.adapters import find_adapter

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
    for note in entry.notes:
        print(f"  note: {note}")
    return 0


def check(args: argparse.Namespace) -> int:
    from workbench.adapters import check_base, find_adapter, prove_adapter

    entry = find_adapter(args.name)
    backbone = _base(args, entry)
    notes = check_base(entry.info, backbone) if entry.info else []
    proof = prove_adapter(entry.path, backbone)
    if args.json:
        print_json({"name": entry.name, "sound": True, "notes": notes, **asdict(proof)})
    else:
        print(f"{entry.name} is sound: all {proof.modules} layers match, and a fresh pipeline draws the same picture.")
        for note in notes:
            print(f"  note: {note}")
    return 0


def export(args: argparse.Namespace) -> int:
    from workbench.adapters import export_kohya, find_adapter

    entry = find_adapter(args.name)
    path = export_kohya(entry.path, args.out, _base(args, entry))
    print_json({"path": str(path)}) if args.json else print(short_path(path))
    return 0


def import_file(args: argparse.Namespace) -> int:
    from workbench.adapters import import_adapter

    entry = import_adapter(args.file, args.name or args.file.name, replace=args.replace)
    if args.json:
        print_json(describe(entry))
    else:
        print(f"{entry.name} is on the shelf.")
        for note in entry.notes:
            print(f"  note: {note}")
    return 0


def rename_one(args: argparse.Namespace) -> int:
    from workbench.adapters import rename_adapter

    entry = rename_adapter(args.name, args.new_name)
    print_json(describe(entry)) if args.json else print(f"{args.name} is now {entry.name}.")
    return 0


def delete(args: argparse.Namespace) -> int:
    from workbench.adapters import delete_adapter

    removed = delete_adapter(args.name)
    if args.json:
        print_json({"removed": [str(path) for path in removed]})
    else:
        print(f"Erased {', '.join(short_path(path) for path in removed)}")
    return 0


def describe(entry: ShelfEntry) -> dict[str, Any]:
    """A shelf entry as plain JSON. The thumbnail stays out: it is longer than all the rest."""
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
        "card": card,
    }


def _row(entry: ShelfEntry) -> list[str]:
    card = entry.card
    rank = f"rank {card.rank}" if card.rank else ""
    words = f"broken: {entry.broken}" if entry.broken else "; ".join(entry.notes)
    return [entry.name, card.trigger, card.base, rank, megabytes(entry.size), f"{entry.modified:%Y-%m-%d %H:%M}", words]


def _base(args: argparse.Namespace, entry: ShelfEntry) -> Any:
    from workbench.backbones import open_backbone

    return open_backbone(args.base or entry.card.base or "chibi-mini")


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
