"""Reliability: predictions counted and drawn by how sure they are."""

from xml.etree import ElementTree

import numpy as np
import pytest

from catalog.reliability import expected_calibration_error, reliability_bins, reliability_diagram


def test_bins_hold_how_sure_and_how_often_right() -> None:
    bins = reliability_bins(np.array([0.9, 0.8, 0.55]), np.array([True, False, True]), n_bins=4)

    assert [one.n for one in bins] == [0, 0, 1, 2]
    assert [one.confidence for one in bins] == pytest.approx([0, 0, 0.55, 0.85])
    assert [one.accuracy for one in bins] == [0, 0, 1, 0.5]


def test_calibration_error_by_hand() -> None:
    assert expected_calibration_error(np.full(4, 0.8), np.array([True, True, False, False])) == pytest.approx(0.3)


def test_the_diagram_has_a_dot_for_every_bin_that_is_not_empty_and_says_what_is_counted() -> None:
    random = np.random.default_rng(0)
    probabilities = random.random(400) ** 3
    true = random.random(400) < probabilities

    drawing = ElementTree.fromstring(  # noqa: S314
        reliability_diagram(probabilities, true, what="answers", title="How often true", sure="probability")
    )

    filled = [one for one in reliability_bins(probabilities, true) if one.n]
    circles = drawing.findall(".//{http://www.w3.org/2000/svg}circle")
    assert len(circles) == len(filled)
    assert sum(int(str(circle[0].text).split(" answers")[0]) for circle in circles) == 400
