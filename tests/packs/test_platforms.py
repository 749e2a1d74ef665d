"""The page of limits: dated, with sources, complete."""

from __future__ import annotations

import shlex
from datetime import date
from pathlib import Path

import pytest

from workbench.cli import build_parser
from workbench.errors import PackError
from workbench.packs import EXPRESSIONS, checked_on, find_platform, platforms
from workbench.world.character import EXPRESSIONS as FACES
from workbench.world.character import HEADWEAR, POSES

ASKED = {
    "wechat", "telegram", "telegram-video", "line", "line-animated", "discord-emoji", "discord-sticker", "whatsapp",
    "steam", "avatars", "vrm", "gltf",
}  # fmt: skip


def test_every_platform_is_there_with_its_sources() -> None:
    assert set(platforms()) == ASKED
    assert date(2026, 1, 1) < checked_on() <= date.today()
    for name, platform in platforms().items():
        assert platform.title and platform.title_zh and platform.files
        assert platform.sources or name == "avatars", "only our own set needs no source"
        assert all(source.startswith("http") for source in platform.sources)
        assert all(rule.bytes > 0 for rule in platform.files)


@pytest.mark.parametrize(
    ("platform", "role", "size", "most"),
    [
        ("wechat", "sticker", (240, 240), 500_000), ("wechat", "banner", (750, 400), 500_000),
        ("line", "sticker", (370, 320), 1_000_000), ("line", "tab", (96, 74), 1_000_000),
        ("telegram", "sticker", (512, 512), 512_000), ("telegram-video", "sticker", (512, 512), 256_000),
        ("whatsapp", "sticker", (512, 512), 100_000), ("discord-emoji", "icon", (128, 128), 256_000),
        ("discord-sticker", "sticker", (320, 320), 512_000), ("steam", "avatar", (184, 184), 1_000_000),
    ],
)  # fmt: skip
def test_the_figures_people_know(platform: str, role: str, size: tuple[int, int], most: int) -> None:
    rule = next(rule for rule in find_platform(platform).files if rule.role == role)
    assert (rule.box, rule.bytes) == (size, most)


def test_counts() -> None:
    assert [count in find_platform("line").counts for count in (8, 9, 16, 40)] == [True, False, True, True]
    assert find_platform("whatsapp").counts_words() == "3 to 30"
    assert find_platform("wechat").counts_words() == "8, 16 or 24"
    assert find_platform("vrm").single and not find_platform("gltf").single
    with pytest.raises(PackError, match="wechat"):
        find_platform("myspace")


def test_sixteen_expressions_that_the_base_knows() -> None:
    assert len(EXPRESSIONS) == 16
    plain = [each.face for each in EXPRESSIONS.values() if not each.variant]
    assert sorted(plain) == sorted(FACES), "each face of the base once"
    for name, each in EXPRESSIONS.items():
        assert name == each.id and each.says and each.says_zh and each.emoji and each.face in FACES
        assert set(each.more) <= {"pose", "headwear"}
        assert each.more.get("pose", "waving") in POSES and each.more.get("headwear", "cap") in HEADWEAR
    assert len({tuple(sorted(each.wishes().items())) for each in EXPRESSIONS.values()}) == 16, "no two are the same"


def test_the_document_names_every_platform_and_every_expression(root: Path) -> None:
    text = (root / "docs" / "packs.md").read_text(encoding="utf-8")
    for name, platform in platforms().items():
        assert f"| `{name}` | {platform.counts_words()} |" in text
    assert [each.title for each in EXPRESSIONS.values() if each.title not in text] == []


def test_every_command_of_the_document_is_one(root: Path) -> None:
    text = (root / "docs" / "packs.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("workbench pack ")]
    assert len(lines) == 7
    for line in lines:
        args = build_parser().parse_args(shlex.split(line, comments=True)[1:])
        assert set(filter(None, getattr(args, "only", "").split(","))) <= set(EXPRESSIONS)
        wanted = getattr(args, "platform", None) or []
        assert {wanted} <= set(platforms()) if isinstance(wanted, str) else set(wanted) <= set(platforms())
