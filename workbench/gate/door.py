"""The OIDC door: a small page of its own that shows people in with `st.login`, when a provider is configured.

    browser ─> /door/ ─> provider ─> /door/oauth2callback ─> ticket ─> /enter ─> session

The door has no workspace. What it gives is a ticket: good once, for a minute, in the browser that knocked, for the
account that an admin made with that email.
"""

from __future__ import annotations

import os
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from workbench.config import ROOT, SHARED, home
from workbench.errors import ConfigError, WorkbenchError
from workbench.gate.forward import forward, forward_socket
from workbench.gate.pages import Pages
from workbench.language import told_error
from workbench.privacy.keys import PASSPHRASE

SETTINGS = "WORKBENCH_OIDC"
BROWSER = "chibi_door"
SCRIPT = ROOT / "ui" / "door.py"


class Door:
    """Shows people in who are known to an OIDC provider.

    Args:
        settings: a TOML file with the `[auth]` section that `st.login` reads.
        https: whether browsers come over TLS.
    """

    KEY = "door"

    def __init__(self, settings: Path, https: bool = False) -> None:
        self.settings, self.https = settings, https

    @staticmethod
    def configured(https: bool = False) -> Door | None:
        """The door, when `$WORKBENCH_OIDC` or `.streamlit/secrets.toml` has an `[auth]` section.

        Raises:
            ConfigError: the file that was named cannot be read, or what `st.login` needs is not installed.
        """
        named = os.environ.get(SETTINGS, "")
        file = Path(named) if named else ROOT / ".streamlit" / "secrets.toml"
        try:
            found = "auth" in tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            if not named:
                return None
            raise ConfigError(named, "it cannot be read as TOML", f"Correct it, or unset {SETTINGS}") from error
        if not found:
            return None
        from importlib.util import find_spec

        if find_spec("authlib") is None:
            raise ConfigError("Login by a provider", "a package is missing", "pip install 'chibi-workbench[login]'")
        return Door(file.absolute(), https)

    def browser(self, connection: HTTPConnection) -> str:
        """What tells this browser from others while it is shown in."""
        return connection.cookies.get(BROWSER, "")

    def environment(self) -> Mapping[str, str]:
        given = {key: value for key, value in os.environ.items() if key != PASSPHRASE}
        return given | {SHARED: str(home())}

    def routes(self, pages: Pages) -> list[Any]:
        """The door's addresses: the only ones behind the gate that need no session."""

        async def page() -> Any:
            return await pages.get(self.KEY, self.environment, SCRIPT, home() / "door.log", "door", str(self.settings))

        async def through(request: Request) -> Response:
            try:
                response = await forward(request, await page())
            except WorkbenchError as error:
                return Response(told_error(error.thing, error.reason, error.way_out), 503, media_type="text/plain")
            if not self.browser(request):
                response.set_cookie(
                    BROWSER, secrets.token_urlsafe(32), max_age=900, httponly=True, samesite="lax", secure=self.https
                )
            return response

        async def socket(browser: WebSocket) -> None:
            async def always(active: bool) -> bool:
                return True

            await forward_socket(browser, await page(), always, "/login")

        methods = ["GET", "HEAD", "POST"]
        return [
            Route("/door", through, methods=methods),
            WebSocketRoute("/door/{path:path}", socket),
            Route("/door/{path:path}", through, methods=methods),
        ]
