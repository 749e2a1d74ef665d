"""The reader, which has learnt from drawings alone, before two real portraits."""

from __future__ import annotations

import pytest
from PIL import Image
from real_photos import PEOPLE, as_photo, portrait, variations

from workbench.captions import caption, read_scene, read_traits
from workbench.dataset.prompts import photo_caption
from workbench.photos import crop_face, judge_photos

pytest.importorskip("dlib")
pytest.importorskip("skimage")
# What anyone sees; see docs/real-photos.md.
SEEN = {
    "astronaut": {"age": "young", "skin": "light", "hair_colour": "brown", "glasses": "none", "facial_hair": "none"},
    "hopper": {"age": "old", "skin": "light", "hair_style": "short", "facial_hair": "none"},
}


@pytest.fixture(scope="module")
def crops() -> dict[str, list[Image.Image]]:
    made = {}
    for person in PEOPLE:
        photos = [as_photo(photo, f"{i}.jpg") for i, photo in enumerate(variations(portrait(person)))]
        accepted = judge_photos(photos).accepted
        made[person] = [crop_face(each.photo, each.face, 512) for each in accepted if each.photo and each.face]
    return made


@pytest.mark.parametrize("person", PEOPLE)
def test_what_anyone_sees_is_read(crops: dict[str, list[Image.Image]], person: str) -> None:
    read = read_traits(crops[person])
    assert {name: read[name].value for name in SEEN[person]} == SEEN[person]


@pytest.mark.parametrize("person", PEOPLE)
def test_captions_do_not_put_on_people_what_they_do_not_wear(crops: dict[str, list[Image.Image]], person: str) -> None:
    told = [photo_caption("zkq", "person", read_scene(crop)) for crop in crops[person]]
    assert all(each.startswith(caption("zkq", "person", "photo", "")) for each in told)
    worn = {"cat ears", "bow", "headphones"} | ({"cap", "beanie", "hat"} if person == "astronaut" else set())
    assert not [each for each in told if any(word in each for word in worn)], told
    if person == "astronaut":
        assert all("smiling" in each for each in told), told
