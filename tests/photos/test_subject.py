"""Subjects: made, read, listed; and what is kept of photos, and forgotten."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image
from real_photos import as_photo, portrait, write_set

from workbench.config import home
from workbench.errors import SubjectError
from workbench.photos import (
    Examination,
    add_photos,
    check_folder,
    create_subject,
    crops,
    examine,
    forget,
    judge_photos,
    judge_set,
    judgements,
    kept_photos,
    list_subjects,
    load_subject,
    remove_photo,
    save_subject,
)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_subject_is_read_as_it_was_made() -> None:
    made = create_subject("mia", "zkq", "woman", {"hair_colour": "brown", "freckles": True})
    assert load_subject("mia") == made
    assert made.created.endswith("+00:00")
    assert [subject.name for subject in list_subjects()] == ["mia"]


def test_names_of_any_script_and_none_that_leaves_the_folder() -> None:
    assert create_subject("小美").folder == home() / "subjects" / "小美"
    for name in ("../mia", "a/b", "", ".", "..", "-x", "a b", "x" * 41, "a\0b"):
        with pytest.raises(SubjectError):
            create_subject(name)
        with pytest.raises(SubjectError):
            load_subject(name)
        with pytest.raises(SubjectError):
            forget(name)
    assert [path.name for path in home().iterdir()] == ["subjects"]


@pytest.mark.parametrize("trigger", ["", "  ", "a,b", "a\nb", "x" * 41])
def test_trigger_words_that_would_break_a_caption(trigger: str) -> None:
    with pytest.raises(SubjectError, match="trigger word"):
        create_subject("mia", trigger)
    assert list_subjects() == []


def test_a_name_is_taken_once() -> None:
    create_subject("mia")
    with pytest.raises(SubjectError, match="already"):
        create_subject("mia")


def test_a_missing_subject_tells_which_there_are() -> None:
    with pytest.raises(SubjectError, match="none yet"):
        load_subject("mia")
    create_subject("ben")
    with pytest.raises(SubjectError, match="Subjects: ben"):
        load_subject("mia")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "mia"}', '{"trigger": 1}'])
def test_a_broken_record_says_so_and_hides_no_other(text: str) -> None:
    create_subject("ben")
    create_subject("mia")
    (home() / "subjects" / "mia" / "subject.json").write_text(text)
    with pytest.raises(SubjectError, match="broken"):
        load_subject("mia")
    assert [subject.name for subject in list_subjects()] == ["ben"]


def test_corrected_traits_are_kept() -> None:
    subject = create_subject("mia")
    save_subject(type(subject)(**{**subject.__dict__, "traits": {"glasses": "round"}}))
    assert load_subject("mia").traits == {"glasses": "round"}


def test_accepted_photos_are_kept_without_metadata(tmp_path: Path) -> None:
    paths = write_set(tmp_path, "hopper", 2)
    private = Image.open(paths[0])
    exif = private.getexif()
    exif[0x010F] = "SECRETPHONE"
    private.save(paths[0], exif=exif, quality=90)
    (tmp_path / "x.jpg").write_text("no picture")
    assert b"SECRET" in paths[0].read_bytes()
    subject = create_subject("mia")
    made = add_photos(subject, check_folder(tmp_path))
    assert sorted(made) == crops(subject) and len(made) == 2
    folder = subject.folder
    keys = {path.stem for path in made}
    expected = {f"{part}/{key}.png" for part in ("photos", "crops") for key in keys}
    assert files(folder) == expected | {"subject.json", "judgements.json"}
    for path in folder.rglob("*.png"):
        with Image.open(path) as image:
            image.load()
            assert image.mode == "RGB" and not image.info and not image.getexif()
        assert b"SECRET" not in path.read_bytes()
    assert {record["name"] for record in judgements(subject).values()} == {"hopper-1.jpg", "hopper-2.jpg"}


def test_adding_twice_changes_nothing_and_adding_more_adds(real_sets: dict[str, list[Examination]]) -> None:
    subject = create_subject("mia")
    add_photos(subject, judge_set(real_sets["hopper"][:2]))
    before = {path: path.stat().st_mtime_ns for path in subject.folder.glob("photos/*")}
    add_photos(subject, judge_set(real_sets["hopper"][:2]))
    assert {path: path.stat().st_mtime_ns for path in subject.folder.glob("photos/*")} == before
    add_photos(subject, judge_set(real_sets["hopper"][2:3]))
    assert len(crops(subject)) == 3


def test_a_duplicate_does_not_drop_what_it_repeats(real_sets: dict[str, list[Examination]]) -> None:
    subject = create_subject("mia")
    add_photos(subject, judge_set([*real_sets["hopper"][:2], real_sets["hopper"][0]]))
    assert len(crops(subject)) == 2


def test_a_stranger_found_later_is_dropped(real_sets: dict[str, list[Examination]]) -> None:
    subject = create_subject("mia")
    add_photos(subject, judge_set(real_sets["astronaut"][:1]))
    add_photos(subject, judge_set([real_sets["astronaut"][0], *real_sets["hopper"][:3]]))
    assert len(crops(subject)) == 3
    assert all(record["name"].startswith("hopper") for record in judgements(subject).values())


def test_kept_photos_can_be_judged_again_with_new_ones() -> None:
    subject = create_subject("mia")
    photo = as_photo(portrait("hopper"), "me.jpg")
    add_photos(subject, judge_photos([photo]))
    [kept] = kept_photos(subject)
    assert (kept.name, kept.sha256) == ("me.jpg", photo.sha256)
    assert kept.image.tobytes() == photo.image.tobytes()
    again = judge_set([examine(kept), examine(photo)])
    assert [problem.code for problem in again.judgements[1].problems] == ["duplicate"]


def test_taking_one_photo_out(real_sets: dict[str, list[Examination]]) -> None:
    subject = create_subject("mia")
    [first, second] = add_photos(subject, judge_set(real_sets["hopper"][:2]))
    remove_photo(subject, first.stem)
    assert crops(subject) == [second]
    assert list(judgements(subject)) == [second.stem]
    for wrong in (first.stem, "../../x", ""):
        with pytest.raises(SubjectError, match="no photo"):
            remove_photo(subject, wrong)


def test_what_an_interrupted_write_leaves_is_no_photo() -> None:
    subject = create_subject("mia")
    for part in ("photos", "crops"):
        (subject.folder / part).mkdir()
        (subject.folder / part / ".writing-abc.png").write_bytes(b"half")
    assert crops(subject) == [] and kept_photos(subject) == []


def fill(name: str) -> None:
    for place in ("subjects", "datasets", "runs"):
        folder = home() / place / name
        folder.mkdir(parents=True)
        (folder / "metadata.jsonl").write_text("{}")
    (home() / "subjects" / name / "subject.json").write_text("{}")
    (home() / "datasets" / f".building-{name}").mkdir()


def test_forgetting_leaves_nothing_of_the_person_and_all_of_the_others() -> None:
    fill("mia")
    fill("mia-2")
    (home() / "cache").mkdir()
    (home() / "cache" / "abc.safetensors").write_bytes(b"latents of somebody")
    removed = forget("mia")
    assert all(not path.exists() for path in removed)
    left = files(home())
    assert left and all("mia-2" in path for path in left)
    assert not (home() / "datasets" / ".building-mia").exists()
    assert {path.parent.name for path in removed if path.name == "mia"} == {"subjects", "datasets", "runs"}
    assert forget("mia") == []


def test_a_link_is_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "me.jpg").write_bytes(b"original")
    (home() / "subjects").mkdir(parents=True)
    (home() / "subjects" / "mia").symlink_to(tmp_path / "album")
    forget("mia")
    assert (tmp_path / "album" / "me.jpg").read_bytes() == b"original"
    assert not (home() / "subjects" / "mia").is_symlink()


def test_a_subject_in_training_is_not_forgotten() -> None:
    fill("mia")
    status = home() / "runs" / "mia" / "status.json"
    status.write_text(json.dumps({"state": "running", "pid": os.getpid()}))
    with pytest.raises(SubjectError, match="training"):
        forget("mia")
    assert (home() / "subjects" / "mia").exists()
    os.utime(status, (0, 0))  # its heart stopped long ago, the process number is somebody else's now
    assert forget("mia")


@pytest.mark.parametrize("status", ["", "{}", '{"state": "done", "pid": 1}', '{"state": "running", "pid": "x"}'])
def test_a_finished_or_broken_run_is_forgotten(status: str) -> None:
    fill("mia")
    (home() / "runs" / "mia" / "status.json").write_text(status)
    assert forget("mia")
