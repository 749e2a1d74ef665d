"""`workbench privacy`: what is kept of people, who agreed to what, and whether a receipt is genuine."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from workbench.cli.output import Commands, Flags, print_json
from workbench.language import tr


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "privacy", parents=[flags], help=tr("what is kept of people; consent; checking receipts")
    )
    parser.add_argument("--language", choices=("en", "zh"), default="en", help=tr("of the page"))
    parser.set_defaults(run=page)
    actions = parser.add_subparsers(dest="action", metavar="action")
    agree = actions.add_parser("consent", parents=[flags], help=tr("say whose face it is, and what was agreed"))
    agree.add_argument("name", metavar="NAME")
    agree.add_argument("--whose", choices=("mine", "agreed", "child", "drawn"), help=tr("whose face it is"))
    agree.add_argument(
        "--scope", choices=("personal", "share", "commercial"), default="personal", help=tr("agreed use")
    )
    agree.add_argument("--days", type=int, help=tr("how long photos are kept after the last one; 0 keeps them"))
    agree.set_defaults(run=consent)
    verify = actions.add_parser("verify", parents=[flags], help=tr("whether a receipt was signed here and not altered"))
    verify.add_argument("file", type=Path, metavar="FILE")
    verify.set_defaults(run=check_receipt)


def page(args: argparse.Namespace) -> int:
    from workbench.privacy.page import privacy_page

    text = privacy_page(args.language)
    print_json({"page": text}) if args.json else print(text, end="")
    return 0


def consent(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from workbench.errors import SubjectError
    from workbench.photos import create_subject, load_subject, save_subject
    from workbench.privacy import KEEP_DAYS, state_consent
    from workbench.privacy.retention import expiry

    said = state_consent(args.whose, args.scope) if args.whose else None
    try:
        subject = load_subject(args.name)
    except SubjectError:
        if said is None:
            raise
        subject = create_subject(args.name, consent=said, keep_days=KEEP_DAYS if args.days is None else args.days)
    if said is not None:
        subject = replace(subject, consent=said)
    if args.days is not None:
        subject = replace(subject, keep_days=args.days, expires=expiry(args.days))
    save_subject(subject)
    agreed = subject.consent
    if args.json:
        print_json({"name": subject.name, "consent": agreed and agreed.to_dict(), "expires": subject.expires})
    else:
        words = f"{agreed.whose}, {agreed.scope}" if agreed else tr("nobody has said whose face it is")
        print(f"{subject.name}: {words}")
        print(
            tr("photos are kept until {expires}", expires=subject.expires[:10])
            if subject.expires
            else tr("photos are kept")
        )
    return 0


def check_receipt(args: argparse.Namespace) -> int:
    from workbench.errors import StorageError
    from workbench.privacy import verify_receipt

    try:
        receipt = json.loads(args.file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(
            str(args.file), "it is no receipt that can be read", "Choose the file as it was written"
        ) from error
    genuine = isinstance(receipt, dict) and verify_receipt(receipt)
    if args.json:
        print_json({"genuine": genuine})
    else:
        print(
            tr("Genuine: signed here, and not altered.")
            if genuine
            else tr("Not genuine, or signed by another installation.")
        )
    return 0 if genuine else 1
