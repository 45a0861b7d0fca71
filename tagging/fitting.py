"""Fitting the label layer to curators' corrections: stored embeddings in, new rows out; nothing is heard again.

What a curator says of twenty songs is little evidence beside what the layer learned from thousands of recordings. So
a label's row moves only as far from where it was as the corrections pay for. The price is how much the label's
answers change all over the library, and how dear that is, cross-validation among the corrections decides: at the
dearest nothing moves. Rows of labels without corrections are not touched.

Whether a row is better is judged on songs that it was not fitted to, by artist: each correction is held out once, with
all that its artist has, and strength and row are found anew without it. Twenty verdicts that mean nothing look like a
gain now and then; so the corrections are also drawn again and again, and in nearly all draws the row has to tell yes
from no better than chance does, and in most of them better than the old row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from .evaluation.gain import Gain, Paired, gain

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]

FEWEST = 4
"""So many of a label's corrections have to be for it, and so many against it."""

FEWEST_OF_A_NEW_LABEL = 20
"""The same where the tagger has never had the label."""

SMALLEST_GAIN = 0.02
"""A row is only replaced by one whose ROC-AUC on held-out corrections is larger by so much."""

SMALLEST_AREA = 0.6
"""And by none that does not tell yes from no better than this: what is near 0.5 is chance, whatever was before."""

MOST_BY_LOT = 0.025
"""Nor by one that in more of all draws of its corrections is no better than 0.5: their verdicts may be by lot."""

MOST_NO_BETTER = 0.2
"""Nor by one that in more of them is no better than the old row."""

# How dear moving is, in corrections' worth; at infinity nothing moves.
_STRENGTHS = (0.5, 2.0, 8.0, 32.0, 128.0, np.inf)
_FOLDS = 5
_INNER_FOLDS = 4
# Which songs are held out together is chance: the mean of several draws is less so.
_DRAWS = 3
# Directions in which the library hardly varies are not made large.
_SMALLEST_VARIANCE = 1e-3
_MOST_NEWTON_STEPS = 50
_ROUNDING = 1e-8


@dataclass(frozen=True, slots=True)
class Library:
    """How the embeddings of a library are spread: the yardstick for how far a row moves.

    Attributes
    ----------
    mean, scale : float64, shape (d,)
        Of each dimension; the scale is its standard deviation, but never 0.
    """

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, embeddings: NDArray[np.floating]) -> Library:
        """Of a library's songs, or of many of them.

        Parameters
        ----------
        embeddings : float, shape (n, d), n at least 2

        Raises
        ------
        ValueError
            If there are fewer than two songs, or numbers that are not finite.
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
    """One label's part of the label layer.

    Attributes
    ----------
    weights : float64, shape (d,)
    bias : float
    """

    weights: Floats
    bias: float

    def log_odds(self, embeddings: Floats) -> Floats:
        """The label's log-odds in songs, shape (n,)."""
        return embeddings @ self.weights + self.bias


@dataclass(frozen=True, slots=True)
class Corrections:
    """What curators said of one label.

    Attributes
    ----------
    embeddings : float64, shape (n, d)
        Of the songs that they spoke of.
    verdicts : bool, shape (n,)
        Whether the song has the label.
    artists : int64, shape (n,)
        Songs of the same artist have the same number.
    """

    embeddings: Floats
    verdicts: Bools
    artists: Integers

    def __len__(self) -> int:
        return len(self.verdicts)

    @property
    def counts(self) -> tuple[int, int]:
        """How many are for the label, and how many against."""
        yes = int(self.verdicts.sum())
        return yes, len(self) - yes

    def only(self, chosen: Bools) -> Corrections:
        """Some of them."""
        return Corrections(self.embeddings[chosen], self.verdicts[chosen], self.artists[chosen])


