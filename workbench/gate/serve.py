"""The gate as a server: its routes, and what every answer says to browsers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route, WebSocketRoute

from workbench.accounts import Accounts
from workbench.config import ROOT
from workbench.gate.app import Gate
from workbench.gate.door import Door
from workbench.gate.health import Health
from workbench.gate.language import Speaking
from workbench.gate.pages import Pages

LETTERS = ROOT / "ui" / "static" / "nunito-latin.woff2"


def make_gate(gate: Gate) -> Starlette:
    """The gate as an ASGI application."""
    pages = gate.pages

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(gate.sweep())
        yield
        sweeping.cancel()
        await pages.close()

    health = Health(pages)

    async def letters(request: Request) -> Response:
        return FileResponse(LETTERS, media_type="font/woff2", headers={"cache-control": "max-age=86400"})

    every = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]
    routes: list[Any] = [
        Route("/healthz", health.answer),
        Route("/gate/nunito.woff2", letters),
        Route("/login", gate.unguarded(gate.log_in), methods=["GET", "POST"]),
        Route("/logout", gate.unguarded(gate.log_out), methods=["POST"]),
        Route("/enter", gate.unguarded(gate.enter), methods=["GET"]),
        Route("/account", gate.guarded(gate.account), methods=["GET", "POST"]),
        Route("/admin", gate.guarded(gate.admin), methods=["GET"]),
        Route("/admin/{action}", gate.guarded(gate.admin), methods=["POST"]),
    ]
    if gate.door is not None:
        routes += gate.door.routes(pages)
    routes += [
        WebSocketRoute("/{path:path}", gate.socket),
        Route("/{path:path}", gate.guarded(gate.through), methods=every),
    ]
    app = Starlette(routes=routes, lifespan=life)
    app.add_middleware(Speaking, https=gate.https)
    app.add_middleware(_Headers, https=gate.https)
    return app


class _Headers:
    """Puts on every answer what a browser should hold to."""

    def __init__(self, app: Any, https: bool) -> None:
        self.app = app
        # With `no-referrer` browsers would hide the origin of our own forms, too.
        more = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin", "x-frame-options": "DENY"}
        more |= {"strict-transport-security": "max-age=31536000"} if https else {}
        self.headers = [(key.encode(), value.encode()) for key, value in more.items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def say(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self.headers]
            await send(message)

        await self.app(scope, receive, say)


def serve(address: str, port: int, cert: Path | None, key: Path | None, https: bool, most: int) -> None:
    """Serves until it is told to end.

    Args:
        cert, key: for TLS; None where a proxy before us speaks it, or on this computer only.
        https: whether browsers come over TLS, by us or by a proxy.
        most: pages at once.
    """
    import uvicorn

    gate = make_gate(Gate(Accounts(), Pages(most), Door.configured(https), https))
    uvicorn.run(
        gate, host=address, port=port, ssl_certfile=cert, ssl_keyfile=key, access_log=False, server_header=False,
        ws="websockets-sansio", ws_max_size=512 * 2**20, log_level="warning", timeout_graceful_shutdown=5,
        # On a busy server an answer may lie unread for a while; a window that is cut off begins anew.
        ws_ping_interval=30, ws_ping_timeout=120,
    )  # fmt: skip
