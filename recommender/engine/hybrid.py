"""The hybrid: content, co-occurrence, latent factors and towers in one ranking.

Each part's scores are standardized over the songs for each listener, and summed with weights that depend on how many
listeners a song has: a song that nobody has played is judged by what it sounds like, one that many play by who plays
it. The weights are fitted on plays that the parts have not seen (conditional logit, D. McFadden: Conditional logit
analysis of qualitative choice behavior, 1973: of some songs, which one did the listener play?).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .content import Content
from .cooccurrence import Cooccurrence
from .interface import (
    Evidence,
    Moved,
    Positions,
    Progress,
    Reason,
    Recommender,
    SongReason,
    Tastes,
    TooLittleError,
    Vector,
    silent,
)
from .latent import Latent
from .popularity import Popularity
from .towers import Towers

PARTS = ["content", "cooccurrence", "latent", "towers"]

KNOTS = np.array([0.0, 2.0, 4.0, 6.0])
"""Of the logarithm to base 2 of a song's listeners: between 1, 4, 16 and 64 the weights go over into one another."""

_HELD_OUT = 5
"""One in so many songs, and of the plays of the others one in so many, is held out of the inner split."""

_FEWEST_LISTENERS = 20
_FEWEST_SONGS_EACH = 5
_FEWEST_HELD_OUT = 50

_LISTENERS = 2000
_PLAYS_EACH = 6
_AGAINST = 100
"""How many listeners the weights are fitted on at most, how many plays of each, and against how many other songs."""

PULL = 10.0
"""How many plays it takes to move a weight well away from where it starts."""

_TURNS = (0.0, 0.25, 0.5)
"""How far the weights of songs without listeners may be turned towards where they start."""

_SEED = 2018

# Where weights start, and stay where plays say nothing: a row for songs without listeners and one for each knot.
_START = {
    "content": [0.5, 0.3, 0.2, 0.1, 0.1],
    "cooccurrence": [0.0, 0.3, 0.5, 0.7, 0.7],
    "latent": [1.0, 0.7, 0.7, 0.7, 0.7],
    "towers": [0.7, 0.5, 0.4, 0.3, 0.3],
    "prediction": [0.1, 0.0, 0.0, 0.0, 0.0],
    "constant": [0.0, 0.2, 0.5, 1.0, 1.5],
}
_COLUMNS = list(_START)


