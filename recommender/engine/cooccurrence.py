"""Recommending by co-occurrence: what people who play this also play.

The likeness of two songs is the Jaccard index of their listeners (P. Jaccard: The distribution of the flora in the
alpine zone, 1912); a listener is given the songs that are most like those they play, on average. A song that nobody
has played is like none: this is the cold start.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from .interface import Evidence, Moved, PlayMatrix, Positions, Progress, Reason, SongReason, Tastes, Vector, silent
from .sparse import ranges

if TYPE_CHECKING:
    from .pairs import Kept, Players

FEW_LISTENERS = 20
"""With fewer listeners than this, what was played in one sitting says more than who played it."""

MOST_PAIRS = 50_000_000
"""So many pairs of songs are kept, all where there are no more than that; 400 MB."""

NEIGHBOURS = 200
"""In a catalogue of more pairs so many are kept of each song on average, if that is more than those."""

NEAREST = 50
"""And so many at least of each song, where it has them: the nearest. The others are the strongest of all."""

_WORK_OF_A_BLOCK = 400_000_000.0
"""How many pairs of plays are looked at in one block, some seconds: what a worker that is killed has to do again."""

_MOST_BLOCKS = 64

_SAMPLE_SONGS = 1000
_SAMPLE_LISTENERS = 50
_FIRST = 20

_DECIMALS = 12
"""Scores are rounded to so many, or sums of the same numbers in another order would break ties."""


@dataclass(frozen=True, eq=False)
class Cooccurrence:
    """The co-occurrence recommender.

    Attributes
    ----------
    indptr : int64, shape (n_songs + 1,)
        Where each song's neighbours begin in `neighbours`.
    neighbours : int32, shape (n_pairs,)
    together : int32, shape (n_pairs,)
        In how many groups both songs were played, for each neighbour.
    groups : int64, shape (n_songs,)
        In how many groups each song was played.
    n_groups : int
        How many groups there are: listeners, or sessions where listeners are few.
    over_sessions : bool
        Whether the groups are sessions.
    nearest : int
        How many neighbours each song keeps at least; 0 where all are kept and scores are exact.
    loss : float
        Which part of the first 20 of exact scores is missing from these, on a sample of listeners; 0 where exact.
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
    def fit(cls, evidence: Evidence, progress: Progress = silent) -> Self:
        """Count, for all pairs of songs, the listeners, or sessions, of both.

        Sessions count below 20 listeners, where there are any; listeners where there are none.
        """
        groups, over_sessions = _groups(evidence)
        return cls.of_groups(groups, over_sessions=over_sessions, progress=progress)

    @classmethod
    def blocks(cls, evidence: Evidence) -> int:
        """In how many blocks of songs the pairs are best counted: more than one where that takes longer than seconds.

        Every two songs of a listener are a pair to count.
        """
        groups, _ = _groups(evidence)
        work = float(np.square(np.diff(groups.indptr), dtype=np.float64).sum())
        return int(min(max(np.ceil(work / _WORK_OF_A_BLOCK), 1), _MOST_BLOCKS, max(evidence.n_songs, 1)))

    @classmethod
    def fit_block(
        cls, evidence: Evidence, block: int, blocks: int, progress: Progress = silent
    ) -> dict[str, NDArray[Any]]:
        """The neighbours of one block of songs.

        Parameters
        ----------
        block, blocks : int
            Which block, from 0, of how many; they are ranges of songs, and take about as long as one another.
        """
        # Brings numba along: fitting only.
        from . import pairs

        groups, _ = _groups(evidence)
        players = pairs.Players.of(groups)
        first, last = pairs.cut(players, blocks)[block]
        return _counted(players, first, last, _kept(players, MOST_PAIRS, NEIGHBOURS, NEAREST), progress)

    @classmethod
    def joined(
        cls, evidence: Evidence, blocks: Sequence[Mapping[str, NDArray[Any]]], progress: Progress = silent
    ) -> Self:
        """The recommender whose blocks, all of them and in their order, have been counted."""
        from . import pairs

        groups, over_sessions = _groups(evidence)
        return cls._of_blocks(pairs.Players.of(groups), blocks, over_sessions, progress)

    @classmethod
    def of_groups(
        cls,
        played: PlayMatrix,
        *,
        over_sessions: bool = False,
        most_pairs: int = MOST_PAIRS,
        neighbours: int = NEIGHBOURS,
        nearest: int = NEAREST,
        progress: Progress = silent,
    ) -> Self:
        """Count the pairs of songs of one matrix.

        Parameters
        ----------
        played : csr_array, shape (n_groups, n_songs)
            Non-zero where played; the counts themselves do not matter.
        over_sessions : bool
            What the rows are: sessions, or listeners.
        most_pairs, neighbours, nearest : int
            Of more pairs than `most_pairs` (estimated from a sample), each song keeps its `nearest`, and besides the
            strongest are kept, until there are so many, or so many `neighbours` of each song on average.
        """
        from . import pairs

        progress("pairs of songs")
        players = pairs.Players.of(played)
        kept = _kept(players, most_pairs, neighbours, nearest)
        counted = _counted(players, 0, players.n_songs, kept, progress)
        return cls._of_blocks(players, [counted], over_sessions, progress)

    @classmethod
    def _of_blocks(
        cls, players: Players, blocks: Sequence[Mapping[str, NDArray[Any]]], over_sessions: bool, progress: Progress
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
        return replace(found, loss=_loss(found, players, progress)) if nearest else found

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
        """Neighbours and counts, compressed by songs."""
        return {
            "indptr": self.indptr,
            "neighbours": self.neighbours,
            "together": self.together,
            "groups": self.groups,
            "about": np.array([self.n_groups, self.over_sessions, self.nearest], dtype=np.int64),
            "loss": np.array([self.loss]),
        }

    def refreshed(self, evidence: Evidence, since: Moved) -> Self:  # noqa: ARG002 (plays wait for the night)
        """The same counts over the songs there are now: a new one shares no listener yet, one that went is gone."""
        if since.same_songs:
            return self
        kept = np.flatnonzero(since.songs >= 0)
        new_position = np.full(len(self.groups), -1, dtype=np.int32)
        new_position[since.songs[kept]] = kept
        lengths = np.zeros(len(since.songs), dtype=np.int64)
        lengths[kept] = np.diff(self.indptr)[since.songs[kept]]
        at = ranges(self.indptr[since.songs[kept]], self.indptr[since.songs[kept] + 1])
        songs = new_position[self.neighbours[at]]
        still = songs >= 0
        owner = np.repeat(np.arange(len(since.songs)), lengths)[still]
        groups = np.zeros(len(since.songs), dtype=np.int64)
        groups[kept] = self.groups[since.songs[kept]]
        return replace(
            self,
            indptr=np.concatenate([[0], np.bincount(owner, minlength=len(since.songs)).cumsum()]).astype(np.int64),
            neighbours=songs[still],
            together=self.together[at][still],
            groups=groups,
        )

    def scores(self, tastes: Tastes) -> Vector:
        """The mean Jaccard index of every song with the songs that each listener has played.

        score(user, i) = (1 / |I_u|) x sum of J(i, j) over j in I_u, shape (n_listeners, n_songs). That a song is
        like itself is left out: it would tell those who play it only.
        """
        scores = np.zeros((tastes.n_listeners, len(self.groups)))
        for row in range(tastes.n_listeners):
            own = _own(tastes, row)
            if len(own):
                _, songs, likeness = self._alike(own)
                sums = np.bincount(songs, weights=likeness, minlength=len(self.groups))
                # Of a large catalogue, most songs are nobody's neighbours.
                alike = np.flatnonzero(sums)
                scores[row, alike] = np.round(sums[alike] / len(own), _DECIMALS)
        return scores

    def reasons(self, tastes: Tastes, songs: Positions, k: int) -> Sequence[Sequence[Reason]]:
        """The songs of the first listener that are most like each song, with their parts of the score."""
        own = _own(tastes, 0)
        asked = np.zeros(len(self.groups), dtype=np.bool_)
        asked[songs] = True
        of, others, likeness = self._alike(own, asked)
        reasons: list[list[Reason]] = []
        for song in songs:
            here = np.flatnonzero(others == song)
            strongest = here[np.lexsort((own[of[here]], -likeness[here]))[:k]]
            reasons.append([SongReason(int(own[of[at]]), float(likeness[at]) / len(own)) for at in strongest])
        return reasons

    def similar(self, song: int) -> Vector:
        """The Jaccard index of every other song with this one, shape (n_songs,)."""
        _, songs, likeness = self._alike(np.array([song]))
        return np.bincount(songs, weights=likeness, minlength=len(self.groups)).astype(np.float64)

    def _alike(
        self, own: Positions, among: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.intp], NDArray[np.int32], Vector]:
        """The neighbours of some songs: whose neighbour (a place in `own`), which song, and the Jaccard index.

        `among`, shape (n_songs,), leaves others out.
        """
        begins, ends = self.indptr[own], self.indptr[own + 1]
        # Pieces of the file as they stand: to pick each number of them takes many times as long.
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
    """Whether so few people have played anything that sessions say more."""
    return int(np.count_nonzero(np.diff(played.indptr))) < FEW_LISTENERS


