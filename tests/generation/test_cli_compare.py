"""`workbench compare` on a tiny base: words alone beside the adapter, and a hosted service only for who says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hosted_service import StandIn, serving
from tiny_adapter import make_adapter

from workbench.cli import main
from workbench.config import shelf
from workbench.gallery import Gallery
from workbench.generation import read_record


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    yield from serving(monkeypatch)


@pytest.fixture
def drawn(base: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """A picture of the gallery, drawn with an adapter."""
    shelf().mkdir(parents=True, exist_ok=True)
    make_adapter(shelf() / "mia.safetensors", base, seed=1, traits={"hair_style": "wavy", "hair_colour": "chestnut"})
    words = ["-a", "mia", "--expression", "sad", "--count", "1", "--seed", "5", "--steps", "2", "--base", str(base)]
    assert main(["create", *words, "--json"]) == 0
    made: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return str(made[0]["id"])


def compare(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> Any:
    assert main(["compare", *map(str, words), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_the_same_from_words_alone(drawn: str, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = compare(capsys, drawn[-6:], "--base", base, "--out", tmp_path)
    with_adapter, plain = told["pictures"]
    assert told["words"] == "chibi of a person with long wavy chestnut hair, sad" == plain["record"]["prompt"]
    assert [each["way"] for each in told["pictures"]] == ["with the adapter", "words alone"]
    assert plain["record"]["adapters"] == [] and plain["record"]["seed"] == 5 == with_adapter["record"]["seed"]
    assert read_record(tmp_path / "2-words-alone.png") == Gallery().get(plain["id"]).record | {"format": 1}
    # from a file, with words of one's own
    file = tmp_path / "1-with-the-adapter.png"
    told = compare(capsys, file, "--base", base, "--words", "chibi of a person")
    assert told["pictures"][1]["record"]["prompt"] == "chibi of a person" and told["pictures"][0]["path"] == str(file)
    assert main(["compare", drawn, "--base", str(base)]) == 0
    assert "words alone, the same base and seed: " in capsys.readouterr().out


def test_nothing_is_sent_unless_somebody_says_yes(
    drawn: str, base: Path, service: StandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = Gallery().count()
    told = compare(capsys, drawn, "--base", base, "--hosted", code=2)
    assert told["error"]["reason"] == "nobody said that they may be sent"
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda: "")
    assert main(["compare", drawn, "--base", str(base), "--hosted"]) == 2
    said = capsys.readouterr().err
    assert "LEAVES THIS COMPUTER, to 127.0.0.1" in said and "wavy chestnut hair" in said
    assert not service.heard and Gallery().count() == count, "nothing was sent, and nothing was drawn before that"
    monkeypatch.setattr("builtins.input", lambda: "y")
    assert main(["compare", drawn, "--base", str(base), "--hosted"]) == 0
    assert len(service.heard) == 1 and "the words left this computer" in capsys.readouterr().out


def test_the_hosted_service_gets_words_only(
    drawn: str, base: Path, service: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    told = compare(capsys, drawn, "--base", base, "--hosted", "--yes", "--model", "some-model")
    [heard] = service.heard
    sent = json.loads(heard["body"])
    assert (
        sent["prompt"] == told["words"]
        and sent["model"] == "some-model"
        and set(sent) == {"model", "prompt", "n", "size"}
    )
    hosted = told["pictures"][2]
    assert hosted["way"] == "hosted service" and "127.0.0.1" in hosted["record"]["base"]


def test_off_is_told(drawn: str, base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = compare(capsys, drawn, "--base", base, "--hosted", "--yes", code=2)
    assert "stay offline" in told["error"]["reason"]
    assert compare(capsys, "nothing-like-it", code=2)["error"]["thing"].startswith("Picture")
