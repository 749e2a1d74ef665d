"""The hosted comparison, against a stand-in on this machine that writes down every byte it gets."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hosted_service import KEY, StandIn, serving

from workbench.errors import GenerationError
from workbench.generation import hosted as module
from workbench.generation import picture_png, read_record
from workbench.generation.hosted import OFFLINE, draw_hosted, hosted_service

WORDS = "chibi of a person with curly hair, 公园"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    yield from serving(monkeypatch)


def test_words_are_sent_and_nothing_else(service: StandIn) -> None:
    made = draw_hosted(f"  {WORDS} ")
    assert made.image.size == (64, 64) and made.image.getpixel((0, 0)) == (0, 128, 128)
    [heard] = service.heard
    assert heard["path"] == "/v1/images/generations" and heard["headers"]["content-type"] == "application/json"
    sent = json.loads(heard["body"])
    assert sent == {"model": module.MODELS[0], "prompt": WORDS, "n": 1, "size": "1024x1024"}
    told = " ".join(f"{key}: {value}" for key, value in heard["headers"].items()).casefold()
    assert "x-stainless-os" not in told and "x-stainless-runtime" not in told
    record = read_record(picture_png(made))
    assert record["prompt"] == WORDS and record["adapters"] == [] and "127.0.0.1" in record["base"]
    assert "cannot be made again" in record["notes"][0]
    assert KEY.encode() not in picture_png(made)


def test_it_sends_once_even_when_it_fails(service: StandIn) -> None:
    service.answer = (500, {"error": {"message": "down"}})
    with pytest.raises(GenerationError, match="went wrong there"):
        draw_hosted(WORDS)
    assert len(service.heard) == 1


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"error": {"message": f"Incorrect API key: {KEY}"}}, "does not accept the key"),
        (429, {"error": {"message": "quota"}}, "used up"),
        (400, {"error": {"message": "against our policy."}}, "it refuses: against our policy"),
        (200, {"created": 1, "data": []}, "holds no picture"),
        (200, {"created": 1, "data": [{"url": "http://127.0.0.1:9/x.png"}]}, "holds no picture"),
        (200, {"created": 1, "data": [{"b64_json": base64.b64encode(b"no picture").decode()}]}, "is no picture"),
        (200, {"created": 1, "data": [{"b64_json": "%%%"}]}, "is no picture"),
    ],
)
def test_every_answer_that_is_no_picture_is_told_in_words(
    service: StandIn, status: int, body: dict[str, Any], words: str
) -> None:
    service.answer = (status, body)
    with pytest.raises(GenerationError, match=words) as told:
        draw_hosted(WORDS)
    assert KEY not in str(told.value) and len(service.heard) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        *((lambda env, name=name: env.setenv(name, "1"), f"stay offline \\({name}") for name in OFFLINE),
        (lambda env: env.delenv("OPENAI_API_KEY"), "there is no key"),
        (lambda env: env.setenv("OPENAI_BASE_URL", "http://example.org/v1"), "no https address"),
        (lambda env: env.setattr(module, "find_spec", lambda name: None), "not installed"),
    ],
)
def test_it_is_off_and_says_why(
    service: StandIn, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], None], words: str
) -> None:
    assert hosted_service().off == "" and hosted_service().host == "127.0.0.1"
    change(monkeypatch)
    with pytest.raises(GenerationError, match=words):
        draw_hosted(WORDS)
    assert hosted_service().off and service.heard == []


@pytest.mark.parametrize("words", ["", "  ", "x" * 2001])
def test_words_that_make_no_sense_are_not_sent(service: StandIn, words: str) -> None:
    with pytest.raises(GenerationError, match="empty or too long"):
        draw_hosted(words)
    assert service.heard == []
