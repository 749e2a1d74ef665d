"""`workbench adapters check | export | mix | resize | fuse | pack | push`: what looks into files and makes new ones."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.output import Commands, Flags, megabytes, print_json, print_table, short_path
from workbench.language import mark, told, tr

if TYPE_CHECKING:
    from workbench.adapters import ShelfEntry
    from workbench.adapters.blend import Blend, Ingredient

SPEC = "NAME[:STRENGTH][@PART]"
SPEC_HELP = mark("PART is identity, style, or strengths of blocks: up_blocks.1=0.5,rest=0")


def add(actions: Commands, flags: Flags) -> None:
    check_ = actions.add_parser(
        "check", parents=[flags], help=tr("what a file is, which programs read it, and a proof")
    )
    check_.add_argument("file", metavar="FILE", help=tr("a name on the shelf, a .safetensors file, or a peft folder"))
    check_.set_defaults(run=check)
    export_ = actions.add_parser("export", parents=[flags], help=tr("write the file that another program reads"))
    export_.add_argument("name", metavar="NAME")
    export_.add_argument(
        "--format",
        default="kohya",
        choices=("kohya", "diffusers", "peft"),
        help=tr("kohya is for ComfyUI, A1111 and Forge"),
    )
    export_.add_argument("--out", type=Path, metavar="FILE", help=tr("where to write it"))
    export_.set_defaults(run=export)
    mix_ = actions.add_parser("mix", parents=[flags], help=tr("a new adapter from two to four"), epilog=tr(SPEC_HELP))
    mix_.add_argument("specs", nargs="+", metavar=SPEC)
    mix_.add_argument("-o", "--out", required=True, metavar="NEW", help=tr("name of the new adapter"))
    mix_.add_argument("--method", default="svd", choices=("svd", "cat", "linear", "ties", "dare"))
    mix_.add_argument("--rank", type=int, default=0, help=tr("of the new adapter; 0 takes the largest there is"))
    mix_.add_argument("--density", type=float, default=0.5, help=tr("share of each change that ties and dare keep"))
    mix_.add_argument("--seed", type=int, default=0, help=tr("of what dare drops"))
    mix_.set_defaults(run=mix)
    resize_ = actions.add_parser("resize", parents=[flags], help=tr("a smaller copy; says how much it keeps"))
    resize_.add_argument("name", metavar="NAME")
    resize_.add_argument("new_name", metavar="NEW")
    resize_.add_argument("--rank", type=int, default=0, help=tr("the most a layer may have"))
    resize_.add_argument("--energy", type=float, default=0.0, help=tr("share of each layer to keep, such as 0.95"))
    resize_.set_defaults(run=resize)
    for each in (mix_, resize_):
        each.add_argument("--replace", action="store_true", help=tr("replace an adapter of that name"))
        each.add_argument("--no-proof", action="store_true", help=tr("do not open a base to prove the result"))
    fuse_ = actions.add_parser("fuse", parents=[flags], help=tr("build adapters into a copy of their base"))
    fuse_.add_argument("specs", nargs="+", metavar="NAME[:STRENGTH]")
    fuse_.add_argument("-o", "--out", required=True, type=Path, metavar="FOLDER", help=tr("the new base"))
    fuse_.set_defaults(run=fuse)
    for each in (check_, export_, mix_, resize_, fuse_):
        each.add_argument("--base", default="", help=tr("base model; the adapter's own if not given"))
    pack_ = actions.add_parser("pack", parents=[flags], help=tr("one zip to give away"))
    pack_.add_argument("name", metavar="NAME")
    pack_.add_argument("-o", "--out", type=Path, metavar="FILE", help=tr("NAME.zip if not given"))
    pack_.set_defaults(run=pack)
    push_ = actions.add_parser("push", parents=[flags], help=tr("upload it to a hub repository, with a model card"))
    push_.add_argument("name", metavar="NAME")
    push_.add_argument("repository", metavar="OWNER/REPO")
    push_.add_argument("--licence", help=tr("terms under which it may be shared; written into its card"))
    push_.add_argument("--agreed", default="", help=tr("what the person shown agreed to, if its card does not say"))
    push_.add_argument(
        "--public", action="store_true", help=tr("let everyone see it; a new repository is private otherwise")
    )
    push_.add_argument("--endpoint", help=tr("another hub than huggingface.co"))
    push_.add_argument("--yes", action="store_true", help=tr("do not ask"))
    push_.set_defaults(run=push)
    for each in (pack_, push_):
        each.add_argument("--pictures", type=int, default=4, help=tr("how many pictures of the gallery go along"))
    for each in (export_, pack_):
        each.add_argument(
            "--keep-private",
            action="store_true",
            help=tr("leave in what the file tells of the photos it was trained on"),
        )


def check(args: argparse.Namespace) -> int:
    from workbench.adapters import find_adapter, read_card
    from workbench.adapters.formats import is_peft_folder, peft_bytes
    from workbench.adapters.report import report_adapter
    from workbench.cli.adapters import say_private
    from workbench.errors import BackboneError

    given = Path(args.file)
    with tempfile.TemporaryDirectory() as folder:
        if is_peft_folder(given):
            path, name = Path(folder) / f"{given.resolve().name}.safetensors", given.name
            path.write_bytes(peft_bytes(given))
        elif given.is_file():
            path, name = given, given.name
        else:
            entry = find_adapter(args.file)
            path, name = entry.path, entry.name
        card = read_card(path)
        backbone, missing = None, ""
        try:
            backbone = _base(args.base or card.base)
        except BackboneError as error:
            if args.base or not card.base:
                raise
            missing = f"its base {card.base} is not here: {error.reason}"
        report = report_adapter(path, backbone, missing)
    if args.json:
        proof = asdict(report.proof) if report.proof else {}
        table = {"name": name, "sound": report.proof is not None, "notes": list(report.warnings), **proof}
        print_json(table | {"report": asdict(report)})
        return 0
    low, high = min(report.alphas, default=0), max(report.alphas, default=0)
    alphas = f"{low:g}" if low == high else tr("{low} to {high}", low=f"{low:g}", high=f"{high:g}")
    size = f", {megabytes(path.stat().st_size)}" if path.exists() else ""
    strongest, share = report.strongest
    facts = [
        (tr("family"), report.family or tr("unknown")),
        (tr("spelling"), report.spelling),
        (tr("rank"), ", ".join(map(str, report.ranks))),
        ("alpha", alphas),
        *((tr("changes"), told(target)) for target in report.targets),
        (tr("weights"), f"{tr('{count} numbers', count=f'{report.parameters:,}')}, {', '.join(report.dtypes)}{size}"),
        (tr("trained on"), "; ".join(map(told, report.trained_on))),
        (tr("strongest"), tr("{layer}, {share} of a layer", layer=strongest, share=f"{share:.3g}")),
    ]
    print(name)
    print_table([[f"  {key}", value] for key, value in facts])
    print_table([[f"  {each.program}", tr(each.reads), told(each.note)] for each in report.readers])
    for note in report.warnings:
        print(tr("  note: {note}", note=told(note)))
    say_private(report.private, name)
    if report.proof:
        print(
            tr(
                "{name} is sound: all {modules} layers match, and a fresh pipeline draws the same picture.",
                name=name,
                modules=report.proof.modules,
            )
        )
    else:
        print(
            tr(
                "{name} was not proven: {no_proof}. --base NAME opens another.",
                name=name,
                no_proof=told(report.no_proof),
            )
        )
    return 0


def export(args: argparse.Namespace) -> int:
    from workbench.adapters import find_adapter
    from workbench.adapters.formats import export_adapter

    entry = find_adapter(args.name)
    usual = {
        "kohya": entry.path.with_name(f"{entry.name}.kohya.safetensors"),
        "diffusers": Path(f"{entry.name}.diffusers.safetensors"),
        "peft": Path(f"{entry.name}-peft"),
    }
    backbone = _base(args.base or entry.card.base) if args.format != "peft" else None
    path = export_adapter(entry.path, args.format, args.out or usual[args.format], backbone, args.keep_private)
    _left(entry, args.format)
    print_json({"path": str(path)}) if args.json else print(short_path(path))
    return 0


def mix(args: argparse.Namespace) -> int:
    from workbench.adapters import find_adapter
    from workbench.adapters.blend import mix_adapters

    parts = [_ingredient(spec) for spec in args.specs]
    backbone = None if args.no_proof else _base(args.base or find_adapter(parts[0].name).card.base)
    cards = [find_adapter(part.name).card for part in parts]  # --replace may write over one of them
    blend = mix_adapters(
        parts, args.out, args.method, args.rank, args.density, args.seed, backbone, replace_it=args.replace
    )
    if backbone is not None:
        from workbench.generation import Engine
        from workbench.generation.portray import portrait_prompt, portray

        blend = replace(blend, entry=portray(Engine(backbone), blend.entry.name, portrait_prompt(cards)))
    return _say_blend(args, blend)


def resize(args: argparse.Namespace) -> int:
    from workbench.adapters import find_adapter
    from workbench.adapters.blend import resize_adapter

    backbone = None if args.no_proof else _base(args.base or find_adapter(args.name).card.base)
    blend = resize_adapter(args.name, args.new_name, args.rank, args.energy, backbone, replace_it=args.replace)
    return _say_blend(args, blend)


def fuse(args: argparse.Namespace) -> int:
    from workbench.adapters import find_adapter
    from workbench.adapters.fuse import fuse_adapters

    parts = [_ingredient(spec) for spec in args.specs]
    base = args.base or find_adapter(parts[0].name).card.base or "chibi-mini"
    fused = fuse_adapters([(each.name, each.strength) for each in parts], base, args.out)
    if args.json:
        print_json(asdict(fused))
    else:
        print(
            tr(
                "{folder} draws as {base} with {specs} ({layers} layers changed).",
                folder=short_path(fused.folder),
                base=base,
                specs=", ".join(args.specs),
                layers=fused.layers,
            )
        )
    return 0


def pack(args: argparse.Namespace) -> int:
    from workbench.adapters import find_adapter
    from workbench.adapters.share import pack_adapter

    entry = find_adapter(args.name)
    target = args.out or Path(f"{entry.name}.zip")
    names = pack_adapter(entry.path, target, _pictures(entry, args.pictures), _words(entry), args.keep_private)
    _left(entry, "zip")
    print_json({"path": str(target), "files": names}) if args.json else print(
        f"{short_path(target)}: {', '.join(names)}"
    )
    return 0


def push(args: argparse.Namespace) -> int:
    from workbench.adapters import find_adapter
    from workbench.adapters.hub import push_adapter
    from workbench.adapters.rewrite import rewrite_card
    from workbench.errors import AdapterError

    entry = find_adapter(args.name)
    if not args.yes:
        where = args.endpoint or "huggingface.co"
        if args.json or not sys.stdin.isatty():
            raise AdapterError(entry.name, f"this uploads it to {where} and nobody is here to ask", "Add --yes")
        seen = tr("for everyone to see") if args.public else tr("for you alone to see, if the repository is new")
        if (
            input(
                tr(
                    "Upload {name}, its card and pictures to {where}, {seen}? [y/N] ",
                    name=entry.name,
                    where=where,
                    seen=seen,
                )
            )
            .strip()
            .lower()
            != "y"
        ):
            print(tr("Nothing was uploaded."))
            return 1
    if args.licence:
        rewrite_card(entry.path, licence=args.licence)
    pictures = _pictures(entry, args.pictures)
    url = push_adapter(
        entry.path, args.repository, pictures, _words(entry), args.agreed, not args.public, endpoint=args.endpoint
    )
    _left(entry, f"hub {args.repository}")
    print_json({"url": url}) if args.json else print(url)
    return 0


def _say_blend(args: argparse.Namespace, blend: Blend) -> int:
    if args.json:
        print_json(
            {
                "name": blend.entry.name, "path": str(blend.entry.path), "ranks": list(blend.ranks), "kept": blend.kept,
                "parents": blend.entry.card.parents, "notes": list(blend.notes),
                "proof": asdict(blend.proof) if blend.proof else None,
            }
        )  # fmt: skip
        return 0
    ranks = ", ".join(map(str, blend.ranks))
    print(
        tr(
            "{name} is on the shelf: rank {ranks}, {kept} % of the change kept.",
            name=blend.entry.name,
            ranks=ranks,
            kept=f"{100 * blend.kept:.1f}",
        )
    )
    for note in blend.notes:
        print(tr("  note: {note}", note=told(note)))
    if blend.proof is None:
        print(tr("  It was not proven in a base."))
    return 0


def _ingredient(spec: str) -> Ingredient:
    """Reads NAME[:STRENGTH][@PART]; a name that is on the shelf as it is written wins."""
    from workbench.adapters import list_shelf
    from workbench.adapters.blend import Ingredient
    from workbench.errors import AdapterError

    if any(entry.name == spec for entry in list_shelf()):
        return Ingredient(spec)
    front, _, part = spec.partition("@")
    name, _, strength = front.rpartition(":") if ":" in front else (front, "", "1")
    try:
        blocks = {}
        if part and part not in ("identity", "style"):
            blocks = {key.strip(): float(value) for key, _, value in (item.partition("=") for item in part.split(","))}
        return Ingredient(name, float(strength), blocks, part if not blocks else "")
    except ValueError:
        raise AdapterError(f"{spec!r}", f"it is not of the form {SPEC}", SPEC_HELP) from None


def _pictures(entry: ShelfEntry, count: int) -> Sequence[Path]:
    """Pictures of the gallery that were made with an adapter, those with a star first."""
    from workbench.config import home
    from workbench.gallery import Gallery

    if count <= 0 or not (home() / "gallery").is_dir():
        return []
    gallery = Gallery()
    kept = gallery.search(adapter=entry.name, stars_only=True, limit=count) + gallery.search(
        adapter=entry.name, limit=count
    )
    return [each.path for each in {each.id: each for each in kept}.values()][:count]


def _words(entry: ShelfEntry) -> str:
    from workbench.privacy import scope_words

    return scope_words(entry.card.scope) if entry.card.scope else ""


def _left(entry: ShelfEntry, form: str) -> None:
    """Writes down that an adapter left this computer, so that a person who is forgotten can call it back."""
    from workbench.adapters import file_sha256
    from workbench.adapters.browse import subject_of
    from workbench.privacy import note_shared

    note_shared(entry.name, subject_of(entry), file_sha256(entry.path), form, entry.card.scope)


def _base(name: str) -> Any:
    from workbench.backbones import open_backbone

    return open_backbone(name or "chibi-mini")
