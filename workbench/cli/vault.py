"""`workbench vault`: whether kept photos are encrypted, and changing it."""

from __future__ import annotations

import argparse
import getpass
import sys
from dataclasses import asdict

from workbench.cli.output import Commands, Flags, print_json
from workbench.language import told, tr


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser(
        "vault", parents=[flags], help=tr("say whether kept photos are encrypted; lock, unlock")
    )
    parser.set_defaults(run=status)
    actions = parser.add_subparsers(dest="action", metavar="action")
    actions.add_parser("status", parents=[flags], help=tr("how photos are kept")).set_defaults(run=status)
    lock = actions.add_parser("lock", parents=[flags], help=tr("encrypt all kept photos"))
    lock.add_argument("--key", choices=("keyring", "file", "passphrase"), default="", help=tr("where the key is kept"))
    lock.set_defaults(run=lock_all)
    unlock = actions.add_parser("unlock", parents=[flags], help=tr("make all kept photos ordinary files again"))
    unlock.add_argument("--yes", action="store_true", help=tr("do not ask"))
    unlock.set_defaults(run=unlock_all)


def status(args: argparse.Namespace) -> int:
    from workbench.privacy import vault_status

    found = vault_status()
    if args.json:
        print_json(asdict(found))
        return 0
    where = tr(", key: {key}", key=found.key) if found.key else ""
    state = tr("open") if found.open else tr("locked: a passphrase is needed")
    print(f"{tr(found.mode)}{where}, {state}")
    print(tr("{sealed} private files are encrypted, {plain} are not", sealed=found.sealed, plain=found.plain))
    print(told(f"{found.protection[:1].upper()}{found.protection[1:]}."))
    return 0


def lock_all(args: argparse.Namespace) -> int:
    from workbench.privacy import lock, read_vault

    known = read_vault()
    new = args.key == "passphrase" and (known is None or not known.id)
    return _say(args, lock(args.key, _new_passphrase() if new else ""), "encrypted")


def unlock_all(args: argparse.Namespace) -> int:
    from workbench.errors import VaultError
    from workbench.privacy import unlock

    if not args.yes:
        if args.json or not sys.stdin.isatty():
            raise VaultError("The vault", "this lays all kept photos open and nobody is here to ask", "Add --yes")
        if input(tr("Make all kept photos ordinary files? [y/N] ")).strip().lower() != "y":
            print(tr("Nothing was changed."))
            return 1
    return _say(args, unlock(), "plain")


def ask_passphrase() -> None:
    """Opens a vault that is locked with a passphrase, when a person is here to give it; else commands say so."""
    from workbench.privacy import is_open, open_with, read_vault

    state = read_vault()
    if state is not None and not is_open(state) and sys.stdin.isatty():
        open_with(getpass.getpass(tr("Passphrase of the vault: ")))


def _new_passphrase() -> str:
    import os

    from workbench.errors import VaultError
    from workbench.privacy.keys import PASSPHRASE

    if os.environ.get(PASSPHRASE):
        return os.environ[PASSPHRASE]
    if not sys.stdin.isatty():
        raise VaultError("The passphrase", "nobody is here to type it", f"Give it in ${PASSPHRASE}")
    first = getpass.getpass(tr("New passphrase: "))
    if getpass.getpass("Again: ") != first:
        raise VaultError("The passphrase", "the two are not the same", "Try again")
    return first


def _say(args: argparse.Namespace, changed: int, mode: str) -> int:
    if args.json:
        print_json({"mode": mode, "changed": changed})
    else:
        print(tr("The workspace is {mode}; {changed} files were changed.", mode=mode, changed=changed))
        print(tr("Older copies of them may still be on the disk, in snapshots and in backups."))
    return 0
