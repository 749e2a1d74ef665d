"""Letters for stickers: which font can write a text, and a line of text as a picture.

Latin letters are always there (the page's own font, else the one inside Pillow). Chinese needs a font of the system;
where there is none it is said, since boxes instead of letters would be worse than no words at all.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from workbench.config import ROOT
from workbench.errors import PackError

ROUNDED = ROOT / "ui" / "static" / "nunito-latin.woff2"
INK, PAPER = (61, 42, 51, 255), (255, 255, 255, 255)
LARGEST_SEARCH = 4000  # files that are looked at before giving up
# Beginnings of the file names of fonts with Chinese letters, the boldest and roundest first.
_CHINESE = (
    "notosanscjk-black", "notosanscjk-bold", "notosanssc", "notosanscjksc", "sourcehansans", "sourcehansanssc",
    "lxgwwenkai", "pingfang", "hiragino sans gb", "msyhbd", "msyh", "simhei", "deng", "stheiti", "wqy-zenhei",
    "wqy-microhei", "wqy", "droidsansfallback", "notosanscjk", "notoserifcjk", "notosanstc", "msjh", "uming", "ukai",
)  # fmt: skip
_FACES = 10  # of a collection: one file holds the Japanese, Korean and Chinese forms

Font = ImageFont.FreeTypeFont


def is_chinese(text: str) -> bool:
    """Whether a text has Chinese letters or their punctuation."""
    return any("\u2e80" <= letter <= "\u9fff" or "\uff00" <= letter <= "\uffef" for letter in text)


def font_for(text: str, size: int) -> Font:
    """A font that has every letter of a text.

    Raises:
        PackError: it is Chinese and no font of this computer has its letters.
    """
    if is_chinese(text):
        found = chinese_font()
        if found is None:
            raise PackError(
                "The lettering", f"no font on this computer can write {text!r}",
                "Install a Chinese font such as Noto Sans CJK (`apt install fonts-noto-cjk`), or leave the words out",
            )  # fmt: skip
        return ImageFont.truetype(str(found[0]), size, index=found[1])
    if ROUNDED.is_file():
        font = ImageFont.truetype(str(ROUNDED), size)
        font.set_variation_by_axes([900])
        return font
    built_in = ImageFont.load_default(size)
    assert isinstance(built_in, ImageFont.FreeTypeFont)
    return built_in


@functools.cache
def chinese_font() -> tuple[Path, int] | None:
    """The file and the face in it of a font with Chinese letters; None when this computer has none."""
    ranked = sorted(
        (next((rank for rank, name in enumerate(_CHINESE) if path.stem.lower().startswith(name)), -1), str(path))
        for path in _font_files()
    )
    for rank, path in ranked:
        if rank < 0:
            continue
        for face in _faces(Path(path)):
            return Path(path), face
    return None


def _font_files() -> Iterator[Path]:
    home = Path.home()
    folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".fonts", home / ".local/share/fonts"]
    if sys.platform == "darwin":
        folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    if sys.platform == "win32":
        folders = [Path("C:/Windows/Fonts"), home / "AppData/Local/Microsoft/Windows/Fonts"]
    seen = 0
    for folder in folders:
        for path in folder.rglob("*") if folder.is_dir() else ():
            seen += 1
            if seen > LARGEST_SEARCH:
                return
            if path.suffix.lower() in (".ttf", ".ttc", ".otf", ".otc"):
                yield path


def _faces(path: Path) -> list[int]:
    """Faces of a file that write Chinese, those of simplified Chinese first."""
    found = []
    for face in range(_FACES if path.suffix.lower() in (".ttc", ".otc") else 1):
        try:
            font = ImageFont.truetype(str(path), 24, index=face)
        except OSError:
            break
        # A letter that a font lacks is drawn as the same box as one that exists nowhere.
        if font.getmask("你").getbbox() and bytes(font.getmask("你")) != bytes(font.getmask("\U0010fffe")):
            family = str(font.getname()[0])
            found.append((not family.endswith(" SC"), "Mono" in family, face))
    return [face for *_, face in sorted(found)]


def line_of_text(text: str, box: tuple[int, int]) -> Image.Image:
    """A line of text in dark letters with a broad white edge, as large as fits.

    Args:
        box: the largest width and height in pixels.

    Returns:
        RGBA, cut to the letters.

    Raises:
        PackError: no font can write it.
    """
    width, height = box
    size = max(6, height)
    while True:
        font = font_for(text, size)
        edge = max(1, round(size * 0.11))
        left, top, right, bottom = font.getbbox(text, stroke_width=edge)
        if (right - left <= width and bottom - top <= height) or size <= 6:
            break
        size = max(6, min(size - 1, int(size * min(width / (right - left), height / (bottom - top)))))
    picture = Image.new("RGBA", (max(1, int(right - left)), max(1, int(bottom - top))))
    ImageDraw.Draw(picture).text((-left, -top), text, INK, font, stroke_width=edge, stroke_fill=PAPER)
    return picture
