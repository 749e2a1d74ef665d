"""Several pictures as one zip."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from gallery_pictures import picture

from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.gallery import archive as module
from workbench.gallery.archive import zip_pictures
from workbench.generation import read_record


def test_each_picture_keeps_its_recipe(tmp_path: Path) -> None:
    gallery = Gallery()
    ids = [gallery.add(picture(f"number {seed}", seed)) for seed in range(3)]
    assert zip_pictures(gallery, [ids[2], ids[0], ids[2], "gone", "../x"], tmp_path / "a.zip") == 2
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == [f"chibi-{ids[2]}.png", f"chibi-{ids[0]}.png"] and archive.testzip() is None
        assert read_record(archive.read(f"chibi-{ids[0]}.png"))["prompt"] == "number 0"


def test_what_is_too_much_or_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = Gallery()
    ids = [gallery.add(picture(seed=seed)) for seed in range(3)]
    with pytest.raises(GalleryError, match="none of these"):
        zip_pictures(gallery, ["gone"], tmp_path / "a.zip")
    monkeypatch.setattr(module, "MOST_PICTURES", 2)
    with pytest.raises(GalleryError, match="too many"):
        zip_pictures(gallery, ids, tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []
