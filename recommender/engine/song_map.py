"""A map of the songs: each at a place on a plane, near those that sound like it.

t-SNE (L. van der Maaten, G. Hinton: Visualizing data using t-SNE, 2008) in the Barnes-Hut approximation (L. van der
Maaten: Accelerating t-SNE using tree-based algorithms, 2014), begun from principal components (D. Kobak, P. Berens:
The art of using t-SNE for single-cell transcriptomics, 2019). A map begins where the last one ended, so that songs stay
where people have learned to find them. Of a large library a sample is laid out, and every other song goes to those of
the sample that it sounds like, block by block: time grows with the songs, memory does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from threadpoolctl import threadpool_limits

from .interface import Evidence, Moved, Positions, Progress, silent

Places = NDArray[np.float32]

MOST_LAID_OUT = 10_000
"""So many songs are laid out by what all of them sound like; of more, a sample of so many."""

QUICK = 4000
"""So many at most where somebody waits."""

PERPLEXITY = 30
"""About how many songs each one is held near to."""

COMPONENTS = 50
"""Principal components that likeness is looked for in while songs are laid out."""

NEAREST = 3
"""A song that is placed without laying out goes to the middle of so many that sound most like it."""

LASTS = 0.5
"""A map that keeps less than this share of the songs' neighbours is of another sound, and is begun anew."""

_STEPS, _STEPS_AGAIN = 750, 250
_BLOCK = 1 << 23
_LOOKED_AT = 500
_APART = 0.02
_SEED = 20


@dataclass(frozen=True, eq=False)
class SongMap:
    """Where each song lies that was heard.

    Attributes
    ----------
    songs : int64, shape (n_heard,)
        The songs that were heard, ascending.
    places : float32, shape (n_heard, 2)
        Where they lie; the unit is of no meaning.
    n_songs : int
    laid_out : int
        How many songs had been heard when they were last laid out, and not only placed beside others.
    """

    songs: NDArray[np.int64]
    places: Places
    n_songs: int
    laid_out: int

    @classmethod
    def fit(cls, evidence: Evidence, progress: Progress = silent, most: int = MOST_LAID_OUT) -> Self:
        """Lay out the songs that were heard, from where they lay before (`evidence.places`), if they did.

        Parameters
        ----------
        evidence : Evidence
        progress : callable
        most : int
            So many songs are laid out, the others placed beside them.
        """
        songs, vectors = heard(evidence)
        if not len(songs):
            return cls(songs, np.empty((0, 2), dtype=np.float32), evidence.n_songs, 0)
        before = _places_before(evidence, songs)
        sample = np.unique(np.linspace(0, len(songs) - 1, min(len(songs), most)).astype(np.int64))
        places = np.empty((len(songs), 2), dtype=np.float32)
        places[sample] = lay_out(_unit(vectors, sample), before[sample], progress)
        rest = np.setdiff1d(np.arange(len(songs)), sample, assume_unique=True)
        places[rest] = _beside(vectors, rest, _unit(vectors, sample), places[sample], progress)
        return cls(songs, places, evidence.n_songs, len(songs))

    def refreshed(self, evidence: Evidence, since: Moved, progress: Progress = silent) -> Self:
        """Leave songs where they are and place new ones beside those that they sound like.

        Once there are twice as many as when they were last laid out, they are laid out again, quickly.
        """
        songs, vectors = heard(evidence)
        places = np.full((evidence.n_songs, 2), np.nan, dtype=np.float32)
        then = np.full((since.songs_then, 2), np.nan, dtype=np.float32)
        then[self.songs] = self.places
        places[since.songs >= 0] = then[since.songs[since.songs >= 0]]
        places = places[songs]
        new = np.isnan(places[:, 0])
        known = np.flatnonzero(~new)
        if len(songs) >= 2 * self.laid_out or not len(known):
            everything = np.full((evidence.n_songs, 2), np.nan, dtype=np.float32)
            everything[songs] = places
            return type(self).fit(evidence.with_places(everything), progress, QUICK)
        among = known[np.unique(np.linspace(0, len(known) - 1, min(len(known), MOST_LAID_OUT)).astype(np.int64))]
        places[new] = _beside(vectors, np.flatnonzero(new), _unit(vectors, among), places[among], progress)
        return type(self)(songs, places, evidence.n_songs, self.laid_out)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `arrays` was called on; the arrays may be mapped files, and are not copied."""
        n_songs, laid_out = arrays["about"].tolist()
        return cls(arrays["songs"], arrays["places"], n_songs, laid_out)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The songs and their places."""
        about = np.array([self.n_songs, self.laid_out], dtype=np.int64)
        return {"songs": self.songs, "places": self.places, "about": about}


