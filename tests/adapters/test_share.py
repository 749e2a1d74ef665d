"""A zip that is given away holds what it should; one that comes in does no harm; the hub gets it all."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image, PngImagePlugin
from standing_in import Quiet, serving
from tiny_adapter import make_adapter

from workbench.adapters import find_adapter, inspect_adapter, list_shelf, read_card
from workbench.adapters.formats import export_peft
from workbench.adapters.hub import push_adapter, why_not_shared
from workbench.adapters.rewrite import rewrite_card
from workbench.adapters.scrub import private_findings
from workbench.adapters.share import pack_adapter, unpack_adapter
from workbench.config import ROOT, shelf
from workbench.errors import AdapterError


@pytest.fixture(scope="module")
def given(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that may be shared."""
    path = tmp_path_factory.mktemp("given") / "mia.safetensors"
    return make_adapter(path, base, licence="CC-BY-4.0", scope="share", example_prompts=["chibi of zkq person, waving"])


@pytest.fixture
def packed(given: Path, tmp_path: Path) -> Path:
    pictures = [tmp_path / "ours.png", tmp_path / "phone.jpg", tmp_path / "gone.png"]
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("chibi_workbench", '{"prompt": "x"}')
    Image.new("RGB", (8, 8), "red").save(pictures[0], pnginfo=chunks)
    exif = Image.Exif()
    exif[0x010F] = "camera of mia"
    Image.new("RGB", (8, 8), "blue").save(pictures[1], exif=exif)
    pack_adapter(given, tmp_path / "mia.zip", pictures, "may be shared, not sold")
    return tmp_path / "mia.zip"


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_what_is_in_a_zip(packed: Path, given: Path, tmp_path: Path) -> None:
    files = contents(packed)
    assert set(files) == {
        "mia.safetensors", "mia.kohya.safetensors", "card.json", "README.md", "LICENCE.txt", "CONSENT.txt",
        "samples/1.png", "samples/2.png",
    }  # fmt: skip
    for name in ("mia.safetensors", "mia.kohya.safetensors"):
        (tmp_path / name).write_bytes(files[name])
        assert read_card(tmp_path / name) == read_card(given)
    assert inspect_adapter(tmp_path / "mia.kohya.safetensors").spelling == "kohya"
    assert files["LICENCE.txt"] == b"CC-BY-4.0\n" and b"may be shared, not sold" in files["CONSENT.txt"]
    assert json.loads(files["card.json"])["trigger"] == "zkq"
    assert b"chibi_workbench" in files["samples/1.png"], "our own picture keeps its recipe"
    assert b"camera" not in files["samples/2.png"]
    assert all(str(tmp_path).encode() not in content for content in files.values())
    again = packed.read_bytes()
    pack_adapter(
        given, tmp_path / "again.zip", [tmp_path / "ours.png", tmp_path / "phone.jpg"], "may be shared, not sold"
    )
    assert (tmp_path / "again.zip").read_bytes() == again


def test_the_readme_is_a_model_card(packed: Path) -> None:
    readme = contents(packed)["README.md"].decode()
    head = yaml.safe_load(readme.split("---")[1])
    assert head["license"] == "cc-by-4.0" and head["library_name"] == "diffusers" and "lora" in head["tags"]
    assert head["instance_prompt"] == "zkq person" and head["widget"][0]["output"]["url"] == "samples/1.png"
    assert 'load_lora_weights(".", weight_name="mia.safetensors")' in readme and "made by AI" in readme
    assert "may be shared, not sold" in readme


