"""Co-occurrence recommender: ranks songs by their mean Jaccard index with the listener's songs.

The similarity of two songs is the Jaccard index of their listeners (P. Jaccard: The distribution of the flora in the
alpine zone, 1912). Unplayed songs have similarity 0 with all songs: the item cold start.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from .interface import (
    Contribution,
    IndexMapping,
    ListenerBatch,
    PlayMatrix,
    Positions,
    Progress,
    SongContribution,
    TrainingData,
    Vector,
    no_progress,
)
from .sparse import ranges

if TYPE_CHECKING:
    from .pairs import PlayIndex, Truncation

FEW_LISTENERS = 20
"""Below this number of listeners, sessions are counted instead."""

MOST_PAIRS = 50_000_000
"""Song pairs kept, 400 MB; all pairs if there are fewer."""

NEIGHBOURS = 200
"""In a large catalogue, the mean number of neighbours kept per song, if that gives more pairs than `MOST_PAIRS`."""

NEAREST = 50
"""Nearest neighbours always kept per song; the other pairs kept are the strongest overall."""

WORK_OF_A_BLOCK = 400_000_000.0
"""Pairs of plays counted in one block, a few seconds of work that is lost with a killed worker."""

_MOST_BLOCKS = 64

_SAMPLE_SONGS = 1000
_SAMPLE_LISTENERS = 50
_FIRST = 20

_DECIMALS = 12
"""Decimals that scores are rounded to, so that the order of summation does not break ties."""


@dataclass(frozen=True, eq=False)
class Cooccurrence:
    """The co-occurrence recommender.

    Attributes
    ----------
    indptr : int64, shape (n_songs + 1,)
        Offset of each song's neighbours in `neighbours`.
    neighbours : int32, shape (n_pairs,)
    together : int32, shape (n_pairs,)
        Number of groups in which both songs were played, per neighbour.
    groups : int64, shape (n_songs,)
        Number of groups in which each song was played.
    n_groups : int
        Number of groups.
    over_sessions : bool
        Whether a group is a session instead of a listener.
    nearest : int
        Nearest neighbours kept per song; 0 if all are kept and scores are exact.
    loss : float
        Share of the exact first 20 songs that truncation loses, on a sample of listeners; 0 if exact.
    """

    indptr: NDArray[np.int64]
    neighbours: NDArray[np.int32]
    together: NDArray[np.int32]
    groups: NDArray[np.int64]
    n_groups: int
    over_sessions: bool
    nearest: int = 0
    loss: float = 0.0

    @classmethod
    def fit(cls, data: TrainingData, progress: Progress = no_progress) -> Self:
        """Count the listeners that each pair of songs has in common; sessions below `FEW_LISTENERS` listeners."""
        groups, over_sessions = _groups(data)
        return cls.of_groups(groups, over_sessions=over_sessions, progress=progress)

    @classmethod
    def blocks(cls, data: TrainingData) -> int:
        """The number of blocks, by the number of pairs of plays to count."""
        groups, _ = _groups(data)
        work = float(np.square(np.diff(groups.indptr), dtype=np.float64).sum())
        return int(min(max(np.ceil(work / WORK_OF_A_BLOCK), 1), _MOST_BLOCKS, max(data.n_songs, 1)))

    @classmethod
    def fit_block(
        cls, data: TrainingData, block: int, blocks: int, progress: Progress = no_progress
    ) -> dict[str, NDArray[Any]]:
        """Count the neighbours of one block of songs.

        Parameters
        ----------
        block, blocks : int
            Block number from 0, and the number of blocks; blocks are ranges of songs of about equal work.
        """
        # Import only for fitting: pairs needs numba.
        from . import pairs

        groups, _ = _groups(data)
        players = pairs.PlayIndex.of(groups)
        first, last = pairs.equal_work_ranges(players, blocks)[block]
        return _count_block(players, first, last, _truncation(players, MOST_PAIRS, NEIGHBOURS, NEAREST), progress)

    @classmethod
    def from_blocks(
        cls, data: TrainingData, blocks: Sequence[Mapping[str, NDArray[Any]]], progress: Progress = no_progress
    ) -> Self:
        """Join all blocks, in order."""
        from . import pairs

        groups, over_sessions = _groups(data)
        return cls._of_blocks(pairs.PlayIndex.of(groups), blocks, over_sessions, progress)

    @classmethod
    def of_groups(
        cls,
        played: PlayMatrix,
        *,
        over_sessions: bool = False,
        most_pairs: int = MOST_PAIRS,
        neighbours: int = NEIGHBOURS,
        nearest: int = NEAREST,
        progress: Progress = no_progress,
    ) -> Self:
        """Count the song pairs of one play matrix.

        Parameters
        ----------
        played : csr_array, shape (n_groups, n_songs)
            Non-zero where played; only the pattern counts.
        over_sessions : bool
            Whether rows are sessions instead of listeners.
        most_pairs, neighbours, nearest : int
            If there are more than `most_pairs` pairs (estimated from a sample), each song keeps its `nearest`, and the
            strongest other pairs are kept up to `most_pairs` or `neighbours` per song, whichever is more.
        """
        from . import pairs

        progress("pairs of songs")
        players = pairs.PlayIndex.of(played)
        truncation = _truncation(players, most_pairs, neighbours, nearest)
        counted = _count_block(players, 0, players.n_songs, truncation, progress)
        return cls._of_blocks(players, [counted], over_sessions, progress)

    @classmethod
    def _of_blocks(
        cls, players: PlayIndex, blocks: Sequence[Mapping[str, NDArray[Any]]], over_sessions: bool, progress: Progress
    ) -> Self:
        progress("pairs of songs")
        lengths = np.concatenate([block["lengths"] for block in blocks])
        nearest = int(blocks[0]["nearest"][0])
        found = cls(
            indptr=np.concatenate([[0], lengths.cumsum()]).astype(np.int64),
            neighbours=np.concatenate([block["songs"] for block in blocks]),
            together=np.concatenate([block["together"] for block in blocks]),
            groups=np.diff(players.of_song).astype(np.int64),
            n_groups=int(np.count_nonzero(np.diff(players.of_row))),
            over_sessions=over_sessions,
            nearest=nearest,
        )
        return replace(found, loss=_truncation_loss(found, players, progress)) if nearest else found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The recommender that `arrays` was called on."""
        n_groups, over_sessions, nearest = arrays["about"].tolist()
        return cls(
            **{name: arrays[name] for name in ("indptr", "neighbours", "together", "groups")},
            n_groups=n_groups,
            over_sessions=bool(over_sessions),
            nearest=nearest,
            loss=float(arrays["loss"][0]),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Neighbours and counts as CSR arrays."""
        return {
            "indptr": self.indptr,
            "neighbours": self.neighbours,
            "together": self.together,
            "groups": self.groups,
            "about": np.array([self.n_groups, self.over_sessions, self.nearest], dtype=np.int64),
            "loss": np.array([self.loss]),
        }

    def refreshed(self, data: TrainingData, mapping: IndexMapping) -> Self:  # noqa: ARG002 (plays count from the next full build on)
        """Remap the counts to the current songs; new songs have no neighbours."""
        if mapping.is_identity:
            return self
        kept = np.flatnonzero(mapping.songs >= 0)
        new_position = np.full(len(self.groups), -1, dtype=np.int32)
        new_position[mapping.songs[kept]] = kept
        lengths = np.zeros(len(mapping.songs), dtype=np.int64)
        lengths[kept] = np.diff(self.indptr)[mapping.songs[kept]]
        at = ranges(self.indptr[mapping.songs[kept]], self.indptr[mapping.songs[kept] + 1])
        songs = new_position[self.neighbours[at]]
        still = songs >= 0
        owner = np.repeat(np.arange(len(mapping.songs)), lengths)[still]
        groups = np.zeros(len(mapping.songs), dtype=np.int64)
        groups[kept] = self.groups[mapping.songs[kept]]
        return replace(
            self,
            indptr=np.concatenate([[0], np.bincount(owner, minlength=len(mapping.songs)).cumsum()]).astype(np.int64),
            neighbours=songs[still],
            together=self.together[at][still],
            groups=groups,
        )

    def scores(self, batch: ListenerBatch) -> Vector:
        """Mean Jaccard indices with each listener's songs, shape (n_listeners, n_songs).

        score(u, i) = (1 / |I_u|) x sum of J(i, j) over j in I_u, j != i.
        """
        scores = np.zeros((batch.n_listeners, len(self.groups)))
        for row in range(batch.n_listeners):
            own = _played_by(batch, row)
            if len(own):
                _, songs, similarity = self._neighbours_of(own)
                sums = np.bincount(songs, weights=similarity, minlength=len(self.groups))
                # In a large catalogue, most songs have score 0.
                alike = np.flatnonzero(sums)
                scores[row, alike] = np.round(sums[alike] / len(own), _DECIMALS)
        return scores

    def explain(self, batch: ListenerBatch, songs: Positions, k: int) -> Sequence[Sequence[Contribution]]:
        """The first listener's k songs with the largest contributions to each song's score."""
        own = _played_by(batch, 0)
        asked = np.zeros(len(self.groups), dtype=np.bool_)
        asked[songs] = True
        of, others, similarity = self._neighbours_of(own, asked)
        reasons: list[list[Contribution]] = []
        for song in songs:
            here = np.flatnonzero(others == song)
            strongest = here[np.lexsort((own[of[here]], -similarity[here]))[:k]]
            reasons.append([SongContribution(int(own[of[at]]), float(similarity[at]) / len(own)) for at in strongest])
        return reasons

    def similarities(self, song: int) -> Vector:
        """Jaccard indices of all other songs with this one, shape (n_songs,)."""
        _, songs, similarity = self._neighbours_of(np.array([song]))
        return np.bincount(songs, weights=similarity, minlength=len(self.groups)).astype(np.float64)

    def _neighbours_of(
        self, own: Positions, among: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.intp], NDArray[np.int32], Vector]:
        """Neighbours of some songs: index into `own`, position of the neighbour, and Jaccard index.

        The mask `among`, shape (n_songs,), restricts the neighbours.
        """
        begins, ends = self.indptr[own], self.indptr[own + 1]
        # Contiguous slices of the mapped files: fancy indexing takes many times as long.
        pieces = [slice(begin, end) for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)] or [slice(0)]
        of = np.repeat(np.arange(len(own)), ends - begins)
        songs = np.concatenate([self.neighbours[piece] for piece in pieces])
        together = np.concatenate([self.together[piece] for piece in pieces])
        if among is not None:
            few = np.flatnonzero(among[songs])
            of, songs, together = of[few], songs[few], together[few]
        either = self.groups[own].take(of)
        either += self.groups.take(songs)
        either -= together
        return of, songs, together / either


def few_listeners(played: PlayMatrix) -> bool:
    """Whether there are fewer than `FEW_LISTENERS` listeners with plays."""
    return int(np.count_nonzero(np.diff(played.indptr))) < FEW_LISTENERS


def _groups(data: TrainingData) -> tuple[PlayMatrix, bool]:
    """The play matrix to count, shape (n_groups, n_songs), and whether its rows are sessions."""
    if data.sessions is not None and data.sessions.nnz > 0 and few_listeners(data.played):
        return data.sessions, True
    return data.played, False


def _played_by(batch: ListenerBatch, row: int) -> Positions:
    """Positions of the songs that one listener has played."""
    played = batch.played
    return played.indices[played.indptr[row] : played.indptr[row + 1]].astype(np.intp)


def _count_block(
    players: PlayIndex, first: int, last: int, truncation: Truncation | None, progress: Progress
) -> dict[str, NDArray[Any]]:
    """The neighbours of a range of songs as arrays: lengths, positions, common groups; and the truncation."""
    from . import pairs

    lengths, songs, together = [], [], []
    for block in pairs.all_neighbours(players, first, last, truncation, os.cpu_count() or 1):
        progress("pairs of songs")
        lengths.append(block.lengths)
        songs.append(block.songs)
        together.append(block.together)
    nothing = np.empty(0, dtype=np.int32)
    return {
        "lengths": np.concatenate([nothing.astype(np.int64), *lengths]),
        "songs": np.concatenate([nothing, *songs]),
        "together": np.concatenate([nothing, *together]),
        "nearest": np.array([truncation.nearest if truncation else 0], dtype=np.int64),
    }


def _truncation(players: PlayIndex, most_pairs: int, neighbours: int, nearest: int) -> Truncation | None:
    """The truncation of neighbours; None if all pairs are kept.

    A pair contributes to scores by its Jaccard index, as often as its songs are played together. So the pairs with the
    largest index x common listeners of the whole catalogue are kept, besides the nearest of each song, without which
    rarely played songs would have no neighbours. The threshold is estimated from a sample of songs.
    """
    from . import pairs

    n_songs = players.n_songs
    if n_songs * n_songs <= most_pairs:
        return None
    sample = np.sort(np.random.default_rng(0).permutation(n_songs)[:_SAMPLE_SONGS])
    strengths = pairs.strengths(players, sample)
    room = int(max(most_pairs, neighbours * n_songs) * len(sample) / n_songs)
    if len(strengths) <= most_pairs * len(sample) / n_songs:
        return None
    if len(strengths) <= room:
        return pairs.Truncation(nearest, 0.0)
    return pairs.Truncation(nearest, float(np.partition(strengths, len(strengths) - room)[len(strengths) - room]))


def _truncation_loss(truncated: Cooccurrence, players: PlayIndex, progress: Progress) -> float:
    """Share of the exact first 20 songs missing from the truncated first 20, on a sample of listeners."""
    from . import pairs
    from .ranking import top

    listeners = np.flatnonzero(np.diff(players.of_row))
    sample = np.random.default_rng(0).permutation(listeners)[:_SAMPLE_LISTENERS]
    missing: list[float] = []
    for listener in sample:
        progress("what the nearest alone miss")
        own = players.songs[players.of_row[listener] : players.of_row[listener + 1]].astype(np.intp)
        exact = top(pairs.jaccard_sums(players, own), _FIRST, leave_out=own)
        _, songs, similarity = truncated._neighbours_of(own)
        sums = np.bincount(songs, weights=similarity, minlength=players.n_songs).astype(np.float64)
        found = top(sums, _FIRST, leave_out=own)
        if len(exact):
            missing.append(float(np.isin(exact, found, invert=True).mean()))
    return float(np.mean(missing)) if missing else 0.0