def _groups(evidence: Evidence) -> tuple[PlayMatrix, bool]:
    """What is counted over, shape (n_groups, n_songs), and whether it is sessions in place of listeners."""
    if evidence.sessions is not None and evidence.sessions.nnz > 0 and few_listeners(evidence.played):
        return evidence.sessions, True
    return evidence.played, False


def _own(tastes: Tastes, row: int) -> Positions:
    """The songs that one listener has played."""
    played = tastes.played
    return played.indices[played.indptr[row] : played.indptr[row + 1]].astype(np.intp)


def _counted(players: Players, first: int, last: int, kept: Kept | None, progress: Progress) -> dict[str, NDArray[Any]]:
    """The neighbours of a range of songs: how many of each, which, in how many groups; and how many stay at least."""
    from . import pairs

    lengths, songs, together = [], [], []
    for block in pairs.all_neighbours(players, first, last, kept, os.cpu_count() or 1):
        progress("pairs of songs")
        lengths.append(block.lengths)
        songs.append(block.songs)
        together.append(block.together)
    nothing = np.empty(0, dtype=np.int32)
    return {
        "lengths": np.concatenate([nothing.astype(np.int64), *lengths]),
        "songs": np.concatenate([nothing, *songs]),
        "together": np.concatenate([nothing, *together]),
        "nearest": np.array([kept.nearest if kept else 0], dtype=np.int64),
    }