def heard(evidence: Evidence) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The songs that were heard, ascending, and what was heard of them, not yet of norm 1."""
    if evidence.embeddings is None:
        return np.empty(0, dtype=np.int64), np.empty((0, 1), dtype=np.float32)
    # Row by row: of a million songs no second array of their size is made.
    songs = np.flatnonzero(np.einsum("ij,ij->i", evidence.embeddings, evidence.embeddings) > 0)
    everything = len(songs) == evidence.n_songs
    return songs, np.asarray(evidence.embeddings) if everything else evidence.embeddings[songs]


def lay_out(vectors: NDArray[np.float32], before: Places, progress: Progress = silent) -> Places:
    """Places for songs by which of them sound alike.

    Parameters
    ----------
    vectors : float32, shape (n, d)
        Of norm 1.
    before : float32, shape (n, 2)
        Where they lay on the last map; NaN for those that were not on it.

    Returns
    -------
    float32, shape (n, 2)
        Turned, moved and scaled to lie over `before` as well as can be.
    """
    n = len(vectors)
    if n < 4:
        return _in_a_row(vectors, before)
    known = ~np.isnan(before[:, 0])
    begin = before.copy()
    if known.mean() >= 0.25:
        missing, there = np.flatnonzero(~known), np.flatnonzero(known)
        begin[missing] = _beside(vectors, missing, vectors[there], before[there], progress)
        if np.ptp(begin, axis=0).min() > 0 and neighbours_kept(vectors, begin) >= LASTS:
            return _over(_tsne(vectors, begin, progress, again=True), before)
    return _over(_tsne(vectors, _principal(vectors), progress, again=False), before)


def neighbours_kept(
    vectors: NDArray[np.float32], places: Places, k: int = 10, within: int = 30, looked_at: int = _LOOKED_AT
) -> float:
    """Which share of the songs that sound most like a song is near it on the map.

    Parameters
    ----------
    vectors : float32, shape (n, d)
        Of norm 1.
    places : float32, shape (n, 2)
    k : int
        So many songs that sound most like it...
    within : int
        ...are looked for among so many that are nearest.
    looked_at : int
        For so many songs, evenly chosen.

    Returns
    -------
    float
        0 to 1; about `within` / n for places by lot.
    """
    n = len(vectors)
    k, within = min(k, n - 1), min(within, n - 1)
    chosen = np.unique(np.linspace(0, n - 1, min(n, looked_at)).astype(np.int64))
    near = np.asarray(cKDTree(places).query(places[chosen], within + 1)[1])
    found = 0
    for song, beside in zip(chosen.tolist(), near, strict=True):
        likeness = vectors @ vectors[song]
        likeness[song] = -np.inf
        alike = np.argpartition(-likeness, k - 1)[:k]
        found += len(np.intersect1d(alike, beside[beside != song][:within]))
    return found / (k * len(chosen))


def _tsne(vectors: NDArray[np.float32], begin: Places, progress: Progress, *, again: bool) -> Places:
    # They take half a second to load, and processes that only read maps need none of them.
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    n = len(vectors)
    progress("map")
    # One thread: sums in another order would be another map.
    with threadpool_limits(1):
        reduced = vectors
        if min(vectors.shape) > COMPONENTS:
            reduced = PCA(COMPONENTS, svd_solver="covariance_eigh").fit_transform(vectors)
        tsne = TSNE(
            init=begin,
            perplexity=min(PERPLEXITY, (n - 1) / 3),
            early_exaggeration=1.0 if again else 12.0,
            max_iter=_STEPS_AGAIN if again else _STEPS,
            learning_rate=max(n / 48, 50),
            random_state=_SEED,
            n_jobs=1,
        )
        places: Places = tsne.fit_transform(reduced).astype(np.float32)
    return places


def _principal(vectors: NDArray[np.float32]) -> Places:
    """The first two principal components, small, and no two at one place."""
    centred = (vectors - vectors.mean(axis=0)).astype(np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    flat = centred @ directions[:, :-3:-1]
    # Of an eigenvector both directions are one; which is taken must not be rounding's choice.
    flat *= np.where(np.take_along_axis(flat, np.abs(flat).argmax(axis=0)[np.newaxis], 0) < 0, -1, 1)
    flat *= 1e-4 / max(float(flat[:, 0].std()), 1e-9)
    apart = np.random.default_rng(_SEED).normal(scale=1e-6, size=flat.shape)
    return np.asarray(flat + apart, dtype=np.float32)


def _in_a_row(vectors: NDArray[np.float32], before: Places) -> Places:
    """Places for so few songs that there is nothing to lay out: beside one another, the most alike nearest."""
    n = len(vectors)
    places = np.zeros((n, 2), dtype=np.float32)
    if n == 2:
        places[:, 0] = [-1, 1]
    elif n == 3:
        likeness = vectors @ vectors.T
        # The odd one out stands aside.
        pairs = [(1, 2), (0, 2), (0, 1)]
        odd = int(np.argmax([likeness[pair] for pair in pairs]))
        places[odd] = [0, 2]
        places[list(pairs[odd])] = [[-1, 0], [1, 0]]
    return _over(places, before)


def _beside(
    vectors: NDArray[np.float32], which: Positions, among: NDArray[np.float32], places: Places, progress: Progress
) -> Places:
    """A place for each of some songs in the middle of those that sound most like it.

    Parameters
    ----------
    vectors : float32, shape (n, d)
    which : int, shape (m,)
        The rows of `vectors` to be placed.
    among : float32, shape (n_placed, d)
        Songs that have a place, of norm 1.
    places : float32, shape (n_placed, 2)

    Returns
    -------
    float32, shape (m, 2)
        No two of them the same, but for one chance in millions.
    """
    beside = np.empty((len(which), 2), dtype=np.float32)
    if not len(which):
        return beside
    k = min(NEAREST, len(among))
    rows = max(1, _BLOCK // len(among))
    for begin in range(0, len(which), rows):
        progress("map")
        likeness = _unit(vectors, which[begin : begin + rows]) @ among.T
        block = np.zeros((len(likeness), 2), dtype=np.float32)
        for _ in range(k):
            # So few that looking through all of them for each is faster than sorting.
            nearest = likeness.argmax(axis=1)
            block += places[nearest] / k
            likeness[np.arange(len(nearest)), nearest] = -np.inf
        beside[begin : begin + rows] = block
    spread = _APART * float(np.ptp(places, axis=0).max() or 1.0) / np.sqrt(max(len(among), 1))
    return beside + np.random.default_rng(_SEED).normal(scale=spread, size=beside.shape).astype(np.float32)


def _over(places: Places, before: Places) -> Places:
    """Places turned, mirrored, scaled and moved to lie over those before as well as can be (orthogonal Procrustes)."""
    known = ~np.isnan(before[:, 0])
    here, there = places[known].astype(np.float64), before[known].astype(np.float64)
    centre = places.mean(axis=0, dtype=np.float64)
    if known.sum() < 3 or not (size := np.square(here - here.mean(axis=0)).sum()):
        return np.asarray(places - centre, dtype=np.float32)
    left, sizes, right = np.linalg.svd((here - here.mean(axis=0)).T @ (there - there.mean(axis=0)))
    turned = (places - here.mean(axis=0)) @ (left @ right)
    return np.asarray(turned * (sizes.sum() / size) + there.mean(axis=0), dtype=np.float32)


def _places_before(evidence: Evidence, songs: NDArray[np.int64]) -> Places:
    if evidence.places is None:
        return np.full((len(songs), 2), np.nan, dtype=np.float32)
    return np.asarray(evidence.places[songs], dtype=np.float32)


def _unit(vectors: NDArray[np.float32], rows: Positions) -> NDArray[np.float32]:
    """Some of the vectors, each divided by its norm."""
    chosen = vectors[rows]
    return np.asarray(chosen / np.linalg.norm(chosen, axis=1, keepdims=True), dtype=np.float32)
