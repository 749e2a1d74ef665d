"""The sixteen expressions of a pack, and the words that draw each.

The base knows eight faces. The other eight are variants: one of those faces with a pose or something on the head,
which is all that a pack may promise honestly; `Expression.variant` says which they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.world.character import Scene


@dataclass(frozen=True)
class Expression:
    """One sticker of a pack.

    Args:
        id: its name in commands and files.
        title, title_zh: its name on the page.
        says, says_zh: what can be written on the sticker.
        emoji: what messengers file it under.
        face: the expression the base knows.
        more: pose or headwear that make a variant of the face.
    """

    id: str
    title: str
    title_zh: str
    says: str
    says_zh: str
    emoji: str
    face: str
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def variant(self) -> bool:
        """Whether it is a known face with something added, not a face of its own."""
        return bool(self.more)

    def wishes(self) -> dict[str, str]:
        """The words of the world that draw it, as `Preferences` takes them."""
        return {"expression": self.face, **self.more}

    def scene(self, **fixed: str) -> Scene:
        """The same as a scene of the world, whose other words are `fixed`."""
        words: dict[str, Any] = fixed | self.wishes()
        return Scene(**words)


# The first stands for the pack where one picture is wanted: an avatar, a cover.
_ALL = (
    Expression("smile", "Smile", "微笑", "Nice!", "开心", "🙂", "smiling"),
    Expression("ok", "OK", "嗯", "OK", "嗯", "😐", "neutral"),
    Expression("laugh", "Laugh", "大笑", "Haha", "哈哈", "😄", "laughing"),
    Expression("sad", "Sad", "难过", "Aww…", "呜呜", "😢", "sad"),
    Expression("angry", "Angry", "生气", "Hmph!", "哼！", "😠", "angry"),
    Expression("surprise", "Surprise", "惊讶", "What?!", "啊？！", "😲", "surprised"),
    Expression("wink", "Wink", "眨眼", "You know", "你懂的", "😉", "winking"),
    Expression("sleepy", "Sleepy", "困", "Zzz", "好困", "😴", "sleepy"),
    Expression("hello", "Hello", "你好", "Hi!", "你好", "👋", "smiling", {"pose": "waving"}),
    Expression("hooray", "Hooray", "耶", "Hooray!", "耶！", "🎉", "laughing", {"pose": "cheering"}),
    Expression("bye", "Bye", "再见", "Bye!", "拜拜", "✌️", "winking", {"pose": "waving"}),
    Expression("wow", "Wow", "哇", "Wow!", "哇！", "🤩", "surprised", {"pose": "cheering"}),
    Expression("rage", "Rage", "气死了", "Grrr!", "气死了", "😡", "angry", {"pose": "cheering"}),
    Expression("night", "Good night", "晚安", "Good night", "晚安", "🌙", "sleepy", {"headwear": "beanie"}),
    Expression("music", "Music", "听歌", "La la la", "听歌中", "🎧", "smiling", {"headwear": "headphones"}),
    Expression("meow", "Meow", "喵", "Meow", "喵～", "🐱", "winking", {"headwear": "cat ears"}),
)  # fmt: skip
EXPRESSIONS: dict[str, Expression] = {each.id: each for each in _ALL}
