"""What a recommender takes and gives, whatever its method.

Songs, labels and listeners are numbers here: positions in the arrays that a recommender was fitted on. The songs
stand in the order of their primary keys, so that a tie broken by position is broken the same way every time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Matrix: TypeAlias = "csr_array[np.float64, tuple[int, int]]"
PlayMatrix: TypeAlias = "csr_array[np.int32, tuple[int, int]]"
Vector: TypeAlias = NDArray[np.float64]
Positions: TypeAlias = NDArray[np.intp]


class TooLittleError(ValueError):
    """There is too little to learn a method from; the message says what is missing, for people."""


Progress: TypeAlias = Callable[[str], None]
"""Told every few seconds what a long work is at."""


def silent(_step: str) -> None:
    """No progress shown."""


QUERY_SHARE = 0.5
"""What a query that was chosen counts beside the profile (`a` of the score)."""


class LabelReason(NamedTuple):
    """A label that put a song where it is, and how much of the score it carries (below 0: against the song)."""

    label: int
    weight: float


class SongReason(NamedTuple):
    """A song that put another where it is, and with what weight."""

    song: int
    weight: float


Reason: TypeAlias = LabelReason | SongReason


@dataclass(frozen=True, eq=False)
class Evidence:
    """What recommenders are fitted on.

    Attributes
    ----------
    term_frequencies : csr_array, shape (n_songs, n_labels)
        TF, as `tfidf.term_frequencies` makes it.
    played : csr_array of int32, shape (n_listeners, n_songs)
        How often each listener has played each song; no explicit zeros.
    embeddings : float32, shape (n_songs, d), or None
        What a tagger's trunk makes of the sound of each song; a row of 0 where no tagger has heard it.
    sessions : csr_array of int32, shape (n_sessions, n_songs), or None
        How often each song was played in each stretch of listening, where listeners are few.
    places : float32, shape (n_songs, 2), or None
        Where each song lay on the last map; NaN for those that were not on it.
    """

    term_frequencies: Matrix
    played: PlayMatrix
    embeddings: NDArray[np.float32] | None = None
    sessions: PlayMatrix | None = None
    places: NDArray[np.float32] | None = None

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

    def with_places(self, places: NDArray[np.float32] | None) -> Evidence:
        """The same, and where songs lay on the last map."""
        return replace(self, places=places)

    @property
    def n_songs(self) -> int:
        """How many songs there are."""
        return int(self.term_frequencies.shape[0])

    @cached_property
    def plays(self) -> NDArray[np.int64]:
        """How often each song was played, by everybody together, shape (n_songs,)."""
        plays = np.bincount(self.played.indices, weights=self.played.data, minlength=self.n_songs)
        return plays.astype(np.int64)

    @cached_property
    def listeners(self) -> NDArray[np.int64]:
        """How many people have played each song, shape (n_songs,)."""
        return np.bincount(self.played.indices, minlength=self.n_songs)


@dataclass(frozen=True)
class Tastes:
    """What a block of listeners has said, one row a listener, and what they ask for now.

    Attributes
    ----------
    liked, disliked : csr_array, shape (n_listeners, n_songs)
        1 where the listener likes, or dislikes, the song.
    played : csr_array of int32, shape (n_listeners, n_songs)
        How often the listener has played the song.
    nudges : csr_array, shape (n_listeners, n_labels)
        Weights that the listener adds to labels of the profile.
    query : float64, shape (n_labels,), or None
        Weights of the labels asked for now, by all of the block.
    query_share : float
        What the query counts beside the profile, 0 to 1.
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
        """How many listeners there are in the block."""
        return int(self.liked.shape[0])

    @classmethod
    def of_plays(cls, played: PlayMatrix, n_labels: int) -> Self:
        """Listeners of whom nothing is known but what they have played: they like all of it.

        Parameters
        ----------
        played : csr_array of int32, shape (n_listeners, n_songs)
        n_labels : int
        """
        liked = csr_array((np.ones(played.nnz), played.indices, played.indptr), shape=played.shape)
        nothing = csr_array(played.shape, dtype=np.float64)
        return cls(liked, nothing, played, csr_array((played.shape[0], n_labels), dtype=np.float64))

    @classmethod
    def of_one(
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
    ) -> Self:
        """One listener, by the positions of songs and labels; `played` says how often.

        Raises
        ------
        ValueError
            If a position is not below `n_songs` or `n_labels`, or `query_share` not between 0 and 1.
        """
        wanted = None
        if query is not None:
            wanted = _row(np.fromiter(query, np.intp), list(query.values()), n_labels).toarray()[0]
        played, nudges = played or {}, nudges or {}
        counts = _row(np.fromiter(played, np.intp), list(played.values()), n_songs)
        counts.sort_indices()
        return cls(
            liked=_row(np.unique(np.asarray(liked, dtype=np.intp)), 1.0, n_songs),
            disliked=_row(np.unique(np.asarray(disliked, dtype=np.intp)), 1.0, n_songs),
            played=counts.astype(np.int32),
            nudges=_row(np.fromiter(nudges, np.intp), list(nudges.values()), n_labels),
            query=wanted,
            query_share=query_share,
        )


