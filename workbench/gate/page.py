"""`python -m workbench.gate.page SCRIPT SOCKET [BELOW SECRETS]`: a page on a unix socket, for the gate alone."""

from __future__ import annotations

import os
import sys

from workbench.device import prepare_environment


def main(script: str, socket: str, below: str = "", secrets: str = "") -> None:
    """Serves until it is told to end.

    Args:
        script: the page's entry.
        socket: a path in a folder that only the server's user may enter.
        below: the first part of all its addresses; empty for none.
        secrets: the file that `st.login` reads; empty for none.
    """
    prepare_environment()
    os.umask(0o077)  # what an owner keeps is for the server's user alone
    import uvicorn
    from streamlit import config
    from streamlit.starlette import App

    if below:
        config.set_option("server.baseUrlPath", below)
    if secrets:
        config.set_option("secrets.files", [secrets])

    uvicorn.run(
        App(script), uds=socket, access_log=False, log_config=None, server_header=False,
        # The other end is the gate, on this computer: the system tells when it is gone.
        ws="websockets-sansio", ws_max_size=512 * 2**20, ws_ping_interval=None, ws_ping_timeout=None,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:5])
