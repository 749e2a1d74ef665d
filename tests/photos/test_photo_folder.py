"""A folder of photos: what is looked at, what is left out, and what a folder can have against being read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from real_photos import write_set

from workbench.errors import PhotoError
from workbench.photos import check_folder
from workbench.photos.folder import MAX_FILES


def test_a_folder_of_photos(tmp_path: Path) -> None:
    paths = write_set(tmp_path / "me", "hopper", 3)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}
    (tmp_path / "me" / "broken.jpg").write_bytes(paths[0].read_bytes()[:3000])
    (tmp_path / "me" / "notes.txt").write_text("about the photos")
    (tmp_path / "me" / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "me" / "older").mkdir()
    verdict = check_folder(tmp_path / "me")
    assert [j.name for j in verdict.judgements] == ["broken.jpg", "hopper-1.jpg", "hopper-2.jpg", "hopper-3.jpg"]
    assert [j.accepted for j in verdict.judgements] == [False, True, True, True]
    assert verdict.judgements[0].problems[0].code == "unreadable"
    assert verdict.notes[-1].code == "left_out" and "notes.txt" in verdict.advice[-1]
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths} == before


def test_text_named_jpg_is_judged_not_fatal(tmp_path: Path) -> None:
    (tmp_path / "me.jpg").write_text("no picture at all")
    verdict = check_folder(tmp_path)
    assert not verdict.ready
    assert "text" in verdict.judgements[0].problems[0].words


@pytest.mark.parametrize("content", [[], [".hidden.jpg"], ["notes.txt", "film.mp4"]])
def test_a_folder_without_pictures(tmp_path: Path, content: list[str]) -> None:
    for name in content:
        (tmp_path / name).write_text("x")
    with pytest.raises(PhotoError, match=r"(it is empty|2 files in it, none of them a picture)") as caught:
        check_folder(tmp_path)
    assert "3 to 20 photos" in caught.value.way_out


def test_no_folder_and_a_file(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="no such folder"):
        check_folder(tmp_path / "none")
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    with pytest.raises(PhotoError, match="it is a file"):
        check_folder(tmp_path / "a.png")


def test_a_whole_photo_library_is_refused_before_it_is_read(tmp_path: Path) -> None:
    for i in range(MAX_FILES + 1):
        (tmp_path / f"{i}.jpg").touch()
    with pytest.raises(PhotoError, match=f"{MAX_FILES + 1} pictures"):
        check_folder(tmp_path)


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Permissions do not bind the administrator, under whom tests run in containers: nobody is who they bind."""
    administrator = os.geteuid() == 0
    if administrator:
        os.seteuid(65534)
    try:
        yield
    finally:
        if administrator:
            os.seteuid(0)


def let_in(folder: Path) -> None:
    """Opens pytest's own folders above, which are closed to others, so that only what the test closes is closed."""
    for parent in folder.parents:
        if parent.name.startswith(("pytest-", "popen-", "test_")):
            parent.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="NOT CHECKED without permission: this system has no seteuid")
@pytest.mark.parametrize("mode", [0o000, 0o200, 0o444, 0o111])
def test_a_folder_without_permission(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "locked"
    write_set(folder, "hopper", 1)
    let_in(folder)
    folder.chmod(mode)
    try:
        with as_ordinary_user(), pytest.raises(PhotoError, match="you may not read this folder"):
            check_folder(folder)
    finally:
        folder.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="NOT CHECKED without permission: this system has no seteuid")
def test_a_photo_without_permission_is_judged(tmp_path: Path) -> None:
    [path] = write_set(tmp_path / "me", "hopper", 1)
    let_in(path.parent)
    path.chmod(0)
    with as_ordinary_user():
        verdict = check_folder(tmp_path / "me")
    assert verdict.judgements[0].problems[0].words == "You may not read this file"
