"""Recommending by latent factors: listeners and songs as points of one small space, plays as their products.

Weighted matrix factorization of implicit feedback (Y. Hu, Y. Koren, C. Volinsky: Collaborative filtering for implicit
feedback datasets, 2008), fitted by `implicit`. The factors of a song that nobody has played are predicted from what is
known of it (A. van den Oord, S. Dieleman, B. Schrauwen: Deep content-based music recommendation, 2013), by a ridge
regression on the songs that have both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix, hstack
from threadpoolctl import threadpool_limits

from .features import Features, moved_rows
from .interface import (
    Evidence,
    LabelReason,
    Matrix,
    Moved,
    Positions,
    Progress,
    Reason,
    SongReason,
    Tastes,
    Vector,
    silent,
)
from .ridge import ridge

_SEED = 2018


class Settings(NamedTuple):
    """What a factorization is made with; chosen by `evaluation.choosing`.

    Attributes
    ----------
    factors : int
        How many numbers describe a song.
    rounds : int
        How often listeners and songs are fitted in turn.
    certainty : float
        How much surer a play makes: a song played n times counts 1 + certainty x log(1 + n).
    damping : float
        The regularization of factors, as a multiple of what a play counts on average.
    prediction_damping : float
        The regularization of the regression that predicts factors.
    doubt : float
        The factors of a song of c listeners are their own to c / (c + doubt), and else the predicted ones.
    """

    factors: int = 64
    rounds: int = 15
    certainty: float = 2.0
    damping: float = 3.0
    prediction_damping: float = 6.0
    doubt: float = 15.0


@dataclass(frozen=True, eq=False)
class Latent:
    """The recommender by latent factors.

    Attributes
    ----------
    learned : float32, shape (n_songs, n_factors)
        What plays say of each song; what is predicted where there are none.
    factors : float32, shape (n_songs, n_factors)
        What plays and content say together.
    coefficients : float32, shape (n_features, n_factors)
        From features to factors.
    gram : float64, shape (n_factors, n_factors)
        Of the learned factors: what an unplayed song costs.
    listeners : int64, shape (n_songs,)
        How many people have played each song.
    labels : csr_array, shape (n_songs, 2 x n_labels)
        The labels among the features of each song: their shares, and their amounts.
    features : Features
    certainty, damping, doubt : float
        `Settings`, the damping as it is added.
    """

    learned: NDArray[np.float32]
    factors: NDArray[np.float32]
    coefficients: NDArray[np.float32]
    gram: Vector
    listeners: NDArray[np.int64]
    labels: Matrix
    features: Features
    certainty: float
    damping: float
    doubt: float

    @classmethod
    def fit(cls, evidence: Evidence, progress: Progress = silent) -> Self:
        """Factorize the plays, and learn to predict the factors from content."""
        return cls.with_settings(evidence, Settings(), progress)

    @classmethod
    def with_settings(cls, evidence: Evidence, settings: Settings, progress: Progress = silent) -> Self:
        """The same, otherwise set."""
        progress("latent factors")
        confidence = _confidence(evidence.played.data, settings.certainty)
        damping = settings.damping * float(confidence.mean()) if len(confidence) else 1.0
        learned = _factorized(evidence, confidence.astype(np.float32), damping, settings, progress)
        features = Features.fit(evidence)
        rows = features.rows_and_amounts(evidence)
        both = np.flatnonzero((evidence.listeners > 0) & (np.diff(rows.indptr) > 0))
        coefficients = ridge(
            rows[both],
            learned[both].astype(np.float64),
            np.sqrt(evidence.listeners[both]),
            settings.prediction_damping,
            progress,
        )
        gram = learned.T.astype(np.float64) @ learned
        return cls._of(
            learned, rows, coefficients.astype(np.float32), gram, evidence.listeners, features,
            settings.certainty, damping, settings.doubt,
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
        certainty: float,
        damping: float,
        doubt: float,
    ) -> Self:
        """Join what plays and what content say of each song."""
        predicted = (rows @ coefficients).astype(np.float32)
        # Nothing is predicted for a song of which nothing is known: its own factors are all there is.
        own = np.where(np.diff(rows.indptr) > 0, listeners / (listeners + doubt), 1.0).astype(np.float32)[:, np.newaxis]
        factors = own * learned + (1 - own) * predicted
        learned = np.where((listeners > 0)[:, np.newaxis], learned, factors)
        labels = _labels(rows, features.n_labels)
        return cls(learned, factors, coefficients, gram, listeners, labels, features, certainty, damping, doubt)

    def refreshed(self, evidence: Evidence, since: Moved) -> Self:
        """The same factors for the songs that were there, predicted ones for those that are new or newly labelled."""
        n_labels = self.features.n_labels
        features = self.features.labels_moved(since)
        shares, others, amounts = np.split(self.coefficients, [n_labels, len(self.coefficients) - n_labels])
        coefficients = np.concatenate([moved_rows(shares, since.labels), others, moved_rows(amounts, since.labels)])
        return self._of(
            moved_rows(self.learned, since.songs), features.rows_and_amounts(evidence), coefficients, self.gram,
            moved_rows(self.listeners, since.songs), features, self.certainty, self.damping, self.doubt,
        )  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The recommender that `arrays` was called on."""
        certainty, damping, doubt = arrays["settings"].tolist()
        own = {name: arrays[name] for name in ("learned", "factors", "coefficients", "gram", "listeners")}
        features = Features.from_arrays(arrays)
        stored = (arrays["labels_data"], arrays["labels_indices"], arrays["labels_indptr"])
        labels = csr_array(stored, shape=(len(own["factors"]), 2 * features.n_labels))
        return cls(**own, labels=labels, features=features, certainty=certainty, damping=damping, doubt=doubt)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Factors, what predicts them, and how listeners are placed among them."""
        return {
            "learned": self.learned,
            "factors": self.factors,
            "coefficients": self.coefficients,
            "gram": self.gram,
            "listeners": self.listeners,
            "labels_data": self.labels.data,
            "labels_indices": self.labels.indices,
            "labels_indptr": self.labels.indptr,
            "settings": np.array([self.certainty, self.damping, self.doubt]),
            **self.features.arrays(),
        }

    def scores(self, tastes: Tastes) -> Vector:
        """The product of every listener's and every song's factors, shape (n_listeners, n_songs)."""
        placed = self.listener_factors(tastes).astype(np.float32)
        return (placed @ self.factors.T).astype(np.float64)

    def listener_factors(self, tastes: Tastes) -> Vector:
        """Where each listener stands, from their plays alone; it need not be one that the factors were fitted on.

        The least squares of one round: (Y'Y + Y'(C - 1)Y + damping) x = Y'C, Y being the songs' factors and C what
        the listener's plays count.

        Returns
        -------
        float64, shape (n_listeners, n_factors)
            0 for a listener who has played nothing.
        """
        placed = np.zeros((tastes.n_listeners, len(self.gram)))
        for row, (own, confidence, inverse) in enumerate(self._placing(tastes)):
            if len(confidence):
                placed[row] = inverse @ (own.T @ confidence)
        return placed

    def reasons(self, tastes: Tastes, songs: Positions, k: int) -> Sequence[Sequence[Reason]]:
        """What carries the first listener's score of each song: their songs; for one that nobody has played, labels.

        The products of all songs sum to the score; so do those of the labels, but for what sound and the number of
        labels say.
        """
        own, confidence, inverse = next(self._placing(tastes))
        positions = tastes.played.indices[: tastes.played.indptr[1]]
        place = inverse @ (own.T @ confidence)
        by_song = (confidence[:, np.newaxis] * (own @ inverse)) @ self.factors[songs].T.astype(np.float64)
        n_labels = self.features.n_labels
        amounts = self.coefficients[len(self.coefficients) - n_labels :]
        by_column = np.concatenate([self.coefficients[:n_labels], amounts]) @ place
        rows = self.labels
        reasons: list[list[Reason]] = []
        for at, song in enumerate(songs):
            said: list[Reason] = []
            if not self.listeners[song]:
                columns = rows.indices[rows.indptr[song] : rows.indptr[song + 1]]
                labels, label_of = np.unique(columns % n_labels, return_inverse=True)
                products = rows.data[rows.indptr[song] : rows.indptr[song + 1]] * by_column[columns]
                sums = np.bincount(label_of, products, len(labels)).astype(np.float64)
                said = [LabelReason(int(labels[i]), float(sums[i])) for i in np.argsort(-sums)[:k] if sums[i] > 0]
            if not said:
                parts = by_song[:, at]
                said = [SongReason(int(positions[i]), float(parts[i])) for i in np.argsort(-parts)[:k] if parts[i] > 0]
            reasons.append(said)
        return reasons

    def _placing(self, tastes: Tastes) -> Iterator[tuple[Vector, Vector, Vector]]:
        """For each listener: the factors of their songs, what the plays count, and the inverse of the left side."""
        played = tastes.played
        for row in range(tastes.n_listeners):
            at = slice(played.indptr[row], played.indptr[row + 1])
            own = self.learned[played.indices[at]].astype(np.float64)
            confidence = _confidence(played.data[at], self.certainty)
            left = self.gram + (own.T * (confidence - 1)) @ own + self.damping * np.eye(len(self.gram))
            yield own, confidence, np.asarray(np.linalg.inv(left), dtype=np.float64)

    def similar(self, song: int) -> Vector:
        """The cosine of every other song's factors with this one's, shape (n_songs,)."""
        lengths = np.linalg.norm(self.factors, axis=1)
        products = (self.factors @ self.factors[song]).astype(np.float64)
        cosines: Vector = np.divide(products, lengths * lengths[song], out=np.zeros_like(products), where=lengths > 0)
        cosines[song] = 0
        return cosines


def _labels(rows: Matrix, n_labels: int) -> Matrix:
    """The columns of labels: shares first, and amounts."""
    labels: Matrix = hstack([rows[:, :n_labels], rows[:, rows.shape[1] - n_labels :]], format="csr")
    return labels


def _confidence(plays: NDArray[Any], certainty: float) -> Vector:
    """How much a song played so often counts beside one that was not."""
    confidence: Vector = np.log1p(np.asarray(plays, dtype=np.float64))
    return certainty * confidence + 1


def _factorized(
    evidence: Evidence, confidence: NDArray[np.float32], damping: float, settings: Settings, progress: Progress
) -> NDArray[np.float32]:
    """The factors of songs, 0 where nobody has played them; always the same for the same plays."""
    played = evidence.played
    if not played.nnz:
        return np.zeros((evidence.n_songs, settings.factors), dtype=np.float32)
    # Compiled, with threads of its own: no web process needs it.
    from implicit.cpu.als import AlternatingLeastSquares

    # It runs its own threads, and asks that BLAS runs none besides.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=settings.factors,
            regularization=damping,
            iterations=settings.rounds,
            random_state=_SEED,
        )
        model.fit(
            # It takes no arrays that may not be written to, as mapped files are.
            csr_matrix((confidence, played.indices.copy(), played.indptr.copy()), shape=played.shape),
            show_progress=False,
            callback=lambda *_: progress("latent factors"),
        )
    factors: NDArray[np.float32] = np.asarray(model.item_factors, dtype=np.float32)
    factors[evidence.listeners == 0] = 0
    return factors
