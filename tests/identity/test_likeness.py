"""The likeness score: own pictures above strangers', and unknown where nothing can be said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from real_photos import PEOPLE as REAL
from real_photos import as_photo, faceless, portrait, variations

from workbench.errors import IdentityError
from workbench.identity import likeness, look_at
from workbench.identity.likeness import NO_FACE, WorldScorer
from workbench.identity.network import WEIGHTS, load_verifier
from workbench.photos import crop_face, find_faces
from workbench.world.character import sample_character, sample_scene
from workbench.world.draw import draw

PEOPLE = range(700, 708)


def photos(person: int, count: int = 3, first: int = 0) -> list[Image.Image]:
    scenes = [sample_scene(50 * person + first + i, headwear="none", light="daylight") for i in range(count)]
    return [draw(sample_character(person), scene, "photo", 256, seed=i) for i, scene in enumerate(scenes)]


def chibi(person: int, scene: int = 9) -> Image.Image:
    return draw(sample_character(person), sample_scene(70 * person + scene), "chibi", 256)


@pytest.mark.slow
def test_own_pictures_are_more_alike_than_strangers(scorer: WorldScorer) -> None:
    chibis = [chibi(person) for person in PEOPLE]
    table = np.array(
        [[each.similarity for each in likeness(chibis, photos(person), {}, scorer=scorer)] for person in PEOPLE]
    )
    assert (table.argmax(axis=1) == np.arange(len(table))).mean() >= 0.75
    assert np.diag(table).mean() > table[~np.eye(len(table), dtype=bool)].mean() + 0.3


@pytest.mark.slow
def test_each_answer_explains_itself(scorer: WorldScorer) -> None:
    person = PEOPLE[0]
    traits = sample_character(person).to_dict()
    own, photo = likeness([chibi(person), photos(person, 1, 20)[0]], photos(person), traits, scorer=scorer)
    assert own.domain == "chibi" and photo.domain == "photo"
    assert own.verdict in ("likely", "unsure", "unlikely") and 0 <= (own.probability or 0) <= 1
    assert own.face_distance is None and own.face_reason == "it is a drawing"
    assert photo.face_distance is None and "held out" in photo.face_reason
    assert {"hair_colour", "skin", "glasses"} <= own.traits.keys() and set(own.traits.values()) <= {"✓", "✗", "?"}
    assert list(own.traits.values()).count("✓") >= 4
    assert own.to_dict()["traits"] == own.traits


@pytest.mark.slow
def test_traits_of_somebody_else_are_crossed_out(scorer: WorldScorer) -> None:
    character = sample_character(705)
    other = {"glasses": "round" if character.glasses != "round" else "square", "skin": character.skin}
    [found] = likeness([chibi(705)], photos(705), other, scorer=scorer)
    assert found.traits["glasses"] == "✗" and found.traits["skin"] == "✓"


@pytest.mark.slow
def test_faces_are_compared_with_photos_that_were_held_out(scorer: WorldScorer) -> None:
    reference = look_at(photos(701), {}, held_out=photos(701, 2, 30), scorer=scorer)
    own, other = likeness([photos(701, 1, 40)[0], photos(706, 1, 40)[0]], reference)
    assert own.face_distance is not None and other.face_distance is not None
    assert own.face_distance < other.face_distance and own.same_face


@pytest.mark.slow
def test_what_cannot_be_judged_is_unknown(scorer: WorldScorer) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    stripes = np.zeros((256, 256, 3), dtype=np.uint8)
    stripes[:, ::8] = 255
    nobody = [Image.fromarray(noise), Image.fromarray(stripes), Image.new("RGB", (256, 256), "teal")]
    nobody += faceless().values()
    for found in likeness(nobody, photos(702), {}, scorer=scorer):
        assert found.verdict == "unknown" and found.probability is None and found.reason
    hidden = photos(702, 1)[0]
    hidden.paste("gray", (0, 0, 256, 160))
    [found] = likeness([hidden], photos(702), {}, scorer=scorer)
    assert found.verdict == "unknown" and (found.face_reason == NO_FACE or found.domain != "photo")


def test_no_photos_and_no_pictures(trained: Path, scorer: WorldScorer) -> None:
    with pytest.raises(IdentityError, match="no photo to compare with"):
        likeness([chibi(700)], [], scorer=scorer)
    assert likeness([], photos(700, 1), {}, scorer=scorer) == []


def test_missing_broken_and_foreign_weights_are_told(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(IdentityError, match=r"weights .* are missing.*train_likeness"):
        WorldScorer(tmp_path / "none.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(trained.read_bytes()[:5000])
    with pytest.raises(IdentityError, match="broken"):
        load_verifier(broken)
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes(trained.read_bytes())
    with pytest.raises(IdentityError, match=r"calibration .* is missing"):
        WorldScorer(alone)
    foreign = trained.with_suffix(".json").read_text().replace('"weights": "', '"weights": "0')
    alone.with_suffix(".json").write_text(foreign)
    with pytest.raises(IdentityError, match=r"another alone\.safetensors"):
        WorldScorer(alone)
    alone.with_suffix(".json").write_text("{}")
    with pytest.raises(IdentityError, match="is broken"):
        WorldScorer(alone)


def test_the_product_s_own_weights_are_worth_having() -> None:
    calibration = WorldScorer().calibration
    assert calibration is not None and WEIGHTS.stat().st_size < 3e6
    for domain in ("chibi", "photo"):
        figures = calibration.figures[domain]
        assert figures["auc"] > 0.95 and figures["tpr"] > 0.6 and figures["fpr"] < 0.03, figures


@pytest.mark.parametrize("person", REAL)
def test_real_photographs_are_no_reason_to_pretend(person: str) -> None:
    crops = []
    for picture in variations(portrait(person), 5):
        if faces := find_faces(picture):
            crops.append(crop_face(as_photo(picture), faces[0], 256))
    reference = look_at(crops, {})
    [found] = likeness([chibi(703)], reference)
    assert found.verdict == "unknown" and "unlike anything" in found.reason
    assert found.similarity is not None and found.probability is None


@pytest.mark.slow
def test_a_run_in_half_precision_gets_the_same_answer(scorer: WorldScorer) -> None:
    import torch

    [plain] = likeness([chibi(704)], photos(704), scorer=scorer)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        [half] = likeness([chibi(704)], photos(704), scorer=scorer)
    assert half == plain
