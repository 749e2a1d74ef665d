"""`workbench ui`: opens the page, on this computer only; `--shared` serves it to several people who log in."""

from __future__ import annotations

import argparse
import ipaddress
import os
import sys
from pathlib import Path

from workbench.cli.output import Commands, Flags, print_json
from workbench.language import tr


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser("ui", parents=[flags], help=tr("open the page, on this computer only"))
    parser.add_argument("--port", type=int, default=8501, help=tr("port of the page (8501)"))
    shared = parser.add_argument_group(tr("for several people (docs/shared-server.md)"))
    shared.add_argument("--shared", action="store_true", help=tr("people log in; each sees only what is theirs"))
    shared.add_argument(
        "--address", default="127.0.0.1", help=tr("where to listen; others than this computer need TLS")
    )
    shared.add_argument("--cert", type=Path, help=tr("certificate (PEM)"))
    shared.add_argument("--key", type=Path, help=tr("its key (PEM)"))
    shared.add_argument("--https", action="store_true", help=tr("a proxy on this computer speaks TLS for us"))
    shared.add_argument("--most", type=int, default=32, help=tr("people's pages at once, about 150 MB each (32)"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from workbench.config import ROOT
    from workbench.errors import ConfigError

    if not 1 <= args.port <= 65535:
        raise ConfigError(f"Port {args.port}", "there is no such port", "Choose one from 1024 to 65535")
    app = ROOT / "ui" / "app.py"
    if not app.is_file():
        raise ConfigError(str(app), "the page is missing from this installation", "Install the workbench again")
    if args.shared:
        return run_shared(args)
    if args.address != "127.0.0.1" or args.cert or args.key or args.https:
        raise ConfigError("Without --shared", "there is no login, so only this computer is served", "Add --shared")
    command = page_command(args.port)
    if args.json:
        print_json({"url": f"http://127.0.0.1:{args.port}", "command": command})
        sys.stdout.flush()
    # Streamlit looks for .streamlit/config.toml in the working folder.
    os.chdir(ROOT)
    os.execv(sys.executable, command)


def run_shared(args: argparse.Namespace) -> int:
    """Serves the gate.

    Raises:
        ConfigError: nobody could log in, or passwords would cross a network in the open.
    """
    from workbench.accounts import Accounts
    from workbench.errors import ConfigError

    if (args.cert is None) != (args.key is None):
        raise ConfigError("--cert and --key", "one of them is missing", "Give both")
    for file in (args.cert, args.key):
        if file is not None and not file.is_file():
            raise ConfigError(str(file), "there is no such file", "Check the path")
    if not _is_here(args.address) and args.cert is None:
        reason = tr("passwords and photos would cross the network in the open")
        raise ConfigError(args.address, reason, "Give --cert and --key, or let a proxy on this computer speak TLS")
    if not Accounts().everyone():
        raise ConfigError("The shared page", "nobody can log in yet", "workbench accounts add NAME --role admin")
    https = bool(args.cert) or args.https
    shown = f"[{args.address}]" if ":" in args.address else args.address
    url = f"http{'s' if args.cert else ''}://{shown}:{args.port}"
    if args.json:
        print_json({"url": url})
    else:
        print(tr("Shared page: {url}. Ctrl-C ends it; trainings go on.", url=url))
    sys.stdout.flush()
    from workbench.gate import serve

    serve(args.address, args.port, args.cert, args.key, https, args.most)
    return 0


def page_command(port: int) -> list[str]:
    """The command line that serves the page to this computer alone, without usage statistics."""
    from workbench.config import ROOT

    return [
        sys.executable, "-m", "streamlit", "run", str(ROOT / "ui" / "app.py"),
        "--server.address", "127.0.0.1", "--server.port", str(port), "--server.headless", "true",
        "--browser.gatherUsageStats", "false",
    ]  # fmt: skip


def _is_here(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
