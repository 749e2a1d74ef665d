"""What each platform takes: `platforms.yaml` as records that cannot be wrong in silence."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml

from workbench.errors import PackError

PAGE = Path(__file__).with_name("platforms.yaml")
FORMATS = ("PNG", "APNG", "GIF", "WEBP", "WEBM", "GLB")
MOVING_FORMATS = ("APNG", "GIF", "WEBP", "WEBM")
ROLES = ("sticker", "main", "tab", "thumb", "cover", "icon", "banner", "avatar", "circle", "card")

Moving = Literal["never", "either", "always"]
Pair = tuple[float, float]


@dataclass(frozen=True)
class FileRule:
    """One kind of file of a pack.

    Args:
        role: what it is for; decides how it is composed.
        name: path in the pack's folder; with `{number}` one for each picture.
        format: of a still one, unless the platform always moves.
        bytes: the largest file.
        size, within, side: pixels; see the head of `platforms.yaml`.
        moving_format, moving_bytes: of a moving one, when that differs.
        alpha: whether it must be transparent around the drawing; None: either.
        margin: pixels at each edge that stay empty.
        frames, seconds, loops, frame_ms, fps: of a moving one.
        circle_safe: whether the head must lie inside the circle that touches the sides.
    """

    role: str
    name: str
    format: str
    bytes: int
    size: tuple[int, int] | None = None
    within: tuple[int, int] | None = None
    side: int = 0
    even: bool = False
    moving_format: str = ""
    moving_bytes: int = 0
    alpha: bool | None = None
    margin: int = 0
    frames: Pair | None = None
    seconds: Pair | None = None
    loops: Pair | None = None
    frame_ms: int = 0
    fps: float = 0
    circle_safe: bool = False

    @property
    def box(self) -> tuple[int, int]:
        """The largest width and height."""
        box = self.size or self.within
        assert box is not None  # _rule refuses one without
        return box

    @property
    def each(self) -> bool:
        """Whether every picture of the pack becomes such a file."""
        return "{number" in self.name

    def moves(self, moving: bool) -> bool:
        """Whether the file moves in a pack that does: covers and icons stay still."""
        return moving and (self.format_for(True) in MOVING_FORMATS) and (self.each or self.format == "APNG")

    def format_for(self, moving: bool) -> str:
        return self.moving_format if moving and self.moving_format else self.format

    def most_bytes(self, moving: bool) -> int:
        return self.moving_bytes if moving and self.moving_bytes else self.bytes

    def path(self, number: int, moving: bool) -> str:
        """The file's path in the pack, for picture `number` (from 1)."""
        name = self.name.format(number=number)
        # A still PNG may become a GIF; an APNG is called .png everywhere.
        gif = self.moves(moving) and self.format_for(True) == "GIF"
        return name.rsplit(".", 1)[0] + ".gif" if gif else name


@dataclass(frozen=True)
class Platform:
    """A place that takes packs.

    Args:
        id: its name in commands.
        title, title_zh: as people call it.
        moving: whether its stickers move.
        counts: how many pictures a pack may have: the numbers themselves, or from–to as a range.
        files: what a pack consists of.
        sources: pages the limits come from.
        notes: what a person should know.
        zip_bytes: the largest zip, 0 for any.
    """

    id: str
    title: str
    title_zh: str
    moving: Moving
    counts: tuple[int, ...] | range
    files: tuple[FileRule, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    zip_bytes: int = 0

    @property
    def single(self) -> bool:
        """Whether it takes one picture only."""
        return max(self.counts) == 1

    def sizes_words(self) -> str:
        """The pixels of its main files; from the smallest to the largest where one picture is wanted in several."""
        sides = [f"{rule.box[0]} × {rule.box[1]} px" for rule in self.files if rule.role == self.files[0].role]
        return sides[0] if len(sides) == 1 or not self.single else f"{sides[0].split(' ')[0]} to {sides[-1]}"

    def counts_words(self) -> str:
        if isinstance(self.counts, range):
            low, high = self.counts[0], self.counts[-1]
            return str(low) if low == high else f"{low} to {high}"
        return ", ".join(map(str, self.counts[:-1])) + f" or {self.counts[-1]}"


def platforms() -> dict[str, Platform]:
    """All platforms by id, in the order of the page."""
    return dict(_page()[1])


def checked_on() -> date:
    """When the limits were looked up."""
    return _page()[0]


def find_platform(name: str) -> Platform:
    """A platform by id.

    Raises:
        PackError: there is none.
    """
    found = platforms().get(name)
    if found is None:
        raise PackError(f"The platform {name!r}", "there is none of this name", f"Choose {', '.join(platforms())}")
    return found


@functools.cache
def _page() -> tuple[date, Mapping[str, Platform]]:
    page = yaml.safe_load(PAGE.read_text(encoding="utf-8"))
    return page["checked"], {name: _platform(name, table) for name, table in page["platforms"].items()}


def _platform(name: str, table: Mapping[str, Any]) -> Platform:
    counts = table["counts"]
    return Platform(
        id=name,
        title=table["title"],
        title_zh=table["title_zh"],
        moving=table["moving"],
        counts=tuple(counts) if isinstance(counts, list) else range(counts["from"], counts["to"] + 1),
        files=tuple(_rule(name, entry) for entry in table["files"]),
        sources=tuple(table["sources"]),
        notes=tuple(table["notes"]),
        zip_bytes=table.get("zip_bytes", 0),
    )


def _rule(platform: str, entry: Mapping[str, Any]) -> FileRule:
    unknown = set(entry) - {field.name for field in fields(FileRule)}
    assert not unknown, f"{platform}: {unknown}"
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    rule = FileRule(**values)
    assert rule.format in FORMATS and rule.role in ROLES and (rule.size or rule.within), f"{platform}: {rule.name}"
    return rule
