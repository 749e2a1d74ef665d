"""Cards for 3D scenes and video: read back by code of our own; by others where they are installed."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
import trimesh
from jsonschema.exceptions import ValidationError
from PIL import Image
from trimesh.exchange import gltf

from workbench.errors import PackError
from workbench.generation.provenance import MADE_BY_MODEL
from workbench.packs.encode import still
from workbench.packs.gltf import read_card, write_card
from workbench.packs.moving import make_loop
from workbench.packs.webm import find_ffmpeg, read_webm, write_webm


@pytest.fixture(scope="module")
def card(cuts: dict[str, Image.Image]) -> bytes:
    return write_card(still(cuts["smile"].crop((0, 0, 256, 128)), "PNG", 10**6).content, "smile")


def test_a_card_comes_back(card: bytes, cuts: dict[str, Image.Image]) -> None:
    table, picture = read_card(card)
    assert picture.convert("RGBA").tobytes() == cuts["smile"].crop((0, 0, 256, 128)).tobytes()
    assert table["extensionsUsed"] == ["KHR_materials_unlit"] and table["materials"][0]["alphaMode"] == "BLEND"
    assert table["asset"]["extras"]["DigitalSourceType"] == MADE_BY_MODEL
    position = table["accessors"][table["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]
    assert position["min"] == [-1, 0, 0] and position["max"] == [1, 1, 0], "two wide, one high"


@pytest.mark.parametrize("change", ["cut", "length", "magic", "json", "lit"])
def test_a_damaged_card_is_refused(card: bytes, change: str) -> None:
    (size,) = struct.unpack_from("<I", card, 12)
    damaged = {
        "cut": card[:-200],
        "length": card[:8] + struct.pack("<I", 99) + card[12:],
        "magic": b"GLTF" + card[4:],
        "json": card[:20] + b"[" * size + card[20 + size :],
        "lit": card.replace(b'"KHR_materials_unlit":{}', b'"KHR_materials_other":{}'),
    }[change]
    with pytest.raises(PackError, match="no whole GLB"):
        read_card(damaged)


def test_another_reader_and_khronos_schema(card: bytes) -> None:
    """trimesh carries the schema of the glTF 2.0 specification."""
    [mesh] = trimesh.load_scene(io.BytesIO(card), file_type="glb").geometry.values()
    assert mesh.faces.shape == (2, 3) and mesh.bounds.tolist() == [[-1, 0, 0], [1, 1, 0]]
    assert mesh.visual.material.baseColorTexture.size == (256, 128)
    header, _ = read_card(card)
    gltf.validate(header)
    del header["asset"]["version"]
    with pytest.raises(ValidationError, match="'version' is a required property"):
        gltf.validate(header)


def test_khronos_validator(card: bytes, tmp_path: Path) -> None:
    program = shutil.which("gltf_validator")
    if program is None:
        pytest.skip("THE CARD WAS NOT HELD AGAINST KHRONOS' VALIDATOR: gltf_validator is not installed")
    (tmp_path / "card.glb").write_bytes(card)
    done = subprocess.run([program, "-o", str(tmp_path / "card.glb")], capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["issues"]["numErrors"] == 0


def element(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + (0x10000000 | len(content)).to_bytes(4) + content


def video(codec: bytes = b"V_VP9", sound: bool = False) -> bytes:
    """A WEBM file without pixels, element by element as RFC 9559 has them."""
    picture = element("B0", b"\x02\x00") + element("BA", b"\x01\xf4") + element("53C0", b"\x01")
    tracks = element("AE", element("83", b"\x01") + element("86", codec) + element("E0", picture))
    tracks += element("AE", element("83", b"\x02") + element("86", b"A_OPUS")) if sound else b""
    info = element("2AD7B1", b"\x0f\x42\x40") + element("4489", struct.pack(">d", 2000.0))
    blocks = b"".join(element("A3", b"\x81" + (40 * n).to_bytes(2) + b"\x80xx") for n in range(50))
    inner = element("1549A966", info) + element("1654AE6B", tracks) + element("1F43B675", element("E7", b"\0") + blocks)
    return element("1A45DFA3", element("4282", b"webm")) + element("18538067", inner)


def test_reading_video() -> None:
    found = read_webm(video())
    assert (found.codec, found.width, found.height, found.alpha) == ("V_VP9", 512, 500, True)
    assert (found.frames, found.seconds, found.fps, found.sound) == (50, 2.0, 25.0, False)
    assert read_webm(video(sound=True)).sound and read_webm(video(b"V_VP8")).codec == "V_VP8"
    for wrong in (b"", b"RIFF", video()[:60], b"\x1a\x45\xdf\xa3" + b"\0" * 40):
        with pytest.raises(PackError, match="no WEBM"):
            read_webm(wrong)


def test_writing_video(cuts: dict[str, Image.Image]) -> None:
    loop = make_loop("bounce", "smile", {"smile": cuts["smile"].resize((64, 64))})
    if find_ffmpeg() is None:
        with pytest.raises(PackError, match="ffmpeg is not installed"):
            write_webm(loop, 256_000)
        return
    content = write_webm(loop, 256_000).content
    found = read_webm(content)
    assert (found.codec, found.alpha, found.frames) == ("V_VP9", True, 25) and MADE_BY_MODEL.encode() in content
    assert found.seconds == pytest.approx(1.0, abs=0.05)
