"""What is fuzzed: everything that reads a file from a stranger. Each target takes bytes and may refuse them in words.

An input is made from a few good files by a generator that knows only its number, so every case can be made again.
"""

from __future__ import annotations

import io
import json
import random
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from workbench.errors import WorkbenchError

INTERESTING = (
    b"\x00",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x01\x00",
)


@dataclass(frozen=True)
class Target:
    """One reader.

    Args:
        seeds: makes the good files that inputs are bred from.
        words: pieces that this format is made of; they are sown in.
        read: raises nothing but `WorkbenchError`, whatever it is given.
    """

    seeds: Callable[[], list[bytes]]
    words: tuple[bytes, ...]
    read: Callable[[bytes], None]


def make_input(target: Target, number: int) -> bytes:
    """Input number so-and-so of a target; the first ones are the seeds themselves."""
    seeds = _seeds_of(target)
    if number < len(seeds):
        return seeds[number]
    rng = random.Random(number)
    data = bytearray(rng.choice(seeds))
    for _ in range(1 + min(rng.getrandbits(3), rng.getrandbits(3))):
        _change(rng, data, seeds, target.words)
    return _with_right_sums(bytes(data)) if data[:4] == b"\x89PNG" and rng.random() < 0.7 else bytes(data)


@cache
def _seeds_of(target: Target) -> list[bytes]:
    return target.seeds()


def _change(rng: random.Random, data: bytearray, seeds: list[bytes], words: tuple[bytes, ...]) -> None:
    place, length = rng.randrange(len(data) + 1), 1 + min(rng.randrange(64), rng.randrange(64))
    kind = rng.randrange(9)
    if kind == 0 and data:
        data[place % len(data)] ^= 1 << rng.randrange(8)
    elif kind == 1 and data:
        data[place % len(data)] = rng.randrange(256)
    elif kind == 2:
        data[place : place + length] = b""
    elif kind == 3:
        data[place:place] = data[place : place + length] * (1 + rng.randrange(4))
    elif kind == 4:
        data[place:place] = rng.randbytes(length)
    elif kind == 5:
        piece = rng.choice(INTERESTING)
        data[place : place + len(piece)] = piece
    elif kind == 6:
        piece = rng.choice(words)
        data[place : place + rng.choice((0, len(piece)))] = piece
    elif kind == 7:
        other = rng.choice(seeds)
        start = rng.randrange(len(other) + 1)
        data[place : place + length] = other[start : start + length * 8]
    elif rng.random() < 0.3:
        del data[place:]


def _with_right_sums(png: bytes) -> bytes:
    """Check sums set right, so that what was changed inside a PNG is looked at."""
    data, place = bytearray(png), 8
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        end = place + 8 + length
        if end + 4 > len(data):
            break
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[place + 4 : end]))
        place = end + 4
    return bytes(data)


def _pictures() -> list[bytes]:
    from pillow_heif import register_heif_opener

    register_heif_opener()
    colours = np.random.default_rng(0).integers(0, 255, (24, 20, 3), np.uint8)
    image = Image.fromarray(colours).resize((60, 72))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "phone"
    made = []
    for form, extra in (
        ("JPEG", {"exif": exif}), ("JPEG", {"progressive": True, "quality": 30}), ("PNG", {"exif": exif}),
        ("WEBP", {"exif": exif}), ("WEBP", {"lossless": True}), ("GIF", {}), ("HEIF", {"quality": 40}), ("AVIF", {}),
    ):  # fmt: skip
        buffer = io.BytesIO()
        image.save(buffer, form, **extra)
        made.append(buffer.getvalue())
    for mode in ("1", "L", "LA", "P", "RGBA", "I;16"):
        buffer = io.BytesIO()
        (Image.new(mode, (16, 16)) if mode == "I;16" else image.convert(mode)).save(buffer, "PNG")
        made.append(buffer.getvalue())
    buffer = io.BytesIO()
    image.convert("CMYK").save(buffer, "JPEG")
    return [*made, buffer.getvalue()]


def _read_photo(data: bytes) -> None:
    # In this process, not apart: a crash must be seen here.
    from workbench.photos.decode import KEPT_SIDE, decode_picture

    image, _ = decode_picture(data, "x.jpg")
    assert image.mode == "RGB" and max(image.size) <= KEPT_SIDE
    assert not image.info and not image.getexif()