def _kept(players: Players, most_pairs: int, neighbours: int, nearest: int) -> Kept | None:
    """Which pairs are kept; None where all are.

    A score is a sum over a listener's songs: a pair counts for it by its Jaccard index, and as often as its songs are
    played. So the pairs that stay are those where the index times the common listeners is largest, in the whole
    catalogue and not of each song; the nearest of each stay besides, or songs that few play would be like none. Where
    that is at is told by a sample of songs.
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
        return pairs.Kept(nearest, 0.0)
    return pairs.Kept(nearest, float(np.partition(strengths, len(strengths) - room)[len(strengths) - room]))


def _loss(truncated: Cooccurrence, players: Players, progress: Progress) -> float:
    """Which part of the exact first 20 is not among the first 20 of the truncated scores, on a sample of listeners."""
    from . import pairs
    from .ranking import top

    listeners = np.flatnonzero(np.diff(players.of_row))
    sample = np.random.default_rng(0).permutation(listeners)[:_SAMPLE_LISTENERS]
    missing: list[float] = []
    for listener in sample:
        progress("what the nearest alone miss")
        own = players.songs[players.of_row[listener] : players.of_row[listener + 1]].astype(np.intp)
        exact = top(pairs.jaccard_sums(players, own), _FIRST, leave_out=own)
        _, songs, likeness = truncated._alike(own)
        sums = np.bincount(songs, weights=likeness, minlength=players.n_songs).astype(np.float64)
        found = top(sums, _FIRST, leave_out=own)
        if len(exact):
            missing.append(float(np.isin(exact, found, invert=True).mean()))
    return float(np.mean(missing)) if missing else 0.0
