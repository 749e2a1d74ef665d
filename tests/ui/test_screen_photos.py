"""The photo screen: first visit, new person, photos judged and kept, words, damage, forgetting."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from furnish import SELFIES, furnish_subject
from PIL import Image
from reading import keys, text_of
from streamlit.testing.v1 import AppTest

from workbench.config import home
from workbench.photos import create_subject, crops, load_subject
from workbench.photos.scene import photo_words
from workbench.privacy import state_consent

Open = Callable[[str], AppTest]


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    page.file_uploader[0].set_value([(name, content, "image/jpeg") for name, content in files])
    return page.run()


def selfie(number: int) -> tuple[str, bytes]:
    path = SELFIES / f"selfie-{number}.jpg"
    return path.name, path.read_bytes()


def test_first_visit_brings_the_sample_person(screen: Open) -> None:
    page = screen("photos")
    assert page.get("button_group")[0].value == "sample"
    assert text_of(page).count("Accepted") == len(crops(load_subject("sample"))) >= 3


def test_forgotten_sample_stays_forgotten(screen: Open) -> None:
    page = screen("photos")
    page.button(key="forget").click().run()
    page.button(key="erase").click().run()
    assert not page.exception
    assert not (home() / "subjects" / "sample").exists()
    assert "Who shall become a chibi?" in text_of(screen("photos"))


def test_new_person(screen: Open, no_samples: None) -> None:
    page = screen("photos")
    page.button(key="first").click().run()
    page.text_input(key="new-name").set_value("mia").run()
    page.button(key="make-person").click().run()
    assert "nobody has said so yet" in text_of(page).lower()
    page.radio(key="new-whose").set_value("mine").run()
    page.button(key="make-person").click().run()
    mia = load_subject("mia")
    assert (mia.trigger, mia.keep_days) == ("zkq", 30) and mia.consent and mia.consent.whose == "mine"
    assert "make-person" not in keys(page.button), "the dialog closes"
    assert "No photos yet" in text_of(page)


@pytest.mark.parametrize(("name", "told"), [("", "empty"), ("mia and leo", "a space"), ("mia", "already")])
def test_wrong_name_is_told_in_the_dialog(screen: Open, no_samples: None, name: str, told: str) -> None:
    create_subject("mia", consent=state_consent("drawn"))
    page = screen("photos")
    page.session_state["adding"] = True
    page.run()
    page.text_input(key="new-name").set_value(name).run()
    page.radio(key="new-whose").set_value("mine").run()
    page.button(key="make-person").click().run()
    assert told in text_of(page)
    assert "make-person" in keys(page.button), "the dialog stays open"


def test_photos_are_judged_and_good_ones_kept(screen: Open, no_samples: None) -> None:
    create_subject("mia", consent=state_consent("drawn"))
    page = screen("photos")
    small = io.BytesIO()
    Image.new("RGB", (90, 90), "red").save(small, "PNG")
    upload(page, selfie(1), selfie(2), ("letter.jpg", b"Dear Mia, this is no picture"), ("dot.png", small.getvalue()))
    said = text_of(page)
    assert len(crops(load_subject("mia"))) == 2
    assert "It is text, not a picture" in said and "Save it as JPEG or PNG" in said
    assert "only 90 x 90 pixels" in said
    assert said.count("Left out") == 2 and said.count("Accepted") == 2
    assert "2 of 4 photos can be used" in said


def test_the_same_photo_again_is_told_and_not_kept_twice(screen: Open, no_samples: None) -> None:
    create_subject("mia", consent=state_consent("drawn"))
    page = screen("photos")
    upload(page, selfie(1))
    upload(page, selfie(1))
    assert "It is the same file as selfie-1.jpg" in text_of(page)
    assert len(crops(load_subject("mia"))) == 1


def test_words_of_a_photo_are_kept_and_photos_can_be_taken_out(screen: Open, no_samples: None) -> None:
    furnish_subject("mia")
    page = screen("photos")
    mia = load_subject("mia")
    photo = crops(mia)[0].stem
    page.text_input(key=f"words-mia-{photo}").set_value("smiling, blue shirt").run()
    assert photo_words(mia) == {photo: "smiling, blue shirt"}
    count = len(crops(mia))
    page.button(key=f"remove-mia-{photo}").click().run()
    assert len(crops(mia)) == count - 1
    assert photo_words(mia) == {}


def test_damaged_record_and_photo_do_not_hide_the_rest(screen: Open, no_samples: None) -> None:
    furnish_subject("mia")
    crops(load_subject("mia"))[0].write_bytes(b"half a PNG")
    (home() / "subjects" / "mia" / "judgements.json").write_text("{", encoding="utf-8")
    broken = home() / "subjects" / "leo"
    broken.mkdir()
    (broken / "subject.json").write_text('{"name": ', encoding="utf-8")
    page = screen("photos")
    assert "subject.json is broken" in text_of(page)
    assert text_of(page).count("Accepted") == len(crops(load_subject("mia"))) - 1
    page.button(key="forget-broken-leo").click().run()
    assert not broken.exists()


def test_names_of_files_are_shown_as_they_are(screen: Open, no_samples: None, tmp_path: Path) -> None:
    create_subject("mia", consent=state_consent("drawn"))
    page = screen("photos")
    upload(page, ("<b>*x*</b>.jpg", b"no picture at all, only words"))
    assert "&lt;b&gt;*x*&lt;/b&gt;.jpg" in "".join(element.proto.body for element in page.get("html"))


def test_the_photo_screen_names_no_file_of_the_person_in_its_record(screen: Open, no_samples: None) -> None:
    create_subject("mia", consent=state_consent("drawn"))
    upload(screen("photos"), selfie(1))
    kept = json.loads((home() / "subjects" / "mia" / "judgements.json").read_text(encoding="utf-8"))
    assert all("/" not in record["name"] for record in kept.values())


def test_corrected_traits_are_kept_and_a_correction_can_be_taken_back(screen: Open, no_samples: None) -> None:
    furnish_subject("mia")
    page = screen("photos")
    field = next(each for each in page.selectbox if (each.key or "").startswith("trait-mia-hair_colour-"))
    read = field.value
    field.set_value("teal").run()
    assert load_subject("mia").traits == {"hair_colour": "teal"}
    page.selectbox(key=field.key).set_value(read).run()
    assert load_subject("mia").traits == {}
    freckles = next(each for each in page.selectbox if (each.key or "").startswith("trait-mia-freckles-"))
    freckles.set_value("no" if freckles.value == "yes" else "yes").run()
    assert isinstance(load_subject("mia").traits["freckles"], bool)


def test_words_are_suggested_for_photos_without_words(screen: Open, no_samples: None) -> None:
    furnish_subject("mia")
    mia = load_subject("mia")
    first = crops(mia)[0].stem
    page = screen("photos")
    page.text_input(key=f"words-mia-{first}").set_value("my own words").run()
    page.button(key="suggest").click().run()
    words = photo_words(mia)
    assert words[first] == "my own words" and len(words) == len(crops(mia))
    assert page.text_input(key=f"words-mia-{crops(mia)[1].stem}").value == words[crops(mia)[1].stem]
    assert not page.warning


def test_photos_are_taken_only_when_somebody_has_said_whose_face_it_is(screen: Open, no_samples: None) -> None:
    create_subject("mia")
    page = screen("photos")
    assert not page.file_uploader
    page.radio(key="consent-mia-whose").set_value("agreed").run()
    page.selectbox(key="consent-mia-scope").set_value("share").run()
    page.number_input(key="consent-mia-days").set_value(7).run()
    page.button(key="consent-given").click().run()
    mia = load_subject("mia")
    assert mia.consent and (mia.consent.whose, mia.consent.scope, mia.keep_days) == ("agreed", "share", 7)
    assert page.file_uploader and f"kept until {mia.expires[:10]}" in text_of(page)


def test_forgetting_lists_what_goes_and_hands_out_the_receipt(screen: Open, no_samples: None) -> None:
    furnish_subject("mia")
    page = screen("photos")
    page.button(key="forget").click().run()
    assert "files," in text_of(page) and "crops around the face" in text_of(page)
    page.button(key="erase").click().run()
    assert "Forgotten" in text_of(page) and "erased, signed" in text_of(page)
    page.button(key="drop-receipt").click().run()
    assert "erased, signed" not in text_of(page)