def _row(positions: Positions, values: float | list[float], width: int) -> Matrix:
    """A sparse matrix of one row."""
    if len(positions) and not 0 <= positions.min() <= positions.max() < width:
        raise ValueError(f"positions lie between 0 and {width - 1}, not at {positions.min()} to {positions.max()}")
    data = np.broadcast_to(np.asarray(values, dtype=np.float64), positions.shape).copy()
    # Of 32 bits, as those of the songs: in a product with others the whole catalogue's would be copied to 64.
    ends = np.array([0, len(positions)], dtype=np.int32)
    return csr_array((data, positions.astype(np.int32), ends), shape=(1, width))


@dataclass(frozen=True, eq=False)
class Moved:
    """Where the songs and labels of today stood when recommenders were fitted.

    Attributes
    ----------
    songs : int, shape (n_songs,)
        The position of each song then, -1 for one that is new.
    labels : int, shape (n_labels,)
        The position of each label then, -1 for one that is new.
    songs_then : int
        How many songs there were.
    """

    songs: NDArray[np.integer[Any]]
    labels: NDArray[np.integer[Any]]
    songs_then: int

    @property
    def same_songs(self) -> bool:
        """Whether every song stands where it stood."""
        return len(self.songs) == self.songs_then and bool((self.songs == np.arange(self.songs_then)).all())


class Part(Protocol):
    """Something that is learned from evidence and kept as arrays."""

    @classmethod
    def fit(cls, evidence: Evidence, progress: Progress = silent) -> Self:
        """Learn from all there is.

        Raises
        ------
        TooLittleError
            If that is too little.
        """
        ...

    def refreshed(self, evidence: Evidence, since: Moved) -> Self:
        """The same learning over the songs and labels of today, without what takes long to learn.

        A song that is new since is known by its labels and sound; its plays count from the next fit on.
        """
        ...

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `arrays` was called on; the arrays may be mapped files, and are not copied."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that was learned, by short names, for a file each."""
        ...


@runtime_checkable
class InBlocks(Protocol):
    """A part that several workers can fit together: cut into blocks that need nothing of one another."""

    @classmethod
    def blocks(cls, evidence: Evidence) -> int:
        """How many blocks it is best cut into: 1 where it is not worth the while."""
        ...

    @classmethod
    def fit_block(
        cls, evidence: Evidence, block: int, blocks: int, progress: Progress = silent
    ) -> dict[str, NDArray[Any]]:
        """What block number `block`, from 0, of so many comes to, as arrays by short names, for a file each."""
        ...

    @classmethod
    def joined(
        cls, evidence: Evidence, blocks: Sequence[Mapping[str, NDArray[Any]]], progress: Progress = silent
    ) -> Part:
        """The fitted part: `blocks` is what all blocks came to, in their order, possibly mapped files."""
        ...


class Scoring(Part, Protocol):
    """A part that says how much listeners should like songs."""

    def scores(self, tastes: Tastes) -> Vector:
        """How much each listener should like each song, shape (n_listeners, n_songs); only above 0 is a word for it.

        The songs a listener knows have scores too: leaving them out is the list's business (`ranking.top`).
        """
        ...


class Recommender(Scoring, Protocol):
    """One method of recommending."""

    def reasons(self, tastes: Tastes, songs: Positions, k: int) -> Sequence[Sequence[Reason]]:
        """Why songs stand where they do for the first listener of `tastes`: the k strongest reasons of each.

        A song with a score above 0 has at least one.
        """
        ...


@runtime_checkable
class SongSimilarity(Protocol):
    """What also tells which songs are alike: all methods but those that say the same of every song."""

    def similar(self, song: int) -> Vector:
        """How alike each song is to this one, shape (n_songs,): only above 0 is a word for it; 0 for the song itself.

        Parameters
        ----------
        song : int
            Its position.
        """
        ...
