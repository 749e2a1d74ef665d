"""`workbench gallery`: the pictures that were made. Found, looked at, written elsewhere, deleted and brought back."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.output import Commands, Flags, print_json, print_table, short_path
from workbench.language import told, tr, trn

if TYPE_CHECKING:
    from workbench.gallery import Gallery, Kept
    from workbench.gallery.query import Query


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "gallery",
        parents=[flags],
        help=tr("find, show, export, delete and bring back pictures"),
        epilog=tr("A picture is named by its id or by a part of it that no other has, such as its last letters."),
    )
    _add_query(parser)
    parser.set_defaults(run=list_pictures, words=[])
    actions = parser.add_subparsers(dest="action", metavar="action")

    def action(name: str, words: str, run: Any, pictures: str = "") -> argparse.ArgumentParser:
        one: argparse.ArgumentParser = actions.add_parser(name, parents=[flags], help=words)
        if pictures:
            one.add_argument("pictures", nargs=pictures, metavar="PICTURE")
        one.set_defaults(run=run)
        return one

    listing = action("list", tr("what is there, the newest first; only what has all these words"), list_pictures)
    listing.add_argument("words", nargs="*", metavar="WORDS")
    _add_query(listing)
    action("show", tr("all that made a picture"), show, "+")
    export = action("export", tr("write pictures elsewhere, their recipes inside"), export_pictures, "*")
    export.add_argument(
        "--out", type=Path, default=Path(), metavar="PLACE", help=tr("a folder, or a file that ends in .zip")
    )
    export.add_argument("--words", default=[], nargs="+", help=tr("all that have these words, when none is named"))
    _add_query(export)
    starring = action("star", tr("give a star"), star, "+")
    starring.add_argument("--off", action="store_true", help=tr("take it away"))
    collect = action("collect", tr("put into a collection, new or not"), collect_pictures, "+")
    collect.add_argument("--into", required=True, metavar="NAME", help=tr("of the collection"))
    delete = action("delete", tr("put into the trash"), delete_pictures, "+")
    delete.add_argument("--for-good", action="store_true", help=tr("erase at once; there is no way back"))
    restore = action("restore", tr("bring back what was deleted together"), restore_pictures)
    restore.add_argument(
        "deleted", nargs="?", metavar="DELETED", help=tr("as `gallery trash` names it; the latest if not given")
    )
    trash = action("trash", tr("what was deleted in the last 30 days"), show_trash)
    trash.add_argument("--empty", action="store_true", help=tr("erase all of it for good"))


def _add_query(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--adapter", default="", metavar="NAME", help=tr("only pictures made with it"))
    parser.add_argument("--subject", default="", metavar="NAME", help=tr("only pictures of this person"))
    parser.add_argument("--collection", default="", metavar="NAME", help=tr("only those in it"))
    parser.add_argument("--stars", action="store_true", help=tr("only those with a star"))
    parser.add_argument("--since", default="", metavar="DATE", help=tr("made then or later, such as 2026-01-31"))
    parser.add_argument("--until", default="", metavar="DATE", help=tr("made before"))
    parser.add_argument("--limit", type=int, default=20, metavar="COUNT", help=tr("how many to list (20)"))


def list_pictures(args: argparse.Namespace) -> int:
    from workbench.gallery import Gallery

    gallery, query = Gallery(), _query(args)
    found, total = gallery.find(query, max(0, args.limit)), gallery.how_many(query)
    if args.json:
        print_json({"found": total, "pictures": [describe(each) for each in found]})
    elif found:
        print_table([_row(each) for each in found])
        if total > len(found):
            print(tr("{number} more; --limit shows more of them", number=total - len(found)))
    elif gallery.count():
        print(tr("No picture is like that."))
    else:
        print(tr("The gallery is empty. workbench create draws pictures into it."))
    return 0


def show(args: argparse.Namespace) -> int:
    from workbench.gallery import Gallery

    gallery = Gallery()
    pictures = [find(gallery, name) for name in args.pictures]
    if args.json:
        print_json([describe(each) | {"collections": gallery.collections_of(each.id)} for each in pictures])
        return 0
    for each in pictures:
        print(f"{each.id}{'  ★' if each.starred else ''}")
        record = each.record | {
            "file": short_path(each.path),
            "collections": ", ".join(gallery.collections_of(each.id)),
        }
        for key in sorted(record):
            if record[key] not in ("", [], {}, None) and key not in ("format", "notes", "versions"):
                print(f"  {key.replace('_', ' ')}: {_plain(key, record[key])}")
        for note in each.record.get("notes", []):
            print(f"  {told(note)}")
    return 0


def export_pictures(args: argparse.Namespace) -> int:
    from workbench.config import atomic_write, make_folder
    from workbench.gallery import Gallery
    from workbench.gallery.archive import zip_pictures

    gallery = Gallery()
    names = [find(gallery, name).id for name in args.pictures] or gallery.ids(_query(args))
    if args.out.suffix.lower() == ".zip":
        make_folder(args.out.parent)
        files = [args.out]
        count = zip_pictures(gallery, names, args.out)
    else:
        files = []
        for each in gallery.several(names):
            files.append(args.out / f"chibi-{each.id}.png")
            atomic_write(files[-1], each.path.read_bytes())
        count = len(files)
    if args.json:
        print_json({"pictures": count, "files": [str(path) for path in files]})
    elif count:
        print(
            trn(
                "{number} picture written to {place}",
                "{number} pictures written to {place}",
                count,
                place=short_path(args.out),
            )
        )
    else:
        print(tr("No picture is like that."))
    return 0 if count else 1


def star(args: argparse.Namespace) -> int:
    from workbench.gallery import Gallery

    gallery = Gallery()
    names = [find(gallery, name).id for name in args.pictures]
    for name in names:
        gallery.star(name, not args.off)
    return _said(
        {"starred": not args.off, "pictures": names},
        args.json,
        trn("{number} picture", "{number} pictures", len(names)),
    )


def collect_pictures(args: argparse.Namespace) -> int:
    from workbench.gallery import Gallery

    gallery = Gallery()
    names = [find(gallery, name).id for name in args.pictures]
    into = gallery.collections.put(args.into, names)
    count = gallery.filled_collections()[into]
    words = trn("{number} picture in {name}", "{number} pictures in {name}", count, name=into)
    return _said({"collection": into, "pictures": names}, args.json, words)


def delete_pictures(args: argparse.Namespace) -> int:
    from workbench.gallery import Gallery
    from workbench.gallery.trash import DAYS

    gallery = Gallery()
    names = [find(gallery, name).id for name in args.pictures]
    if args.for_good:
        removed = gallery.delete(*names)
        erased = trn("Erased {number} picture.", "Erased {number} pictures.", len(names))
        return _said({"removed": [path.name for path in removed]}, args.json, erased)
    deleted = gallery.throw_away(*names)
    return _said(
        {"removed": names, "undo": deleted.id},
        args.json,
        tr("In the trash for {days} days. workbench gallery restore {which}", days=DAYS, which=deleted.id),
    )


def restore_pictures(args: argparse.Namespace) -> int:
    from workbench.errors import GalleryError
    from workbench.gallery import Gallery

    gallery = Gallery()
    which = args.deleted or next((each.id for each in gallery.trash.batches()), "")
    if not which:
        raise GalleryError("The trash", "it is empty", "Nothing need be done")
    back = gallery.put_back(which)
    return _said(
        {"restored": back}, args.json, trn("{number} picture brought back", "{number} pictures brought back", len(back))
    )


def show_trash(args: argparse.Namespace) -> int:
    from workbench.gallery import Gallery

    gallery = Gallery()
    if args.empty:
        erased = gallery.trash.empty()
        words = trn("Erased {number} picture.", "Erased {number} pictures.", len(erased))
        return _said({"removed": [path.name for path in erased]}, args.json, words)
    batches = gallery.trash.batches()
    if args.json:
        print_json(
            [{"id": b.id, "pictures": [path.stem for path in b.pictures], "days_left": b.days_left} for b in batches]
        )
    elif batches:
        print_table([_deleted_row(each.id, len(each.pictures), each.days_left) for each in batches])
    else:
        print(tr("The trash is empty."))
    return 0


def find(gallery: Gallery, word: str) -> Kept:
    """A picture by its id, or by a part of it that no other has.

    Raises:
        GalleryError: there is none, or several.
    """
    from workbench.errors import GalleryError
    from workbench.gallery.query import Query

    word = word.removeprefix("chibi-").removesuffix(".png")
    try:
        return gallery.get(word)
    except GalleryError:
        like = [name for name in gallery.ids(Query()) if word and word in name]
        if len(like) > 1:
            raise GalleryError(
                f"Picture {word[:60]!r}", f"{len(like)} pictures have that in their id", f"Write more of it: {like[0]}"
            ) from None
        if not like:
            raise
        return gallery.get(like[0])


def describe(kept: Kept) -> dict[str, Any]:
    """A picture as plain JSON."""
    return {"id": kept.id, "path": str(kept.path), "starred": kept.starred, "record": kept.record}


def _query(args: argparse.Namespace) -> Query:
    from workbench.errors import GalleryError
    from workbench.gallery.query import Query

    for flag, value in (("--since", args.since), ("--until", args.until)):
        try:
            datetime.fromisoformat(value or "2026-01-01")
        except ValueError:
            raise GalleryError(f"{flag} {value[:40]!r}", "it is no date", "Write it as 2026-01-31") from None
    return Query(" ".join(args.words), args.adapter, args.subject, args.collection, args.stars, args.since, args.until)


def _row(kept: Kept) -> list[str]:
    adapters = ", ".join(f"{each['name']}:{each['strength']:g}" for each in kept.record.get("adapters", []))
    words = tr("Sheet: {axes}", axes=kept.record["label"]) if kept.is_sheet else kept.prompt
    return [kept.id, "★" if kept.starred else "", adapters, words if len(words) <= 60 else f"{words[:59]}…"]


def _deleted_row(which: str, count: int, days: int) -> list[str]:
    return [
        which, trn("{number} picture", "{number} pictures", count),
        trn("{number} day left", "{number} days left", days),
    ]  # fmt: skip


def _plain(key: str, value: Any) -> str:
    if key == "adapters":
        return ", ".join(f"{each['name']}:{each['strength']:g}" for each in value)
    return ", ".join(f"{name} {each}" for name, each in value.items()) if isinstance(value, dict) else str(value)


def _said(result: dict[str, Any], as_json: bool, words: str) -> int:
    print_json(result) if as_json else print(words)
    return 0
