"""Counts common listeners of all song pairs, block by block, compiled with numba.

Only fitting imports this module: numba takes 100 MB, which web processes should not load.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .interface import PlayMatrix, Positions, Vector

_BUFFER = 16_000_000
"""Most pairs of a block, 128 MB if all are kept."""

_WORK = 100_000_000
"""Plays visited in one block, about a second: the delay of an interrupt."""


class PlayIndex(NamedTuple):
    """The pattern of a play matrix as CSR and CSC.

    Attributes
    ----------
    of_row : intp, shape (n_rows + 1,)
        Offset of each listener's songs in `songs`.
    songs : int32, shape (n_plays,)
    of_song : intp, shape (n_songs + 1,)
        Offset of each song's listeners in `rows`.
    rows : int32, shape (n_plays,)
    """

    of_row: NDArray[np.intp]
    songs: NDArray[np.int32]
    of_song: NDArray[np.intp]
    rows: NDArray[np.int32]

    @classmethod
    def of(cls, played: PlayMatrix) -> Self:
        """Index a play matrix, shape (n_rows, n_songs)."""
        marks = csr_array((np.ones(played.nnz, dtype=np.bool_), played.indices, played.indptr), shape=played.shape)
        by_song = marks.tocsc()
        return cls(
            played.indptr.astype(np.intp),
            played.indices.astype(np.int32, copy=False),
            by_song.indptr.astype(np.intp),
            by_song.indices.astype(np.int32, copy=False),
        )

    @property
    def n_songs(self) -> int:
        """Number of songs."""
        return len(self.of_song) - 1


class Truncation(NamedTuple):
    """Which neighbours of a song are kept.

    Attributes
    ----------
    nearest : int
        Number of neighbours with the highest Jaccard index; ties by position.
    strength : float
        Also neighbours with Jaccard index x common listeners of at least this.
    """

    nearest: int
    strength: float


class Block(NamedTuple):
    """The neighbours of consecutive songs.

    Attributes
    ----------
    lengths : int64, shape (n_block,)
        Number of neighbours of each song.
    songs : int32, shape (n_pairs,)
        Positions of the neighbours, by song.
    together : int32, shape (n_pairs,)
        Common listeners.
    """

    lengths: NDArray[np.int64]
    songs: NDArray[np.int32]
    together: NDArray[np.int32]


def equal_work_ranges(players: PlayIndex, n: int) -> list[tuple[int, int]]:
    """Cut the catalogue into n half-open ranges of about equal work; some may be empty."""
    before = np.concatenate([[0], np.cumsum(_work(*players, np.arange(players.n_songs)))])
    edges = np.searchsorted(before, np.linspace(0, before[-1], n + 1)[1:-1])
    return list(pairwise([0, *edges.tolist(), players.n_songs]))


def bounded_ranges(players: PlayIndex, first: int, last: int) -> list[tuple[int, int]]:
    """Cut a range of songs into ranges of bounded work and memory."""
    work = _work(*players, np.arange(first, last))
    room = np.minimum(work, players.n_songs)
    edges = [first]
    so_far_work = so_far_room = 0
    for song, (looks, pairs) in enumerate(zip(work.tolist(), room.tolist(), strict=True), start=first):
        if song > edges[-1] and (so_far_work + looks > _WORK or so_far_room + pairs > _BUFFER):
            edges.append(song)
            so_far_work = so_far_room = 0
        so_far_work += looks
        so_far_room += pairs
    edges.append(last)
    return [(begin, end) for begin, end in pairwise(edges) if end > begin]


def neighbours(players: PlayIndex, of: Positions, truncation: Truncation | None) -> Block:
    """The neighbours of some songs, unordered.

    Parameters
    ----------
    of : positions of songs
    truncation : Truncation, optional
        All neighbours without it.
    """
    nearest, strength = truncation or Truncation(players.n_songs, np.inf)
    lengths, songs, together = _neighbours(*players, of, nearest, strength)
    return Block(lengths, songs.copy(), together.copy())


def strengths(players: PlayIndex, of: Positions) -> Vector:
    """Jaccard index x common listeners of each pair of some songs."""
    block = neighbours(players, of, None)
    listeners = np.diff(players.of_song)
    own = np.repeat(listeners[of], block.lengths)
    either: Vector = (own + listeners[block.songs] - block.together).astype(np.float64)
    return np.square(block.together, dtype=np.float64) / either


def all_neighbours(
    players: PlayIndex, first: int, last: int, truncation: Truncation | None, threads: int
) -> Iterator[Block]:
    """The neighbours of every song of a range, in ordered blocks."""
    whole = [np.arange(begin, end) for begin, end in bounded_ranges(players, first, last)]
    with ThreadPoolExecutor(threads) as pool:
        try:
            yield from pool.map(lambda of: neighbours(players, of, truncation), whole)
        finally:
            pool.shutdown(cancel_futures=True)


def jaccard_sums(players: PlayIndex, own: Positions) -> Vector:
    """Exact sums of each song's Jaccard indices with a listener's songs, counted from the plays."""
    sums: Vector = _jaccard_sums(*players, own)
    return sums


@numba.njit(nogil=True, cache=True)
def _work(of_row: Any, songs: Any, of_song: Any, rows: Any, of: Any) -> Any:  # noqa: ARG001
    work = np.zeros(len(of), dtype=np.int64)
    for place in range(len(of)):
        for at in range(of_song[of[place]], of_song[of[place] + 1]):
            work[place] += of_row[rows[at] + 1] - of_row[rows[at]]
    return work


@numba.njit(nogil=True, cache=True)
def _count(of_row: Any, songs: Any, of_song: Any, rows: Any, song: int, counts: Any, seen: Any) -> int:
    """Add common listeners with all other songs to `counts`; `seen` lists the non-zero positions."""
    n_seen = 0
    for at in range(of_song[song], of_song[song + 1]):
        row = rows[at]
        for other in songs[of_row[row] : of_row[row + 1]]:
            if counts[other] == 0:
                seen[n_seen] = other
                n_seen += 1
            counts[other] += 1
    return n_seen


@numba.njit(nogil=True, cache=True)
def _neighbours(of_row: Any, songs: Any, of_song: Any, rows: Any, of: Any, nearest: int, strength: float) -> Any:
    n_songs = len(of_song) - 1
    counts = np.zeros(n_songs, dtype=np.int32)
    seen = np.empty(n_songs, dtype=np.int32)
    similarity = np.empty(n_songs, dtype=np.float64)
    lengths = np.zeros(len(of), dtype=np.int64)
    kept = np.empty(n_songs, dtype=np.int32)
    together = np.empty(n_songs, dtype=np.int32)
    at = 0
    for place in range(len(of)):
        song = of[place]
        n_seen = _count(of_row, songs, of_song, rows, song, counts, seen)
        own = of_song[song + 1] - of_song[song]
        for i in range(n_seen):
            other = seen[i]
            either = own + of_song[other + 1] - of_song[other] - counts[other]
            similarity[i] = counts[other] / either if other != song else -1.0
        edge, ties = -1.0, n_songs
        if n_seen - 1 > nearest:
            edge = np.partition(similarity[:n_seen], n_seen - nearest)[n_seen - nearest]
            above = 0
            tied = np.empty(n_seen, dtype=np.int32)
            n_tied = 0
            for i in range(n_seen):
                if similarity[i] > edge:
                    above += 1
                elif similarity[i] == edge:
                    tied[n_tied] = seen[i]
                    n_tied += 1
            # Of the ties at the threshold, keep those up to this position.
            ties = np.sort(tied[:n_tied])[nearest - above - 1]
        if at + n_seen > len(kept):
            longer = max(2 * len(kept), at + n_seen)
            more, more_together = np.empty(longer, dtype=np.int32), np.empty(longer, dtype=np.int32)
            more[:at], more_together[:at] = kept[:at], together[:at]
            kept, together = more, more_together
        before = at
        for i in range(n_seen):
            other = seen[i]
            near = edge < 0 or similarity[i] > edge or (similarity[i] == edge and other <= ties)
            if other != song and (near or similarity[i] * counts[other] >= strength):
                kept[at] = other
                together[at] = counts[other]
                at += 1
            counts[other] = 0
        lengths[place] = at - before
    return lengths, kept[:at], together[:at]


@numba.njit(nogil=True, cache=True)
def _jaccard_sums(of_row: Any, songs: Any, of_song: Any, rows: Any, own: Any) -> Any:
    n_songs = len(of_song) - 1
    counts = np.zeros(n_songs, dtype=np.int32)
    seen = np.empty(n_songs, dtype=np.int32)
    sums = np.zeros(n_songs, dtype=np.float64)
    for song in own:
        n_seen = _count(of_row, songs, of_song, rows, song, counts, seen)
        for i in range(n_seen):
            other = seen[i]
            either = of_song[song + 1] - of_song[song] + of_song[other + 1] - of_song[other] - counts[other]
            if other != song:
                sums[other] += counts[other] / either
            counts[other] = 0
    return sums
