"""A PNG carries its record both ways, and a record from a stranger is only believed where it makes sense."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from workbench.errors import GenerationError
from workbench.generation import Picture, parameters_text, picture_png, read_record, request_from_record
from workbench.generation.record import RECORD_KEY

RECORD: dict[str, Any] = {
    "format": 1,
    "prompt": "chibi of zkq person, 微笑",
    "negative": "sad\nangry",
    "seed": 2**32 - 1,
    "steps": 20,
    "guidance": 4.0,
    "guidance_rescale": 0.5,
    "size": 16,
    "adapters": [{"name": "米娅", "strength": 0.8, "sha256": "ab" * 32}],
    "base": "chibi-mini",
    "base_fingerprint": "cd" * 32,
    "scheduler": "DDIMScheduler",
    "device": "cpu",
    "dtype": "float32",
    "created": "2026-01-02T03:04:05+00:00",
    "versions": {"workbench": "0.1.0"},
    "notes": ["cut"],
}
PICTURE = Picture(Image.new("RGB", (16, 16), "teal"), RECORD)


def png(table: Any, raw: bool = False) -> bytes:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(RECORD_KEY, table if raw else json.dumps(table))
    buffer = io.BytesIO()
    PICTURE.image.save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def test_a_record_survives_the_png(tmp_path: Path) -> None:
    content = picture_png(PICTURE)
    assert content == picture_png(PICTURE)
    (tmp_path / "x.png").write_bytes(content)
    assert read_record(content) == read_record(tmp_path / "x.png") == RECORD
    with Image.open(io.BytesIO(content)) as image:
        assert image.tobytes() == PICTURE.image.tobytes()
        assert image.text["parameters"] == parameters_text(RECORD)


def test_other_tools_read_the_parameters() -> None:
    assert parameters_text(RECORD).splitlines() == [
        "chibi of zkq person, 微笑 <lora:米娅:0.8>",
        "Negative prompt: sad",
        "angry",
        "Steps: 20, Sampler: DDIMScheduler, CFG scale: 4.0, Seed: 4294967295, Size: 16x16, Model hash: cdcdcdcdcd, "
        'Model: chibi-mini, Lora hashes: "米娅: abababababab", Version: chibi-workbench 0.1.0',
    ]


def test_a_request_comes_back() -> None:
    request = request_from_record(RECORD | {"size": 64}, count=4)
    assert (request.prompt, request.negative, request.count) == (RECORD["prompt"], RECORD["negative"], 4)
    assert request.adapters == (("米娅", 0.8),)


@pytest.mark.parametrize(
    "table",
    [
        RECORD | {"steps": 10**9},
        RECORD | {"seed": "1"},
        RECORD | {"size": 10**6},
        RECORD | {"prompt": ["x"]},
        RECORD | {"prompt": "x" * 10**5},
        RECORD | {"guidance": 1e308},
        RECORD | {"adapters": [{"name": "a", "strength": 99}]},
        RECORD | {"adapters": {"name": "a"}},
        RECORD | {"versions": "x"},
        {key: value for key, value in RECORD.items() if key != "prompt"},
        RECORD | {"prompt": "half a letter: \ud800"},
        [],
        "text",
        None,
    ],
)
def test_a_record_that_makes_no_sense_is_refused(table: Any) -> None:
    with pytest.raises(GenerationError, match="record"):
        read_record(png(table))


def test_what_is_added_to_a_record_is_dropped() -> None:
    read = read_record(png(RECORD | {"path": "/etc/passwd", "base": "x" * 9000, "guidance_rescale": 7}))
    assert "path" not in read and len(read["base"]) == 200 and read["guidance_rescale"] == 1.0


def test_files_without_a_record(tmp_path: Path) -> None:
    plain = io.BytesIO()
    PICTURE.image.save(plain, "PNG")
    jpeg = io.BytesIO()
    PICTURE.image.save(jpeg, "JPEG")
    for content, reason in (
        (plain.getvalue(), "does not carry a record"),
        (jpeg.getvalue(), "not a PNG"),
        (picture_png(PICTURE)[:60], "not a PNG"),
        (b"", "not a PNG"),
        (png("[" * 100_000, raw=True), "cannot be read"),
        (png("{" + " " * 300_000 + "}", raw=True), "does not carry a record"),
    ):
        with pytest.raises(GenerationError, match=reason):
            read_record(content)
    with pytest.raises(GenerationError, match="not a PNG"):
        read_record(tmp_path / "gone.png")
