"""Aspect buckets and several resolutions, against sizes worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from workbench.backbones import Backbone
from workbench.dataset import Example, build_dataset
from workbench.dataset.buckets import bucket_sizes, cut_off, frame_photo, nearest_bucket, sides
from workbench.dataset.encode import encode
from workbench.photos import Face


def test_buckets_by_hand() -> None:
    # 512 px in steps of 64, twice as long at the most; 384 × 682 is 384 × 640, 448 × 585 is 448 × 576, and 320 × 819
    # is too narrow.
    assert bucket_sizes(512, 64, 2.0) == ((384, 640), (448, 576), (512, 512), (576, 448), (640, 384))
    assert bucket_sizes(512, 64, 1.4) == ((448, 576), (512, 512), (576, 448))
    assert bucket_sizes(512, 64, 1.0) == bucket_sizes(512, 64, 0.0) == ((512, 512),)
    # Steps are a sixteenth of the side, though the base would take finer ones: 1024 × 1024 in steps of 64.
    assert {width % 64 for width, _ in bucket_sizes(1024, 16, 3.0)} == {0}
    # The square is there though 800 is no multiple of the step.
    assert (800, 800) in bucket_sizes(800, 32, 2.0)


@pytest.mark.parametrize(("side", "multiple", "ratio"), [(256, 32, 2.0), (512, 64, 4.0), (1024, 32, 2.5), (640, 16, 2)])
def test_no_bucket_needs_more_memory_than_the_square(side: int, multiple: int, ratio: float) -> None:
    for width, height in bucket_sizes(side, multiple, ratio):
        assert 0.75 * side**2 < width * height <= side**2
        assert width % multiple == height % multiple == 0 and max(width / height, height / width) <= ratio


def test_a_picture_goes_where_its_sides_are_nearest() -> None:
    sizes = bucket_sizes(512, 64, 2.0)
    assert nearest_bucket((3000, 4000), sizes) == (448, 576)  # 0.75 to 0.78, and 0.6 is farther
    assert nearest_bucket((4000, 3000), sizes) == (576, 448)
    assert nearest_bucket((1080, 1920), sizes) == (384, 640)
    assert nearest_bucket((900, 1000), sizes) == (512, 512)  # ln 0.9 = -0.105, half of ln 0.78 = -0.25
    assert nearest_bucket((870, 1000), sizes) == (448, 576)
    assert nearest_bucket((10, 9000), sizes) == (384, 640)


def test_what_is_cut_off_by_hand() -> None:
    # 3000 × 4000 covers 448 × 576 at 0.1493: 448 × 597, so 21 rows are too many and 10 of them go at the top.
    assert cut_off((3000, 4000), (448, 576)) == (10, 0)
    # 1000 × 500 covers 512 × 512 at 1.024: 1024 × 512, half of 512 columns at the left; mirrored, the other half.
    assert cut_off((1000, 500), (512, 512)) == (0, 256)
    assert cut_off((1001, 500), (512, 512)) == (0, 256) and cut_off((1001, 500), (512, 512), flip=True) == (0, 257)
    assert cut_off((512, 512), (512, 512)) == (0, 0)


def test_sides_by_hand() -> None:
    assert sides(1024, 64, 0.5) == (1024, 768, 512)
    assert sides(512, 64, 0.5) == (512, 384, 256)
    assert sides(32, 8, 0.9) == (32,)  # 30.4 and 28.8 are 32 again, to the nearest multiple of 8
    assert sides(512, 64, 0.0) == sides(512, 64, 1.0) == (512,)


def face_at(x: float, y: float) -> Face:
    return Face((x - 10, y - 10, x + 10, y + 10), np.zeros((5, 2)), 1.0, np.zeros(128, np.float32))


def test_a_photo_keeps_its_shape_and_a_long_one_its_head() -> None:
    photo = Image.new("RGB", (100, 300))
    photo.paste("red", (0, 0, 100, 60))
    assert frame_photo(photo, face_at(50, 30), 4.0).size == (100, 300)
    framed = frame_photo(photo, face_at(50, 30), 2.0)
    assert framed.size == (100, 200) and framed.getpixel((50, 30)) == (255, 0, 0)
    assert frame_photo(photo, face_at(50, 290), 2.0).getpixel((50, 0)) == (0, 0, 0)
    middle = frame_photo(photo, face_at(50, 150), 2.0)
    assert [middle.getpixel((50, y)) for y in (9, 10)] == [(255, 0, 0), (0, 0, 0)], "rows 50 to 250 are kept"
    assert frame_photo(Image.new("RGB", (5000, 4000)), face_at(9, 9), 2.0).size == (2048, 1638)


def picture(seed: int, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8))


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    photos = [picture(1, (30, 40)), picture(2, (40, 30)), picture(3, (31, 32)), picture(4, (33, 44))]
    return build_dataset(
        tmp_path / "mia",
        photos=[(photo, "photo of zkq person") for photo in photos],
        anchors=[(picture(5, (32, 32)), "chibi of zkq person")],
    )


def test_latents_by_bucket(backbone: Backbone, examples: list[Example], tmp_path: Path) -> None:
    # The tiny base's sides are multiples of 8: 24 × 40, 32 × 32 and 40 × 24, with cells of 4 px.
    data = encode(backbone, examples, flips=True, cache_dir=tmp_path / "cache", ratio=2.0)
    shapes = [tuple(grid.mean.shape) for grid in data.grids]
    assert shapes == [(3, 4, 8, 8), (4, 4, 10, 6), (2, 4, 6, 10)]
    square, high, wide = data.grids
    assert square.views == ((), (), (0, 1), (), (2,)) and high.views == ((0, 1), (), (), (2, 3), ())
    assert wide.views == ((), (0, 1), (), (), ())
    # 30 × 40 covers 24 × 40 at 1.0: 6 columns too many, 3 on each side.
    assert high.cut is not None and high.cut[0].tolist() == [0, 3]
    for flip in (False, True):
        image = ImageOps.fit(picture(1, (30, 40)), (24, 40), Image.Resampling.LANCZOS)
        pixels = np.array(ImageOps.mirror(image) if flip else image, np.float32) / 127.5 - 1
        mean, _ = backbone.encode_images(torch.from_numpy(pixels).permute(2, 0, 1)[None])
        torch.testing.assert_close(high.mean[int(flip)], mean[0], atol=1e-5, rtol=1e-4)
    files = len(list((tmp_path / "cache").iterdir()))
    again = encode(backbone, examples, flips=True, cache_dir=tmp_path / "cache", ratio=2.0)
    assert files == 9 == len(list((tmp_path / "cache").iterdir()))
    assert all(torch.equal(one.mean, two.mean) for one, two in zip(data.grids, again.grids, strict=True))


def test_latents_at_several_resolutions(backbone: Backbone, examples: list[Example]) -> None:
    data = encode(backbone, examples, flips=True, smallest=0.5)
    assert [tuple(grid.mean.shape) for grid in data.grids] == [(9, 4, 8, 8), (9, 4, 6, 6), (9, 4, 4, 4)]
    assert all(grid.cut is None and grid.views == data.grids[0].views for grid in data.grids)
