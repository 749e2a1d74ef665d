"""`workbench accounts`: who may log in to the shared page."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from workbench.cli.output import Commands, Flags, print_json, print_table
from workbench.language import tr


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "accounts", parents=[flags], help=tr("who may log in to the shared page (ui --shared)")
    )
    parser.set_defaults(run=list_all)
    actions = parser.add_subparsers(dest="action", metavar="action")
    actions.add_parser("list", parents=[flags], help="everyone").set_defaults(run=list_all)
    new = actions.add_parser("add", parents=[flags], help=tr("make an account; its password is shown once"))
    new.add_argument("name")
    new.add_argument("--role", choices=("owner", "admin"), default="owner", help=tr("an admin sees no faces (owner)"))
    new.add_argument(
        "--email", default="", help=tr("logs in at the OIDC provider with this address, without a password")
    )
    new.add_argument("--password-stdin", action="store_true", help=tr("take the password from standard input"))
    new.set_defaults(run=add_one)
    for word, text in (("lock", tr("shut an account and log it out")), ("unlock", tr("open it again"))):
        each = actions.add_parser(word, parents=[flags], help=text)
        each.add_argument("name")
        each.set_defaults(run=lock)
    reset = actions.add_parser(
        "reset", parents=[flags], help=tr("give a new password and log it out; the owner is told")
    )
    reset.add_argument("name")
    reset.add_argument("--password-stdin", action="store_true", help=tr("take the password from standard input"))
    reset.set_defaults(run=reset_one)
    gone = actions.add_parser("remove", parents=[flags], help=tr("take an account out and erase all that it has here"))
    gone.add_argument("name")
    gone.add_argument("--yes", action="store_true", help=tr("do not ask"))
    gone.set_defaults(run=remove)


def list_all(args: argparse.Namespace) -> int:
    from workbench.accounts import Accounts

    found = Accounts().everyone()
    if args.json:
        print_json([asdict(each) for each in found])
        return 0
    if not found:
        print(tr("Nobody yet: workbench accounts add NAME --role admin"))
        return 0
    rows = [
        (each.name, each.role, each.email or "password", _when(each.seen), "locked" if each.locked else "")
        for each in found
    ]
    print_table([(tr("name"), tr("role"), tr("logs in by"), tr("last here"), ""), *rows])
    return 0


def add_one(args: argparse.Namespace) -> int:
    from workbench.accounts import Accounts

    given = _from_stdin() if args.password_stdin else ""
    password = Accounts().add(args.name, args.role, given, args.email)
    return _say(
        args, {"name": args.name, "role": args.role}, "" if given else password, tr("{name} may log in", name=args.name)
    )


def lock(args: argparse.Namespace) -> int:
    from workbench.accounts import Accounts

    shut = args.action == "lock"
    Accounts().lock(args.name, shut)
    return _say(
        args,
        {"name": args.name, "locked": shut},
        "",
        tr("{name} is locked", name=args.name) if shut else tr("{name} is unlocked", name=args.name),
    )


def reset_one(args: argparse.Namespace) -> int:
    from workbench.accounts import Accounts

    given = _from_stdin() if args.password_stdin else ""
    password = Accounts().reset(args.name, given)
    return _say(args, {"name": args.name}, "" if given else password, tr("{name} has a new password", name=args.name))


def remove(args: argparse.Namespace) -> int:
    from workbench.accounts import Accounts
    from workbench.errors import AccountError
    from workbench.gate.admin import remove as take_out

    accounts = Accounts()
    name = accounts.find(args.name).name
    if not args.yes:
        if args.json or not sys.stdin.isatty():
            raise AccountError(name, "this erases all that the account has, and nobody is here to ask", "Add --yes")
        if input(tr("Erase {name} with all photos, adapters and pictures? Type the name: ", name=name)).strip() != name:
            print(tr("Nothing was changed."))
            return 1
    return _say(args, {"name": name, "removed": True}, "", take_out(accounts, name, name, "command"))


def _say(args: argparse.Namespace, result: dict[str, object], password: str, words: str) -> int:
    if args.json:
        print_json(result | ({"password": password} if password else {}))
    else:
        print(words + tr(".") + (tr(" Password, shown once: {password}", password=password) if password else ""))
    return 0


def _from_stdin() -> str:
    return sys.stdin.readline().rstrip("\n")


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M") if at else "never"
