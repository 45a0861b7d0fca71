from xml.etree import ElementTree

import numpy as np
import pytest

from mood.reliability import expected_calibration_error, reliability_diagram


def test_sure_and_right_is_perfectly_calibrated() -> None:
    assert expected_calibration_error(np.eye(3), np.arange(3)) == 0


def test_sure_and_wrong_is_as_badly_calibrated_as_can_be() -> None:
    assert expected_calibration_error(np.eye(2), np.array([1, 0])) == 1


def test_calibration_error_by_hand() -> None:
    probabilities = np.array([[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.8, 0.2]])

    assert expected_calibration_error(probabilities, np.array([0, 0, 1, 1])) == pytest.approx(0.3)


def test_the_diagram_counts_faces_by_their_likeliest_class() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.55, 0.45]])

    drawing = ElementTree.fromstring(reliability_diagram(probabilities, np.array([0, 0, 0])))  # noqa: S314

    told = [str(circle[0].text) for circle in drawing.findall(".//{http://www.w3.org/2000/svg}circle")]
    assert told == [
        "1 faces: sure 0.550, right 1.000",
        "1 faces: sure 0.800, right 0.000",
        "1 faces: sure 0.900, right 1.000",
    ]
