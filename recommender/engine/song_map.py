"""Song map: a 2-D layout in which songs with similar embeddings are close.

t-SNE (L. van der Maaten, G. Hinton: Visualizing data using t-SNE, 2008) in the Barnes-Hut approximation (L. van der
Maaten: Accelerating t-SNE using tree-based algorithms, 2014), begun from principal components (D. Kobak, P. Berens:
The art of using t-SNE for single-cell transcriptomics, 2019). Each map is initialized with the previous one, so that
songs keep their places. In a large library, t-SNE runs on a sample, and the other songs are placed at the mean of their
nearest neighbours in the sample, in blocks of bounded memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from .interface import IndexMapping, Positions, Progress, TrainingData, no_progress

Places = NDArray[np.float32]

MOST_LAID_OUT = 10_000
"""Most songs that t-SNE lays out; a sample of a larger library."""

QUICK = 4000
"""The same for content builds, which must be quick."""

PERPLEXITY = 30
"""Perplexity of t-SNE."""

COMPONENTS = 50
"""Principal components that t-SNE runs on."""

NEAREST = 3
"""A song placed without t-SNE is put at the mean of so many nearest neighbours."""

LASTS = 0.5
"""If the previous map keeps less than this share of neighbours (after a change of the tagger), t-SNE restarts."""

BLOCK = 1 << 23
"""Distances that are worked out at once, 32 MB."""

_STEPS, _STEPS_AGAIN = 750, 250
_LOOKED_AT = 500
_APART = 0.02
_SEED = 20


@dataclass(frozen=True, eq=False)
class SongMap:
    """The places of all songs with embeddings.

    Attributes
    ----------
    songs : int64, shape (n_embedded,)
        Positions of the songs with embeddings, ascending.
    places : float32, shape (n_embedded, 2)
        Their places, in arbitrary units.
    n_songs : int
    laid_out : int
        Number of songs with embeddings at the last t-SNE run.
    embedded_by : str
        The version of the embeddings.
    """

    songs: NDArray[np.int64]
    places: Places
    n_songs: int
    laid_out: int
    embedded_by: str = ""

    @classmethod
    def fit(cls, data: TrainingData, progress: Progress = no_progress, most: int = MOST_LAID_OUT) -> Self:
        """Lay out all songs with embeddings, initialized with `data.places` if there are any.

        Parameters
        ----------
        data : TrainingData
        progress : callable
        most : int
            Most songs for t-SNE; the others are placed next to their neighbours.
        """
        songs, vectors = embedded_songs(data)
        if not len(songs):
            return cls(songs, np.empty((0, 2), dtype=np.float32), data.n_songs, 0, data.embedded_by)
        before = _places_before(data, songs)
        sample = np.unique(np.linspace(0, len(songs) - 1, min(len(songs), most)).astype(np.int64))
        places = np.empty((len(songs), 2), dtype=np.float32)
        places[sample] = lay_out(_unit(vectors, sample), before[sample], progress)
        rest = np.setdiff1d(np.arange(len(songs)), sample, assume_unique=True)
        places[rest] = _beside(vectors, rest, _unit(vectors, sample), places[sample], progress)
        return cls(songs, places, data.n_songs, len(songs), data.embedded_by)

    def refreshed(self, data: TrainingData, mapping: IndexMapping, progress: Progress = no_progress) -> Self:
        """Keep the places and put new songs next to their nearest neighbours.

        Runs t-SNE again, on a small sample, once the number of songs has doubled since the last run, or where
        embeddings are of another version.
        """
        songs, vectors = embedded_songs(data)
        places = np.full((data.n_songs, 2), np.nan, dtype=np.float32)
        then = np.full((mapping.n_songs_at_fit, 2), np.nan, dtype=np.float32)
        then[self.songs] = self.places
        places[mapping.songs >= 0] = then[mapping.songs[mapping.songs >= 0]]
        places = places[songs]
        new = np.isnan(places[:, 0])
        known = np.flatnonzero(~new)
        if len(songs) >= 2 * self.laid_out or not len(known) or data.embedded_by != self.embedded_by:
            everything = np.full((data.n_songs, 2), np.nan, dtype=np.float32)
            everything[songs] = places
            return type(self).fit(data.with_places(everything), progress, QUICK)
        among = known[np.unique(np.linspace(0, len(known) - 1, min(len(known), MOST_LAID_OUT)).astype(np.int64))]
        places[new] = _beside(vectors, np.flatnonzero(new), _unit(vectors, among), places[among], progress)
        return type(self)(songs, places, data.n_songs, self.laid_out, self.embedded_by)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `arrays` was called on; the arrays may be mapped files, and are not copied."""
        n_songs, laid_out = arrays["about"].tolist()
        embedded_by = str(arrays["embedded_by"][0]) if "embedded_by" in arrays else ""
        return cls(arrays["songs"], arrays["places"], n_songs, laid_out, embedded_by)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Positions and places of the songs."""
        about = np.array([self.n_songs, self.laid_out], dtype=np.int64)
        embedded_by = np.array([self.embedded_by])
        return {"songs": self.songs, "places": self.places, "about": about, "embedded_by": embedded_by}


def embedded_songs(data: TrainingData) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Positions of the songs with embeddings, ascending, and the embeddings, not normalized."""
    if data.embeddings is None:
        return np.empty(0, dtype=np.int64), np.empty((0, 1), dtype=np.float32)
    # einsum does not allocate a second array of this size.
    songs = np.flatnonzero(np.einsum("ij,ij->i", data.embeddings, data.embeddings) > 0)
    everything = len(songs) == data.n_songs
    return songs, np.asarray(data.embeddings) if everything else data.embeddings[songs]


