"""The head-and-shoulders square: framing, pixels inside, and what is made up outside."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PIL import Image
from real_photos import PEOPLE, as_photo, portrait

from workbench.photos import Photo, crop_face, find_faces
from workbench.photos.crop import FACE_SHARE, FACE_X, FACE_Y, crop_box, natural_size
from workbench.photos.faces import Face


def plain_face(box: tuple[float, float, float, float]) -> Face:
    return Face(box, np.zeros((5, 2)), 1.0, np.zeros(128, dtype=np.float32))


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("size", [256, 512])
def test_the_face_lies_where_the_world_draws_it(portraits: dict[str, Photo], person: str, size: int) -> None:
    photo = portraits[person]
    crop = crop_face(photo, find_faces(photo.image)[0], size)
    assert crop.size == (size, size) and crop.mode == "RGB"
    [face, *_] = find_faces(crop)
    assert 0.33 <= face.width / size <= 0.43
    assert face.centre[0] / size == pytest.approx(FACE_X, abs=0.04)
    assert face.centre[1] / size == pytest.approx(FACE_Y, abs=0.04)


def test_inside_the_photo_the_crop_is_the_photo() -> None:
    image = Image.effect_noise((800, 800), 60).convert("RGB")
    photo = Photo("noise", image, "0" * 64, image.size)
    face = plain_face((305.0, 305.0, 495.0, 495.0))  # 190 wide: a square of 500
    left, top, side = crop_box(face)
    assert side == pytest.approx(190 / FACE_SHARE)
    expected = image.crop((round(left), int(top), round(left) + 500, int(top) + 500))
    assert np.array_equal(np.asarray(crop_face(photo, face, 500)), np.asarray(expected))


@pytest.mark.parametrize("box", [(10, 10, 200, 200), (600, 600, 790, 790), (300, -20, 490, 170), (5, 5, 795, 795)])
def test_beyond_the_edge_there_are_neither_stripes_nor_holes(box: tuple[int, int, int, int]) -> None:
    rng = np.random.default_rng(0)
    # The worst edge: black and white lines that end at it.
    stripes = np.repeat(np.where(rng.random((1, 400)) > 0.5, 255, 0).astype(np.uint8), 2, axis=1)
    image = Image.fromarray(np.repeat(np.repeat(stripes, 800, axis=0)[..., None], 3, axis=2))
    photo = Photo("stripes", image, "0" * 64, image.size)
    face = plain_face(tuple(float(v) for v in box))  # type: ignore[arg-type]
    left, top, side = crop_box(face)
    crop = np.asarray(crop_face(photo, face, 256).convert("L"), dtype=float)
    scale = 256 / side
    y, x = np.mgrid[0:256, 0:256]
    reach = 256 * 0.1  # from here on out nothing of the lines may be left
    outside = (y / scale + top < -reach / scale) | (y / scale + top > 800 + reach / scale)
    outside |= (x / scale + left < -reach / scale) | (x / scale + left > 800 + reach / scale)
    change = np.abs(np.diff(crop, axis=1))[outside[:, 1:]]
    assert change.size > 1000 and change.max() < 12
    assert 60 < crop[outside].mean() < 200


def test_a_plain_wall_goes_on_as_a_plain_wall() -> None:
    image = Image.new("RGB", (400, 400), (90, 140, 170))
    crop = crop_face(Photo("wall", image, "0" * 64, image.size), plain_face((10.0, 10.0, 390.0, 390.0)), 256)
    assert np.abs(np.asarray(crop, dtype=int) - (90, 140, 170)).max() <= 1


def test_a_face_that_fills_a_large_photo_is_cropped_quickly() -> None:
    image = portrait("hopper").crop((130, 60, 400, 380)).resize((1700, 2000))
    photo = as_photo(image)
    start = time.process_time()
    crop = crop_face(photo, plain_face((150.0, 300.0, 1550.0, 1700.0)), 1024)
    assert time.process_time() - start < 2
    assert crop.size == (1024, 1024)


@pytest.mark.parametrize(("width", "size"), [(40, 256), (190, 500), (1500, 1024)])
def test_crops_are_kept_at_the_size_they_have(width: int, size: int) -> None:
    assert natural_size(plain_face((0.0, 0.0, float(width), float(width)))) == size
