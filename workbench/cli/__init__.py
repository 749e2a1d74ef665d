"""The `workbench` command: every thing the page can do, for the terminal and for scripts.

One file per command, each with `add(commands)` that describes it and `run(args)` that does it. Only what a command
needs is imported, and only when it runs: `workbench --help` loads no model library.

Exit codes: 0 done, 1 the answer is no (photos that cannot be used, a run that failed, a machine that is not ready),
2 an error that was explained in one line, 130 interrupted.
"""

from __future__ import annotations

import argparse
import gettext
import os
import sys
from collections.abc import Sequence

from workbench import __version__
from workbench.cli import (
    accounts,
    adapters,
    check,
    compare,
    create,
    demo,
    doctor,
    forget,
    gallery,
    pack,
    plan,
    privacy,
    queue,
    report,
    runs,
    train,
    ui,
    vault,
)
from workbench.cli.output import print_json
from workbench.errors import WorkbenchError
from workbench.language import ENGLISH, language, speaking, told, told_error, tr
from workbench.language.catalogue import DOMAIN, FOLDER

COMMANDS = (
    check, plan, train, runs, queue, report, create, gallery, compare, pack, adapters, forget, privacy, vault, doctor,
    ui, accounts, demo,
)  # fmt: skip


def build_parser() -> argparse.ArgumentParser:
    """The whole command line, as argparse sees it."""
    # --json may stand before or after the command; SUPPRESS keeps the second from undoing the first.
    json_flag = argparse.ArgumentParser(add_help=False)
    json_flag.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help=tr("print the result as JSON, for scripts")
    )
    parser = argparse.ArgumentParser(
        prog="workbench",
        description=tr("Selfies in, chibi avatars out."),
        epilog=tr(
            "The shortest way: workbench check DIR; workbench train photos=DIR name=mia; workbench create -a mia"
        ),
        parents=[json_flag],
    )
    parser.add_argument(
        "--version", action="version", version=f"workbench {__version__}", help=tr("show the version and exit")
    )
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for command in COMMANDS:
        command.add(commands, json_flag)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: words after `workbench`; None takes the program's own.

    Returns:
        The exit code.
    """
    from workbench.device import prepare_environment

    _argparse_speaks()
    args = build_parser().parse_args(arguments)
    prepare_environment(brief=args.command != "ui")  # torch is imported by the commands, when they run
    args.json = getattr(args, "json", False)
    try:
        _in_good_hands(args)
        # Scripts read what `--json` says; people read the rest.
        with speaking(ENGLISH if args.json else language()):
            return int(args.run(args))
    except WorkbenchError as error:
        if args.json:
            print_json({"error": {"thing": error.thing, "reason": error.reason, "way_out": error.way_out}})
        print(f"workbench: {told_error(error.thing, error.reason, error.way_out)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"workbench: {tr('interrupted')}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has seen enough (`workbench adapters list | head`); Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _argparse_speaks() -> None:
    """argparse looks its own words up in the catalogue that the standard library's `gettext` is bound to."""
    if (code := language()) != ENGLISH:
        os.environ["LANGUAGE"] = code
        gettext.bindtextdomain(DOMAIN, FOLDER)
        gettext.textdomain(DOMAIN)


def _in_good_hands(args: argparse.Namespace) -> None:
    """Erases photos whose time is over, tells of it, and asks for the passphrase when the vault has one."""
    from workbench.cli.vault import ask_passphrase
    from workbench.config.layout import layout_of_workspace
    from workbench.privacy.retention import enforce_retention

    command = args.run.__module__.rpartition(".")[2]
    if command in ("forget", "privacy"):  # a dry run changes nothing, and what is known of old layouts can be erased
        layout_of_workspace()
    elif command != "doctor":  # which says what is wrong with the workspace, and goes on
        from workbench.jobs.layout import open_workspace

        for words in open_workspace():
            print(f"workbench: {told(words + '.')}", file=sys.stderr)
    for expired in enforce_retention():
        print(f"workbench: {told(f'{expired}.')}", file=sys.stderr)
    if command in ("check", "train", "runs", "queue", "vault"):
        ask_passphrase()
