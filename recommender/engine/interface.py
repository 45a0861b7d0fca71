"""Training data, listener batches, and the protocols that model parts and recommenders implement.

Songs, labels and listeners are positions in arrays. Songs are ordered by primary key, so ties broken by position are
broken deterministically.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Matrix: TypeAlias = "csr_array[np.float64, tuple[int, int]]"
PlayMatrix: TypeAlias = "csr_array[np.int32, tuple[int, int]]"
Vector: TypeAlias = NDArray[np.float64]
Positions: TypeAlias = NDArray[np.intp]
Computed = TypeVar("Computed", bound=NDArray[Any])


class TooLittleError(ValueError):
    """There is too little training data for a method; the message says what is missing."""


Progress: TypeAlias = Callable[[str], None]
"""Progress callback: called with the current step, at least every few seconds."""


def no_progress(_step: str) -> None:
    """Ignore progress."""


QUERY_SHARE = 0.5
"""Default weight of a query beside the profile (`a` of the score)."""


class LabelContribution(NamedTuple):
    """A label and its contribution to a score; negative contributions lower it."""

    label: int
    weight: float
    clear: bool = True
    """Whether the song plainly has the label (`content.CLEAR`); what a tagger predicts faintly is no good reason."""


class SongContribution(NamedTuple):
    """A song of the listener and its contribution to another song's score."""

    song: int
    weight: float


class SoundContribution(NamedTuple):
    """A song that another one sounds like, and its contribution to the other one's score."""

    song: int
    weight: float