def lay_out(vectors: NDArray[np.float32], before: Places, progress: Progress = no_progress) -> Places:
    """Lay songs out by t-SNE.

    Parameters
    ----------
    vectors : float32, shape (n, d)
        Of norm 1.
    before : float32, shape (n, 2)
        Places on the previous map; NaN for new songs.

    Returns
    -------
    float32, shape (n, 2)
        Aligned with `before`.
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
    """The share of nearest neighbours by embedding that are also near on the map.

    Parameters
    ----------
    vectors : float32, shape (n, d)
        Of norm 1.
    places : float32, shape (n, 2)
    k : int
        Nearest neighbours by embedding.
    within : int
        Nearest neighbours on the map that they are looked for among.
    looked_at : int
        Size of the evenly spaced sample of songs.

    Returns
    -------
    float
        0 to 1; about `within` / n for random places.
    """
    # For measuring only.
    from scipy.spatial import cKDTree

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
    # Import only for fitting: scikit-learn takes half a second to load.
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    n = len(vectors)
    progress("map")
    # One thread, for a deterministic order of summation.
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
    """The first two principal components, scaled down, with jitter against duplicates."""
    centred = (vectors - vectors.mean(axis=0)).astype(np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    flat = centred @ directions[:, :-3:-1]
    # Fix the sign of the eigenvectors, which is arbitrary.
    flat *= np.where(np.take_along_axis(flat, np.abs(flat).argmax(axis=0)[np.newaxis], 0) < 0, -1, 1)
    flat *= 1e-4 / max(float(flat[:, 0].std()), 1e-9)
    apart = np.random.default_rng(_SEED).normal(scale=1e-6, size=flat.shape)
    return np.asarray(flat + apart, dtype=np.float32)


def _in_a_row(vectors: NDArray[np.float32], before: Places) -> Places:
    """Places for fewer than 4 songs: the most similar pair together."""
    n = len(vectors)
    places = np.zeros((n, 2), dtype=np.float32)
    if n == 2:
        places[:, 0] = [-1, 1]
    elif n == 3:
        likeness = vectors @ vectors.T
        # The least similar song is put aside.
        pairs = [(1, 2), (0, 2), (0, 1)]
        odd = int(np.argmax([likeness[pair] for pair in pairs]))
        places[odd] = [0, 2]
        places[list(pairs[odd])] = [[-1, 0], [1, 0]]
    return _over(places, before)


def _beside(
    vectors: NDArray[np.float32], which: Positions, among: NDArray[np.float32], places: Places, progress: Progress
) -> Places:
    """Place songs at the mean of their nearest neighbours by embedding.

    Parameters
    ----------
    vectors : float32, shape (n, d)
    which : int, shape (m,)
        Rows of `vectors` to place.
    among : float32, shape (n_placed, d)
        Embeddings of placed songs, of norm 1.
    places : float32, shape (n_placed, 2)

    Returns
    -------
    float32, shape (m, 2)
        With jitter against duplicates.
    """
    beside = np.empty((len(which), 2), dtype=np.float32)
    if not len(which):
        return beside
    k = min(NEAREST, len(among))
    rows = max(1, BLOCK // len(among))
    for begin in range(0, len(which), rows):
        progress("map")
        likeness = _unit(vectors, which[begin : begin + rows]) @ among.T
        block = np.zeros((len(likeness), 2), dtype=np.float32)
        for _ in range(k):
            # For a small k, repeated argmax is faster than sorting.
            nearest = likeness.argmax(axis=1)
            block += places[nearest] / k
            likeness[np.arange(len(nearest)), nearest] = -np.inf
        beside[begin : begin + rows] = block
    spread = _APART * float(np.ptp(places, axis=0).max() or 1.0) / np.sqrt(max(len(among), 1))
    return beside + np.random.default_rng(_SEED).normal(scale=spread, size=beside.shape).astype(np.float32)


def _over(places: Places, before: Places) -> Places:
    """Align places with those before by rotation, reflection, scale and translation (orthogonal Procrustes)."""
    known = ~np.isnan(before[:, 0])
    here, there = places[known].astype(np.float64), before[known].astype(np.float64)
    centre = places.mean(axis=0, dtype=np.float64)
    if known.sum() < 3 or not (size := np.square(here - here.mean(axis=0)).sum()):
        return np.asarray(places - centre, dtype=np.float32)
    left, sizes, right = np.linalg.svd((here - here.mean(axis=0)).T @ (there - there.mean(axis=0)))
    turned = (places - here.mean(axis=0)) @ (left @ right)
    return np.asarray(turned * (sizes.sum() / size) + there.mean(axis=0), dtype=np.float32)


def _places_before(data: TrainingData, songs: NDArray[np.int64]) -> Places:
    if data.places is None:
        return np.full((len(songs), 2), np.nan, dtype=np.float32)
    return np.asarray(data.places[songs], dtype=np.float32)


def _unit(vectors: NDArray[np.float32], rows: Positions) -> NDArray[np.float32]:
    """Some of the vectors, normalized."""
    chosen = vectors[rows]
    return np.asarray(chosen / np.linalg.norm(chosen, axis=1, keepdims=True), dtype=np.float32)
