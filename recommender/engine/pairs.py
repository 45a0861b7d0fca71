"""Counting who played two songs: for all pairs of a catalogue, block by block, compiled.

Only fitting needs this module: it brings numba along, a hundred megabytes that no web process should carry.
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
"""How many pairs a block may come to; 128 MB, where all are kept."""

_WORK = 100_000_000
"""How many plays are looked at in one block, a second or so: how soon Ctrl-C is heard."""


class Players(NamedTuple):
    """A play matrix from both sides, without the counts.

    Attributes
    ----------
    of_row : intp, shape (n_rows + 1,)
        Where each listener's songs begin in `songs`.
    songs : int32, shape (n_plays,)
    of_song : intp, shape (n_songs + 1,)
        Where each song's listeners begin in `rows`.
    rows : int32, shape (n_plays,)
    """

    of_row: NDArray[np.intp]
    songs: NDArray[np.int32]
    of_song: NDArray[np.intp]
    rows: NDArray[np.int32]

    @classmethod
    def of(cls, played: PlayMatrix) -> Self:
        """The players of a matrix, shape (n_rows, n_songs), non-zero where played."""
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
        """How many songs there are."""
        return len(self.of_song) - 1


class Kept(NamedTuple):
    """Which neighbours a song keeps.

    Attributes
    ----------
    nearest : int
        So many, those of the highest Jaccard index; of equal ones those that stand first.
    strength : float
        Besides, those with whom Jaccard index times common listeners comes to this.
    """

    nearest: int
    strength: float


class Block(NamedTuple):
    """The neighbours of some consecutive songs.

    Attributes
    ----------
    lengths : int64, shape (n_block,)
        How many neighbours each of the songs has.
    songs : int32, shape (n_pairs,)
        The neighbours, song after song.
    together : int32, shape (n_pairs,)
        How many listeners have played both.
    """

    lengths: NDArray[np.int64]
    songs: NDArray[np.int32]
    together: NDArray[np.int32]


def cut(players: Players, n: int) -> list[tuple[int, int]]:
    """The catalogue cut into n ranges of songs of about equal work, first and one past the last; some may be empty."""
    before = np.concatenate([[0], np.cumsum(_work(*players, np.arange(players.n_songs)))])
    edges = np.searchsorted(before, np.linspace(0, before[-1], n + 1)[1:-1])
    return list(pairwise([0, *edges.tolist(), players.n_songs]))


def bounded(players: Players, first: int, last: int) -> list[tuple[int, int]]:
    """A range of songs cut into ranges of bounded work and memory each."""
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


def neighbours(players: Players, of: Positions, kept: Kept | None) -> Block:
    """The songs that share a listener with each of some songs, in no order.

    Parameters
    ----------
    of : positions of songs
    kept : Kept, optional
        Only these.
    """
    nearest, strength = kept or Kept(players.n_songs, np.inf)
    lengths, songs, together = _neighbours(*players, of, nearest, strength)
    return Block(lengths, songs.copy(), together.copy())


def strengths(players: Players, of: Positions) -> Vector:
    """The Jaccard index times the common listeners of each pair that some songs are in."""
    block = neighbours(players, of, None)
    listeners = np.diff(players.of_song)
    own = np.repeat(listeners[of], block.lengths)
    either: Vector = (own + listeners[block.songs] - block.together).astype(np.float64)
    return np.square(block.together, dtype=np.float64) / either


def all_neighbours(players: Players, first: int, last: int, kept: Kept | None, threads: int) -> Iterator[Block]:
    """The neighbours of every song of a range, block by block in order."""
    whole = [np.arange(begin, end) for begin, end in bounded(players, first, last)]
    with ThreadPoolExecutor(threads) as pool:
        try:
            yield from pool.map(lambda of: neighbours(players, of, kept), whole)
        finally:
            pool.shutdown(cancel_futures=True)


def jaccard_sums(players: Players, own: Positions) -> Vector:
    """The sum of each song's Jaccard indices with a listener's own songs, counted from the plays themselves."""
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
def _count(of_row: Any, songs: Any, of_song: Any, rows: Any, song: int, counts: Any, met: Any) -> int:
    """Add to `counts` how many listeners of a song have played each other; `met` lists those with any."""
    n_met = 0
    for at in range(of_song[song], of_song[song + 1]):
        row = rows[at]
        for other in songs[of_row[row] : of_row[row + 1]]:
            if counts[other] == 0:
                met[n_met] = other
                n_met += 1
            counts[other] += 1
    return n_met


@numba.njit(nogil=True, cache=True)
def _neighbours(of_row: Any, songs: Any, of_song: Any, rows: Any, of: Any, nearest: int, strength: float) -> Any:
    n_songs = len(of_song) - 1
    counts = np.zeros(n_songs, dtype=np.int32)
    met = np.empty(n_songs, dtype=np.int32)
    likeness = np.empty(n_songs, dtype=np.float64)
    lengths = np.zeros(len(of), dtype=np.int64)
    kept = np.empty(n_songs, dtype=np.int32)
    together = np.empty(n_songs, dtype=np.int32)
    at = 0
    for place in range(len(of)):
        song = of[place]
        n_met = _count(of_row, songs, of_song, rows, song, counts, met)
        own = of_song[song + 1] - of_song[song]
        for i in range(n_met):
            other = met[i]
            either = own + of_song[other + 1] - of_song[other] - counts[other]
            likeness[i] = counts[other] / either if other != song else -1.0
        edge, ties = -1.0, n_songs
        if n_met - 1 > nearest:
            edge = np.partition(likeness[:n_met], n_met - nearest)[n_met - nearest]
            above = 0
            tied = np.empty(n_met, dtype=np.int32)
            n_tied = 0
            for i in range(n_met):
                if likeness[i] > edge:
                    above += 1
                elif likeness[i] == edge:
                    tied[n_tied] = met[i]
                    n_tied += 1
            # Of those that tie at the edge, the ones up to this position have room.
            ties = np.sort(tied[:n_tied])[nearest - above - 1]
        if at + n_met > len(kept):
            longer = max(2 * len(kept), at + n_met)
            more, more_together = np.empty(longer, dtype=np.int32), np.empty(longer, dtype=np.int32)
            more[:at], more_together[:at] = kept[:at], together[:at]
            kept, together = more, more_together
        before = at
        for i in range(n_met):
            other = met[i]
            near = edge < 0 or likeness[i] > edge or (likeness[i] == edge and other <= ties)
            if other != song and (near or likeness[i] * counts[other] >= strength):
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
    met = np.empty(n_songs, dtype=np.int32)
    sums = np.zeros(n_songs, dtype=np.float64)
    for song in own:
        n_met = _count(of_row, songs, of_song, rows, song, counts, met)
        for i in range(n_met):
            other = met[i]
            either = of_song[song + 1] - of_song[song] + of_song[other + 1] - of_song[other] - counts[other]
            if other != song:
                sums[other] += counts[other] / either
            counts[other] = 0
    return sums
