"""A label layer: ridge regression from embeddings to merged labels' scores, calibrated on artists that were not seen.

The published networks' predictions, merged as a library's are (`tagging.labels.merging`), are the scores [1]_; what
people said of recordings by artists that neither network nor layer has seen makes probabilities of them. A recording's
labels should not change with where it begins or how it was encoded, so what they would change is penalized [2]_.

References
----------
.. [1] A. E. Hoerl, R. W. Kennard, "Ridge regression: biased estimation for nonorthogonal problems", Technometrics 12,
   1970.
.. [2] P. Simard, B. Victorri, Y. LeCun, J. Denker, "Tangent prop: a formalism for specifying selected invariances in an
   adaptive network", NIPS 1991.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tagging.labels.vocabulary import Vocabulary

Floats = NDArray[np.float64]

# What the squared weights cost. Genres are read from what the networks agree on; moods and the like are heard less
# surely, and more of what is learned of them is chance.
_RIDGE, _RIDGE_OF_OTHERS = 100.0, 1000.0
_SURE = ("genre", "era")
# What the squared change of a score from a recording to an altered copy costs, beside the squared error of the score.
_CHANGE = 3.0
# Of the recordings, so many keep a label at most, unless a person rather agrees with it than not.
_KEPT_SHARE = 0.1
_LIKELY, _SMALLEST = 0.5, 0.01


@dataclass(frozen=True, slots=True)
class LabelLayer:
    """The numbers of a label layer.

    Attributes
    ----------
    weight : float64, shape (n_labels, n_dimensions)
    bias : float64, shape (n_labels,)
    """

    weight: Floats
    bias: Floats

    @classmethod
    def fit(cls, copies: Floats, scores: Floats, words: Vocabulary) -> LabelLayer:
        """Fit a layer to scores; each dimension counts in its own standard deviations.

        Parameters
        ----------
        copies : float64, shape (n_copies, n_recordings, n_dimensions)
            Embeddings: of the recordings, then of each one's altered copies.
        scores : float64, shape (n_recordings, n_labels)
        words : Vocabulary
            By whose kinds a label is held more or less to 0.
        """
        embeddings = copies[0]
        mean, deviation = embeddings.mean(axis=0), embeddings.std(axis=0) + 1e-3
        standardized = (embeddings - mean) / deviation
        changes = ((copies[1:] - embeddings) / deviation).reshape(-1, embeddings.shape[1])
        gram = standardized.T @ standardized + _CHANGE * changes.T @ changes
        towards = standardized.T @ (scores - scores.mean(axis=0))
        sure = np.array([entry.kind in _SURE for entry in words.entries])
        weight = np.zeros((len(words), embeddings.shape[1]))
        for those, cost in ((sure, _RIDGE), (~sure, _RIDGE_OF_OTHERS)):
            held = gram + cost * np.eye(embeddings.shape[1])
            weight[those] = np.linalg.solve(held, towards[:, those]).T / deviation
        return cls(weight, scores.mean(axis=0) - weight @ mean)

    def log_odds(self, embeddings: Floats) -> Floats:
        """What it predicts, shape (n_recordings, n_labels)."""
        predicted: Floats = embeddings @ self.weight.T + self.bias
        return predicted

    def calibrated(self, slope: Floats, intercept: Floats) -> LabelLayer:
        """The layer whose log-odds are `slope` times its own and `intercept`, each of shape (n_labels,)."""
        return LabelLayer(self.weight * slope[:, np.newaxis], self.bias * slope + intercept)


def operating_points(probabilities: Floats) -> Floats:
    """From which probability a song keeps each label: one in ten does, or whatever is more likely true than not.

    Parameters
    ----------
    probabilities : float64, shape (n_recordings, n_labels)

    Returns
    -------
    float64, shape (n_labels,)
        Rounded down to three digits.
    """
    points = np.clip(np.quantile(probabilities, 1 - _KEPT_SHARE, axis=0), _SMALLEST, _LIKELY)
    unit = 10.0 ** (np.floor(np.log10(points)) - 2)
    rounded: Floats = np.floor(points / unit) * unit
    return rounded
