import numpy as np
import pytest

from mood.evaluation import (
    accuracy_by_brightness,
    confusion_matrix,
    f1,
    fit_temperature,
    precision,
    recall,
    score_probabilities,
)


def test_figures_of_a_confusion_matrix_counted_by_hand() -> None:
    confusion = confusion_matrix(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 2]), 3)

    assert confusion.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 0]]
    assert recall(confusion).tolist() == pytest.approx([2 / 3, 1 / 2, 0])
    assert precision(confusion).tolist() == pytest.approx([1, 1 / 2, 0])
    assert f1(confusion).tolist() == pytest.approx([0.8, 0.5, 0])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_sharpened_probabilities_is_found(temperature: float) -> None:
    random = np.random.default_rng(3)
    logits = random.normal(0, 2, (20_000, 4))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (probabilities.cumsum(1) > random.random((len(logits), 1))).argmax(1)

    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.05)


def test_the_report_holds_every_figure_as_plain_numbers() -> None:
    scores = score_probabilities(np.eye(7)[[0, 1, 1, 3]], np.array([0, 1, 2, 3]))

    report = scores.as_json()

    assert report["n"] == 4
    assert report["accuracy"] == 0.75
    assert report["macro_f1"] == pytest.approx((1 + 2 / 3 + 1) / 7)
    assert report["per_class"]["disgust"] == {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "n": 1}
    assert report["confusion"][2] == [0, 1, 0, 0, 0, 0, 0]


def test_accuracy_is_told_from_the_darkest_to_the_brightest_fifth() -> None:
    images = np.arange(10, dtype=np.uint8)[::-1, None, None] * np.ones((1, 4, 4), np.uint8)
    labels = np.zeros(10, np.int64)
    predicted = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 1])

    assert accuracy_by_brightness(images, labels, predicted) == [0, 0.5, 1, 1, 1]