@dataclass(frozen=True, slots=True)
class Fitted:
    """A row that corrections have moved, and how good it is on songs that it was not fitted to.

    Attributes
    ----------
    row : Row
        Fitted to all corrections.
    gain : Gain
        On held-out corrections: before, of the old row, 0.5 for a label that the tagger has never had; after, of rows
        fitted without them.
    by_artist : bool
        Whether all songs of an artist were held out together.
    """

    row: Row
    gain: Gain
    by_artist: bool

    @property
    def better(self) -> bool:
        """Whether rows fitted to the corrections rank held-out ones better than the old row does."""
        return is_better(self.gain)


def is_better(gain: Gain) -> bool:
    """Whether a gain on held-out corrections is large enough, and sure enough, to be kept."""
    large = gain.after >= max(gain.before + SMALLEST_GAIN, SMALLEST_AREA)
    return large and gain.by_lot <= MOST_BY_LOT and gain.no_better <= MOST_NO_BETTER


def fit_row(old: Row | None, corrections: Corrections, library: Library, point: float = 0.0, seed: int = 0) -> Fitted:
    """Move one label's row towards what curators said.

    Logistic regression with a Gaussian prior around the old row, in standardized dimensions. How often curators say
    yes has nothing to do with how often the label is given: an offset of its own stands for the difference. The row's
    bias is then such that the label is kept where curators would: what parts held-out yes from no best lies at `point`.

    Parameters
    ----------
    old : Row, optional
        None for a label that the tagger has never had: the prior is then around 0.
    corrections : Corrections
        At least `FEWEST` for the label, and as many against it; `FEWEST_OF_A_NEW_LABEL` where `old` is None.
    library : Library
    point : float
        The log-odds from which a song keeps the label.
    seed : int
        Of the draws of what is held out.

    Raises
    ------
    ValueError
        If there are too few corrections, or they do not fit the row.
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
    step, _ = problem.fit_well(rng, _DRAWS)
    # Held-out scores are of rows that move about the library's mean.
    moved = _moved(start, step, library)
    bias = moved.bias + point - threshold(corrections.verdicts, draws.mean(axis=0))
    known = problem.known if old is not None else np.zeros(len(corrections))
    found = gain([Paired(corrections.verdicts, known, draws, problem.groups)])
    return Fitted(Row(moved.weights, bias), found, problem.by_artist)


def move_row(old: Row, corrections: Corrections, library: Library, seed: int = 0) -> Row:
    """The same without a judgement: the row that `fit_row` moves to, its level as the library has it.

    Where all corrections say the same, it is the old one.
    """
    if min(corrections.counts) == 0:
        return old
    step, _ = _Problem.of(old, corrections, library).fit_well(np.random.default_rng(seed))
    return _moved(old, step, library)


def _moved(old: Row, step: Floats, library: Library) -> Row:
    """A row after a step in standardized dimensions, about the library's mean."""
    change = step / library.scale
    return Row(old.weights + change, old.bias - float(change @ library.mean))


