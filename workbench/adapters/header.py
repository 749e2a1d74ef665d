"""The header of a safetensors file, checked before any weight is read.

A safetensors file is 8 bytes of header length (little endian), a JSON header that names each tensor's dtype, shape
and place, and the tensors' bytes back to back (https://huggingface.co/docs/safetensors). Nothing in it can run code,
but a broken or hostile file can still claim a header of terabytes or tensors outside the file: every claim is
checked here, without torch, so that looking at a shelf of adapters is quick and safe.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from workbench.errors import AdapterError
from workbench.processes import strangers_json

MAX_HEADER = 25 * 2**20  # the largest headers seen in shared adapters (tag statistics, thumbnails) are a few MB
MAX_FILE = 4 * 2**30  # an adapter of rank 128 on the largest families is about 2 GB
MAX_TENSORS = 20_000
BYTES = {"F32": 4, "F16": 2, "BF16": 2}
SCALAR_BYTES = BYTES | {"F64": 8, "I64": 8, "I32": 4}  # what exporters write for a scalar alpha
PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle")
FRESH_COPY = "Fetch the file again, or ask whoever made it for a fresh copy"


@dataclass(frozen=True)
class TensorInfo:
    """A tensor as the header describes it; `start` and `end` count bytes from the start of the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Header:
    """A checked header: `metadata` is text by text, `tensors` lie inside the file, back to back, nothing between."""

    metadata: dict[str, str]
    tensors: dict[str, TensorInfo]
    data_start: int
    size: int


def read_header(path: Path) -> Header:
    """Reads and checks a safetensors header; no tensor is touched.

    Raises:
        AdapterError: the file is missing, of another format, truncated, or its header lies.
    """
    path = Path(path)
    refuse_pickle(path.name)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _checked(file, size, path.name)
    except FileNotFoundError:
        raise AdapterError(path.name, "there is no such file", "Look at the shelf for the adapters there are") from None
    except OSError as error:
        raise AdapterError(path.name, f"it cannot be read ({error.strerror})", "Check its permissions") from error


def refuse_pickle(name: str) -> None:
    """Raises AdapterError when a file's name says that it is a pickle, which can run code when opened."""
    if Path(name).suffix.lower() in PICKLES:
        raise AdapterError(
            name,
            f"a {Path(name).suffix} file can run code when it is opened, so it is not read",
            "Ask for the adapter as .safetensors",
        )
    if Path(name).suffix.lower() != ".safetensors":
        raise AdapterError(name, "an adapter is a .safetensors file", "Choose a file that ends in .safetensors")


def _checked(file: BinaryIO, size: int, name: str) -> Header:
    def bad(reason: str, way_out: str = FRESH_COPY) -> AdapterError:
        return AdapterError(name, reason, way_out)

    start = file.read(8)
    if len(start) < 8:
        raise bad("the file is cut off: it is too short to be an adapter")
    if size > MAX_FILE:
        raise bad(f"it is {size / 2**30:.1f} GB, larger than any adapter", "Choose an adapter, not a whole model")
    (length,) = struct.unpack("<Q", start)
    # A header of, say, 640 bytes begins with the same 0x80 as a pickle: only an impossible length tells them apart.
    if length > MAX_HEADER and (start[:2] == b"PK" or start[:1] == b"\x80"):
        raise bad("inside it is a pickle, which can run code when it is opened", "Ask for it as a real .safetensors")
    if length > MAX_HEADER:
        raise bad("its first bytes are not those of a safetensors file (the header would be far too long)")
    if 8 + length > size:
        raise bad("the file is cut off inside its header")
    try:
        header = strangers_json(file.read(length).decode("utf-8"), _no_duplicates)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise bad(f"its header cannot be read ({str(error)[:120]})") from None
    if not isinstance(header, dict):
        raise bad("its header is not a table of tensors")

    metadata = header.pop("__metadata__", None) or {}
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise bad("its metadata is not text by text")
    if not header:
        raise bad("there is no weight in it")
    if len(header) > MAX_TENSORS:
        raise bad(f"it lists {len(header)} tensors, more than any adapter", "Choose an adapter, not a whole model")
    data_start = 8 + length
    tensors = {key: _tensor(key, entry, data_start, size, bad) for key, entry in header.items()}
    end = data_start
    for key, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)):
        if tensor.start != end:
            raise bad(f"the place of its weight {key!r} overlaps another or leaves a hole")
        end = tensor.end
    if end != size:
        raise bad("the file is longer than its header says")
    return Header(metadata, tensors, data_start, size)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a name appears twice")
    return table


def _tensor(key: str, entry: Any, data_start: int, size: int, bad: Any) -> TensorInfo:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise bad(f"its weight {key!r} is described wrongly")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not _whole_numbers(shape) or len(shape) > 4 or not _whole_numbers(offsets) or len(offsets) != 2:
        raise bad(f"its weight {key!r} has an impossible shape or place")
    sizes = SCALAR_BYTES if math.prod(shape) == 1 else BYTES
    if dtype not in sizes:
        raise bad(
            f"its weight {key!r} is stored as {dtype!s:.20}, and only F32, F16 and BF16 are read",
            "Convert it to F16 or F32 with the tool that made it",
        )
    start, end = data_start + offsets[0], data_start + offsets[1]
    if end > size:
        raise bad(f"the file is cut off: its weight {key!r} ends beyond the end of the file")
    if end - start != math.prod(shape) * sizes[dtype]:
        raise bad(f"its weight {key!r} has not the length that its shape asks for")
    return TensorInfo(dtype, tuple(shape), start, end)


def _whole_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 2**53 for item in value)


def non_finite(path: Path, header: Header) -> Iterator[str]:
    """Yields the names of tensors that hold NaN or infinity, reading each once.

    A float is NaN or infinite when all the bits of its exponent are set; looking at the bits works for BF16 as well,
    which numpy has no type for.
    """
    exponents = {"F32": ("<u4", 0x7F800000), "F16": ("<u2", 0x7C00), "BF16": ("<u2", 0x7F80)}
    with path.open("rb") as file:
        for key, tensor in header.tensors.items():
            if tensor.dtype in exponents:
                dtype, mask = exponents[tensor.dtype]
                file.seek(tensor.start)
                bits = np.frombuffer(file.read(tensor.end - tensor.start), dtype=dtype)
                if bool(((bits & mask) == mask).any()):
                    yield key


def check_sum(path: Path, header: Header) -> None:
    """Compares a file's numbers with the hash that it gives of itself, where it gives one.

    Raises:
        AdapterError: the file was altered, or damaged on its way or by its disk.
    """
    stored = header.metadata.get("modelspec.hash_sha256", "").lower()
    if stored and stored != data_sha256(path, header):
        raise AdapterError(
            path.name, "its weights are not those it was saved with", "Fetch the file again: it was damaged on its way"
        )


def data_sha256(path: Path, header: Header) -> str:
    """ModelSpec's `hash_sha256`: SHA-256 of all that follows the header, as hexadecimal digits after `0x`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(header.data_start)
        while block := file.read(2**20):
            digest.update(block)
    return "0x" + digest.hexdigest()


def with_metadata(blob: bytes, metadata: dict[str, str]) -> bytes:
    """The same safetensors file with this metadata, keys in order: equal weights and words give equal bytes."""
    (length,) = struct.unpack("<Q", blob[:8])
    tensors = json.loads(blob[8 : 8 + length])
    tensors.pop("__metadata__", None)
    table = {"__metadata__": dict(sorted(metadata.items()))} | tensors
    header = json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)  # the tensors start on a multiple of 8
    return struct.pack("<Q", len(header)) + header + blob[8 + length :]
