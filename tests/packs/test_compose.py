"""Stickers, frames, words, avatars and banners: exact sizes, free edges, nothing cut off."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from workbench.errors import PackError
from workbench.packs import lettering
from workbench.packs.compose import Look, avatar, banner, bounds_of, outside_circle, sticker
from workbench.packs.lettering import chinese_font, is_chinese, line_of_text

Cuts = dict[str, Image.Image]


def box_of(image: Image.Image) -> tuple[int, int, int, int]:
    box = image.getchannel("A").point(lambda a: 255 if a > 12 else 0).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("size", [(240, 240), (370, 320), (96, 74), (50, 50)])
@pytest.mark.parametrize("frame", ["none", "circle", "rounded"])
def test_size_and_margin(cuts: Cuts, size: tuple[int, int], frame: str) -> None:
    made = sticker(cuts["hooray"], size, Look(frame=frame), "Hi!", margin=4)  # type: ignore[arg-type]
    left, top, right, bottom = box_of(made)
    assert made.size == size and made.mode == "RGBA"
    assert min(left, top, size[0] - right, size[1] - bottom) >= 4
    assert max((right - left) / size[0], (bottom - top) / size[1]) > (0.8 if size[0] > 60 else 0.6), "the room is used"


def test_the_border_is_white_and_even(cuts: Cuts) -> None:
    with_border = sticker(cuts["smile"], (256, 256), Look(border=0.04, shadow=False))
    row = np.asarray(with_border)[150]
    first = int(np.argmax(row[:, 3] > 200))
    assert (row[first + 1 : first + 8, :3] > 245).all() and not (row[first + 14 : first + 18, :3] > 245).all()
    assert sticker(cuts["smile"], (256, 256), Look(border=0, shadow=False)).tobytes() != with_border.tobytes()


def test_a_shadow_is_half_transparent_and_left_out_of_gif(cuts: Cuts) -> None:
    def half(image: Image.Image) -> int:
        levels = np.asarray(image.getchannel("A"))
        return int(((levels > 5) & (levels < 90)).sum())

    plain, soft = sticker(cuts["ok"], (240, 240), Look(shadow=False)), sticker(cuts["ok"], (240, 240), Look())
    assert half(soft) > half(plain) + 200
    assert half(sticker(cuts["ok"], (240, 240), Look(), soft=False)) == half(plain)


def test_words_are_written(cuts: Cuts) -> None:
    plain = np.asarray(sticker(cuts["laugh"], (240, 240), Look()))
    written = np.asarray(sticker(cuts["laugh"], (240, 240), Look(), "Haha"))
    assert (plain[:150] == written[:150]).mean() > 0.99, "the face stays free"
    assert (plain[190:] != written[190:]).any()
    wide = line_of_text("A very long line of words", (120, 40))
    assert wide.width <= 120 and wide.height <= 40


def test_chinese_needs_a_font_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_chinese("晚安") and is_chinese("耶！") and not is_chinese("Aww… Zoë")
    if chinese_font() is not None:
        one, two = line_of_text("你", (60, 60)), line_of_text("晚", (60, 60))
        assert one.tobytes() != two.tobytes(), "letters, not boxes"
    chinese_font.cache_clear()
    monkeypatch.setattr(lettering, "_font_files", lambda: iter(()))  # a computer without fonts
    with pytest.raises(PackError, match="fonts-noto-cjk"):
        line_of_text("晚安", (60, 60))
    chinese_font.cache_clear()


@pytest.mark.parametrize("expression", ["smile", "music", "hooray", "meow"])
def test_no_circle_cuts_the_head(cuts: Cuts, expression: str) -> None:
    look = Look(colour="#ffd9e1")
    square = avatar(cuts[expression], 200, look)
    away = (np.asarray(square, dtype=int) != look.rgb).any(-1)
    assert square.size == (200, 200) and square.mode == "RGB"
    assert away.mean() > 0.25 and not (away & outside_circle(200))[:100].any()
    circle = np.asarray(avatar(cuts[expression], 200, look, circle=True))[..., 3]
    assert circle[0, 0] == 0 and circle[100, 100] == 255


def test_a_banner_shows_several(cuts: Cuts) -> None:
    wide = banner([cuts[name] for name in ("smile", "laugh", "hello")], (750, 400), Look())
    assert wide.size == (750, 400) and wide.mode == "RGB"
    columns = (np.asarray(wide, dtype=int)[250:] < 90).all(-1).any(0)
    assert all(columns[start : start + 250].any() for start in (0, 250, 500))
    assert banner([cuts["smile"]], (750, 400), Look()).size == (750, 400)


def test_loops_share_their_place(cuts: Cuts) -> None:
    both = bounds_of(cuts["smile"], cuts["hooray"])
    assert both[0] <= bounds_of(cuts["smile"])[0] and both[2] >= bounds_of(cuts["hooray"])[2]
    with pytest.raises(PackError, match="nothing is left"):
        bounds_of(Image.new("RGBA", (9, 9)))


@pytest.mark.parametrize(
    "wrong", [{"border": 0.5}, {"frame": "star"}, {"colour": "nice"}, {"words": "fr"}, {"border": float("nan")}]
)
def test_looks_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(PackError):
        Look(**wrong)  # type: ignore[arg-type]