def test_words_of_strangers_stay_words(given: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(given.read_bytes())
    rewrite_card(path, trigger="a](javascript:alert) <script>", licence='my own: no, "yes"\n---\nevil: true')
    pack_adapter(path, tmp_path / "x.zip")
    readme = contents(tmp_path / "x.zip")["README.md"].decode()
    head = yaml.safe_load(readme.split("\n---\n")[0].removeprefix("---\n"))
    assert "evil" not in head and head["license"] == "other" and "<script>" not in readme.split("\n---\n", 1)[1]


def test_a_zip_goes_round(packed: Path) -> None:
    unpacked = unpack_adapter(packed, "friend")
    assert find_adapter("friend").card.trigger == "zkq" and unpacked.licence == "CC-BY-4.0"
    assert "not sold" in unpacked.consent and len(unpacked.pictures) == 2 and unpacked.left_out == ()
    assert unpack_adapter(packed.read_bytes()).entry.name == "mia"
    assert sorted(path.name for path in shelf().iterdir()) == ["friend.safetensors", "mia.safetensors"]


def test_zips_of_others(given: Path, tmp_path: Path) -> None:
    """A folder around it, what a Mac adds, a kohya export alone, and what peft saves."""
    files = {
        "My LoRA/mia.safetensors": given.read_bytes(), "__MACOSX/My LoRA/._mia.safetensors": b"x",
        "My LoRA/run.exe": b"MZ", "My LoRA/picture.png": b"no picture",
    }  # fmt: skip
    unpacked = unpack_adapter(write(tmp_path / "a.zip", files))
    assert unpacked.entry.name == "mia" and unpacked.left_out == ("My LoRA/run.exe",) and unpacked.pictures == ()
    folder = export_peft(given, tmp_path / "peft")
    tree = {str(path.relative_to(tmp_path)): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
    assert unpack_adapter(write(tmp_path / "p.zip", tree), "from-peft").entry.card.trigger == "zkq"


def write(path: Path, files: dict[str, bytes], **how: Any) -> Path:
    with zipfile.ZipFile(path, "w", **how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def linked(path: Path) -> Path:
    entry = zipfile.ZipInfo("mia.safetensors")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    return path


def overlapping(path: Path, content: bytes) -> Path:
    """Two names for one piece of the file, as bombs have."""
    write(path, {"a.safetensors": content})
    blob = path.read_bytes()
    start = blob.index(b"PK\x01\x02")
    end = blob.index(b"PK\x05\x06")
    entry = blob[start:end]
    other = entry.replace(b"a.safetensors", b"b.safetensors")
    tail = bytearray(blob[end:])
    tail[8:12] = (2).to_bytes(2, "little") * 2
    tail[12:16] = (2 * len(entry)).to_bytes(4, "little")
    path.write_bytes(blob[:start] + entry + other + bytes(tail))
    return path


def test_hostile_zips_are_refused_and_leave_nothing(given: Path, tmp_path: Path) -> None:
    good = given.read_bytes()
    outside = tmp_path / "outside"
    cases: list[tuple[Any, str]] = [
        (write(tmp_path / "up.zip", {"../outside": b"x", "mia.safetensors": good}), "written elsewhere"),
        (write(tmp_path / "abs.zip", {str(outside): b"x", "mia.safetensors": good}), "written elsewhere"),
        (write(tmp_path / "win.zip", {"C:\\outside": b"x", "mia.safetensors": good}), "written elsewhere"),
        (linked(tmp_path / "link.zip"), "a link"),
        (
            write(tmp_path / "bomb.zip", {"mia.safetensors": bytes(64 * 2**20)}, compression=zipfile.ZIP_DEFLATED),
            "bomb",
        ),
        (overlapping(tmp_path / "over.zip", good), "over each other|bomb|Overlapped"),
        (write(tmp_path / "many.zip", {f"{n}.txt": b"" for n in range(600)}), "600 files"),
        (write(tmp_path / "none.zip", {"read.me": b""}), "no .safetensors"),
        (write(tmp_path / "pickle.zip", {"mia.ckpt": b"\x80\x04"}), "run code"),
        (write(tmp_path / "two.zip", {"a.safetensors": good, "b.safetensors": good}), "2 adapters"),
        (write(tmp_path / "broken.zip", {"a.safetensors": good[:4000]}), "cut off"),
        (b"PK\x03\x04 no zip", "no zip"),
        (tmp_path / "nowhere.zip", "no such file"),
    ]
    encrypted = bytearray(write(tmp_path / "locked.zip", {"mia.safetensors": good}).read_bytes())
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        at = encrypted.index(mark) + (6 if mark == b"PK\x03\x04" else 8)
        encrypted[at] |= 1
    cases.append((bytes(encrypted), "password"))
    for source, reason in cases:
        with pytest.raises(AdapterError, match=reason):
            unpack_adapter(source)
    assert list_shelf() == [] and not outside.exists()


def test_a_zip_with_a_broken_sample_leaves_nothing(given: Path, tmp_path: Path) -> None:
    """What is packed is read to its end before the shelf is touched."""
    files = {"mia.safetensors": given.read_bytes(), "samples/1.png": b"no picture, but packed well" * 40}
    blob = bytearray(write(tmp_path / "half.zip", files, compression=zipfile.ZIP_DEFLATED).read_bytes())
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        sample = archive.getinfo("samples/1.png")
    at = sample.header_offset + 30 + len(sample.filename)
    blob[at : at + sample.compress_size] = b"\xff" * sample.compress_size  # a block of a kind that does not exist
    with pytest.raises(AdapterError, match="no zip that can be read"):
        unpack_adapter(bytes(blob))
    assert list_shelf() == []


def test_a_zip_that_lies_about_its_size_is_stopped(given: Path, tmp_path: Path) -> None:
    blob = bytearray(write(tmp_path / "lie.zip", {"a.safetensors": given.read_bytes()}).read_bytes())
    at = blob.index(b"PK\x01\x02") + 24
    blob[at : at + 4] = (1000).to_bytes(4, "little")
    with pytest.raises(AdapterError):
        unpack_adapter(bytes(blob))
    assert list_shelf() == []


def test_private_words_do_not_leave(given: Path, tmp_path: Path) -> None:
    from workbench.adapters.header import read_header, with_metadata

    path = tmp_path / "t.safetensors"
    told = read_header(given).metadata | {"ss_tag_frequency": '{"10_mia lopez": {"bed": 1}}'}
    path.write_bytes(with_metadata(given.read_bytes(), told))
    pack_adapter(path, tmp_path / "t.zip")
    assert all(b"lopez" not in content for content in contents(tmp_path / "t.zip").values())
    assert private_findings(read_header(path).metadata), "the file on the shelf is the owner's business"


def test_consent_comes_before_sharing(given: Path, base: Path, tmp_path: Path) -> None:
    card = read_card(given)
    assert why_not_shared(card) == ""
    silent = make_adapter(tmp_path / "silent.safetensors", base)
    with pytest.raises(AdapterError, match="no licence"):
        push_adapter(silent, "mia/x")
    rewrite_card(silent, licence="CC0-1.0")
    with pytest.raises(AdapterError, match="what the person shown agreed to"):
        push_adapter(silent, "mia/x")
    rewrite_card(silent, scope="personal")
    with pytest.raises(AdapterError, match="personal use only"):
        push_adapter(silent, "mia/x")
    with pytest.raises(AdapterError, match="OWNER/NAME"):
        push_adapter(given, "../x")


class Hub(Quiet):
    """The few calls of the hub's that an upload makes, small files in the commit and large ones through LFS."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        seen: dict[str, Any] = self.server.seen  # type: ignore[attr-defined]
        address = f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]
        seen["calls"].append(f"POST {self.path}")
        if self.headers.get("Authorization") != "Bearer hf_stand_in":
            return self.answer({"error": "no"}, 401)
        if self.path == "/api/repos/create":
            seen["created"] = json.loads(body)
            return self.answer({"url": f"{address}/mia/chibi-mia", "name": "mia/chibi-mia", "id": "1"})
        if self.path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        if self.path.endswith("/preupload/main"):
            modes = [
                {"path": each["path"], "shouldIgnore": False,
                 "uploadMode": "lfs" if each["path"].endswith(".safetensors") else "regular"}
                for each in json.loads(body)["files"]
            ]  # fmt: skip
            return self.answer({"files": modes})
        if self.path.endswith(".git/info/lfs/objects/batch"):
            objects = [
                each | {"authenticated": True, "actions": {"upload": {"href": f"{address}/lfs/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]  # fmt: skip
            return self.answer({"transfer": "basic", "objects": objects})
        if self.path.endswith("/commit/main"):
            for line in body.decode().splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    seen["files"][entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
                if entry["key"] == "lfsFile":
                    seen["files"][entry["value"]["path"]] = seen["lfs"][entry["value"]["oid"]]
            return self.answer({"commitUrl": f"{address}/mia/chibi-mia/commit/abc", "commitOid": "abc"})
        return self.answer({"error": "unknown call"}, 404)

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        oid = self.path.rpartition("/")[2]
        assert hashlib.sha256(content).hexdigest() == oid
        self.server.seen["lfs"][oid] = content  # type: ignore[attr-defined]
        self.answer({})


@pytest.fixture
def hub() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.seen = {"calls": [], "files": {}, "lfs": {}}  # type: ignore[attr-defined]
    with serving(server):
        yield server


def push(hub: ThreadingHTTPServer, *words: str, token: str = "hf_stand_in") -> subprocess.CompletedProcess[str]:
    """`workbench adapters push` in a process of its own: the hub's library reads its settings when it is imported."""
    environment = os.environ | {
        "HF_HUB_OFFLINE": "0", "HF_TOKEN": token, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
    }  # fmt: skip
    address = f"http://127.0.0.1:{hub.server_port}"
    return subprocess.run(
        [sys.executable, "-m", "workbench", "adapters", "push", *words, "--endpoint", address, "--json"],
        capture_output=True, text=True, cwd=ROOT, env=environment,
    )  # fmt: skip


def test_pushing_to_a_hub(hub: ThreadingHTTPServer, given: Path) -> None:
    shelf().mkdir(parents=True)
    (shelf() / "mia.safetensors").write_bytes(given.read_bytes())
    asked = push(hub, "mia", "mia/chibi-mia")
    assert asked.returncode == 2 and "--yes" in asked.stderr and hub.seen["calls"] == []  # type: ignore[attr-defined]
    done = push(hub, "mia", "mia/chibi-mia", "--yes")
    assert done.returncode == 0, done.stderr
    seen = hub.seen  # type: ignore[attr-defined]
    assert json.loads(done.stdout)["url"].endswith("/commit/abc") and seen["created"]["name"] == "chibi-mia"
    assert seen["created"].get("visibility", "private") == "private" or seen["created"]["private"]
    assert set(seen["files"]) >= {"README.md", "mia.safetensors", "mia.kohya.safetensors", "LICENCE.txt", "CONSENT.txt"}
    assert seen["files"]["mia.safetensors"] == given.read_bytes() and len(seen["lfs"]) == 2
    assert yaml.safe_load(seen["files"]["README.md"].decode().split("---")[1])["license"] == "cc-by-4.0"
    refused = push(hub, "mia", "mia/chibi-mia", "--yes", token="hf_wrong")
    assert refused.returncode == 2 and "hf auth login" in refused.stderr
