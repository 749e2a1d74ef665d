"""Words of single photos: kept with the person, cleaned, and gone with their photo."""

from __future__ import annotations

import pytest

from workbench.photos import Subject, create_subject
from workbench.photos.scene import LONGEST_WORDS, photo_words, save_photo_words


@pytest.fixture
def mia() -> Subject:
    """A person with two crops; what is in them does not matter here."""
    subject = create_subject("mia")
    (subject.folder / "crops").mkdir()
    for name in ("aaaa", "bbbb"):
        (subject.folder / "crops" / f"{name}.png").write_bytes(b"")
    return subject


def test_words_are_kept_and_taken_away(mia: Subject) -> None:
    assert photo_words(mia) == {}
    save_photo_words(mia, {"aaaa": "smiling, red hoodie", "bbbb": "in the park"})
    save_photo_words(mia, {"bbbb": ""})
    assert photo_words(mia) == {"aaaa": "smiling, red hoodie"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  smiling,\n red \t hat ,", "smiling, red hat"),
        ("笑顔、赤い帽子", "笑顔、赤い帽子"),
        ("a\x00b\u202ec", "a b c"),
    ],
)
def test_what_would_harm_a_caption_is_cleaned(mia: Subject, typed: str, kept: str) -> None:
    save_photo_words(mia, {"aaaa": typed})
    assert photo_words(mia) == {"aaaa": kept}


def test_long_words_are_cut(mia: Subject) -> None:
    save_photo_words(mia, {"aaaa": "word " * 100})
    assert len(photo_words(mia)["aaaa"]) <= LONGEST_WORDS


def test_words_go_with_their_photo(mia: Subject) -> None:
    save_photo_words(mia, {"aaaa": "smiling", "bbbb": "sad"})
    (mia.folder / "crops" / "aaaa.png").unlink()
    assert photo_words(mia) == {"bbbb": "sad"}
    save_photo_words(mia, {"bbbb": "angry"})
    assert "smiling" not in (mia.folder / "captions.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", ["{", "[1]", '{"aaaa": 5}', '"text"'])
def test_a_damaged_file_counts_as_no_words(mia: Subject, content: str) -> None:
    (mia.folder / "captions.json").write_text(content, encoding="utf-8")
    assert photo_words(mia) == {}
    save_photo_words(mia, {"aaaa": "smiling"})
    assert photo_words(mia) == {"aaaa": "smiling"}
