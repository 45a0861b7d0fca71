"""Latent factors: weighted matrix factorization of the play counts, with predicted factors for cold songs.

Implicit-feedback ALS (Y. Hu, Y. Koren, C. Volinsky: Collaborative filtering for implicit feedback datasets, 2008),
fitted by `implicit`. The factors of unplayed songs are predicted from content (A. van den Oord, S. Dieleman, B.
Schrauwen: Deep content-based music recommendation, 2013), by a ridge regression on the songs with plays and features,
each counting alike: what a song's sound or labels do not tell of its audience is far more than what few plays hide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix, hstack
from threadpoolctl import threadpool_limits

from .diversity import UNKNOWN_ARTIST
from .features import Features, remapped_rows
from .interface import (
    Contribution,
    IndexMapping,
    LabelContribution,
    ListenerBatch,
    Matrix,
    Positions,
    Progress,
    SongContribution,
    TrainingData,
    Vector,
    no_progress,
)
from .ridge import leave_out_error, ridge

_SEED = 2018

_LABEL_SCALES = (1.0, 0.25)
_FEWEST_TO_WEIGH, _MOST_TO_WEIGH = 50, 1000
"""How many songs decide how much labels count beside embeddings."""


class Settings(NamedTuple):
    """Hyperparameters; chosen by `evaluation.choosing`.

    Attributes
    ----------
    factors : int
        Number of latent factors.
    iterations : int
        ALS iterations.
    alpha : float
        Confidence scale: n plays of a song have confidence 1 + alpha x log(1 + n).
    regularization : float
        L2 regularization of the factors, as a multiple of the mean confidence.
    prediction_regularization : float
        L2 regularization of the regression that predicts factors from features.
    shrinkage : float
        A song with c listeners has factors c / (c + shrinkage) x learned + shrinkage / (c + shrinkage) x predicted.
    """

    factors: int = 64
    iterations: int = 15
    alpha: float = 5.0
    regularization: float = 3.0
    prediction_regularization: float = 3.0
    shrinkage: float = 15.0


@dataclass(frozen=True, eq=False)
class Latent:
    """The latent-factor recommender.

    Attributes
    ----------
    learned : float32, shape (n_songs, n_factors)
        Factors from plays; the predicted factors for songs without plays.
    factors : float32, shape (n_songs, n_factors)
        Learned and predicted factors, combined by `Settings.shrinkage`.
    coefficients : float32, shape (n_features, n_factors)
        The regression from features to factors.
    gram : float64, shape (n_factors, n_factors)
        Y'Y of the learned factors.
    listeners : int64, shape (n_songs,)
        Number of listeners of each song.
    labels : csr_array, shape (n_songs, 2 x n_labels)
        The label columns of the features: weights first, then amounts.
    features : Features
    alpha, regularization, shrinkage : float
        From `Settings`; the regularization is absolute here, already multiplied by the mean confidence.
    """

    learned: NDArray[np.float32]
    factors: NDArray[np.float32]
    coefficients: NDArray[np.float32]
    gram: Vector
    listeners: NDArray[np.int64]
    labels: Matrix
    features: Features
    alpha: float
    regularization: float
    shrinkage: float

    @classmethod
    def fit(cls, data: TrainingData, progress: Progress = no_progress) -> Self:
        """Factorize the plays and fit the regression from features to factors."""
        return cls.with_settings(data, Settings(), progress)

    @classmethod
    def with_settings(cls, data: TrainingData, settings: Settings, progress: Progress = no_progress) -> Self:
        """Fit with other hyperparameters."""
        progress("latent factors")
        confidence = _confidence(data.played.data, settings.alpha)
        regularization = settings.regularization * float(confidence.mean()) if len(confidence) else 1.0
        learned = _factorized(data, confidence.astype(np.float32), regularization, settings, progress)
        features = _weighed(Features.fit(data), data, learned, settings, progress)
        rows = features.rows_and_amounts(data)
        both = np.flatnonzero((data.listeners > 0) & (np.diff(rows.indptr) > 0))
        targets = learned[both].astype(np.float64)
        coefficients = ridge(rows[both], targets, settings.prediction_regularization, progress)
        gram = learned.T.astype(np.float64) @ learned
        return cls._of(
            learned, rows, coefficients.astype(np.float32), gram, data.listeners, features,
            settings.alpha, regularization, settings.shrinkage,
        )  # fmt: skip

    @classmethod
    def _of(
        cls,
        learned: NDArray[np.float32],
        rows: Matrix,
        coefficients: NDArray[np.float32],
        gram: Vector,
        listeners: NDArray[np.int64],
        features: Features,
        alpha: float,
        regularization: float,
        shrinkage: float,
    ) -> Self:
        """Combine learned and predicted factors."""
        predicted = (rows @ coefficients).astype(np.float32)
        # No features, no prediction: such a song keeps its learned factors.
        own = np.where(np.diff(rows.indptr) > 0, listeners / (listeners + shrinkage), 1.0).astype(np.float32)[
            :, np.newaxis
        ]
        factors = own * learned + (1 - own) * predicted
        learned = np.where((listeners > 0)[:, np.newaxis], learned, factors)
        labels = _labels(rows, features.n_labels)
        return cls(learned, factors, coefficients, gram, listeners, labels, features, alpha, regularization, shrinkage)

    def refreshed(self, data: TrainingData, mapping: IndexMapping) -> Self:
        """Remap the learned factors to the current songs; predict factors for new and newly labelled songs."""
        n_labels = self.features.n_labels
        features = self.features.with_remapped_labels(mapping)
        shares, others, amounts = np.split(self.coefficients, [n_labels, len(self.coefficients) - n_labels])
        coefficients = np.concatenate(
            [remapped_rows(shares, mapping.labels), others, remapped_rows(amounts, mapping.labels)]
        )
        return self._of(
            remapped_rows(self.learned, mapping.songs), features.rows_and_amounts(data), coefficients, self.gram,
            remapped_rows(self.listeners, mapping.songs), features, self.alpha, self.regularization, self.shrinkage,
        )  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore a recommender from its `arrays`."""
        alpha, regularization, shrinkage = arrays["settings"].tolist()
        own = {name: arrays[name] for name in ("learned", "factors", "coefficients", "gram", "listeners")}
        features = Features.from_arrays(arrays)
        stored = (arrays["labels_data"], arrays["labels_indices"], arrays["labels_indptr"])
        labels = csr_array(stored, shape=(len(own["factors"]), 2 * features.n_labels))
        return cls(
            **own, labels=labels, features=features, alpha=alpha, regularization=regularization, shrinkage=shrinkage
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Factors, regression coefficients, and what fold-in of listeners needs."""
        return {
            "learned": self.learned,
            "factors": self.factors,
            "coefficients": self.coefficients,
            "gram": self.gram,
            "listeners": self.listeners,
            "labels_data": self.labels.data,
            "labels_indices": self.labels.indices,
            "labels_indptr": self.labels.indptr,
            "settings": np.array([self.alpha, self.regularization, self.shrinkage]),
            **self.features.arrays(),
        }

    def scores(self, batch: ListenerBatch) -> Vector:
        """Dot products of listener and song factors, shape (n_listeners, n_songs)."""
        placed = self.listener_factors(batch).astype(np.float32)
        return (placed @ self.factors.T).astype(np.float64)

    def listener_factors(self, batch: ListenerBatch) -> Vector:
        """Fold listeners in: their factors from their plays alone, whether or not they were in the training data.

        Solves the least squares of one ALS step, (Y'Y + Y'(C - 1)Y + regularization I) x = Y'C, with Y the song factors
        and C the diagonal of confidences.

        Returns
        -------
        float64, shape (n_listeners, n_factors)
            0 for listeners without plays.
        """
        placed = np.zeros((batch.n_listeners, len(self.gram)))
        for row, (own, confidence, inverse) in enumerate(self._placing(batch)):
            if len(confidence):
                placed[row] = inverse @ (own.T @ confidence)
        return placed

    def explain(self, batch: ListenerBatch, songs: Positions, k: int) -> Sequence[Sequence[Contribution]]:
        """What carries the first listener's score of each song: their songs; for one that nobody has played, labels.

        The products of all songs sum to the score; so do those of the labels, but for what sound and the number of
        labels say.
        """
        own, confidence, inverse = next(self._placing(batch))
        positions = batch.played.indices[: batch.played.indptr[1]]
        place = inverse @ (own.T @ confidence)
        by_song = (confidence[:, np.newaxis] * (own @ inverse)) @ self.factors[songs].T.astype(np.float64)
        n_labels = self.features.n_labels
        amounts = self.coefficients[len(self.coefficients) - n_labels :]
        by_column = np.concatenate([self.coefficients[:n_labels], amounts]) @ place
        rows = self.labels
        reasons: list[list[Contribution]] = []
        for at, song in enumerate(songs):
            said: list[Contribution] = []
            if not self.listeners[song]:
                columns = rows.indices[rows.indptr[song] : rows.indptr[song + 1]]
                labels, label_of = np.unique(columns % n_labels, return_inverse=True)
                products = rows.data[rows.indptr[song] : rows.indptr[song + 1]] * by_column[columns]
                sums = np.bincount(label_of, products, len(labels)).astype(np.float64)
                said = [LabelContribution(int(labels[i]), float(sums[i])) for i in np.argsort(-sums)[:k] if sums[i] > 0]
            if not said:
                parts = by_song[:, at]
                said = [
                    SongContribution(int(positions[i]), float(parts[i])) for i in np.argsort(-parts)[:k] if parts[i] > 0
                ]
            reasons.append(said)
        return reasons

    def _placing(self, batch: ListenerBatch) -> Iterator[tuple[Vector, Vector, Vector]]:
        """Per listener: the factors of played songs, their confidences, and the inverse of the left-hand side."""
        played = batch.played
        for row in range(batch.n_listeners):
            at = slice(played.indptr[row], played.indptr[row + 1])
            own = self.learned[played.indices[at]].astype(np.float64)
            confidence = _confidence(played.data[at], self.alpha)
            left = self.gram + (own.T * (confidence - 1)) @ own + self.regularization * np.eye(len(self.gram))
            yield own, confidence, np.asarray(np.linalg.inv(left), dtype=np.float64)


def _weighed(
    features: Features, data: TrainingData, learned: NDArray[np.float32], settings: Settings, progress: Progress
) -> Features:
    """Features whose labels count as much beside embeddings as predicts factors of songs by other artists best."""
    labelled = np.diff(data.term_frequencies.indptr) > 0
    songs = np.flatnonzero((data.listeners > 0) & labelled & features.embedded(data))
    if len(songs) < _FEWEST_TO_WEIGH:
        return features
    songs = songs[np.unique(np.linspace(0, len(songs) - 1, _MOST_TO_WEIGH).astype(np.intp))]
    artists = np.full(len(songs), UNKNOWN_ARTIST) if data.artists is None else data.artists[songs]
    alone = -1 - np.arange(len(songs))
    groups = np.where(artists == UNKNOWN_ARTIST, alone, artists)
    targets = learned[songs].astype(np.float64)

    def error(scale: float) -> float:
        progress("latent factors")
        rows: Matrix = replace(features, label_scale=scale).rows_and_amounts(data)[songs]
        return leave_out_error(rows, targets, settings.prediction_regularization, groups)

    return replace(features, label_scale=min(_LABEL_SCALES, key=error))


def _labels(rows: Matrix, n_labels: int) -> Matrix:
    """The label columns of feature rows: weights, then amounts."""
    labels: Matrix = hstack([rows[:, :n_labels], rows[:, rows.shape[1] - n_labels :]], format="csr")
    return labels


def _confidence(plays: NDArray[Any], alpha: float) -> Vector:
    """Confidence of play counts: 1 + alpha x log(1 + plays)."""
    confidence: Vector = np.log1p(np.asarray(plays, dtype=np.float64))
    return alpha * confidence + 1


def _factorized(
    data: TrainingData, confidence: NDArray[np.float32], regularization: float, settings: Settings, progress: Progress
) -> NDArray[np.float32]:
    """Song factors by ALS, 0 for unplayed songs; deterministic."""
    played = data.played
    if not played.nnz:
        return np.zeros((data.n_songs, settings.factors), dtype=np.float32)
    # Import only for fitting: web processes do not need this compiled module.
    from implicit.cpu.als import AlternatingLeastSquares

    # implicit runs its own threads and requires single-threaded BLAS.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=settings.factors,
            regularization=regularization,
            iterations=settings.iterations,
            random_state=_SEED,
        )
        model.fit(
            # implicit rejects read-only arrays, which memory-mapped files are.
            csr_matrix((confidence, played.indices.copy(), played.indptr.copy()), shape=played.shape),
            show_progress=False,
            callback=lambda *_: progress("latent factors"),
        )
    factors: NDArray[np.float32] = np.asarray(model.item_factors, dtype=np.float32)
    factors[data.listeners == 0] = 0
    return factors
