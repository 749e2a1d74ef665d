"""Where a run's photos come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from workbench.dataset.selfies import gather_selfies
from workbench.errors import PhotoError, SubjectError
from workbench.photos import Subject, create_subject, crops, save_subject
from workbench.photos.scene import save_photo_words
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for index, background in enumerate(("white", "blue")):
        scene = sample_scene(index, headwear="none", background=background, tilt=0.0, turn=0.0)
        draw(sample_character(3), scene, "photo", size=512, seed=index).save(folder / f"selfie-{index}.png")
    Image.new("RGB", (512, 512), "gray").save(folder / "wall.png")
    return folder


def test_good_photos_are_cropped_and_others_named_with_the_reason(photos: Path) -> None:
    told: list[tuple[int, int]] = []
    selfies = gather_selfies(str(photos), "mia", lambda *done: told.append(done))
    assert selfies.names == ("selfie-0.png", "selfie-1.png")
    assert all(crop.mode == "RGB" and crop.width == crop.height >= 256 for crop in selfies.crops)
    assert len(selfies.rejected) == 1 and selfies.rejected[0].startswith("wall.png: ")
    assert told[-1] == (3, 3)


def test_no_good_photo_at_all(tmp_path: Path) -> None:
    Image.new("RGB", (512, 512), "gray").save(tmp_path / "wall.png")
    (tmp_path / "text.jpg").write_text("this is text")
    with pytest.raises(PhotoError) as caught:
        gather_selfies(str(tmp_path), "mia")
    assert "wall.png: " in str(caught.value) and "text.jpg: " in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_no_folder_and_an_empty_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(PhotoError, match=name):
        gather_selfies(str(tmp_path / name), "mia")


def test_photos_that_were_kept_before(photos: Path) -> None:
    from workbench.photos import add_photos, check_folder

    subject = create_subject("mia", traits={"hair_colour": "brown"})
    add_photos(subject, check_folder(photos))
    selfies = gather_selfies("subject", "mia")
    assert sorted(selfies.names) == ["selfie-0.png", "selfie-1.png"]
    assert selfies.traits == {"hair_colour": "brown"} and selfies.words == ("", "")
    first = crops(subject)[0].stem
    save_photo_words(subject, {first: "smiling, in a tree"})
    assert sorted(gather_selfies("subject", "mia").words) == ["", "smiling, in a tree"]


def test_whole_photos_in_their_own_shape_brought_or_kept(photos: Path, tmp_path: Path) -> None:
    from workbench.photos import add_photos, check_folder

    with Image.open(photos / "selfie-0.png") as photo:
        photo.crop((64, 0, 448, 512)).save(tmp_path / "high.png")
    brought = gather_selfies(str(tmp_path), "mia", ratio=2.0)
    assert [each.size for each in brought.framed] == [(384, 512)] and brought.learned == brought.framed
    assert brought.crops[0].width == brought.crops[0].height, "what judges likeness stays the face"
    add_photos(create_subject("mia"), check_folder(tmp_path))
    kept = gather_selfies("subject", "mia", ratio=2.0)
    assert [each.tobytes() for each in kept.framed] == [each.tobytes() for each in brought.framed]
    assert gather_selfies("subject", "mia").learned == gather_selfies("subject", "mia").crops


def test_a_subject_without_photos_and_no_subject() -> None:
    save_subject(Subject("mia"))
    with pytest.raises(PhotoError, match="Subject mia"):
        gather_selfies("subject", "mia")
    with pytest.raises(SubjectError):
        gather_selfies("subject", "nobody")
