"""Captions with words left out."""

from __future__ import annotations

from collections import Counter

from workbench.dataset.wordings import COUNT, wordings

CAPTION = "photo of zkq person, smiling, wearing a red hoodie, blue background"


def test_nothing_to_leave_out_is_the_caption_itself() -> None:
    assert wordings(CAPTION, {}) == [CAPTION] == wordings(CAPTION, {"tag_dropout": 0.0, "huber": 1.0})


def test_the_share_of_empty_captions_is_exact() -> None:
    said = wordings(CAPTION, {"caption_dropout": 0.25})
    assert Counter(said) == {CAPTION: COUNT * 3 // 4, "": COUNT // 4}


def test_tags_are_left_out_and_the_subject_is_kept() -> None:
    said = wordings(CAPTION, {"tag_dropout": 0.5})
    assert all(each.startswith("photo of zkq person") for each in said) and len(set(said)) > 2
    tags = [tag for each in said for tag in each.split(", ")[1:]]
    assert 0.25 < len(tags) / (3 * COUNT) < 0.75 and set(tags) == set(CAPTION.split(", ")[1:])


def test_the_seed_decides_and_each_caption_has_its_own() -> None:
    half = {"tag_dropout": 0.5}
    assert wordings(CAPTION, half, 1) == wordings(CAPTION, half, 1) != wordings(CAPTION, half, 2)
    kept = [[len(each.split(", ")) for each in wordings(text, half)] for text in (CAPTION, CAPTION + "!")]
    assert kept[0] != kept[1]
