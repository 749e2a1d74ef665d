"""A set of photos: copies, too many, and what to add."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from real_photos import as_photo, portrait, variations

from workbench.errors import PhotoError
from workbench.photos import MAX_ACCEPTED, PROBLEM_CODES, Examination, examine, judge_photos, judge_set
from workbench.photos.advice import advise
from workbench.photos.measure import Light, Pose


def reasons(examined: list[Examination]) -> list[list[str]]:
    return [[problem.code for problem in judgement.problems] for judgement in judge_set(examined).judgements]


def renamed(examined: Examination, name: str) -> Examination:
    judgement = examined.judgement
    assert judgement.photo is not None
    photo = replace(judgement.photo, name=name)
    return replace(examined, judgement=replace(judgement, name=name, photo=photo))


def test_the_same_file_twice_is_kept_once(real_sets: dict[str, list[Examination]]) -> None:
    first = real_sets["hopper"][0]
    verdict = judge_set([first, real_sets["hopper"][2], renamed(first, "copy.jpg")])
    assert [j.accepted for j in verdict.judgements] == [True, True, False]
    [problem] = verdict.judgements[2].problems
    assert problem.code == "duplicate" and "hopper-0.jpg" in problem.words


@pytest.mark.parametrize("change", ["smaller", "worse jpeg", "brighter", "slightly cropped"])
def test_the_same_photo_in_another_file_is_kept_once_in_its_better_form(change: str) -> None:
    image = portrait("hopper")
    width, height = image.size
    copies = {
        "smaller": as_photo(image.resize((width // 2, height // 2)), "copy.jpg"),
        "worse jpeg": as_photo(image, "copy.jpg", quality=30),
        "brighter": as_photo(ImageEnhance.Brightness(image).enhance(1.15), "copy.jpg"),
        "slightly cropped": as_photo(image.crop((4, 4, width - 6, height - 6)), "copy.jpg"),
    }
    examined = [examine(copies[change]), examine(as_photo(image, "first.jpg", 95))]
    verdict = judge_set(examined)
    assert len(verdict.accepted) == 1
    [refused] = verdict.rejected
    assert [problem.code for problem in refused.problems] == ["near_duplicate"]
    assert verdict.accepted[0].name in refused.problems[0].words
    if change == "smaller":
        assert refused.name == "copy.jpg", "the one with more pixels is kept, wherever it stands"


def test_varied_photos_of_one_person_are_no_duplicates(
    real_sets: dict[str, list[Examination]], drawn_set: list[Examination]
) -> None:
    for examined in (*real_sets.values(), drawn_set):
        assert reasons(examined) == [[]] * len(examined)


def test_refused_photos_take_no_part_in_comparisons(real_sets: dict[str, list[Examination]]) -> None:
    dark = examine(as_photo(ImageEnhance.Brightness(portrait("astronaut")).enhance(0.1), "dark.jpg"))
    assert reasons([*real_sets["hopper"][:3], dark])[-1] == ["too_dark"]


def many(real_sets: dict[str, list[Examination]], count: int) -> list[Examination]:
    """Examinations that differ in file and fingerprint, the later ones the sharper."""
    rng = np.random.default_rng(0)
    base = real_sets["hopper"][0]
    assert base.judgement.photo is not None
    return [
        replace(
            base,
            judgement=replace(
                base.judgement,
                name=f"{i}.jpg",
                sharpness=0.4 + 0.01 * i,
                photo=replace(base.judgement.photo, sha256=f"{i:064x}"),
            ),
            fingerprint=rng.random(64) > 0.5,
        )
        for i in range(count)
    ]


def test_up_to_twenty_are_accepted_and_of_more_the_sharpest(real_sets: dict[str, list[Examination]]) -> None:
    assert len(judge_set(many(real_sets, MAX_ACCEPTED)).accepted) == MAX_ACCEPTED
    verdict = judge_set(many(real_sets, MAX_ACCEPTED + 3))
    assert len(verdict.accepted) == MAX_ACCEPTED
    assert [(j.name, j.problems[0].code) for j in verdict.rejected] == [(f"{i}.jpg", "too_many") for i in range(3)]


def notes(examined: list[Examination]) -> list[str]:
    return [note.code for note in judge_set(examined).notes]


def test_one_photo_works_with_a_warning(real_sets: dict[str, list[Examination]]) -> None:
    verdict = judge_set(real_sets["hopper"][:1])
    assert verdict.ready
    assert [note.code for note in verdict.notes] == ["one"]
    assert "It works" in verdict.advice[0]


def test_advice_on_how_many(real_sets: dict[str, list[Examination]]) -> None:
    assert notes([]) == ["none"] and not judge_set([]).ready
    assert notes(real_sets["astronaut"][:2])[0] == "few"
    assert notes(real_sets["hopper"]) == ["good"]


def test_advice_on_variety() -> None:
    light, pose = Light(0.5, 0.7, 0.0, 0.0), Pose(0.0, 0.0, 0.0)
    place = np.full((20, 3), 0.5)
    same = advise([light] * 6, [pose] * 6, [place] * 6, 20)
    assert [note.code for note in same] == ["same_pose", "same_light", "same_place"]
    poses = [replace(pose, turn=turn) for turn in (-0.3, 0.0, 0.3)] * 2
    lights = [replace(light, level=level) for level in (0.3, 0.5, 0.6)] * 2
    places = [place * k for k in (0.2, 1.0, 1.6)] * 2
    assert [note.code for note in advise(lights, poses, places, 20)] == ["good"]
    assert [note.code for note in advise([light] * 6, poses, places, 20)] == ["same_light"]


def test_burst_photos_are_told_to_vary() -> None:
    image = portrait("hopper")
    width, height = image.size
    burst = [image.crop((dx, dy, width - 90 + dx, height - 90 + dy)) for dx, dy in ((0, 0), (85, 30), (20, 85))]
    verdict = judge_photos([as_photo(part, f"{i}.jpg") for i, part in enumerate(burst)])
    assert "same_pose" in [note.code for note in verdict.notes]


def test_progress_is_told_and_order_kept() -> None:
    told: list[tuple[int, int]] = []
    photos = [PhotoError(f"{i}.jpg", "the file is empty", "Copy it again") for i in range(3)]
    verdict = judge_photos(photos, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert [judgement.name for judgement in verdict.judgements] == ["0.jpg", "1.jpg", "2.jpg"]


def test_a_verdict_is_json_without_the_face_s_embedding(real_sets: dict[str, list[Examination]]) -> None:
    verdict = judge_set([*real_sets["hopper"][:2], examine(PhotoError("x.jpg", "the file is empty", "Copy it again"))])
    record = json.loads(json.dumps(verdict.to_dict()))
    assert (record["ready"], record["accepted"], record["total"]) == (True, 2, 3)
    first, last = record["judgements"][0], record["judgements"][2]
    assert first["accepted"] and first["size"] == [512, 600] and len(first["sha256"]) == 64
    assert last["problems"][0]["code"] == "unreadable" and last["sha256"] is None
    assert "embedding" not in json.dumps(record)
    assert all(note["code"] in PROBLEM_CODES for note in record["notes"])


def test_examining_alters_nothing() -> None:
    photo = as_photo(variations(portrait("astronaut"))[1])
    before = photo.image.tobytes()
    examine(photo)
    assert photo.image.tobytes() == before
    assert isinstance(photo.image, Image.Image)