Contribution: TypeAlias = LabelContribution | SongContribution | SoundContribution


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What model parts are fitted on.

    Attributes
    ----------
    term_frequencies : csr_array, shape (n_songs, n_labels)
        TF (`tfidf.term_frequencies`).
    played : csr_array of int32, shape (n_listeners, n_songs)
        Play counts, without explicit zeros.
    embeddings : float32, shape (n_songs, d), or None
        Embeddings from a tagger, or from published networks; zero rows for songs without one.
    embedded_by : str
        The version of their network: nothing that was fitted to others is used with them.
    sessions : csr_array of int32, shape (n_sessions, n_songs), or None
        Play counts by session; only for few listeners.
    places : float32, shape (n_songs, 2), or None
        Places on the previous map; NaN for songs not on it.
    artists : int32, shape (n_songs,), or None
        A number per artist, `UNKNOWN_ARTIST` if unknown.
    """

    term_frequencies: Matrix
    played: PlayMatrix
    embeddings: NDArray[np.float32] | None = None
    embedded_by: str = ""
    sessions: PlayMatrix | None = None
    places: NDArray[np.float32] | None = None
    artists: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        n_songs = self.n_songs
        for what, matrix in (("plays", self.played), ("sessions", self.sessions)):
            if matrix is not None and matrix.shape[1] != n_songs:
                raise ValueError(f"labels of {n_songs} songs, {what} of {matrix.shape[1]}")
            if matrix is not None and matrix.nnz and matrix.data.min() < 1:
                raise ValueError(f"{what} are counted from 1, not from {matrix.data.min()}")
        if self.embeddings is not None and (self.embeddings.ndim != 2 or len(self.embeddings) != n_songs):
            raise ValueError(f"labels of {n_songs} songs, embeddings of shape {self.embeddings.shape}")
        if self.places is not None and self.places.shape != (n_songs, 2):
            raise ValueError(f"labels of {n_songs} songs, places of shape {self.places.shape}")
        if self.artists is not None and self.artists.shape != (n_songs,):
            raise ValueError(f"labels of {n_songs} songs, artists of shape {self.artists.shape}")

    def with_places(self, places: NDArray[np.float32] | None) -> TrainingData:
        """A copy with places of the previous map."""
        return replace(self, places=places)

    @property
    def n_songs(self) -> int:
        """Number of songs."""
        return int(self.term_frequencies.shape[0])

    @cached_property
    def described(self) -> NDArray[np.bool_]:
        """Mask of the songs with labels or an embedding, shape (n_songs,)."""
        described = np.diff(self.term_frequencies.indptr) > 0
        if self.embeddings is not None:
            described |= np.any(self.embeddings, axis=1)
        return described

    @cached_property
    def plays(self) -> NDArray[np.int64]:
        """Plays of each song, shape (n_songs,)."""
        plays = np.bincount(self.played.indices, weights=self.played.data, minlength=self.n_songs)
        return plays.astype(np.int64)

    @cached_property
    def listeners(self) -> NDArray[np.int64]:
        """Listeners of each song, shape (n_songs,)."""
        return np.bincount(self.played.indices, minlength=self.n_songs)


@dataclass(frozen=True)
class ListenerBatch:
    """A batch of listeners as sparse matrices, one row per listener, with an optional query.

    Attributes
    ----------
    liked, disliked : csr_array, shape (n_listeners, n_songs)
        1 for liked, or disliked, songs.
    played : csr_array of int32, shape (n_listeners, n_songs)
        Play counts.
    nudges : csr_array, shape (n_listeners, n_labels)
        Weights added to the profile.
    query : float64, shape (n_labels,), or None
        Label weights of a query shared by the batch.
    query_share : float
        Weight of the query beside the profile, 0 to 1.
    """

    liked: Matrix
    disliked: Matrix
    played: PlayMatrix
    nudges: Matrix
    query: Vector | None = None
    query_share: float = QUERY_SHARE

    def __post_init__(self) -> None:
        rows = {matrix.shape[0] for matrix in (self.liked, self.disliked, self.played, self.nudges)}
        if len(rows) != 1:
            raise ValueError(f"one row a listener, not {sorted(rows)}")
        columns = {matrix.shape[1] for matrix in (self.liked, self.disliked, self.played)}
        if len(columns) != 1:
            raise ValueError(f"one column a song, not {sorted(columns)}")
        if self.query is not None and self.query.shape != (self.nudges.shape[1],):
            raise ValueError(f"a query of {self.nudges.shape[1]} labels, not of shape {self.query.shape}")
        if not 0 <= self.query_share <= 1:
            raise ValueError(f"a query's share lies between 0 and 1, not at {self.query_share}")

    @property
    def n_listeners(self) -> int:
        """Number of listeners."""
        return int(self.liked.shape[0])

    @cached_property
    def unasked(self) -> ListenerBatch:
        """The same listeners without the query."""
        return self if self.query is None else self._asking(None, self.query_share)

    def asking(self, query: Mapping[int, float], query_share: float = QUERY_SHARE) -> ListenerBatch:
        """The same listeners with a query, of positions of labels."""
        wanted = _row(np.fromiter(query, np.intp), list(query.values()), self.nudges.shape[1])
        return self._asking(wanted.toarray()[0], query_share)

    def with_share(self, query_share: float) -> ListenerBatch:
        """The same listeners and query with another weight of the query."""
        return self._asking(self.query, query_share)

    def _asking(self, query: Vector | None, query_share: float) -> ListenerBatch:
        other = replace(self, query=query, query_share=query_share)
        other.__dict__["_remembered"] = self._remembered
        return other

    @cached_property
    def _remembered(self) -> dict[tuple[int, Hashable], tuple[object, NDArray[Any]]]:
        return {}

    def remember(self, by: object, what: Hashable, compute: Callable[[], Computed]) -> Computed:
        """What a model computes for a single listener, whatever they ask for: computed once, and read-only.

        Batches of several listeners remember nothing, because their scores are large.
        """
        if self.n_listeners != 1:
            return compute()
        found = self._remembered.get((id(by), what))
        if found is None:
            computed = compute()
            computed.setflags(write=False)
            # The model is kept too: as long as it is, no other has its id.
            found = self._remembered[id(by), what] = by, computed
        return found[1]  # type: ignore[return-value]

    @classmethod
    def from_plays(cls, played: PlayMatrix, n_labels: int) -> Self:
        """A batch of listeners known by plays only; every played song counts as liked.

        Parameters
        ----------
        played : csr_array of int32, shape (n_listeners, n_songs)
        n_labels : int
        """
        liked = csr_array((np.ones(played.nnz), played.indices, played.indptr), shape=played.shape)
        nothing = csr_array(played.shape, dtype=np.float64)
        return cls(liked, nothing, played, csr_array((played.shape[0], n_labels), dtype=np.float64))

    @classmethod
    def from_listener(
        cls,
        n_songs: int,
        n_labels: int,
        *,
        liked: Sequence[int] | NDArray[Any] = (),
        disliked: Sequence[int] | NDArray[Any] = (),
        played: Mapping[int, int] | None = None,
        nudges: Mapping[int, float] | None = None,
        query: Mapping[int, float] | None = None,
        query_share: float = QUERY_SHARE,
    ) -> ListenerBatch:
        """A batch of one listener, from positions of songs and labels; `played` maps songs to play counts.

        Raises
        ------
        ValueError
            If a position is out of range, or `query_share` is not between 0 and 1.
        """
        played, nudges = played or {}, nudges or {}
        counts = _row(np.fromiter(played, np.intp), list(played.values()), n_songs)
        counts.sort_indices()
        batch = cls(
            liked=_row(np.unique(np.asarray(liked, dtype=np.intp)), 1.0, n_songs),
            disliked=_row(np.unique(np.asarray(disliked, dtype=np.intp)), 1.0, n_songs),
            played=counts.astype(np.int32),
            nudges=_row(np.fromiter(nudges, np.intp), list(nudges.values()), n_labels),
        )
        return batch if query is None else batch.asking(query, query_share)


def _row(positions: Positions, values: float | list[float], width: int) -> Matrix:
    """A sparse matrix with one row."""
    if len(positions) and not 0 <= positions.min() <= positions.max() < width:
        raise ValueError(f"positions lie between 0 and {width - 1}, not at {positions.min()} to {positions.max()}")
    data = np.broadcast_to(np.asarray(values, dtype=np.float64), positions.shape).copy()
    # int32 like the catalogue's indices: mixed widths would copy the whole catalogue to int64 in a product.
    ends = np.array([0, len(positions)], dtype=np.int32)
    return csr_array((data, positions.astype(np.int32), ends), shape=(1, width))


@dataclass(frozen=True, eq=False)
class IndexMapping:
    """Maps current indices of songs and labels to fit-time indices; -1 = new.

    Attributes
    ----------
    songs : int, shape (n_songs,)
        Fit-time index of each song.
    labels : int, shape (n_labels,)
        Fit-time index of each label.
    n_songs_at_fit : int
        Number of songs at fit time.
    """

    songs: NDArray[np.integer[Any]]
    labels: NDArray[np.integer[Any]]
    n_songs_at_fit: int

    @property
    def is_identity(self) -> bool:
        """Whether the songs are unchanged."""
        return len(self.songs) == self.n_songs_at_fit and bool((self.songs == np.arange(self.n_songs_at_fit)).all())


class ModelPart(Protocol):
    """A model that is fitted on training data and stored as arrays."""

    @classmethod
    def fit(cls, data: TrainingData, progress: Progress = no_progress) -> Self:
        """Fit on training data.

        Raises
        ------
        TooLittleError
            If there is too little training data.
        """
        ...

    def refreshed(self, data: TrainingData, mapping: IndexMapping) -> Self:
        """Remap the fitted model to the current songs and labels, without the slow parts of fitting.

        New songs are known by content only; their plays count from the next fit on.
        """
        ...

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore a model from its `arrays`, which may be memory-mapped and are not copied."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The model as arrays by short names, for a file each."""
        ...


