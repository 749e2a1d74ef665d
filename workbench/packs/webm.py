"""Loops as WEBM (VP9 with transparency), written by ffmpeg where there is one, and read back without it.

ffmpeg comes from the system or from the extra package imageio-ffmpeg. The reader walks through the file's EBML
elements (RFC 8794; the ids are those of RFC 9559, Matroska), so that a finished file is checked by other code than
what wrote it.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL.Image import Image

from workbench.errors import PackError
from workbench.generation.provenance import MADE_BY_MODEL
from workbench.packs.encode import Encoded
from workbench.packs.moving import Loop

FPS = 25
PATIENCE = 300  # seconds for one sticker
_QUALITIES = (24, 30, 36, 42, 48, 54, 60)  # libvpx's -crf, less is better

_SEGMENT, _INFO, _SCALE, _DURATION = 0x18538067, 0x1549A966, 0x2AD7B1, 0x4489
_TRACKS, _TRACK, _CODEC, _TYPE, _VIDEO = 0x1654AE6B, 0xAE, 0x86, 0x83, 0xE0
_WIDTH, _HEIGHT, _ALPHA = 0xB0, 0xBA, 0x53C0
_CLUSTER, _TIME, _SIMPLE, _GROUP, _BLOCK = 0x1F43B675, 0xE7, 0xA3, 0xA0, 0xA1
_PARENTS = {_SEGMENT, _INFO, _TRACKS, _TRACK, _VIDEO, _CLUSTER, _GROUP}


@dataclass(frozen=True)
class Video:
    """What a WEBM file says of itself.

    Args:
        codec: such as `V_VP9`.
        width, height: pixels.
        seconds: how long it is.
        frames: how many there are.
        sound: whether there is a sound track.
        alpha: whether it carries transparency.
    """

    codec: str
    width: int
    height: int
    seconds: float
    frames: int
    sound: bool
    alpha: bool

    @property
    def fps(self) -> float:
        return self.frames / self.seconds if self.seconds else 0.0


def find_ffmpeg() -> str | None:
    """The ffmpeg of this computer, or of the package imageio-ffmpeg; None when there is none."""
    if found := shutil.which("ffmpeg"):
        return found
    try:
        import imageio_ffmpeg
    except ImportError:
        return None
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def write_webm(loop: Loop, most: int) -> Encoded:
    """A loop as WEBM.

    Args:
        most: bytes.

    Raises:
        PackError: there is no ffmpeg, it failed, or the file cannot be made that small.
    """
    program = find_ffmpeg()
    if program is None:
        raise PackError(
            "The video", "ffmpeg is not installed, and WEBM can only be written with it",
            "Install it (`apt install ffmpeg`, `brew install ffmpeg`) or the extra: "
            "`pip install 'chibi-workbench[video]'`",
        )  # fmt: skip
    smallest = 0
    with tempfile.TemporaryDirectory() as folder:
        for index, frame in enumerate(_even_frames(loop)):
            frame.save(Path(folder) / f"{index:04d}.png", compress_level=1)
        for quality in _QUALITIES:
            content = _run(program, Path(folder), quality)
            if len(content) <= most:
                note = f"video quality {quality}, to stay under {most // 1000} KB"
                return Encoded(content, note if quality > _QUALITIES[0] else "")
            smallest = min(smallest or len(content), len(content))
    raise PackError(
        "The video", f"even at its plainest it has {smallest // 1000} KB, and {most // 1000} KB are allowed",
        "Choose another movement",
    )  # fmt: skip


def _even_frames(loop: Loop) -> Iterator[Image]:
    """The loop's frames at a constant rate: video knows no pauses."""
    ends, end = [], 0
    for ms in loop.ms:
        end += ms
        ends.append(end)
    for index in range(max(1, round(loop.seconds * FPS))):
        moment = index * 1000 / FPS
        yield loop.frames[next((at for at, end in enumerate(ends) if moment < end), -1)]


def _run(program: str, folder: Path, quality: int) -> bytes:
    target = folder / "out.webm"
    command = [
        program, "-hide_banner", "-loglevel", "error", "-y", "-framerate", str(FPS), "-i", str(folder / "%04d.png"),
        "-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-b:v", "0", "-crf", str(quality),
        "-row-mt", "1", "-cpu-used", "4", "-an", "-metadata", f"comment=DigitalSourceType {MADE_BY_MODEL}",
        str(target),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PackError("The video", f"ffmpeg did not work ({type(error).__name__})", "Try again") from error
    if done.returncode or not target.exists():
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise PackError("The video", f"ffmpeg failed: {last[:200]}", "Install an ffmpeg that has libvpx-vp9")
    return target.read_bytes()


def read_webm(content: bytes) -> Video:
    """Reads what a WEBM file says of itself.

    Raises:
        PackError: it is none, or it is cut off.
    """
    found: dict[int, list[bytes]] = {}
    stamps: list[float] = []
    cluster = 0
    try:
        if content[:4] != b"\x1a\x45\xdf\xa3":
            raise ValueError("no EBML")
        for name, value in _elements(content, 0, len(content)):
            found.setdefault(name, []).append(value)
            if name == _TIME:
                cluster = int.from_bytes(value)
            if name in (_SIMPLE, _BLOCK):
                stamps.append(cluster + int.from_bytes(value[1:3], signed=True))
        scale = int.from_bytes(found.get(_SCALE, [b"\x0f\x42\x40"])[0]) / 1e9
        kinds = [int.from_bytes(value) for value in found[_TYPE]]
        video = kinds.index(1)
        return Video(
            codec=found[_CODEC][video].decode("ascii", "replace"),
            width=int.from_bytes(found[_WIDTH][0]),
            height=int.from_bytes(found[_HEIGHT][0]),
            seconds=_number(found[_DURATION][0]) * scale if _DURATION in found else (max(stamps) + 1) * scale,
            frames=len(stamps),
            sound=2 in kinds,
            alpha=bool(int.from_bytes(found.get(_ALPHA, [b"\0"])[0])),
        )
    except (ValueError, KeyError, IndexError, RecursionError) as error:
        raise PackError("The video", "it is no WEBM file that can be read", "Make it again") from error


def _elements(content: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    while start < end:
        name, start = _vint(content, start, keep=True)
        size, start = _vint(content, start, keep=False)
        stop = min(end, start + size)
        if name in _PARENTS:
            yield from _elements(content, start, stop)
        else:
            yield name, content[start:stop]
        start = stop


def _vint(content: bytes, at: int, keep: bool) -> tuple[int, int]:
    """A number whose first byte tells its length by leading zeros; `keep` leaves that mark in, as ids want it."""
    length = 9 - content[at].bit_length()
    if length > 8:
        raise ValueError("no such length")
    value = int.from_bytes(content[at : at + length])
    if not keep:
        mask = (1 << 7 * length) - 1
        # All ones: the length is not known, the rest of the file belongs to it.
        value = len(content) if value & mask == mask else value & mask
    return value, at + length


def _number(value: bytes) -> float:
    return float(struct.unpack(">f" if len(value) == 4 else ">d", value)[0])
