"""What a monitor is told: numbers without names, and the truth when the line of jobs is broken."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from starlette.requests import Request

from workbench.gate.health import Health
from workbench.gate.pages import Pages
from workbench.jobs import queue
from workbench.jobs.lanes import ONLY
from workbench.jobs.table import queue_file
from workbench.processes import mark


def ask(*healths: Health) -> list[tuple[int, dict[str, Any]]]:
    async def all_at_once() -> list[Any]:
        answers = await asyncio.gather(*(each.answer(Request({"type": "http"})) for each in healths))
        for each in healths:
            await each.pages.close()
        return answers

    return [(answer.status_code, json.loads(answer.body)) for answer in asyncio.run(all_at_once())]


def test_a_monitor_is_told_of_the_line_without_any_name() -> None:
    empty = {"waiting": 0, "running": 0, "unattended": 0, "failed": 0}
    assert ask(Health(Pages())) == [(200, {"status": "ok", "pages": 0, "line": empty})]
    queue.submit("training", "zkqzkq", {"settings": "secret words"}, owner="a" * 16)
    running = queue.claim(queue.submit("generation", "leo", {}, owner="b" * 16), ONLY)
    assert running is not None and queue.note_process(running, mark())
    failed = queue.claim(queue.submit("generation", "rose", {}, owner="b" * 16), ONLY)
    assert failed is not None and queue.end(failed, "failed", "a secret reason")
    ((status, told),) = ask(Health(Pages()))
    assert (status, told["line"]) == (200, {"waiting": 1, "running": 1, "unattended": 0, "failed": 1})
    text = json.dumps(told)
    assert not any(word in text for word in ("zkqzkq", "leo", "rose", "secret", "a" * 16, "b" * 16))


def test_a_broken_line_is_told_and_all_who_ask_at_once_hear_the_same() -> None:
    queue.submit("training", "mia", {})
    for path in queue_file().parent.glob("jobs.sqlite*"):
        path.write_bytes(os.urandom(4096)) if path == queue_file() else path.unlink()
    health = Health(Pages())
    answers = ask(*[health] * 5)
    assert answers == [(503, {"status": "the line of jobs cannot be read", "pages": 0, "line": None})] * 5