@runtime_checkable
class BlockwisePart(Protocol):
    """A model part that can be fitted in independent blocks by several workers."""

    @classmethod
    def blocks(cls, data: TrainingData) -> int:
        """The number of blocks; 1 if cutting does not pay."""
        ...

    @classmethod
    def fit_block(
        cls, data: TrainingData, block: int, blocks: int, progress: Progress = no_progress
    ) -> dict[str, NDArray[Any]]:
        """Fit one block, counted from 0; returns arrays by short names, for a file each."""
        ...

    @classmethod
    def from_blocks(
        cls, data: TrainingData, blocks: Sequence[Mapping[str, NDArray[Any]]], progress: Progress = no_progress
    ) -> ModelPart:
        """Join the arrays of all blocks, in order, possibly memory-mapped."""
        ...


class ScoringPart(ModelPart, Protocol):
    """A model part that scores songs for listeners."""

    def scores(self, batch: ListenerBatch) -> Vector:
        """Scores, shape (n_listeners, n_songs); only songs with a score above 0 are recommended.

        Known songs have scores too; `ranking.top` leaves them out.
        """
        ...


class Recommender(ScoringPart, Protocol):
    """A recommendation method: scores with explanations."""

    def explain(self, batch: ListenerBatch, songs: Positions, k: int) -> Sequence[Sequence[Contribution]]:
        """The k largest contributions to the first listener's score of each song.

        A song with a score above 0 has at least one.
        """
        ...


@runtime_checkable
class SongSimilarity(Protocol):
    """A model part with similarities between songs."""

    def similarities(self, song: int) -> Vector:
        """Similarity of each song to this one, shape (n_songs,); 0 for the song itself.

        Parameters
        ----------
        song : int
            Position of the song.
        """
        ...
