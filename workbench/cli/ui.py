"""`workbench ui`: opens the page, on this computer only."""

from __future__ import annotations

import argparse
import os
import sys

from workbench.cli.output import Commands, Flags, print_json


def add(commands: Commands, flags: Flags) -> None:
    parser = commands.add_parser("ui", parents=[flags], help="open the page, on this computer only")
    parser.add_argument("--port", type=int, default=8501, help="port of the page (8501)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from workbench.config import ROOT
    from workbench.errors import ConfigError

    if not 1 <= args.port <= 65535:
        raise ConfigError(f"Port {args.port}", "there is no such port", "Choose one from 1024 to 65535")
    app = ROOT / "ui" / "app.py"
    if not app.is_file():
        raise ConfigError(str(app), "the page is missing from this installation", "Install the workbench again")
    command = page_command(args.port)
    if args.json:
        print_json({"url": f"http://127.0.0.1:{args.port}", "command": command})
        sys.stdout.flush()
    # Streamlit looks for .streamlit/config.toml in the working folder.
    os.chdir(ROOT)
    os.execv(sys.executable, command)


def page_command(port: int) -> list[str]:
    """The command line that serves the page to this computer alone, without usage statistics."""
    from workbench.config import ROOT

    return [
        sys.executable, "-m", "streamlit", "run", str(ROOT / "ui" / "app.py"),
        "--server.address", "127.0.0.1", "--server.port", str(port), "--server.headless", "true",
        "--browser.gatherUsageStats", "false",
    ]  # fmt: skip