class _Problem:
    """Corrections in standardized dimensions, beside what the old row says of them."""

    def __init__(self, vectors: Floats, known: Floats, verdicts: Bools, artists: Integers) -> None:
        self.vectors, self.known, self.verdicts, self.artists = vectors, known, verdicts, artists
        self.signs = np.where(verdicts, 1.0, -1.0)
        self.shares = _balanced(verdicts)
        self.by_artist = by_artist(verdicts, artists)

    @classmethod
    def of(cls, start: Row, corrections: Corrections, library: Library) -> _Problem:
        """Corrections beside a row."""
        vectors = (corrections.embeddings - library.mean) / library.scale
        return cls(vectors, start.log_odds(corrections.embeddings), corrections.verdicts, corrections.artists)

    @property
    def groups(self) -> Integers:
        """The same number for songs that are held out together."""
        return self.artists if self.by_artist else np.arange(len(self.artists))

    def only(self, chosen: Bools) -> _Problem:
        """Some of the corrections."""
        return _Problem(self.vectors[chosen], self.known[chosen], self.verdicts[chosen], self.artists[chosen])

    def fit(self, strength: float) -> tuple[Floats, float]:
        """How far to move, shape (d,), and the offset of the curators' yes."""
        if np.isinf(strength):
            offset = self._minimum(np.zeros((len(self.verdicts), 0)), 1.0)[-1]
            return np.zeros(self.vectors.shape[1]), float(offset)
        vectors, directions = self._rotated
        solution = self._minimum(vectors, strength)
        return directions.T @ solution[:-1], float(solution[-1])

    @cached_property
    def _rotated(self) -> tuple[Floats, Floats]:
        """The songs' vectors in the directions they span, and those: the best step is a sum of the songs' vectors."""
        left, singular, right = np.linalg.svd(self.vectors, full_matrices=False)
        return left * singular, right

    def _minimum(self, vectors: Floats, strength: float) -> Floats:
        """Where the penalized loss is smallest, by Newton's method: it is convex and smooth."""
        weights = self.shares * len(self.verdicts)
        columns = np.column_stack([vectors, np.ones(len(vectors))])
        # The offset costs nothing.
        dear = np.append(np.full(vectors.shape[1], strength), 0.0)

        def loss(unknown: Floats) -> float:
            margins = self.signs * (self.known + columns @ unknown)
            return float(weights @ np.logaddexp(0.0, -margins) + dear @ unknown**2 / 2)

        unknown = np.append(np.zeros(vectors.shape[1]), -np.median(self.known))
        now = loss(unknown)
        for _ in range(_MOST_NEWTON_STEPS):
            doubts = expit(-self.signs * (self.known + columns @ unknown))
            slope = dear * unknown - columns.T @ (weights * self.signs * doubts)
            curvature = (columns.T * (weights * doubts * (1.0 - doubts))) @ columns + np.diag(dear + _ROUNDING)
            step = np.linalg.solve(curvature, slope)
            if slope @ step < _ROUNDING * max(now, 1.0):
                break
            length = 1.0
            while (there := loss(unknown - length * step)) > now and length > _ROUNDING:
                length /= 2
            unknown, now = unknown - length * step, there
        return unknown

    def losses(self, step: Floats, offset: float) -> Floats:
        """The cross-entropy of each correction, shape (n,)."""
        losses: Floats = np.logaddexp(0.0, -self.signs * (self.known + self.vectors @ step + offset))
        return losses

    def fit_well(self, rng: np.random.Generator, draws: int = 1) -> tuple[Floats, float]:
        """The mean of all strengths' steps and offsets, each weighing what it promises for other corrections."""
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
        """The log-odds of every correction, without the offset, each by a row that was found without it."""
        scores = self.known.copy()
        for held in self.folds(rng, _FOLDS):
            step, _ = self.only(~held).fit_well(rng)
            scores[held] += self.vectors[held] @ step
        return scores

    def folds(self, rng: np.random.Generator, most: int) -> Iterator[Bools]:
        """What is held out each time: by artist where yes and no come from several, else by song."""
        groups = self.groups
        # An artist with both is counted with the verdict that is rarer: folds without it would teach nothing.
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
    """Whether all songs of an artist can be held out together: yes and no come from several artists each."""
    return all(len(np.unique(artists[verdicts == verdict])) > 1 for verdict in (True, False))


def threshold(verdicts: Bools, scores: Floats) -> float:
    """Between the two scores that part yes from no best, each weighing the same; the middle one of several."""
    order = np.argsort(scores)
    ascending, said = scores[order], _balanced(verdicts)[order] * np.where(verdicts[order], -1.0, 1.0)
    right = np.concatenate([[0.0], np.cumsum(said)])
    edges = np.concatenate([[ascending[0]], (ascending[:-1] + ascending[1:]) / 2, [ascending[-1]]])
    best = np.flatnonzero(right >= right.max() - 1e-9)
    return float(edges[best[len(best) // 2]])


def _balanced(verdicts: Bools) -> Floats:
    """What each correction weighs so that yes and no weigh the same, 1 together."""
    yes = max(int(verdicts.sum()), 1)
    no = max(len(verdicts) - int(verdicts.sum()), 1)
    shares: Floats = np.where(verdicts, 0.5 / yes, 0.5 / no)
    return shares
