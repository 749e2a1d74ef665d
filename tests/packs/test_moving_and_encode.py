"""Loops, and files of every format: small enough, transparent, saying that a model made them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from workbench.errors import PackError
from workbench.generation.provenance import MADE_BY_MODEL, digital_source
from workbench.packs.encode import moving, still
from workbench.packs.moving import KINDS, Loop, make_loop

Cuts = dict[str, Image.Image]


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.fixture(scope="module")
def small(cuts: Cuts) -> Cuts:
    return {name: cuts[name].resize((96, 96)) for name in ("smile", "sleepy", "surprise", "hello", "laugh")}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("expression", ["smile", "hello", "sleepy"])
def test_a_loop_is_short_and_begins_with_its_picture(small: Cuts, kind: str, expression: str) -> None:
    loop = make_loop(kind, expression, small)  # type: ignore[arg-type]
    assert 5 <= len(loop.frames) <= 20 and len(loop.frames) == len(loop.ms)
    assert loop.seconds in (1.0, 2.0), "LINE wants whole seconds"
    assert len({frame.size for frame in loop.frames}) == 1
    foot = loop.frames[0].crop((0, loop.frames[0].height - 96, 96, loop.frames[0].height))
    assert np.abs(np.asarray(foot, dtype=int) - np.asarray(small[expression], dtype=int)).mean() < 1


def test_a_blink_moves_the_eyes_only(cuts: Cuts) -> None:
    loop = make_loop("blink", "smile", cuts)
    closed = np.asarray(loop.frames[2].crop((0, 20, 256, 276)), dtype=int)
    changed = np.abs(closed - np.asarray(cuts["smile"], dtype=int)).max(-1)
    eyes, mouth = changed[105:145, 70:186].mean(), changed[148:166, 100:156].mean()
    assert eyes > 25 and mouth < eyes / 3, "a body that breathes moves a little, no more"
    whole = make_loop("blink", "smile", cuts, known_layout=False).frames[2]
    assert (np.asarray(whole) != np.asarray(loop.frames[2])).any(), "other bases are blended as a whole"


def test_without_a_second_picture_it_bounces(small: Cuts) -> None:
    alone = {"smile": small["smile"]}
    assert make_loop("blink", "smile", alone).ms == make_loop("bounce", "smile", alone).ms
    with pytest.raises(PackError, match="no picture"):
        make_loop("blink", "sad", alone)
    with pytest.raises(PackError, match="is none"):
        make_loop("wobble", "smile", alone)  # type: ignore[arg-type]


def test_thinned() -> None:
    frames = tuple(Image.new("RGBA", (4, 4), (n, 0, 0, 255)) for n in range(5))
    thin = Loop(frames, (10, 20, 30, 40, 50)).thinned()
    assert thin.frames == frames[::2] and thin.ms == (30, 70, 50)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_still_files(small: Cuts, kind: str) -> None:
    made = still(small["smile"], kind, 200_000)
    assert digital_source(made.content) == MADE_BY_MODEL and made.note == ""
    back = opened(made.content)
    levels = np.asarray(back.convert("RGBA").getchannel("A"))
    assert back.format == kind and levels.min() == 0 and levels.max() == 255 and back.size == (96, 96)


@pytest.mark.parametrize("kind", ["APNG", "WEBP", "GIF"])
def test_moving_files(small: Cuts, kind: str) -> None:
    loop = make_loop("blink", "smile", small)
    content = moving(loop, kind, 400_000, turns=2).content
    back = opened(content)
    assert back.n_frames == len(loop.frames) and digital_source(content) == MADE_BY_MODEL  # type: ignore[attr-defined]
    total = 0
    for index in range(len(loop.frames)):
        back.seek(index)
        back.load()
        total += back.info["duration"]
        assert np.asarray(back.convert("RGBA").getchannel("A")).min() == 0
    assert total == pytest.approx(2000, abs=30) and back.info["loop"] == 2


@pytest.mark.parametrize(("kind", "share"), [("PNG", 0.7), ("WEBP", 0.6), ("GIF", 0.8)])
def test_quality_goes_down_until_it_fits(small: Cuts, kind: str, share: float) -> None:
    whole = still(small["laugh"], kind, 10**6)
    most = int(len(whole.content) * share)
    fewer = still(small["laugh"], kind, most)
    assert len(fewer.content) <= most and f"under {most // 1000} KB" in fewer.note
    assert np.asarray(opened(fewer.content).convert("RGBA").getchannel("A")).min() == 0
    with pytest.raises(PackError, match="even at its plainest"):
        still(small["laugh"], kind, 900)


def test_frames_are_left_out_last(small: Cuts) -> None:
    loop = make_loop("bounce", "hello", small)
    least = len(moving(loop, "APNG", 10**7).content)
    made = moving(loop, "APNG", int(least * 0.42))
    assert "6 frames" in made.note and opened(made.content).n_frames == 6  # type: ignore[attr-defined]


def test_other_files_say_nothing_of_their_source(small: Cuts) -> None:
    plain = io.BytesIO()
    small["smile"].save(plain, "PNG")
    assert digital_source(plain.getvalue()) == "" and digital_source(b"no picture") == ""
    with pytest.raises(PackError, match="no format"):
        still(small["smile"], "JPEG", 9)