def _adapters() -> list[bytes]:
    from safetensors.numpy import save

    from workbench.adapters.card import Card, card_metadata

    layer = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    weights = {
        f"{layer}.lora_A.weight": np.ones((2, 8), np.float32),
        f"{layer}.lora_B.weight": np.ones((8, 2), np.float32),
    }
    half = {key: value.astype(np.float16) for key, value in weights.items()}
    return [
        save(weights, card_metadata(Card(name="mia", trigger="zkq", traits={"hair_colour": "brown"}))),
        save(half, {"ss_sd_model_name": "v1-5", "ss_resolution": "(512, 512)", "format": "pt"}),
        save({"a": np.float64(3)[None], "b": np.arange(6, dtype=np.float32).reshape(2, 3)}),
    ]


def _read_header(data: bytes) -> None:
    from safetensors.numpy import load

    from workbench.adapters.header import read_header

    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        path = Path(folder) / "x.safetensors"
        path.write_bytes(data)
        header = read_header(path)
    # What is believed is also what the safetensors library reads.
    if all(tensor.dtype in ("F32", "F16") for tensor in header.tensors.values()):
        assert {key: each.shape for key, each in header.tensors.items()} == {k: v.shape for k, v in load(data).items()}


def _cards() -> list[bytes]:
    from workbench.adapters.card import CARD_KEY, Card, card_metadata

    own = card_metadata(
        Card(name="mia", trigger="zkq", scores={"likeness": 0.5}, example_prompts=["chibi"], parents=["a × 1"])
    )
    other = {"modelspec.title": "Mia", "modelspec.resolution": "512x512", "ss_resolution": "(512, 512)"}
    return [json.dumps(table, ensure_ascii=False).encode() for table in (own, other, {CARD_KEY: own[CARD_KEY]})]


def _read_card(data: bytes) -> None:
    from workbench.adapters.card import CARD_KEY, card_from_metadata, card_metadata, thumbnail_bytes

    text = data.decode("utf-8", "replace")
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        table = None
    strings = (
        {str(k): v if isinstance(v, str) else json.dumps(v) for k, v in table.items()}
        if isinstance(table, dict)
        else {}
    )
    # The whole input as a card too: what is in the file's metadata is text by text already.
    for metadata in (strings, {CARD_KEY: text}, {CARD_KEY: strings.get(CARD_KEY, "")}):
        card = card_from_metadata(metadata, "x")
        if card is not None:
            thumbnail_bytes(card)
            card_metadata(card)


def _zips() -> list[bytes]:
    adapter = _adapters()[0]
    made = []
    for form in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", form) as archive:
            archive.writestr("mia.safetensors", adapter)
            archive.writestr("README.md", "words")
            archive.writestr("samples/1.png", _pictures()[2])
        made.append(buffer.getvalue())
    return made


def _read_zip(data: bytes) -> None:
    from workbench.adapters.share import unpack_adapter

    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        inside = Path(folder) / "shelf"
        try:
            unpack_adapter(data, "mia", inside)
        finally:
            assert {path.name for path in Path(folder).iterdir()} <= {"shelf"}, "something was written elsewhere"


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


_PHOTO_WORDS = (b"Exif\0\0", b"IHDR", b"acTL", b"iCCP", b"tEXt", b"VP8X", b"ftyp", b"\xff\xd8", b"GIF89a")
_HEADER_WORDS = (
    b'"dtype":"F32"', b'"shape":[', b"-1", b"1e999", b"NaN", b"18446744073709551616", b"{", b"}", b"[", b"null",
    b'"__metadata__":', b'"a":',
)  # fmt: skip
_CARD_WORDS = (
    b"{", b"[", b'"', b"\\u0000", b"\\ud800", b"NaN", b"Infinity", b"1e400", b"null", b'"scores":{', b"<script>",
    b"data:image/png;base64,",
)  # fmt: skip
_ZIP_WORDS = (b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"../", b"/etc/", b"\\", b".pt", b".safetensors")

TARGETS = {
    "photo": Target(_pictures, _PHOTO_WORDS, _read_photo),
    "header": Target(_adapters, _HEADER_WORDS, _read_header),
    "card": Target(_cards, _CARD_WORDS, _read_card),
    "zip": Target(_zips, _ZIP_WORDS, _read_zip),
}


def try_input(name: str, data: bytes) -> bool:
    """Gives an input to a target.

    Returns:
        Whether it was taken; False when it was refused in words.

    Raises:
        Exception: what should not have happened.
    """
    try:
        TARGETS[name].read(data)
    except WorkbenchError as error:
        assert error.reason and error.way_out
        return False
    return True
