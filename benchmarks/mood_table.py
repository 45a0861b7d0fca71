"""Fit the labels of a mood to recordings that people labelled, and count what such a fit finds of other artists.

    python -m benchmarks.mood_table [--truth FOLDER]

For each quadrant of mood and each tagger, a logistic regression of the evidence for labels of moods (TF x IDF, as a
query of labels meets them), with weights of 0 or more that are held near those that were written by hand: minimized is
the mean loss, both classes counting alike, plus strength x the squared distance from these, scaled by a fitted factor.
Printed are, of the first ten, how many are of the mood: by what was written by hand; by fits to the other four fifths
of the artists, for each strength; by the table of `mood.labels`; and the weights of a fit to all recordings. What the
table says of anger and calm was rounded from the mean of both taggers at the strength 0.1, since such fits find more of
other artists; of joy and sadness they do not. What the table finds of these recordings itself is no figure for others.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from recommender.engine.adventure import fractional_ranks
from recommender.engine.interface import Vector
from recommender.engine.labels_and_sound import LabelsAndSound
from recommender.engine.ranking import top
from tagging.labels.vocabulary import vocabulary

from .asked import FIRST, TRUTH, Asked, Library, libraries
from .requirements import file, require

FOLDS = 5
STRENGTHS = (0.001, 0.01, 0.1, 1.0)
STRENGTH = 0.1
SHOWN = 8

WRITTEN = {
    "Q1": {"happy": 1.0, "fun": 0.8, "upbeat": 0.8, "positive": 0.7, "summer": 0.5, "uplifting": 0.5},
    "Q2": {"heavy": 1.0, "powerful": 1.0, "dark": 0.8, "energetic": 0.8, "fast": 0.6, "dramatic": 0.5},
    "Q3": {"sad": 1.0, "melancholic": 1.0, "emotional": 0.8, "soft": 0.6, "slow": 0.5},
    "Q4": {"calm": 1.0, "relaxing": 1.0, "meditative": 0.7, "chillout": 0.7, "soft": 0.7, "nature": 0.4},
}
"""The weights before any fit."""

Mask = NDArray[np.bool_]


def fold_of(artist: str) -> int:
    """Which fold an artist is in."""
    return hashlib.sha256(artist.encode()).digest()[1] % FOLDS


def fitted(evidence: Vector, truth: Mask, written: Vector, strength: float) -> Vector:
    """Weights of labels, 0 or more, shape (n_labels,).

    Parameters
    ----------
    evidence : float64, shape (n_songs, n_labels)
    truth : bool, shape (n_songs,)
        The songs that are of the mood.
    written : float64, shape (n_labels,)
        The weights that the fitted ones are held near, of norm 1.
    strength : float
        How near.
    """
    scaled = evidence / max(float(evidence.std()), 1e-12)
    shares = np.where(truth, 0.5 / truth.sum(), 0.5 / (~truth).sum())

    def loss(parameters: Vector) -> tuple[float, Vector]:
        weights, bias, scale = parameters[:-2], parameters[-2], parameters[-1]
        logits = scaled @ weights + bias
        apart = weights - scale * written
        slope = (1 / (1 + np.exp(-logits)) - truth) * shares
        value = shares @ np.logaddexp(0, np.where(truth, -logits, logits)) + strength * (apart @ apart)
        toward = 2 * strength * apart
        return float(value), np.r_[scaled.T @ slope + toward, slope.sum(), -toward @ written]

    bounds = [(0, None)] * len(written) + [(None, None), (0, None)]
    found = minimize(loss, np.r_[0.3 * written, 0, 0.3], jac=True, method="L-BFGS-B", bounds=bounds)
    weights: Vector = found.x[:-2]
    return weights


class Mood:
    """One mood in one library: what is of it, and how queries of labels do."""

    def __init__(self, library: Library, asked: Asked) -> None:
        kinds = {entry.name: entry.kind for entry in vocabulary().entries}
        self.names = sorted(library.labels, key=lambda name: library.labels[name])
        self.allowed = np.array([kinds.get(name) == "mood" for name in self.names])
        self.ranker = LabelsAndSound.fit(library.data)
        content = self.ranker.content
        self.evidence = content.weights.toarray() * self.ranker.evidence.amounts[:, np.newaxis] * content.idf
        self.truth = np.zeros(library.data.n_songs, dtype=bool)
        self.truth[list(asked.of_it)] = True
        self.table, self.written = self._query(asked.labels), self._query(WRITTEN[asked.name])
        self.folds = np.array([fold_of(artist) for artist in library.artists])

    def _query(self, labels: Mapping[str, float]) -> Vector:
        weights = np.array([labels.get(name, 0.0) for name in self.names])
        unit: Vector = weights / np.linalg.norm(weights)
        return unit

    def matches(self, query: Vector) -> Vector:
        """How well songs match, 0 where they are not listed."""
        match, listed = self.ranker.matches(query)
        return np.where(listed, fractional_ranks(match), 0)

    def found(self, scores: Vector) -> int:
        """How many of the first ten are of the mood."""
        return int(self.truth[top(scores, FIRST)].sum())

    def fit(self, songs: Mask, strength: float) -> Vector:
        """The weights of all labels by a fit to some songs."""
        weights = np.zeros(len(self.names))
        of = np.ix_(songs, self.allowed)
        weights[self.allowed] = fitted(self.evidence[of], self.truth[songs], self.written[self.allowed], strength)
        return weights

    def of_other_artists(self, strength: float) -> int:
        """What fits find of artists that they do not know, all folds in one ranking by their fractional ranks."""
        scores = np.zeros(len(self.truth))
        for fold in range(FOLDS):
            own = self.folds == fold
            scores[own] = fractional_ranks(self.matches(self.fit(~own, strength))[own])
        return self.found(scores)


def lines(library: Library) -> Sequence[str]:
    """What is printed of a library: a line for each mood, and one for its weights."""
    said = []
    for asked in library.asked:
        if asked.kind != "mood":
            continue
        mood = Mood(library, asked)
        fits = ", ".join(f"{strength:g}: {mood.of_other_artists(strength)}" for strength in STRENGTHS)
        weights = mood.fit(np.ones(len(mood.truth), dtype=bool), STRENGTH)
        largest = np.argsort(-weights)[:SHOWN].tolist()
        by_hand, by_table = (mood.found(mood.matches(query)) for query in (mood.written, mood.table))
        said.append(f"{asked.name}: by hand {by_hand}; by fits, {fits}; by the table {by_table}")
        said.append("    " + ", ".join(f"{mood.names[at]} {weights[at] / weights.max():.2f}" for at in largest))
    return said


def main() -> None:
    """Print it for each tagger."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truth", type=Path, default=TRUTH / "q4_taffc")
    options = parser.parse_args()
    require(file(options.truth / "labels.csv", "--truth"))
    for library in libraries([options.truth]):
        print(f"\n{library.name}", *lines(library), sep="\n")


if __name__ == "__main__":
    main()