@dataclass(frozen=True, eq=False)
class Hybrid:
    """The recommender that joins the others.

    Attributes
    ----------
    content, cooccurrence, latent, towers, popularity
        The parts, fitted on everything.
    weights : float64, shape (1 + n_knots, n_parts + 2)
        What each part counts for a song without listeners, and for songs of as many as each knot; then what the
        predicted popularity counts, and a constant.
    """

    content: Content
    cooccurrence: Cooccurrence
    latent: Latent
    towers: Towers
    popularity: Popularity
    weights: Vector

    @classmethod
    def fit(cls, evidence: Evidence, progress: Progress = silent) -> Self:
        """Fit the parts, and the weights on an inner split of the plays.

        Raises
        ------
        TooLittleError
            If there are too few plays to hold some out.
        """
        weights = Weights.fit(evidence, progress)
        return cls.of_parts({**fitted_parts(evidence, progress), "weights": weights})

    @classmethod
    def of_parts(cls, parts: Mapping[str, Any]) -> Self:
        """A hybrid of what is fitted already: all of `PARTS`, `popular` and `weights`."""
        own = {name: parts[name] for name in PARTS}
        return cls(**own, popularity=parts["popular"], weights=parts["weights"].values)

    @property
    def parts(self) -> dict[str, Any]:
        """The parts by name."""
        own = {name: getattr(self, name) for name in PARTS}
        return {**own, "popular": self.popularity, "weights": Weights(self.weights)}

    def refreshed(self, evidence: Evidence, since: Moved) -> Self:
        """The parts over the songs and labels of today, with the same weights."""
        return self.of_parts({name: part.refreshed(evidence, since) for name, part in self.parts.items()})

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The recommender that `arrays` was called on."""
        kinds = {**_KINDS, "popular": Popularity, "weights": Weights}
        by_part: defaultdict[str, dict[str, NDArray[Any]]] = defaultdict(dict)
        for name, array in arrays.items():
            part, _, short = name.partition(".")
            by_part[part][short] = array
        return cls.of_parts({name: kind.from_arrays(by_part[name]) for name, kind in kinds.items()})

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of all parts, with the part's name and a dot before."""
        return {f"{name}.{short}": array for name, part in self.parts.items() for short, array in part.arrays().items()}

    def scores(self, tastes: Tastes) -> Vector:
        """How much better each song fits than songs do on average, shape (n_listeners, n_songs), between -1 and 1.

        x / (1 + |x|) of the weighted sum, less its mean over the songs. A query takes its share of what content says
        and of the whole. 0 for a listener of whom nothing is known and who asks for nothing.
        """
        scores = self._sums(replace(tastes, query=None), self._effects)
        if tastes.query is not None and (asked := _standardized(self.content.scores(tastes))).any():
            share = np.where(scores.any(axis=1), tastes.query_share, 1.0)[:, np.newaxis]
            scores = (1 - share) * _standardized(scores) + share * asked
        softened: Vector = scores / (1 + np.abs(scores))
        return softened

    @cached_property
    def _effects(self) -> Vector:
        """The weights for each song, shape (n_songs, n_parts + 2); the same for every listener."""
        effects: Vector = _basis(self.popularity.listeners) @ self.weights
        return effects

    @cached_property
    def _expected(self) -> Vector:
        """The predicted popularity of each song beside the others, shape (n_songs,)."""
        expected: Vector = _standardized(self.popularity.expected[np.newaxis])[0]
        return expected

    def _sums(self, tastes: Tastes, effects: Vector) -> Vector:
        """The weighted sums of all parts, less their mean over the songs."""
        known = np.zeros(tastes.n_listeners, dtype=bool)
        sums = np.zeros((tastes.n_listeners, len(effects)))
        for column, name in enumerate(PARTS):
            part = _standardized(_stretched(name, self.parts[name].scores(tastes)))
            known |= part.any(axis=1)
            sums += part * effects[:, column]
        sums += self._expected * effects[:, -2] + effects[:, -1]
        sums -= sums.mean(axis=1, keepdims=True)
        sums[~known] = 0
        return sums

    def reasons(self, tastes: Tastes, songs: Positions, k: int) -> Sequence[Sequence[Reason]]:
        """The strongest reasons of the parts, each as strong as its part counts for that song."""
        effects = self._effects[songs]
        found: list[dict[Reason, float]] = [{} for _ in songs]
        for column, name in enumerate(PARTS):
            if name not in _EXPLAIN:
                continue
            part: Recommender = self.parts[name]
            scores = part.scores(tastes)[0]
            spread = float(scores.std()) or 1.0
            for at, reasons in enumerate(part.reasons(tastes, songs, 2 * k)):
                for reason in reasons:
                    key = reason._replace(weight=0.0)
                    weight = reason.weight / spread * float(effects[at, column])
                    found[at][key] = found[at].get(key, 0.0) + weight
        # Where no part can name a reason, its popularity speaks for a song: it is its own reason.
        listed: list[list[Reason]] = []
        for at, song in enumerate(songs):
            strongest = sorted(found[at].items(), key=lambda item: -abs(item[1]))[:k]
            reasons = [reason._replace(weight=weight) for reason, weight in strongest if weight]
            listed.append(reasons or [SongReason(int(song), float(effects[at, -1]))])
        return listed


_KINDS: dict[str, Any] = {"content": Content, "cooccurrence": Cooccurrence, "latent": Latent, "towers": Towers}
_EXPLAIN = {"content", "cooccurrence", "latent"}


@dataclass(frozen=True, eq=False)
class Weights:
    """What each part counts.

    Attributes
    ----------
    values : float64, shape (1 + n_knots, n_parts + 2)
    """

    values: Vector

    @classmethod
    def fit(cls, evidence: Evidence, progress: Progress = silent) -> Self:
        """Weigh the parts by how well they find plays that they were fitted without.

        Raises
        ------
        TooLittleError
            If there are too few plays to hold some out.
        """
        return cls.pulled(evidence, [PULL], progress)[0]

    @classmethod
    def pulled(cls, evidence: Evidence, pulls: Sequence[float], progress: Progress = silent) -> list[Self]:
        """The weights under several pulls; the parts, which take long, are fitted once."""
        inner = _held_out(evidence)
        parts = fitted_parts(inner.evidence, progress)
        progress("weights of the parts")
        choices = _choices(parts, inner, progress)
        return [cls(_weights(choices, pull, progress)) for pull in pulls]

    def refreshed(self, evidence: Evidence, since: Moved) -> Self:  # noqa: ARG002
        """The same: they hold for any songs."""
        return self

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The weights that `arrays` was called on."""
        return cls(arrays["values"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The values."""
        return {"values": self.values}


