"""Decoding apart: the same pixels; a bomb, a hang or a crash costs the decoder's process and nothing else."""

from __future__ import annotations

import ctypes
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.config import ROOT
from workbench.errors import PhotoError
from workbench.photos import decoder, decoder_process, open_photo
from workbench.photos.decode import decode_picture
from workbench.photos.decoder import decode_apart

SELFIE = sorted((ROOT / "examples" / "selfies").glob("*.jpg"))[0]


@pytest.fixture
def with_decode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the decoder's process, whose `decode.py` a test may spoil."""
    for name in ("decoder_process.py", "decode.py"):
        (tmp_path / name).write_bytes((ROOT / "workbench" / "photos" / name).read_bytes())
    monkeypatch.setattr(decoder, "_SCRIPT", tmp_path / "decoder_process.py")
    decoder._decoder.stop()
    yield tmp_path / "decode.py"
    decoder._decoder.stop()


def spoil(file: Path, line: str) -> None:
    """Lets the picture called `evil` do something."""
    source = file.read_text(encoding="utf-8")
    begin = "    image = _open(data, name)\n"
    assert begin in source
    file.write_text(source.replace(begin, f"    if name == 'evil':\n        {line}\n{begin}", 1), encoding="utf-8")


def pictures() -> dict[str, bytes]:
    grey = np.linspace(0, 60_000, 64 * 48).reshape(48, 64).astype(np.uint16)
    image = Image.open(SELFIE).resize((90, 60))
    found = {"selfie": SELFIE.read_bytes()}
    for name, each, kind in (
        ("alpha", image.convert("RGBA"), "PNG"), ("palette", image.convert("P"), "PNG"),
        ("grey", image.convert("L"), "JPEG"),
        ("deep", Image.fromarray(grey), "PNG"), ("cmyk", image.convert("CMYK"), "JPEG"), ("webp", image, "WEBP"),
        ("large", image.resize((2600, 1800)), "JPEG"), ("avif", image, "AVIF"), ("heif", image, "HEIF"),
    ):  # fmt: skip
        buffer = io.BytesIO()
        each.save(buffer, kind)
        found[name] = buffer.getvalue()
    return found


def test_pixels_are_the_same_as_without() -> None:
    decode_apart(SELFIE.read_bytes(), "x")  # registers the formats for saving, too
    decode_picture(SELFIE.read_bytes(), "x")
    for name, data in pictures().items():
        here, apart = decode_picture(data, name), decode_apart(data, name)
        assert apart[1] == here[1] and apart[0].size == here[0].size and apart[0].tobytes() == here[0].tobytes(), name
    assert decoder._decoder.process is not None
    before = decoder._decoder.process.pid
    with pytest.raises(PhotoError, match="it is text"):
        open_photo(b"Dear Mia", "letter.jpg")
    assert open_photo(SELFIE).image.mode == "RGB" and decoder._decoder.process.pid == before, "it was not kept"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import os; os.abort()", "its decoder broke"),
        ("import ctypes; ctypes.string_at(0)", "its decoder broke"),
        ("b = [bytearray(2**28) for _ in range(100)]", "not enough memory|its decoder broke"),
        ("import os; os.write(1, b'x' * 1000)", "its decoder broke|is damaged"),
    ],
    ids=["abort", "segfault", "bomb", "noise"],
)
def test_a_bomb_or_a_crash_is_an_error_and_nothing_else(with_decode: Path, line: str, said: str) -> None:
    spoil(with_decode, line)
    data = SELFIE.read_bytes()
    if "os.write" in line:
        decode_apart(data, "evil")  # what a decoder prints goes nowhere
    else:
        with pytest.raises(PhotoError, match=said):
            decode_apart(data, "evil")
    assert decode_apart(data, "good")[0].size == decode_picture(data, "good")[0].size


def test_a_decoder_that_never_ends_is_ended(with_decode: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(with_decode, "import time; time.sleep(1000)")
    decode_apart(SELFIE.read_bytes(), "good")
    monkeypatch.setattr(decoder, "WAITING", 1.0)
    start = time.monotonic()
    with pytest.raises(PhotoError, match="takes too long"):
        decode_apart(SELFIE.read_bytes(), "evil")
    assert time.monotonic() - start < 20


def test_computing_without_end_is_ended(with_decode: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(with_decode, "\n        while True: pass")
    monkeypatch.setattr(decoder, "COMPUTING", 1)
    with pytest.raises(PhotoError, match="takes too long"):
        decode_apart(SELFIE.read_bytes(), "evil")


def has_landlock() -> bool:
    """Whether this kernel has Landlock and it is switched on; the only way to know is to ask for its version."""
    if sys.platform != "linux":
        return False
    ask_for_version = 1
    return int(ctypes.CDLL(None).syscall(decoder_process._LANDLOCK_CREATE, None, 0, ask_for_version)) >= 1


@pytest.mark.skipif(
    not has_landlock(), reason="NOT CHECKED that a decoder can open no file: this system has no Landlock"
)
def test_a_decoder_that_was_taken_over_finds_no_files(with_decode: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.key"
    secret.write_text("secret", encoding="utf-8")
    for line in (
        f"raise PhotoError(name, open({str(secret)!r}).read(), '')",
        f"open({str(tmp_path / 'made')!r}, 'w').write('x'); raise PhotoError(name, 'wrote', '')",
    ):
        source = (ROOT / "workbench" / "photos" / "decode.py").read_text(encoding="utf-8")
        with_decode.write_text(source, encoding="utf-8")
        spoil(with_decode, line)
        decoder._decoder.stop()
        with pytest.raises(PhotoError) as caught:
            decode_apart(SELFIE.read_bytes(), "evil")
        assert caught.value.reason not in ("secret", "wrote") and not (tmp_path / "made").exists()


def test_a_decoder_that_was_taken_over_finds_no_secrets(with_decode: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_PASSPHRASE", "secret-phrase")
    spoil(with_decode, "import os; raise PhotoError(name, repr(dict(os.environ)), '')")
    with pytest.raises(PhotoError) as caught:
        decode_apart(SELFIE.read_bytes(), "evil")
    assert "PATH" in caught.value.reason and "secret-phrase" not in caught.value.reason


def test_a_forked_child_gets_a_decoder_of_its_own() -> None:
    decode_apart(SELFIE.read_bytes(), "parent")
    code = (
        "import os; from pathlib import Path; from workbench.photos.decoder import decode_apart; "
        f"data = Path({str(SELFIE)!r}).read_bytes(); first = decode_apart(data, 'x')[0].tobytes(); child = os.fork()\n"
        "same = decode_apart(data, 'x')[0].tobytes() == first\n"
        "if child == 0: os._exit(0 if same else 3)\n"
        "assert same and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, env=os.environ).returncode == 0
