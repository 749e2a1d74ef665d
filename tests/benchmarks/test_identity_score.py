"""From what judges say to figures, on answers and places written down by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.identity.judges import Judges, Seen
from benchmarks.identity.metrics import thumbnail
from benchmarks.identity.people import SUBJECT_SEEDS, Subject, subjects
from benchmarks.identity.score import (
    TRAITS,
    Look,
    Scorer,
    agreement_with,
    ahead,
    estimates,
    of_bound,
    per_trait,
    right_traits,
)
from workbench.captions.reader import ANSWERS, truth
from workbench.errors import WorkbenchError

PICTURES = 2
PEOPLE = subjects(SUBJECT_SEEDS, 3)


@pytest.fixture(scope="module")
def scorer(blank_judges: Path) -> Scorer:
    """Three subjects whose places among people are three axes."""
    scorer = Scorer(Judges(blank_judges), PEOPLE, PICTURES)
    scorer.places = np.eye(3, 128)
    return scorer


def answers(subject: Subject, wrong: int = 0) -> np.ndarray:
    """(pictures, attributes) all right, but for so many wrong traits in each picture."""
    rows = [list(truth(subject.character, scene, "chibi").values()) for scene in subject.scenes(PICTURES)]
    found = np.array(rows)
    for trait in TRAITS[:wrong]:
        column = list(ANSWERS).index(trait)
        found[:, column] = (found[:, column] + 1) % len(ANSWERS[trait])
    return found


def look(subject: Subject, place: list[float], wrong: int = 0, plain_wrong: int | None = None) -> Look:
    seen = Seen(answers(subject, wrong), np.tile(np.pad(place, (0, 125)), (PICTURES, 1)))
    plain = None if plain_wrong is None else Seen(answers(subject, plain_wrong), seen.places)
    return Look(seen, plain, np.stack([thumbnail(picture) for picture in subject.truth(PICTURES)]))


@pytest.fixture
def truths() -> dict[Subject, Look]:
    return {subject: look(subject, [0, 0, 0]) for subject in PEOPLE}


def test_figures_of_a_row(scorer: Scorer, truths: dict[Subject, Look]) -> None:
    one, two, three = PEOPLE
    looks = {
        one: look(one, [0.9, 0.1, 0.2], plain_wrong=3),
        two: look(two, [0.8, 0.7, 0.1], wrong=6, plain_wrong=6),
        three: look(three, [0.1, 0.2, 0.3], plain_wrong=6),
    }
    base = {subject: look(subject, [0, 0, 0], plain_wrong=6) for subject in PEOPLE}
    values = scorer.score(looks, 5, base, truths)
    assert values["attribute_agreement"] == {one: 1.0, two: 0.5, three: 1.0}
    assert values["top1"] == {one: 1.0, two: 0.0, three: 1.0}
    assert values["top5"] == {one: 1.0, two: 1.0, three: 1.0}
    # The wrong pairs' highest is 0.8, twice, of twelve: none may pass, so only the first subject is above.
    assert values["tpr_at_fpr1"] == {one: 1.0, two: 0.0, three: 0.0}
    assert values["editability"] == {one: 1.0, two: 1.0, three: 1.0}
    assert values["style"] == {one: 1.0, two: 1.0, three: 1.0}
    assert values["copy"] == {one: 0.0, two: 0.0, three: 0.0}
    assert values["bleed"] == pytest.approx({one: 3 / 12, two: 0.0, three: 0.0})
    assert values["diversity"] == pytest.approx({one: 1.0, two: 1.0, three: 1.0})


def test_what_was_not_drawn_has_no_figure(scorer: Scorer) -> None:
    values = scorer.score({PEOPLE[0]: look(PEOPLE[0], [1, 0, 0])}, 5, {}, {})
    assert values["bleed"] == values["diversity"] == {}
    assert set(estimates(values)) == {
        "attribute_agreement", "top1", "top5", "tpr_at_fpr1", "editability", "style", "copy",
    }  # fmt: skip


def test_editability_counts_clothes_once(scorer: Scorer) -> None:
    subject = PEOPLE[0]
    seen = Seen(answers(subject), np.zeros((PICTURES, 128)))
    names = list(ANSWERS)
    for name, wanted in (("clothing", 1 - 0.5 / 4), ("expression", 1 - 1.5 / 4)):
        seen.found[:, names.index(name)] = (seen.found[:, names.index(name)] + 1) % len(ANSWERS[name])
        assert scorer.editability(subject, seen) == pytest.approx(wanted)
    assert scorer.obeyed(subject, seen)["clothing"] == 0.0 and scorer.obeyed(subject, seen)["headwear"] == 1.0


def test_agreement_trait_by_trait() -> None:
    looks = {subject: look(subject, [0, 0, 0], wrong=wrong) for subject, wrong in zip(PEOPLE, (0, 1, 2), strict=True)}
    shares = per_trait(looks)
    assert shares[TRAITS[0]] == pytest.approx(1 / 3, abs=1e-4) and shares[TRAITS[1]] == pytest.approx(2 / 3, abs=1e-4)
    assert shares[TRAITS[2]] == 1.0
    assert [agreement_with(subject, each.seen) for subject, each in looks.items()] == pytest.approx(
        [1, 11 / 12, 10 / 12]
    )
    assert len(right_traits(PEOPLE[0])) == len(TRAITS) == 12


def test_ratio_to_the_bound_and_lead_over_another() -> None:
    ours, bound = dict.fromkeys(PEOPLE, 0.6), dict.fromkeys(PEOPLE, 0.8)
    assert of_bound(ours, bound)["mean"] == pytest.approx(0.75)
    assert of_bound(ours, {}) == {}
    lead = ahead({"top1": ours}, {"top1": {PEOPLE[0]: 0.1, PEOPLE[1]: 0.3}, "copy": bound})
    assert lead["top1"] == pytest.approx({"mean": 0.4, "low": 0.3, "high": 0.5, "count": 2}) and set(lead) == {"top1"}


def test_judges_look_at_pictures_of_any_size(blank_judges: Path) -> None:
    judges = Judges(blank_judges)
    pictures = [*PEOPLE[0].truth(1), *PEOPLE[0].references(), PEOPLE[0].truth(1)[0].resize((64, 64))]
    seen = judges.look(pictures)
    assert seen.found.shape == (len(pictures), len(ANSWERS)) and seen.places.shape == (len(pictures), 128)
    assert np.linalg.norm(seen.places, axis=1) == pytest.approx(np.ones(len(pictures)), abs=1e-5)
    assert all(int(seen.found[:, i].max()) < len(words) for i, words in enumerate(ANSWERS.values()))


def test_absent_judges_are_told(tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match=r"probe\.safetensors"):
        Judges(tmp_path)
