"""What a recommender takes and gives, whatever its method.

Songs, labels and listeners are numbers here: positions in the arrays that a recommender was fitted on. The songs
stand in the order of their primary keys, so that a tie broken by position is broken the same way every time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Matrix: TypeAlias = "csr_array[np.float64, tuple[int, int]]"
Vector: TypeAlias = NDArray[np.float64]
Positions: TypeAlias = NDArray[np.intp]

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


@dataclass(frozen=True)
class Evidence:
    """What recommenders are fitted on.

    Attributes
    ----------
    term_frequencies : csr_array, shape (n_songs, n_labels)
        TF, as `tfidf.term_frequencies` makes it.
    plays : int64, shape (n_songs,)
        How often each song was played, by everybody together.
    listeners : int64, shape (n_songs,)
        How many people have played each song.
    """

    term_frequencies: Matrix
    plays: NDArray[np.int64]
    listeners: NDArray[np.int64]

    def __post_init__(self) -> None:
        n_songs = self.term_frequencies.shape[0]
        if self.plays.shape != (n_songs,) or self.listeners.shape != (n_songs,):
            raise ValueError(
                f"labels of {n_songs} songs, plays of shape {self.plays.shape}, listeners of {self.listeners.shape}"
            )


@dataclass(frozen=True)
class Tastes:
    """What a block of listeners has said, one row a listener, and what they ask for now.

    Attributes
    ----------
    liked, disliked : csr_array, shape (n_listeners, n_songs)
        1 where the listener likes, or dislikes, the song.
    nudges : csr_array, shape (n_listeners, n_labels)
        Weights that the listener adds to labels of the profile.
    query : float64, shape (n_labels,), or None
        Weights of the labels asked for now, by all of the block.
    query_share : float
        What the query counts beside the profile, 0 to 1.
    """

    liked: Matrix
    disliked: Matrix
    nudges: Matrix
    query: Vector | None = None
    query_share: float = QUERY_SHARE

    def __post_init__(self) -> None:
        rows = {matrix.shape[0] for matrix in (self.liked, self.disliked, self.nudges)}
        if len(rows) != 1:
            raise ValueError(f"one row a listener, not {sorted(rows)}")
        if self.query is not None and self.query.shape != (self.nudges.shape[1],):
            raise ValueError(f"a query of {self.nudges.shape[1]} labels, not of shape {self.query.shape}")
        if not 0 <= self.query_share <= 1:
            raise ValueError(f"a query's share lies between 0 and 1, not at {self.query_share}")

    @classmethod
    def of_one(
        cls,
        n_songs: int,
        n_labels: int,
        *,
        liked: Sequence[int] | NDArray[Any] = (),
        disliked: Sequence[int] | NDArray[Any] = (),
        nudges: Mapping[int, float] | None = None,
        query: Mapping[int, float] | None = None,
        query_share: float = QUERY_SHARE,
    ) -> Self:
        """One listener, by the positions of songs and labels.

        Raises
        ------
        ValueError
            If a position is not below `n_songs` or `n_labels`, or `query_share` not between 0 and 1.
        """
        wanted = None
        if query is not None:
            wanted = _row(np.fromiter(query, np.intp), list(query.values()), n_labels).toarray()[0]
        nudges = nudges or {}
        return cls(
            liked=_row(np.unique(np.asarray(liked, dtype=np.intp)), 1.0, n_songs),
            disliked=_row(np.unique(np.asarray(disliked, dtype=np.intp)), 1.0, n_songs),
            nudges=_row(np.fromiter(nudges, np.intp), list(nudges.values()), n_labels),
            query=wanted,
            query_share=query_share,
        )


def _row(positions: Positions, values: float | list[float], width: int) -> Matrix:
    """A sparse matrix of one row."""
    if len(positions) and not 0 <= positions.min() <= positions.max() < width:
        raise ValueError(f"positions lie between 0 and {width - 1}, not at {positions.min()} to {positions.max()}")
    data = np.broadcast_to(np.asarray(values, dtype=np.float64), positions.shape).copy()
    return csr_array((data, positions, [0, len(positions)]), shape=(1, width))


class Recommender(Protocol):
    """One method of recommending."""

    @classmethod
    def fit(cls, evidence: Evidence) -> Self:
        """A recommender that has learned from all there is."""
        ...

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The recommender that `arrays` was called on; the arrays may be mapped files, and are not copied."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything the recommender has learned, by short names, for a file each."""
        ...

    def scores(self, tastes: Tastes) -> Vector:
        """How much each listener should like each song, shape (n_listeners, n_songs); only above 0 is a word for it.

        The songs a listener knows have scores too: leaving them out is the list's business (`ranking.top`).
        """
        ...

    def reasons(self, tastes: Tastes, songs: Positions, k: int) -> Sequence[Sequence[Reason]]:
        """Why songs stand where they do for the first listener of `tastes`: the k strongest reasons of each.

        A song with a score above 0 has at least one.
        """
        ...


class SongSimilarity(Protocol):
    """What a recommender also offers that can tell which songs are alike."""

    def similar(self, song: int) -> Vector:
        """How alike each song is to this one, shape (n_songs,), 0 for the song itself."""
        ...

    def similar_reasons(self, song: int, songs: Positions, k: int) -> Sequence[Sequence[Reason]]:
        """What each of `songs` shares with `song`, the k strongest first."""
        ...
