"""One process for each owner's page: started at the first request, stopped when nobody looks."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from workbench.config import ROOT
from workbench.errors import JobError

STARTING = 120.0  # s; a busy machine takes its time
IDLE = 15 * 60.0  # s without a request or an open window


@dataclass
class Page:
    """A running page.

    Args:
        process: it leads a session of its own.
        socket: where it listens.
        client: what asks it; connections are kept, a new one for each request would cost more than most answers.
        open: windows that are connected now.
        used: when it was last asked for something, in seconds of the monotonic clock.
    """

    process: subprocess.Popen[bytes]
    socket: Path
    client: httpx.AsyncClient
    open: int = 0
    used: float = field(default_factory=time.monotonic)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None


def _client(socket: Path) -> httpx.AsyncClient:
    # verify=False: there is no TLS on a unix socket, and reading the certificates takes 20 ms.
    # Each request has a connection of its own: both sides would keep one for five seconds, and a busy page closes it
    # just when the next request is sent. On a socket of this machine a new one costs nothing.
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=0)
    transport = httpx.AsyncHTTPTransport(uds=str(socket), verify=False, limits=limits)
    return httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(600, connect=10), trust_env=False)


class Pages:
    """The pages that run now.

    Args:
        most: how many at once; each takes about 150 MB, and as much as its base when it draws.
        idle: seconds after which an unused one is stopped. A training is a process of its own and goes on.
    """

    def __init__(self, most: int = 32, idle: float = IDLE) -> None:
        self.most, self.idle = most, idle
        self._running: dict[str, Page] = {}
        self._starting: dict[str, asyncio.Lock] = {}
        # Nobody else on this machine may enter, so nobody else can reach a page without the gate.
        self._folder = Path(tempfile.mkdtemp(prefix="chibi-gate-"))

    async def get(
        self, key: str, environment: Callable[[], Mapping[str, str]], script: Path, log: Path, *more: str
    ) -> Page:
        """The page of a key, started when it does not run.

        Args:
            environment: what to start it with; also makes the owner's folders.
            log: where its output goes: an owner's page tells nothing to others.
            more: words for `page.py`: below which address it is, and a file of secrets.

        Raises:
            JobError: too many run, or it does not start.
        """
        async with self._starting.setdefault(key, asyncio.Lock()):
            page = self._running.get(key)
            if page is None or not page.alive:
                page = await self._start(key, environment(), script, log, *more)
            page.used = time.monotonic()
            return page

    async def _start(
        self, key: str, environment: Mapping[str, str], script: Path, log: Path, *more: str
    ) -> Page:  # fmt: skip
        await self.sweep()
        if len(self._running) >= self.most:
            raise JobError("The server", "too many people are here", "Come back in a quarter of an hour")
        socket = self._folder / key
        socket.unlink(missing_ok=True)
        command = [sys.executable, "-m", "workbench.gate.page", str(script), str(socket), *more]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        page = self._running[key] = Page(process, socket, _client(socket))
        end, health = time.monotonic() + STARTING, "/".join(["http://page", *more[:1], "_stcore/health"])
        while time.monotonic() < end and page.alive:
            with suppress(httpx.HTTPError):  # it does not listen yet
                if (await page.client.get(health, timeout=5)).status_code == 200:
                    return page
            await asyncio.sleep(0.1)
        await self.stop(key)
        raise JobError("Your page", "it did not start", "Try again, or tell an admin")

    async def sweep(self) -> None:
        """Stops pages that nobody has used for a while, and forgets those that ended."""
        for key, page in list(self._running.items()):
            if not page.alive or (page.open == 0 and time.monotonic() - page.used > self.idle):
                await self.stop(key)

    async def stop(self, key: str) -> None:
        """Stops a page; what it had in memory, an opened vault for example, is gone."""
        page = self._running.pop(key, None)
        if page is None:
            return
        if page.alive:
            page.process.send_signal(signal.SIGTERM)
            for _ in range(30):
                if not page.alive:
                    break
                await asyncio.sleep(0.1)
            else:
                page.process.kill()
                page.process.wait(10)
        await page.client.aclose()
        page.socket.unlink(missing_ok=True)

    def running(self) -> dict[str, Page]:
        """The pages by key."""
        return dict(self._running)

    async def close(self) -> None:
        """Stops all of them."""
        for page in self._running.values():  # all at once first: waiting comes after
            if page.alive:
                page.process.send_signal(signal.SIGTERM)
        for key in list(self._running):
            await self.stop(key)
        shutil.rmtree(self._folder, ignore_errors=True)
