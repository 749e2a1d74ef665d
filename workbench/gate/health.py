"""What a monitor asks a shared server: whether it works, in numbers. There is no login, so there are no names."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from workbench.errors import StorageError
from workbench.gate.pages import Pages
from workbench.jobs.health import LineHealth, line_health

# Anybody may ask, and as often as they like: the line is read once in so many seconds.
_FRESH = 5.0


class Health:
    """The answer to `GET /healthz`.

        {"status": "ok", "pages": 3, "line": {"waiting": 1, "running": 1, "unattended": 0, "failed": 2}}

    Status 200 with `ok`, else 503 with `the line of jobs cannot be read`, and null for the line.

    Args:
        pages: of this server.
    """

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self._line: LineHealth | None = None
        self._read = float("-inf")
        self._reading = asyncio.Lock()

    async def answer(self, request: Request) -> Response:
        async with self._reading:
            if time.monotonic() - self._read > _FRESH:
                self._line = await run_in_threadpool(_line)
                self._read = time.monotonic()
        content: dict[str, Any] = {"status": "ok", "pages": len(self.pages.running())}
        if self._line is None:
            return JSONResponse(content | {"status": "the line of jobs cannot be read", "line": None}, 503)
        return JSONResponse(content | {"line": asdict(self._line)})


def _line() -> LineHealth | None:
    try:
        return line_health()
    except StorageError:
        return None
