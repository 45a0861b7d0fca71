"""Fit rows of the label layer to curators' corrections, from stored embeddings; no audio is read.

Twenty corrections are little evidence beside the thousands of recordings that the layer was trained on. A label's row
is therefore fitted by logistic regression with a Gaussian prior around the old row, in dimensions standardized over the
library. Cross-validation among the corrections weighs several strengths of the prior; at infinite strength the row does
not move. Rows of labels without corrections are not changed.

A fitted row is evaluated on songs that it was not fitted to (nested cross-validation, grouped by artist). As twenty
random verdicts sometimes look like a gain, the held-out corrections are also bootstrapped: in nearly all resamples the
row has to be better than chance, and in most of them better than the old row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tagging.evaluation.gain import Gain, Paired, gain

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]

FEWEST = 4
"""Fewest confirming, and fewest denying corrections of a label that rows are fitted to."""

FEWEST_OF_A_NEW_LABEL = 20
"""The same for a label that is new to the tagger."""

SMALLEST_GAIN = 0.02
"""Smallest gain in ROC-AUC on held-out corrections for which a row is replaced."""

SMALLEST_ROC_AUC = 0.6
"""Smallest ROC-AUC on held-out corrections for which a row is replaced: values near 0.5 are chance."""

MOST_NO_BETTER_THAN_CHANCE = 0.025
"""Largest share of resamples with a ROC-AUC of 0.5 or less for which a row is replaced."""

MOST_NO_BETTER = 0.2
"""Largest share of resamples without a gain over the old row for which a row is replaced."""

# Precisions of the Gaussian prior, in corrections; at infinity the row does not move.
_STRENGTHS = (0.5, 2.0, 8.0, 32.0, 128.0, np.inf)
_FOLDS = 5
_INNER_FOLDS = 4
# Several random partitions into folds are averaged, which reduces the variance of their choice.
_DRAWS = 3
# A lower bound on a dimension's variance, relative to the mean: standardizing must not amplify constant dimensions.
_SMALLEST_VARIANCE = 1e-3
_MOST_NEWTON_STEPS = 50
_ROUNDING = 1e-8


@dataclass(frozen=True, slots=True)
class EmbeddingStatistics:
    """Mean and scale of a library's embeddings, by which dimensions are standardized.

    Attributes
    ----------
    mean, scale : float64, shape (d,)
        Of each dimension; the scale is its standard deviation, bounded below by a positive number.
    """

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, embeddings: NDArray[np.floating]) -> EmbeddingStatistics:
        """Compute the statistics of a library's songs, or of a sample of them.

        Parameters
        ----------
        embeddings : float, shape (n, d), n at least 2

        Raises
        ------
        ValueError
            If there are fewer than two songs, or values are not finite.
        """
        vectors = np.asarray(embeddings, np.float64)
        if vectors.ndim != 2 or len(vectors) < 2:
            raise ValueError(f"embeddings must have shape (n, d) with n >= 2, not {vectors.shape}")
        if not np.isfinite(vectors).all():
            raise ValueError("embeddings must hold finite numbers only")
        variance = vectors.var(axis=0)
        smallest = _SMALLEST_VARIANCE * variance.mean()
        return cls(vectors.mean(axis=0), np.sqrt(np.maximum(variance, smallest if smallest > 0 else 1.0)))


@dataclass(frozen=True, slots=True)
class Row:
    """One label's row of the label layer.

    Attributes
    ----------
    weights : float64, shape (d,)
    bias : float
    """

    weights: Floats
    bias: float

    def log_odds(self, embeddings: Floats) -> Floats:
        """Compute the label's log-odds for embeddings of shape (n, d); shape (n,)."""
        return embeddings @ self.weights + self.bias


