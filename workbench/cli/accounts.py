"""`workbench accounts`: who may log in to the shared page."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from workbench.cli.output import Commands, Flags, print_json, print_table


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser("accounts", parents=[flags], help="who may log in to the shared page (ui --shared)")
    parser.set_defaults(run=list_all)
    actions = parser.add_subparsers(dest="action", metavar="action")
    actions.add_parser("list", parents=[flags], help="everyone").set_defaults(run=list_all)
    new = actions.add_parser("add", parents=[flags], help="make an account; its password is shown once")
    new.add_argument("name")
    new.add_argument("--role", choices=("owner", "admin"), default="owner", help="an admin sees no faces (owner)")
    new.add_argument("--email", default="", help="logs in at the OIDC provider with this address, without a password")
    new.add_argument("--password-stdin", action="store_true", help="take the password from standard input")
    new.set_defaults(run=add_one)
    for word, text in (("lock", "shut an account and log it out"), ("unlock", "open it again")):
        each = actions.add_parser(word, parents=[flags], help=text)
        each.add_argument("name")
        each.set_defaults(run=lock)
    reset = actions.add_parser("reset", parents=[flags], help="give a new password and log it out; the owner is told")
    reset.add_argument("name")
    reset.add_argument("--password-stdin", action="store_true", help="take the password from standard input")
    reset.set_defaults(run=reset_one)
    gone = actions.add_parser("remove", parents=[flags], help="take an account out and erase all that it has here")
    gone.add_argument("name")
    gone.add_argument("--yes", action="store_true", help="do not ask")
    gone.set_defaults(run=remove)


def list_all(args: argparse.Namespace) -> int:
    from workbench.accounts import Accounts

    found = Accounts().everyone()
    if args.json:
        print_json([asdict(each) for each in found])
        return 0
    if not found:
        print("Nobody yet: workbench accounts add NAME --role admin")
        return 0
    rows = [
        (each.name, each.role, each.email or "password", _when(each.seen), "locked" if each.locked else "")
        for each in found
    ]
    print_table([("name", "role", "logs in by", "last here", ""), *rows])
    return 0


def add_one(args: argparse.Namespace) -> int:
    from workbench.accounts import Accounts

    given = _from_stdin() if args.password_stdin else ""
    password = Accounts().add(args.name, args.role, given, args.email)
    return _say(args, {"name": args.name, "role": args.role}, "" if given else password, f"{args.name} may log in")


def lock(args: argparse.Namespace) -> int:
    from workbench.accounts import Accounts

    shut = args.action == "lock"
    Accounts().lock(args.name, shut)
    return _say(args, {"name": args.name, "locked": shut}, "", f"{args.name} is {args.action}ed")


def reset_one(args: argparse.Namespace) -> int:
    from workbench.accounts import Accounts

    given = _from_stdin() if args.password_stdin else ""
    password = Accounts().reset(args.name, given)
    return _say(args, {"name": args.name}, "" if given else password, f"{args.name} has a new password")


def remove(args: argparse.Namespace) -> int:
    from workbench.accounts import Accounts
    from workbench.errors import AccountError
    from workbench.gate.admin import remove as take_out

    accounts = Accounts()
    name = accounts.find(args.name).name
    if not args.yes:
        if args.json or not sys.stdin.isatty():
            raise AccountError(name, "this erases all that the account has, and nobody is here to ask", "Add --yes")
        if input(f"Erase {name} with all photos, adapters and pictures? Type the name: ").strip() != name:
            print("Nothing was changed.")
            return 1
    return _say(args, {"name": name, "removed": True}, "", take_out(accounts, name, name, "command"))


def _say(args: argparse.Namespace, result: dict[str, object], password: str, words: str) -> int:
    if args.json:
        print_json(result | ({"password": password} if password else {}))
    else:
        print(words + (f". Password, shown once: {password}" if password else "."))
    return 0


def _from_stdin() -> str:
    return sys.stdin.readline().rstrip("\n")


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M") if at else "never"
