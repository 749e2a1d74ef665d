"""Captions with words left out, so that the picture without them is learned too."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping

COUNT = 16  # wordings of each caption; enough for a share of a twentieth to show


def wordings(caption: str, shares: Mapping[str, float], seed: int = 0) -> list[str]:
    """Words a caption in several ways, one of which each step takes.

    An empty caption teaches what classifier-free guidance compares with (arXiv 2207.12598, §3.2). Tags left out teach
    that the rest of the picture does not hang on them.

    Args:
        caption: parts separated by commas; the first names style and subject and is kept.
        shares: `caption_dropout`, share of wordings that are empty, and `tag_dropout`, chance of each later part to
            be left out; 0 when not named.
        seed: of what is left out; it hangs on this and the caption alone.

    Returns:
        One wording, the caption itself, when nothing is to be left out; otherwise `COUNT`.
    """
    caption_dropout, tag_dropout = shares.get("caption_dropout", 0.0), shares.get("tag_dropout", 0.0)
    if caption_dropout <= 0 and tag_dropout <= 0:
        return [caption]
    digest = hashlib.sha256(f"{seed}:{caption}".encode()).digest()
    chance = random.Random(int.from_bytes(digest[:8], "big"))
    empty = set(chance.sample(range(COUNT), round(caption_dropout * COUNT)))
    first, *tags = caption.split(", ")
    made = []
    for index in range(COUNT):
        kept = [tag for tag in tags if chance.random() >= tag_dropout]
        made.append("" if index in empty else ", ".join([first, *kept]))
    return made
