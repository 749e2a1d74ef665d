"""`python -m workbench.gate.page SCRIPT SOCKET`: serves a page on a unix socket, where only the gate can reach it."""

from __future__ import annotations

import os
import sys

from workbench.device import prepare_environment


def main(script: str, socket: str) -> None:
    """Serves until it is told to end.

    Args:
        script: the page's entry.
        socket: a path in a folder that only the server's user may enter.
    """
    prepare_environment()
    os.umask(0o077)  # what an owner keeps is for the server's user alone
    import uvicorn
    from streamlit.starlette import App

    uvicorn.run(
        App(script), uds=socket, access_log=False, log_config=None, server_header=False,
        ws="websockets-sansio", ws_max_size=512 * 2**20, ws_ping_interval=30, ws_ping_timeout=30,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:3])
