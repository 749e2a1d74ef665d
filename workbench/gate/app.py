"""What is asked at the gate, and by whom."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.websockets import WebSocket

from workbench.accounts import ABSOLUTE, Account, Accounts, Owner, Tickets
from workbench.config import ROOT
from workbench.errors import WorkbenchError
from workbench.gate import admin, forms
from workbench.gate.door import BROWSER, Door
from workbench.gate.forward import COOKIE, forward, forward_socket, send_away
from workbench.gate.pages import Pages
from workbench.language import told_error, tr

SCRIPT = ROOT / "ui" / "app.py"
LARGEST_FORM = 10_000  # bytes
_FRESH = 2.0  # s that a session is believed without asking again
_SWEEP = 30.0  # s

Handler = Callable[[Request, Account], Awaitable[Response]]


class Gate:
    """Who is who, and where they may go.

    Args:
        accounts: of this server.
        pages: the owners' processes.
        door: the OIDC provider's page, None when no provider is configured.
        https: whether browsers come over TLS; the cookie is then for TLS only.
        script: what an owner's page runs.
    """

    def __init__(
        self, accounts: Accounts, pages: Pages, door: Door | None = None, https: bool = False, script: Path = SCRIPT
    ) -> None:
        self.accounts, self.pages, self.door, self.https, self.script = accounts, pages, door, https, script
        self._known: dict[str, tuple[float, bool, Account | None]] = {}

    async def who(self, connection: HTTPConnection, active: bool = True) -> Account | None:
        """Whose session a request bears; None without one."""
        token = connection.cookies.get(COOKIE, "")
        at, was_active, account = self._known.get(token, (0.0, False, None))
        if account is not None and time.monotonic() - at < _FRESH and (was_active or not active):
            return account
        account = await run_in_threadpool(self.accounts.session, token, active)
        if len(self._known) > 1000:
            self._known.clear()
        self._known[token] = (time.monotonic(), active, account)
        return account

    def forget_sessions(self) -> None:
        """After anything that ends sessions: nobody is believed without asking."""
        self._known.clear()

    async def log_in(self, request: Request) -> Response:
        over = "over" in request.query_params
        if request.method == "GET":
            if not over and await self.who(request) is not None:
                return RedirectResponse("/", 303)
            return forms.log_in_page(oidc=self.door is not None, over=over)
        form = await _form(request)
        address = request.client.host if request.client else ""
        try:
            account = await run_in_threadpool(
                self.accounts.log_in, form.get("name", ""), form.get("password", ""), address
            )
        except WorkbenchError as error:
            status = 429 if "too many" in error.reason else 401
            return forms.log_in_page(_sentence(error), form.get("name", ""), self.door is not None, status=status)
        return await self.let_in(account)

    async def let_in(self, account: Account) -> Response:
        """Opens a session. It is a new one each time: a token that was planted before the login is worth nothing."""
        token = await run_in_threadpool(self.accounts.open_session, account)
        response = RedirectResponse("/account" if account.reset else "/", 303)
        response.set_cookie(
            COOKIE, token, max_age=int(ABSOLUTE), httponly=True, samesite="lax", secure=self.https, path="/"
        )
        return response

    async def log_out(self, request: Request) -> Response:
        await run_in_threadpool(self.accounts.close_session, request.cookies.get(COOKIE, ""))
        self.forget_sessions()
        response = RedirectResponse("/login", 303)
        # What the browser holds of pictures and choices goes too; browsers do this for TLS and localhost only.
        response.headers["clear-site-data"] = '"cache", "storage"'
        response.delete_cookie(COOKIE, path="/")
        return response

    async def enter(self, request: Request) -> Response:
        """From the OIDC door: a ticket becomes a session, in the browser that it was made for."""
        if self.door is None:
            return RedirectResponse("/login", 303)
        try:
            account = await run_in_threadpool(
                Tickets(self.accounts.file).take, request.query_params.get("ticket", ""), self.door.browser(request)
            )
        except WorkbenchError as error:
            return forms.log_in_page(_sentence(error), oidc=True, status=401)
        response = await self.let_in(account)
        # What st.login keeps for 30 days would let the next person at this computer in.
        # They are sent to /door alone, so we cannot see which there are.
        for name in ("_streamlit_user", "_streamlit_user_tokens"):
            for each in (name, *(f"{name}_{part}" for part in range(1, 5))):
                response.delete_cookie(each, path="/door")
        response.delete_cookie(BROWSER, path="/")
        return response

    async def account(self, request: Request, account: Account) -> Response:
        error = ""
        if request.method == "POST":
            form = await _form(request)
            address = request.client.host if request.client else ""
            try:
                await run_in_threadpool(
                    self.accounts.change_password, account, form.get("old", ""), form.get("new", ""), address
                )
                self.forget_sessions()
                return await self.let_in(await run_in_threadpool(self.accounts.find, account.name))
            except WorkbenchError as found:
                error = _sentence(found)
        when = datetime.fromtimestamp(account.reset, UTC).strftime("%Y-%m-%d %H:%M UTC") if account.reset else ""
        return forms.account_page(account, error, when)

    async def admin(self, request: Request, account: Account) -> Response:
        if account.role != "admin":
            return RedirectResponse("/", 303)
        said = error = ""
        if request.method == "POST":
            action, form = request.path_params.get("action", ""), await _form(request)
            try:
                said = await run_in_threadpool(admin.act, self.accounts, action, form, account.name)
                if action in ("lock", "reset", "remove"):
                    self.forget_sessions()
                    known = {each.id for each in await run_in_threadpool(self.accounts.everyone) if not each.locked}
                    for key in set(self.pages.running()) - known - {Door.KEY}:
                        await self.pages.stop(key)
            except WorkbenchError as found:
                error = _sentence(found)
        here = {key for key, page in self.pages.running().items() if page.open}
        return await run_in_threadpool(admin.admin_page, self.accounts, account, here, said, error)

    async def through(self, request: Request, account: Account) -> Response:
        """Everything else is the owner's page."""
        if account.role == "admin":
            return RedirectResponse("/admin", 303)
        try:
            return await forward(request, await self._page(account))
        except WorkbenchError as error:
            return forms.page(tr("Chibi workbench"), forms.message(_sentence(error)), "/", status=503)

    async def socket(self, browser: WebSocket) -> None:
        """A window's connection to its page."""
        account = await self.who(browser) if _own_origin(browser) else None
        if account is None or account.role == "admin":
            await browser.accept(_first_protocol(browser))
            return await send_away(browser, "/login?over")

        async def still_good(active: bool) -> bool:
            now = await self.who(browser, active)
            return now is not None and now.id == account.id and now.role == account.role

        try:
            page = await self._page(account)
        except WorkbenchError:
            return await browser.close(1013)
        await forward_socket(browser, page, still_good, "/login?over")

    async def _page(self, account: Account) -> Any:
        owner = Owner.of(account.id)

        def environment() -> dict[str, str]:
            owner.prepare()
            return owner.environment(account.name)

        return await self.pages.get(account.id, environment, self.script, owner.folder / "page.log")

    def guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """A handler for those who are logged in; others are shown the way. Only our own pages may change anything."""

        async def asked(request: Request) -> Response:
            if request.method not in ("GET", "HEAD") and not _own_origin(request):
                return Response(tr("This was not asked for on our page."), 403, media_type="text/plain")
            account = await self.who(request)
            if account is not None:
                return await handler(request, account)
            if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
                return RedirectResponse("/login", 303)
            return Response(tr("Log in first."), 401, media_type="text/plain")

        return asked

    def unguarded(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """A handler for everyone; but only our own pages may post, so nobody is logged in as somebody else unawares."""

        async def asked(request: Request) -> Response:
            if request.method == "POST" and not _own_origin(request):
                return Response(tr("This was not asked for on our page."), 403, media_type="text/plain")
            return await handler(request)

        return asked

    async def sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            await self.pages.sweep()


def _own_origin(connection: HTTPConnection) -> bool:
    """Whether a browser says that the request comes from a page of ours (Origin, RFC 6454); required, not assumed."""
    origin, host = connection.headers.get("origin", ""), connection.headers.get("host", "")
    return bool(host) and origin.partition("://")[2] == host


def _first_protocol(browser: WebSocket) -> str | None:
    return browser.headers.get("sec-websocket-protocol", "").split(",")[0].strip() or None


async def _form(request: Request) -> dict[str, str]:
    from urllib.parse import parse_qsl

    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            return {}
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        return {}


def _sentence(error: WorkbenchError) -> str:
    return told_error(error.thing, error.reason, error.way_out)
