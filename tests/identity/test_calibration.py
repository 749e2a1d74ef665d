"""From similarities to probabilities and verdicts, on numbers whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from workbench.errors import IdentityError
from workbench.identity.calibration import (
    Calibration,
    fit_curve,
    load_calibration,
    photos_limit,
    rates,
    save_calibration,
)

RNG = np.random.default_rng(0)
# Two normal distributions of equal width: the true log-odds are a straight line, 2.5 · (x - 0.5) / 0.04.
SAME, DIFFERENT = RNG.normal(0.75, 0.2, 4000), RNG.normal(0.25, 0.2, 40_000)


def test_the_probability_is_the_true_one() -> None:
    curve = fit_curve(SAME, DIFFERENT)
    for similarity in (0.1, 0.4, 0.5, 0.6, 0.9):
        assert curve.probability(similarity) == pytest.approx(expit((similarity - 0.5) * 0.5 / 0.04), abs=0.05)


def test_verdicts_keep_the_rates_they_were_fitted_for() -> None:
    curve = fit_curve(SAME, DIFFERENT)
    stated = rates(curve, RNG.normal(0.75, 0.2, 4000), RNG.normal(0.25, 0.2, 40_000), np.array([]))
    assert stated["fpr"] == pytest.approx(0.01, abs=0.003) and stated["missed"] == pytest.approx(0.02, abs=0.008)
    assert stated["tpr"] + stated["missed"] + stated["unsure"] == pytest.approx(1, abs=1e-3)
    assert stated["auc"] == pytest.approx(0.9615, abs=0.01)  # Φ(0.5 / (0.2 · √2))
    assert curve.verdict(0.95) == "likely" and curve.verdict(-0.5) == "unlikely" and curve.verdict(0.5) == "unsure"


def test_people_who_never_overlap_leave_nobody_unsure() -> None:
    curve = fit_curve(np.array([0.8, 0.9, 0.85]), np.array([0.1, 0.2, 0.0]), None, np.array([1.0, 1.1]))
    assert curve.unlikely == curve.likely < 0.8 and np.isfinite(curve.slope)
    assert curve.probability(0.85) > 0.9 > 0.1 > curve.probability(0.1)
    assert curve.strange == pytest.approx(1.375, abs=0.01)


def test_a_person_s_photos_are_judged_together() -> None:
    strangeness = RNG.normal(1, 0.1, (500, 4))
    limit = photos_limit(strangeness)
    assert (np.median(strangeness, axis=1) > limit).mean() < 0.01
    assert limit < float(np.quantile(strangeness, 0.995)), "nearer than the limit of a single picture"


def test_look_alikes_raise_the_line_of_likely() -> None:
    alike = RNG.normal(0.55, 0.2, 3000)
    curve = fit_curve(SAME, DIFFERENT, alike)
    assert curve.likely > fit_curve(SAME, DIFFERENT).likely
    assert float((alike >= curve.likely).mean()) == pytest.approx(0.05, abs=0.01)
    assert curve.unlikely < curve.likely, "in between, nobody can tell"


def test_a_calibration_is_read_as_it_was_written(tmp_path: Path) -> None:
    calibration = Calibration({"chibi": fit_curve(SAME, DIFFERENT)}, {"chibi": {"tpr": 0.9}}, {"people": 3}, 1.1)
    save_calibration(calibration, tmp_path / "likeness.json")
    assert load_calibration(tmp_path / "likeness.json") == calibration
    (tmp_path / "likeness.json").write_text('{"curves": {"chibi": {"slope": "steep"}}}')
    with pytest.raises(IdentityError, match="is broken"):
        load_calibration(tmp_path / "likeness.json")