@dataclass(frozen=True, slots=True)
class Corrections:
    """The corrections of one label, as arrays.

    Attributes
    ----------
    embeddings : float64, shape (n, d)
        Of the corrected songs.
    verdicts : bool, shape (n,)
        Whether the song has the label.
    artists : int64, shape (n,)
        Equal for songs of the same artist.
    """

    embeddings: Floats
    verdicts: Bools
    artists: Integers

    def __len__(self) -> int:
        return len(self.verdicts)

    @property
    def counts(self) -> tuple[int, int]:
        """Count the confirming and the denying corrections."""
        yes = int(self.verdicts.sum())
        return yes, len(self) - yes

    def only(self, chosen: Bools) -> Corrections:
        """Select some corrections by a mask, shape (n,)."""
        return Corrections(self.embeddings[chosen], self.verdicts[chosen], self.artists[chosen])


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted row, and its evaluation on held-out corrections.

    Attributes
    ----------
    row : Row
        Fitted to all corrections.
    gain : Gain
        On held-out corrections: before, of the old row (0.5 for a new label); after, of rows fitted without them.
    by_artist : bool
        Whether folds are grouped by artist.
    """

    row: Row
    gain: Gain
    by_artist: bool

    @property
    def better(self) -> bool:
        """Whether the row ranks held-out corrections well enough to replace the old one."""
        return is_better(self.gain)


def is_better(gain: Gain) -> bool:
    """Whether a gain on held-out corrections is large enough, and certain enough, to be kept."""
    large = gain.after >= max(gain.before + SMALLEST_GAIN, SMALLEST_ROC_AUC)
    return large and gain.no_better_than_chance <= MOST_NO_BETTER_THAN_CHANCE and gain.no_better <= MOST_NO_BETTER


def fit_row(
    old: Row | None, corrections: Corrections, library: EmbeddingStatistics, point: float = 0.0, seed: int = 0
) -> Fitted:
    """Fit one label's row to corrections, and evaluate it.

    Logistic regression with a Gaussian prior around the old row, in standardized dimensions. The share of confirming
    corrections is unrelated to the label's frequency, so an unpenalized offset absorbs the difference. The row's bias
    is then shifted so that the threshold that separates held-out yes from no best lies at `point`.

    Parameters
    ----------
    old : Row, optional
        None for a label that is new to the tagger: the prior is then around 0.
    corrections : Corrections
        At least `FEWEST` of each verdict; `FEWEST_OF_A_NEW_LABEL` where `old` is None.
    library : EmbeddingStatistics
    point : float
        The log-odds of the label's operating point.
    seed : int
        Of the random folds.

    Returns
    -------
    Fitted

    Raises
    ------
    ValueError
        If there are too few corrections, their dimensions differ from the library's, or values are not finite.
    """
    fewest = FEWEST if old is not None else FEWEST_OF_A_NEW_LABEL
    if min(corrections.counts) < fewest:
        yes, no = corrections.counts
        raise ValueError(f"{yes} yes and {no} no: at least {fewest} of each are needed")
    n_dimensions = len(library.mean)
    if corrections.embeddings.shape != (len(corrections), n_dimensions):
        raise ValueError(f"embeddings of shape {corrections.embeddings.shape}, the library's have {n_dimensions}")
    if not np.isfinite(corrections.embeddings).all():
        raise ValueError("embeddings must hold finite numbers only")
    start = Row(np.zeros(n_dimensions), 0.0) if old is None else old
    rng = np.random.default_rng(seed)
    problem = _Problem.of(start, corrections, library)
    draws = np.stack([problem.held_out_scores(rng) for _ in range(_DRAWS)])
    step, _ = problem.fit_cross_validated(rng, _DRAWS)
    # Held-out scores are of rows that pivot on the library's mean.
    moved = _moved(start, step, library)
    bias = moved.bias + point - threshold(corrections.verdicts, draws.mean(axis=0))
    known = problem.known if old is not None else np.zeros(len(corrections))
    found = gain([Paired(corrections.verdicts, known, draws, problem.groups)])
    return Fitted(Row(moved.weights, bias), found, problem.by_artist)


def move_row(old: Row, corrections: Corrections, library: EmbeddingStatistics, seed: int = 0) -> Row:
    """Fit one label's row as `fit_row` does, without its evaluation and its shift to the operating point.

    The old row is returned where all corrections have the same verdict.
    """
    if min(corrections.counts) == 0:
        return old
    step, _ = _Problem.of(old, corrections, library).fit_cross_validated(np.random.default_rng(seed))
    return _moved(old, step, library)


def _moved(old: Row, step: Floats, library: EmbeddingStatistics) -> Row:
    """Apply a step in standardized dimensions to a row, without changing its log-odds at the library's mean."""
    change = step / library.scale
    return Row(old.weights + change, old.bias - float(change @ library.mean))


