"""Passes requests and the page's socket on to an owner's page. Nothing of the gate's own cookie goes along."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from workbench.gate.language import IN_ADDRESS
from workbench.gate.messages import language_of_page, read_window
from workbench.gate.pages import STARTING, Page
from workbench.language import tr

COOKIE = "chibi_session"
# Of one connection only (RFC 9110, 7.6.1); the length is counted anew.
_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_OURS = {"date", "server"}  # fmt: skip
_WATCH = 10.0  # s between two looks at whether a session is still good


async def forward(request: Request, page: Page) -> Response:
    """The page's answer to a request."""
    url = httpx.URL(scheme="http", host="page", path=request.url.path, query=request.url.query.encode())
    headers = [(key, value) for key, value in request.headers.items() if key not in (*_HOP, "cookie")]
    if cookies := _others_cookies(request.headers.get("cookie", "")):
        headers.append(("cookie", cookies))
    content = None if request.method in ("GET", "HEAD") else request.stream()
    try:
        asked = page.client.build_request(request.method, url, headers=headers, content=content)
        answer = await page.client.send(asked, stream=True)
    except httpx.HTTPError:
        return Response(tr("The page does not answer. Reload it."), 502, media_type="text/plain")

    response = StreamingResponse(answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose))
    response.raw_headers = [
        (key.lower(), value)
        for key, value in answer.headers.raw
        if key.decode("latin-1").lower() not in (*_HOP, *_OURS)
    ]
    if not request.url.path.startswith(("/static/", "/app/static/")):
        # A browser that keeps pictures would show them to the next person at the same computer.
        response.headers["cache-control"] = "private, no-store"
    return response


async def forward_socket(
    browser: WebSocket, page: Page, still_good: Callable[[bool], Awaitable[bool]], log_in: str
) -> None:
    """Joins a window with its page until one of them ends, or the session does.

    Args:
        still_good: whether the session is; told whether a person did something.
        log_in: where the window is sent when the session is over.
    """
    from websockets.asyncio.client import unix_connect
    from websockets.exceptions import WebSocketException
    from websockets.typing import Subprotocol

    wished = [each.strip() for each in browser.headers.get("sec-websocket-protocol", "").split(",") if each.strip()]
    headers = {"origin": browser.headers.get("origin", "")}
    if cookies := _others_cookies(browser.headers.get("cookie", "")):
        headers["cookie"] = cookies
    address = f"ws://{browser.headers.get('host', 'page')}{browser.url.path}"
    if browser.url.query:
        address += f"?{browser.url.query}"
    try:
        # No pings: a page that opens a base may be deaf for longer than one would wait for an answer, and the system
        # ends the socket of a process that has died. Opening may take as long for the same reason.
        async with unix_connect(
            str(page.socket), address, subprotocols=[Subprotocol(each) for each in wished] or None,
            additional_headers=headers, user_agent_header=None, compression=None, max_size=None, proxy=None,
            ping_interval=None, open_timeout=STARTING,
        ) as inner:  # fmt: skip
            await browser.accept(inner.subprotocol)
            page.open += 1
            try:
                await _join(browser, inner, page, still_good, log_in)
            finally:
                page.open -= 1
    except (WebSocketException, OSError):
        with suppress(RuntimeError, WebSocketDisconnect):  # the window is gone already
            await browser.close(1011)


async def send_away(browser: WebSocket, address: str) -> None:
    """Sends a window to another address, in the page's own language; then closes its socket."""
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    message = ForwardMsg()
    message.auth_redirect.url = address
    with suppress(RuntimeError, WebSocketDisconnect, OSError):  # the window is gone already
        await browser.send_bytes(message.SerializeToString())
        await browser.close(1000)


async def _join(browser: WebSocket, inner, page: Page, still_good, log_in: str) -> None:  # type: ignore[no-untyped-def]
    spoken = ""

    def away() -> str:
        # A page changes its language without asking for anything of the gate's, which has to know it now.
        return f"{log_in}&{IN_ADDRESS}={spoken}" if spoken and "?" in log_in else log_in

    async def up() -> None:
        nonlocal spoken
        while True:
            message = await browser.receive()
            if message["type"] == "websocket.disconnect":
                return
            data = message.get("bytes") or message.get("text") or b""
            said = read_window(data)
            spoken = said.language or spoken
            if not await still_good(said.by_a_person):
                return await send_away(browser, away())
            await inner.send(data)

    async def down() -> None:
        nonlocal spoken
        async for data in inner:
            spoken = language_of_page(data) or spoken
            await (browser.send_bytes(data) if isinstance(data, bytes) else browser.send_text(data))

    async def watch() -> None:
        while await still_good(False):
            await asyncio.sleep(_WATCH)
        await send_away(browser, away())

    tasks = [asyncio.create_task(each()) for each in (up, down, watch)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    with suppress(RuntimeError, WebSocketDisconnect):  # the window is gone already
        await browser.close()


def _others_cookies(header: str) -> str:
    """The cookies without the gate's: a page has no use for it."""
    parts = [part.strip() for part in header.split(";")]
    return "; ".join(part for part in parts if part and part.partition("=")[0].strip() != COOKIE)
