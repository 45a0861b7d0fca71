"""How good and how honest an expression network's probabilities are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from mood.emotions import EMOTIONS
from mood.reliability import expected_calibration_error


def confusion_matrix(labels: NDArray[np.integer], predicted: NDArray[np.integer], n_classes: int) -> NDArray[np.int64]:
    """How often each class (row) was taken for each class (column): int64, shape (n_classes, n_classes)."""
    matrix = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix


def recall(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """The part of each class that was recognized, shape (n_classes,); 0 for a class that does not occur."""
    return np.asarray(np.diag(confusion) / np.maximum(confusion.sum(1), 1))


def precision(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """The part of each class's predictions that was right, shape (n_classes,); 0 for a class never predicted."""
    return np.asarray(np.diag(confusion) / np.maximum(confusion.sum(0), 1))


def f1(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Harmonic mean of precision and recall of each class, shape (n_classes,); 0 where both are."""
    return np.asarray(2 * np.diag(confusion) / np.maximum(confusion.sum(0) + confusion.sum(1), 1))


def accuracy_by_brightness(
    images: NDArray[np.uint8], labels: NDArray[np.integer], predicted: NDArray[np.integer]
) -> list[float]:
    """Accuracy in each fifth of the faces, from the darkest to the brightest by their mean grey level.

    Parameters
    ----------
    images : uint8, shape (n, size, size)
        At least five.
    labels, predicted : int, shape (n,)
    """
    order = images.mean((1, 2)).argsort(kind="stable")
    return [float((labels[fifth] == predicted[fifth]).mean()) for fifth in np.array_split(order, 5)]


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """The temperature under which the labels are most likely, between 1/4 and 4.

    Parameters
    ----------
    logits : float, shape (n, n_classes)
        Of pictures that the network was not trained on.
    labels : int, shape (n,)
    """

    def negative_log_likelihood(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scaled[np.arange(len(labels)), labels].mean())

    bounds = (-np.log(4), np.log(4))
    return float(np.exp(minimize_scalar(negative_log_likelihood, bounds=bounds, method="bounded").x))


@dataclass(frozen=True)
class Scores:
    """What a network makes of labelled faces.

    Attributes
    ----------
    confusion : int64, shape (7, 7)
        True class in rows, predicted class in columns, in the order of `EMOTIONS`.
    calibration_error : float
        In [0, 1].
    """

    confusion: NDArray[np.int64]
    calibration_error: float

    @property
    def n(self) -> int:
        """How many faces."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """The part of all faces that was recognized."""
        return float(np.trace(self.confusion) / self.n)

    @property
    def macro_f1(self) -> float:
        """The mean of the classes' F1, those without a face included as 0."""
        return float(f1(self.confusion).mean())

    def as_json(self) -> dict[str, Any]:
        """Accuracy, macro F1, figures of every class and the confusion matrix, as plain numbers."""
        columns = zip(precision(self.confusion), recall(self.confusion), f1(self.confusion), strict=True)
        return {
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "per_class": {
                emotion: {"precision": float(p), "recall": float(r), "f1": float(f), "n": int(self.confusion[i].sum())}
                for i, (emotion, (p, r, f)) in enumerate(zip(EMOTIONS, columns, strict=True))
            },
            "confusion": self.confusion.tolist(),
            "n": self.n,
        }


def score_probabilities(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> Scores:
    """Scores probabilities, float (n, 7), against labels, int64 (n,)."""
    confusion = confusion_matrix(labels, probabilities.argmax(1), len(EMOTIONS))
    return Scores(confusion, expected_calibration_error(probabilities, labels))