class _Problem:
    """Corrections in standardized dimensions, and the old row's log-odds of them."""

    def __init__(self, vectors: Floats, known: Floats, verdicts: Bools, artists: Integers) -> None:
        self.vectors, self.known, self.verdicts, self.artists = vectors, known, verdicts, artists
        self.signs = np.where(verdicts, 1.0, -1.0)
        self.shares = _balanced(verdicts)
        self.by_artist = by_artist(verdicts, artists)

    @classmethod
    def of(cls, start: Row, corrections: Corrections, library: EmbeddingStatistics) -> _Problem:
        """Standardize corrections for a row."""
        vectors = (corrections.embeddings - library.mean) / library.scale
        return cls(vectors, start.log_odds(corrections.embeddings), corrections.verdicts, corrections.artists)

    @property
    def groups(self) -> Integers:
        """Equal numbers for songs that are held out together, shape (n,)."""
        return self.artists if self.by_artist else np.arange(len(self.artists))

    def only(self, chosen: Bools) -> _Problem:
        """Select some of the corrections by a mask, shape (n,)."""
        return _Problem(self.vectors[chosen], self.known[chosen], self.verdicts[chosen], self.artists[chosen])

    def fit(self, strength: float) -> tuple[Floats, float]:
        """Minimize the penalized loss; returns the step, shape (d,), and the offset."""
        if np.isinf(strength):
            offset = self._minimum(np.zeros((len(self.verdicts), 0)), 1.0)[-1]
            return np.zeros(self.vectors.shape[1]), float(offset)
        vectors, directions = self._rotated
        solution = self._minimum(vectors, strength)
        return directions.T @ solution[:-1], float(solution[-1])

    @cached_property
    def _rotated(self) -> tuple[Floats, Floats]:
        """Rotate the vectors into the subspace that they span, in which the optimal step lies; and its basis."""
        left, singular, right = np.linalg.svd(self.vectors, full_matrices=False)
        return left * singular, right

    def _minimum(self, vectors: Floats, strength: float) -> Floats:
        """Minimize the convex penalized loss by damped Newton steps; the last element is the offset."""
        from scipy.special import expit

        weights = self.shares * len(self.verdicts)
        columns = np.column_stack([vectors, np.ones(len(vectors))])
        # The offset is not penalized.
        penalty = np.append(np.full(vectors.shape[1], strength), 0.0)

        def loss(unknown: Floats) -> float:
            margins = self.signs * (self.known + columns @ unknown)
            return float(weights @ np.logaddexp(0.0, -margins) + penalty @ unknown**2 / 2)

        unknown = np.append(np.zeros(vectors.shape[1]), -np.median(self.known))
        current = loss(unknown)
        for _ in range(_MOST_NEWTON_STEPS):
            residuals = expit(-self.signs * (self.known + columns @ unknown))
            slope = penalty * unknown - columns.T @ (weights * self.signs * residuals)
            curvature = (columns.T * (weights * residuals * (1.0 - residuals))) @ columns + np.diag(penalty + _ROUNDING)
            step = np.linalg.solve(curvature, slope)
            if slope @ step < _ROUNDING * max(current, 1.0):
                break
            length = 1.0
            while (candidate := loss(unknown - length * step)) > current and length > _ROUNDING:
                length /= 2
            unknown, current = unknown - length * step, candidate
        return unknown

    def losses(self, step: Floats, offset: float) -> Floats:
        """Compute the cross-entropy of each correction, shape (n,)."""
        losses: Floats = np.logaddexp(0.0, -self.signs * (self.known + self.vectors @ step + offset))
        return losses

    def fit_cross_validated(self, rng: np.random.Generator, draws: int = 1) -> tuple[Floats, float]:
        """Average all strengths' steps and offsets, weighted by the softmax of their cross-validated likelihoods."""
        from scipy.special import softmax

        losses = np.zeros(len(_STRENGTHS))
        for _ in range(draws):
            for held in self.folds(rng, _INNER_FOLDS):
                rest, out = self.only(~held), self.only(held)
                for place, strength in enumerate(_STRENGTHS):
                    losses[place] += self.shares[held] @ out.losses(*rest.fit(strength)) / draws
        weights = softmax(-losses * len(self.verdicts))
        steps, offsets = zip(*(self.fit(strength) for strength in _STRENGTHS), strict=True)
        return weights @ np.stack(steps), float(weights @ np.array(offsets))

    def held_out_scores(self, rng: np.random.Generator) -> Floats:
        """Score every correction by a row that was fitted without it: log-odds without the offset, shape (n,)."""
        scores = self.known.copy()
        for held in self.folds(rng, _FOLDS):
            step, _ = self.only(~held).fit_cross_validated(rng)
            scores[held] += self.vectors[held] @ step
        return scores

    def folds(self, rng: np.random.Generator, most: int) -> Iterator[Bools]:
        """Yield masks of what is held out: by artist where each verdict comes from several artists, else by song."""
        groups = self.groups
        # Stratify by the rarer verdict: a training fold without it would be degenerate.
        rare = self.verdicts.sum() * 2 <= len(self.verdicts)
        with_rare = np.unique(groups[self.verdicts == rare])
        others = np.setdiff1d(groups, with_rare)
        n_folds = max(2, min(most, len(with_rare), max(len(others), 2)))
        fold_of = {
            group: place % n_folds
            for kind in (with_rare, others)
            for place, group in enumerate(rng.permutation(kind).tolist())
        }
        fold = np.array([fold_of[group] for group in groups.tolist()])
        for number in range(n_folds):
            held = fold == number
            if held.any() and len(np.unique(self.verdicts[~held])) == 2:
                yield held


def by_artist(verdicts: Bools, artists: Integers) -> bool:
    """Whether folds can be grouped by artist: each verdict comes from several artists."""
    return all(len(np.unique(artists[verdicts == verdict])) > 1 for verdict in (True, False))


def threshold(verdicts: Bools, scores: Floats) -> float:
    """Find the threshold with the highest balanced accuracy, halfway between two scores; the middle one of ties."""
    order = np.argsort(scores)
    ascending = scores[order]
    signed_shares = _balanced(verdicts)[order] * np.where(verdicts[order], -1.0, 1.0)
    separation = np.concatenate([[0.0], np.cumsum(signed_shares)])
    edges = np.concatenate([[ascending[0]], (ascending[:-1] + ascending[1:]) / 2, [ascending[-1]]])
    best = np.flatnonzero(separation >= separation.max() - 1e-9)
    return float(edges[best[len(best) // 2]])


def _balanced(verdicts: Bools) -> Floats:
    """Weigh corrections so that both verdicts weigh 0.5, shape (n,)."""
    yes = max(int(verdicts.sum()), 1)
    no = max(len(verdicts) - int(verdicts.sum()), 1)
    shares: Floats = np.where(verdicts, 0.5 / yes, 0.5 / no)
    return shares
