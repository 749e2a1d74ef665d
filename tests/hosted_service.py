"""A stand-in for the hosted service, on this machine: it writes down every byte it gets."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import pytest
import standing_in
from PIL import Image

from workbench.generation.hosted import OFFLINE

KEY = "sk-test-0123456789"


class StandIn(ThreadingHTTPServer):
    """Answers as the service does; `answer` is (status, body)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.heard: list[dict[str, Any]] = []
        self.answer: tuple[int, dict[str, Any]] = (200, picture_answer())


class Handler(standing_in.Quiet):
    def do_POST(self) -> None:
        assert isinstance(self.server, StandIn)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.heard.append(
            {"path": self.path, "headers": {key.casefold(): value for key, value in self.headers.items()}, "body": body}
        )
        status, answer = self.server.answer
        self.answer(answer, status)


def picture_answer(colour: str = "teal") -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
    return {"created": 1, "data": [{"b64_json": base64.b64encode(buffer.getvalue()).decode()}]}


def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """The stand-in while it runs; the client is pointed to it, and no setting says to stay offline."""
    for name in OFFLINE:
        monkeypatch.delenv(name, raising=False)
    server = StandIn()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with standing_in.serving(server) as address:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{address}/v1")
        yield server
