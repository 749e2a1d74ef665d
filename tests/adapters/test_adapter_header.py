"""A header is believed only after every claim in it was checked."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from workbench.adapters.header import data_sha256, non_finite, read_header, with_metadata
from workbench.errors import AdapterError

GOOD = save({"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(4, dtype=np.float16)}, {"format": "pt"})


def write(folder: Path, header: object, data: bytes = b"\0" * 40, name: str = "x.safetensors") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / name).write_bytes(struct.pack("<Q", len(text)) + text + data)
    return folder / name


def entry(shape: list[int], start: int, end: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def test_a_good_header_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(GOOD)
    header = read_header(tmp_path / "x.safetensors")
    assert header.metadata == {"format": "pt"}
    assert {key: (t.dtype, t.shape) for key, t in header.tensors.items()} == {"a": ("F32", (2, 3)), "b": ("F16", (4,))}


@pytest.mark.parametrize("length", [128, 384, 0x4B50])  # begins with the first bytes of a pickle, and of a zip file
def test_a_header_whose_length_looks_like_a_pickle_is_read(tmp_path: Path, length: int) -> None:
    text = json.dumps({"a": entry([10], 0, 40)}).ljust(length)
    assert "a" in read_header(write(tmp_path, text.encode())).tensors


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"a": entry([10], 0, 44)}, "cut off"),
        ({"a": entry([9], 0, 40)}, "length"),
        ({"a": entry([5], 0, 20), "b": entry([5], 16, 36)}, "overlaps"),
        ({"a": entry([4], 0, 16), "b": entry([5], 20, 40)}, "hole"),
        ({"a": entry([9], 0, 36)}, "longer"),
        ({"a": entry([10], 0, 40, "I8")}, "F32, F16 and BF16"),
        ({"a": entry([-10], 0, 40)}, "impossible"),
        ({"a": entry([2**40, 2**40], 0, 40)}, "length"),
        ({"a": entry([10], -40, 0)}, "impossible"),
        ({"a": {"dtype": "F32"}}, "wrongly"),
        ({"a": 3}, "wrongly"),
        ({}, "no weight"),
        ({"__metadata__": {"x": 1}, "a": entry([10], 0, 40)}, "metadata"),
        ([1, 2], "table"),
        (b'{"a":', "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b'{"a": ' + json.dumps(entry([10], 0, 40)).encode() + b', "a": {}}', "twice"),
        (b"[" * 200_000, "cannot be read"),
    ],
)
def test_a_lie_is_refused_and_named(tmp_path: Path, header: object, reason: str) -> None:
    with pytest.raises(AdapterError, match=reason) as caught:
        read_header(write(tmp_path, header))
    assert caught.value.thing == "x.safetensors"


@pytest.mark.parametrize("length", [2**63, 2**40, 26 * 2**20])
def test_a_huge_header_is_refused_without_reading_it(tmp_path: Path, length: int) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b"{}")
    with pytest.raises(AdapterError, match="far too long"):
        read_header(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    for name in ("a.bin", "a.ckpt", "a.PT", "a.pth"):
        (tmp_path / name).write_bytes(GOOD)
        with pytest.raises(AdapterError, match="can run code"):
            read_header(tmp_path / name)
    (tmp_path / "zip.safetensors").write_bytes(b"PK\x03\x04" + b"\0" * 100)
    with pytest.raises(AdapterError, match="pickle"):
        read_header(tmp_path / "zip.safetensors")
    (tmp_path / "a.zip").write_bytes(GOOD)
    with pytest.raises(AdapterError, match=r"\.safetensors"):
        read_header(tmp_path / "a.zip")
    with pytest.raises(AdapterError, match="no such file"):
        read_header(tmp_path / "gone.safetensors")


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, len(GOOD)), place=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255))
def test_damage_is_an_error_or_harmless(tmp_path: Path, cut: int, place: int, byte: int) -> None:
    damaged = bytearray(GOOD)
    damaged[place] = byte
    path = tmp_path / "x.safetensors"
    for content in (bytes(damaged), GOOD[:cut]):
        path.write_bytes(content)
        try:
            header = read_header(path)
        except AdapterError:
            continue
        # What is believed must also be what the safetensors library reads.
        assert {key: t.shape for key, t in header.tensors.items()} == {k: v.shape for k, v in load(content).items()}


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_nan_and_infinity_are_found_in_every_precision(tmp_path: Path, dtype: str, value: float) -> None:
    import torch
    from safetensors.torch import save_file

    path = tmp_path / "x.safetensors"
    good = torch.tensor([0.0, -1.5, 65504.0, 1e-7]).to(getattr(torch, dtype))
    bad = good.clone()
    bad[2] = value
    save_file({"bad": bad, "good": good}, path)
    assert list(non_finite(path, read_header(path))) == ["bad"]


def test_metadata_is_written_in_order_and_leaves_the_weights_alone(tmp_path: Path) -> None:
    one = with_metadata(GOOD, {"b": "ü", "a": "1"})
    assert one == with_metadata(with_metadata(GOOD, {"c": "2"}), {"a": "1", "b": "ü"})
    path, before = tmp_path / "x.safetensors", tmp_path / "y.safetensors"
    path.write_bytes(one)
    before.write_bytes(GOOD)
    assert read_header(path).metadata == {"a": "1", "b": "ü"}
    assert data_sha256(path, read_header(path)) == data_sha256(before, read_header(before))
    assert read_header(path).data_start % 8 == 0
    for key, value in load(GOOD).items():
        np.testing.assert_array_equal(value, load(one)[key])
