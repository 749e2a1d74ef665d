"""Photos are watched by their content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.errors import TrainingError
from workbench.training.watch import PhotoWatch


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "me.jpg"
    file.write_bytes(b"pixels")
    return file


def test_the_same_content_with_another_date_is_fine(photo: Path) -> None:
    watch = PhotoWatch([photo])
    os.utime(photo, (1, 1))
    watch.check(at_once=True)


def test_other_content_and_no_file_are_named(photo: Path) -> None:
    watch = PhotoWatch([photo])
    photo.write_bytes(b"others")
    with pytest.raises(TrainingError, match=r"me\.jpg: the photo was changed"):
        watch.check(at_once=True)
    photo.unlink()
    with pytest.raises(TrainingError, match=r"me\.jpg: the photo is gone"):
        watch.check(at_once=True)
    photo.write_bytes(b"pixels")
    watch.check(at_once=True)


def test_between_two_looks_are_some_seconds(photo: Path) -> None:
    watch = PhotoWatch([photo])
    photo.unlink()
    watch.check()
    with pytest.raises(TrainingError):
        watch.check(at_once=True)