def fitted_parts(evidence: Evidence, progress: Progress = silent) -> dict[str, Any]:
    """Everything that is weighed, fitted, by name."""
    parts = {name: kind.fit(evidence, progress) for name, kind in _KINDS.items()}
    return {**parts, "popular": Popularity.fit(evidence, progress)}


class _Inner(NamedTuple):
    """What parts may see of the plays, and what is held out of them.

    Attributes
    ----------
    evidence : Evidence
    held_out : csr_array, shape (n_listeners, n_songs)
    cold : bool, shape (n_songs,)
        Songs whose plays are all held out.
    """

    evidence: Evidence
    held_out: csr_array[np.int32, tuple[int, int]]
    cold: NDArray[np.bool_]


def _held_out(evidence: Evidence) -> _Inner:
    """Hold out all plays of a fifth of the songs of which something is known, and a fifth of each listener's others."""
    played = evidence.played
    if np.count_nonzero(np.diff(played.indptr) >= _FEWEST_SONGS_EACH) < _FEWEST_LISTENERS:
        raise TooLittleError(
            f"{_FEWEST_LISTENERS} listeners of {_FEWEST_SONGS_EACH} songs or more are needed to fit a hybrid"
        )
    rng = np.random.default_rng(_SEED)
    described = np.diff(evidence.term_frequencies.indptr) > 0
    if evidence.embeddings is not None:
        described |= np.any(evidence.embeddings, axis=1)
    candidates = np.flatnonzero(described & (evidence.listeners > 0))
    cold = np.zeros(evidence.n_songs, dtype=bool)
    cold[rng.choice(candidates, len(candidates) // _HELD_OUT, replace=False)] = True
    out = cold[played.indices] | (rng.random(played.nnz) < 1 / _HELD_OUT)
    inner = _Inner(replace(evidence, played=_only(played, ~out), sessions=None), _only(played, out), cold)
    if inner.held_out.nnz < _FEWEST_HELD_OUT or not inner.evidence.played.nnz:
        raise TooLittleError(f"{played.nnz} songs that somebody has played are too few to fit a hybrid")
    return inner


def _only(played: Any, kept: NDArray[np.bool_]) -> Any:
    before = np.concatenate([[0], np.cumsum(kept)])
    return csr_array((played.data[kept], played.indices[kept], before[played.indptr]), shape=played.shape)


class _Choices(NamedTuple):
    """Plays held out, each beside songs that the listener did not play.

    Attributes
    ----------
    values : float32, shape (n_choices, 1 + against, (1 + n_knots) x (n_parts + 2))
        What the parts say, standardized, times how popular the song is; first of the song that was played.
    possible : bool, shape (n_choices, 1 + against)
        False where a song that was drawn is one that the listener knows.
    counts : float32, shape (n_choices,)
        What each choice counts: a listener's together 1.
    """

    values: NDArray[np.float32]
    possible: NDArray[np.bool_]
    counts: NDArray[np.float32]


def _choices(parts: Mapping[str, Any], inner: _Inner, progress: Progress) -> _Choices:
    """What the parts say of plays held out, and of songs drawn by chance: for a cold song half of them cold ones."""
    rng = np.random.default_rng(_SEED + 1)
    evidence, held_out = inner.evidence, inner.held_out
    both = np.flatnonzero((np.diff(held_out.indptr) > 0) & (np.diff(evidence.played.indptr) > 0))
    basis = _basis(evidence.listeners).astype(np.float32)
    expected = _standardized(parts["popular"].expected[np.newaxis])[0]
    n_songs, cold = evidence.n_songs, np.flatnonzero(inner.cold)
    values, possible, counts = [], [], []
    for listener in np.sort(rng.permutation(both)[:_LISTENERS]):
        progress("weights of the parts")
        tastes = Tastes.of_plays(evidence.played[[listener]], evidence.term_frequencies.shape[1])
        said = np.empty((n_songs, len(_COLUMNS)), dtype=np.float32)
        for column, name in enumerate(PARTS):
            said[:, column] = _standardized(_stretched(name, parts[name].scores(tastes)))[0]
        said[:, -2], said[:, -1] = expected, 1
        out = held_out.indices[held_out.indptr[listener] : held_out.indptr[listener + 1]]
        wanted = rng.permutation(out)[:_PLAYS_EACH]
        others = rng.integers(0, n_songs, (len(wanted), _AGAINST))
        for row in np.flatnonzero(inner.cold[wanted]):
            others[row, : _AGAINST // 2] = rng.choice(cold, _AGAINST // 2)
        among = np.column_stack([wanted, others])
        values.append((basis[among][..., np.newaxis] * said[among][..., np.newaxis, :]).reshape(*among.shape, -1))
        new = ~np.isin(others, np.union1d(out, tastes.played.indices))
        possible.append(np.column_stack([np.ones(len(wanted), dtype=bool), new]))
        counts.append(np.full(len(wanted), 1 / len(wanted), dtype=np.float32))
    return _Choices(np.concatenate(values), np.concatenate(possible), np.concatenate(counts))


def _weights(choices: _Choices, pull: float, progress: Progress) -> Vector:
    """The weights under which the plays held out are likeliest, pulled towards where they start."""
    # Large: fitting only.
    from scipy.optimize import minimize

    start = np.array([_START[name] for name in _COLUMNS]).T
    shape = choices.possible.shape
    flat_values = choices.values.reshape(-1, start.size)

    def loss(weights: Vector) -> tuple[float, Vector]:
        progress("weights of the parts")
        sums = (flat_values @ weights.astype(np.float32)).reshape(shape)
        sums[~choices.possible] = -np.inf
        chances = np.exp(sums - sums.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        missed = -float(choices.counts @ np.log(np.maximum(chances[:, 0], 1e-30)))
        slopes = chances * choices.counts[:, np.newaxis]
        slopes[:, 0] -= choices.counts
        pulled = weights - start.ravel()
        gradient = (slopes.ravel() @ flat_values).astype(np.float64) + pull * pulled
        return missed + pull / 2 * float(pulled @ pulled), gradient

    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 100})
    return _turned(np.asarray(found.x, dtype=np.float64).reshape(start.shape), start, choices)


def _turned(fitted: Vector, start: Vector, choices: _Choices) -> Vector:
    """The weights, those of songs without listeners turned towards the start as far as it ranks such songs better.

    A likelihood is swayed by the few songs that a part is far too sure of; ranks are not. The length of the weights
    stays, and with it where such songs stand among all others.
    """
    n_columns = len(_COLUMNS)
    unplayed = choices.values[..., n_columns - 1] == 1
    among = choices.possible & unplayed
    counts = choices.counts * unplayed[:, 0]
    if not counts.any():
        return fitted
    values = choices.values[..., : n_columns - 1]
    own, other = fitted[0, :-1], start[0, :-1]
    length = float(np.linalg.norm(own))

    def reciprocal_rank(weights: Vector) -> float:
        sums = values @ weights.astype(np.float32)
        ranks = 1 + np.count_nonzero((sums > sums[:, :1]) & among, axis=1)
        return float(counts @ (1 / ranks))

    turned = [(1 - share) * own / (length or 1.0) + share * other / np.linalg.norm(other) for share in _TURNS]
    turned = [length * weights / (np.linalg.norm(weights) or 1.0) for weights in turned]
    best = fitted.copy()
    best[0, :-1] = max(turned, key=reciprocal_rank)
    return best


def _basis(listeners: NDArray[np.int64]) -> Vector:
    """How far each song is one without listeners, or of as many as each knot: rows sum to 1."""
    basis = np.zeros((len(listeners), 1 + len(KNOTS)))
    popular = np.log2(np.maximum(listeners, 1))
    for knot in range(len(KNOTS)):
        basis[:, 1 + knot] = np.interp(popular, KNOTS, np.eye(len(KNOTS))[knot])
    basis[listeners == 0] = 0
    basis[listeners == 0, 0] = 1
    return basis


def _stretched(name: str, scores: Vector) -> Vector:
    """Scores on a scale on which they may be added: Jaccard indices by their roots, for most are tiny."""
    return np.sqrt(scores) if name == "cooccurrence" else scores


def _standardized(scores: Vector) -> Vector:
    """Each row less its mean, by its deviation; 0 where a row says the same of all songs."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1, keepdims=True)
    standardized: Vector = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-12)
    return standardized
