"""Reads the finished files of a pack back from the disk and holds them against what the platform takes.

Nothing that was known while writing is used: only the folder, and the rules of `platforms.yaml`. So a file that was
changed or put there by hand is judged like any other.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from workbench.errors import PackError
from workbench.generation.provenance import MADE_BY_MODEL, digital_source
from workbench.packs.compose import alpha_range, outside_circle
from workbench.packs.gltf import read_card
from workbench.packs.platforms import FileRule, Platform
from workbench.packs.webm import read_webm

LARGEST_FILE = 64 * 2**20
CONTENTS = "contents.json"  # WhatsApp's list of a pack's files
SEEN = 12  # alpha from which a pixel counts as drawn


@dataclass(frozen=True)
class Problem:
    """Something that a platform would not take.

    Args:
        file: its path in the pack, empty for the pack as a whole.
        rule: short name of what it breaks: bytes, size, frames, …
        reason: what is wrong, with figures.
    """

    file: str
    rule: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file or 'the pack'}: {self.reason} ({self.rule})"


@dataclass(frozen=True)
class _Facts:
    """What a file turned out to be."""

    format: str
    width: int
    height: int
    frames: int
    ms: tuple[int, ...]
    loops: int
    pictures: tuple[Image.Image, ...]  # RGBA: the first, and for moving ones all
    source: str


def check_pack(folder: Path, platform: Platform, zipped: Path | None = None) -> list[Problem]:
    """Everything that is wrong with a finished pack.

    Args:
        folder: where its files are.
        platform: where it is meant to go.
        zipped: the zip of the folder, when there is one.

    Returns:
        Problems in the order of the platform's files; empty when it would be taken.
    """
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    moving = _is_moving(folder, platform, there)
    problems: list[Problem] = []
    known: set[str] = set()
    numbers: dict[str, set[int]] = {}
    for rule in platform.files:
        names = _names(rule, there, moving)
        known |= set(names.values())
        if rule.each:
            numbers[rule.name] = set(names)
        elif not names:
            problems.append(Problem(rule.path(1, moving), "missing", "it is not there"))
        for name in names.values():
            problems += _check_file(folder, name, rule, moving)
    problems += _check_numbers(platform, numbers)
    if platform.id == "whatsapp":
        known.add(CONTENTS)
        problems += _check_contents(folder, numbers)
    problems += [Problem(name, "stray", "it does not belong to the pack") for name in there if name not in known]
    if zipped is not None:
        problems += _check_zip(zipped, platform, there)
    return problems


def _is_moving(folder: Path, platform: Platform, there: Sequence[str]) -> bool:
    """Whether the files are those of a pack that moves; only for platforms that take both it must be found out."""
    if platform.moving != "either":
        return platform.moving == "always"
    first = next(rule for rule in platform.files if rule.each)
    return any(_frames(folder / name) > 1 for name in _names(first, there, True).values())


def _frames(path: Path) -> int:
    try:
        with Image.open(path, formats=["PNG", "GIF", "WEBP"]) as image:
            return int(getattr(image, "n_frames", 1))
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError):
        return 0


def _names(rule: FileRule, there: Sequence[str], moving: bool) -> dict[int, str]:
    """The files of a rule that are there, by number."""
    if not rule.each:
        name = rule.path(1, moving)
        return {1: name} if name in there else {}
    pattern = re.escape(rule.path(987654, moving)).replace("987654", r"(\d+)")
    return {int(match[1]): name for name in there if (match := re.fullmatch(pattern, name))}


def _check_numbers(platform: Platform, numbers: dict[str, set[int]]) -> Iterator[Problem]:
    if not numbers:
        return
    every = set().union(*numbers.values())
    if len(every) not in platform.counts:
        yield Problem("", "count", f"it has {len(every)} pictures, and {platform.counts_words()} are taken")
    for name, found in numbers.items():
        for number in sorted(every - found):
            yield Problem(name.format(number=number), "missing", "it is not there")


def _check_file(folder: Path, name: str, rule: FileRule, moving: bool) -> list[Problem]:
    path = folder / name
    size, most = path.stat().st_size, rule.most_bytes(rule.moves(moving))
    found = []
    if size > most:
        found.append(Problem(name, "bytes", f"it has {size} bytes, and {most} are allowed"))
    if size > LARGEST_FILE:
        return found
    kind = rule.format_for(moving) if rule.moves(moving) else rule.format
    try:
        facts = _read(path.read_bytes(), kind)
    except (PackError, OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = error.reason if isinstance(error, PackError) else "it cannot be read as a picture"
        return [*found, Problem(name, "readable", reason)]
    wanted = "PNG" if kind == "APNG" else kind
    if facts.format != wanted:
        return [*found, Problem(name, "format", f"it is {facts.format}, and {wanted} is taken")]
    for check in (_check_size, _check_alpha, _check_edges):
        found += [Problem(name, rule_name, reason) for rule_name, reason in check(facts, rule)]
    found += [Problem(name, rule_name, reason) for rule_name, reason in _check_time(facts, rule, rule.moves(moving))]
    if facts.source != MADE_BY_MODEL:
        found.append(Problem(name, "provenance", "it does not say that a model made it"))
    return found


def _read(content: bytes, kind: str) -> _Facts:
    if kind == "WEBM":
        video = read_webm(content)
        if video.codec != "V_VP9" or video.sound:
            raise PackError("The video", f"it is {video.codec}{' with sound' if video.sound else ''}", "Make it again")
        source = MADE_BY_MODEL if MADE_BY_MODEL.encode() in content else ""
        ms = tuple([round(video.seconds * 1000 / max(1, video.frames))] * video.frames)
        # Pixels of a video are not decoded here; that it carries alpha is said in its header.
        mask = Image.new("RGBA", (video.width, video.height), (0, 0, 0, 0 if video.alpha else 255))
        return _Facts("WEBM", video.width, video.height, video.frames, ms, 0, (mask,), source)
    if kind == "GLB":
        table, picture = read_card(content)
        source = table["asset"].get("extras", {}).get("DigitalSourceType", "")
        return _Facts("GLB", *picture.size, 1, (0,), 0, (picture.convert("RGBA"),), source)
    with Image.open(io.BytesIO(content), formats=["PNG", "GIF", "WEBP"]) as image:
        frames = int(getattr(image, "n_frames", 1))
        pictures, ms_list = [], []
        for index in range(min(frames, 200)):
            image.seek(index)
            image.load()
            ms_list.append(round(float(image.info.get("duration", 0) or 0)))
            pictures.append(image.convert("RGBA"))
        loops = int(image.info.get("loop", 0) or 0)
        return _Facts(str(image.format), image.width, image.height, frames, tuple(ms_list), loops, tuple(pictures),
                      digital_source(content))  # fmt: skip


Findings = Iterator[tuple[str, str]]


def _check_size(facts: _Facts, rule: FileRule) -> Findings:
    here = f"{facts.width} × {facts.height} px"
    if rule.size and (facts.width, facts.height) != rule.size:
        yield "size", f"it has {here}, and exactly {rule.size[0]} × {rule.size[1]} px are taken"
    if rule.within and (facts.width > rule.within[0] or facts.height > rule.within[1]):
        yield "size", f"it has {here}, and at most {rule.within[0]} × {rule.within[1]} px are taken"
    if rule.side and rule.side not in (facts.width, facts.height):
        yield "side", f"it has {here}, and one side must have exactly {rule.side} px"
    if rule.even and (facts.width % 2 or facts.height % 2):
        yield "even", f"it has {here}, and both sides must be even"


def _check_alpha(facts: _Facts, rule: FileRule) -> Findings:
    low, high = alpha_range(facts.pictures[0])
    if rule.alpha and low > 0:
        yield "alpha", "nothing of it is transparent"
    if rule.alpha is False and low < 255:
        yield "alpha", "it is transparent in places, and it may not be"
    if high <= SEEN and facts.format != "WEBM":
        yield "empty", "nothing can be seen on it"


def _check_edges(facts: _Facts, rule: FileRule) -> Findings:
    if rule.margin:
        for picture in facts.pictures:
            box = picture.getchannel("A").point(lambda a: 255 if a > SEEN else 0).getbbox()
            if box is None:
                continue
            room = min(box[0], box[1], picture.width - box[2], picture.height - box[3])
            if room < rule.margin:
                yield "margin", f"only {room} px at an edge are free, and {rule.margin} are wanted"
                break
    if rule.circle_safe:
        pixels = np.asarray(facts.pictures[0].convert("RGB"), dtype=np.int16)
        away = np.abs(pixels - pixels[0, 0]).max(-1) > 24
        if (away & outside_circle(facts.width))[: facts.height // 2].any():
            yield "circle", "a circle would cut something off the head"


def _check_time(facts: _Facts, rule: FileRule, moves: bool) -> Findings:
    if not moves:
        if facts.frames > 1:
            yield "still", f"it moves ({facts.frames} frames), and it must not"
        return
    if facts.frames < 2:
        yield "moves", "it does not move"
        return
    total = sum(facts.ms) / 1000 * (facts.loops if rule.loops else 1)
    if rule.frames and not rule.frames[0] <= facts.frames <= rule.frames[1]:
        yield "frames", f"it has {facts.frames} frames, and {rule.frames[0]:g} to {rule.frames[1]:g} are taken"
    if rule.loops and not rule.loops[0] <= facts.loops <= rule.loops[1]:
        yield (
            "loops",
            f"it is shown {facts.loops or 'for ever'} times, and {rule.loops[0]:g} to {rule.loops[1]:g} are taken",
        )
    if rule.seconds and not rule.seconds[0] <= total <= rule.seconds[1] + 1e-3:
        yield "seconds", f"it takes {total:g} s, and at most {rule.seconds[1]:g} s are taken"
    if rule.frame_ms and min(facts.ms) < rule.frame_ms:
        yield "frame_ms", f"a frame takes {min(facts.ms)} ms, and the shortest is {rule.frame_ms} ms"
    if rule.fps and facts.ms and facts.frames / (sum(facts.ms) / 1000) > rule.fps + 0.1:
        yield "fps", f"it has {facts.frames / (sum(facts.ms) / 1000):.0f} frames a second, and {rule.fps:g} are taken"


def _check_contents(folder: Path, numbers: dict[str, set[int]]) -> Iterator[Problem]:
    """WhatsApp's list must name every sticker, each with one to three emoji."""
    try:
        table: Any = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
        (pack,) = table["sticker_packs"]
        listed = {str(each["image_file"]): list(each["emojis"]) for each in pack["stickers"]}
        names = {name.format(number=number) for name, found in numbers.items() for number in found}
        for name in sorted(names ^ set(listed)):
            yield Problem(CONTENTS, "list", f"{name} is {'not listed' if name in names else 'listed and not there'}")
        for name, emojis in listed.items():
            if not 1 <= len(emojis) <= 3:
                yield Problem(CONTENTS, "emoji", f"{name} has {len(emojis)} emoji, and 1 to 3 are taken")
        for key in ("name", "identifier", "publisher"):
            if not 1 <= len(str(pack[key])) <= 128:
                yield Problem(CONTENTS, key, f"the {key} must have 1 to 128 letters")
        if not (folder / str(pack["tray_image_file"])).is_file():
            yield Problem(CONTENTS, "list", "the tray picture it names is not there")
    except (OSError, ValueError, KeyError, TypeError):
        yield Problem(CONTENTS, "readable", "it cannot be read")


def _check_zip(zipped: Path, platform: Platform, there: Sequence[str]) -> Iterator[Problem]:
    try:
        with zipfile.ZipFile(zipped) as archive:
            inside = sorted(archive.namelist())
            broken = archive.testzip()
    except (OSError, zipfile.BadZipFile):
        yield Problem(zipped.name, "readable", "the zip cannot be read")
        return
    if broken or inside != sorted(there):
        yield Problem(zipped.name, "list", "the zip does not hold what is in the folder")
    size = zipped.stat().st_size
    if platform.zip_bytes and size > platform.zip_bytes:
        yield Problem(zipped.name, "bytes", f"it has {size} bytes, and {platform.zip_bytes} are allowed")
