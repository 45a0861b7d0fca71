"""Holding plays out: what methods are fitted on, and what they are then asked to find.

Two questions. `warm`: what will people who have played much play next? `cold`: who will play a song that nobody has
played yet (A. Schein, A. Popescul, L. Ungar, D. Pennock: Methods and metrics for cold-start recommendations, 2002)?
A split can be split again by the same rules: what a method has to choose, it chooses on such an inner split of what
it may see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ..interface import PlayMatrix, Positions, TrainingData, Vector
from ..sparse import only_stored

SPLITS = 5
"""How often an evaluation is done over, each time with other plays held out."""

HELD_OUT = 5
"""One in so many is held out."""

RARELY = 5
"""A song with fewer listeners than this is rarely played: nobody could tell whether a ranking of it is right."""

FEWEST_LISTENERS = 20
"""With fewer listeners there is nothing that an average over them would tell."""

FEWEST_COLD_SONGS = 10
"""With fewer songs held out there is nothing to rank."""


class TooFewPlaysError(ValueError):
    """There is too little to hold anything out; the message says what is missing, for people."""


class Protocol(StrEnum):
    """What is held out."""

    WARM = "warm"
    """The latest fifth of each listener's songs; a random fifth of those that nobody knows a time of."""

    COLD = "cold"
    """All plays of a fifth of the songs."""


@dataclass(frozen=True, eq=False)
class Listening:
    """Everything that an evaluation can hold something out of.

    Attributes
    ----------
    data : TrainingData
    first_played : float64, shape (n_listeners, n_songs) where `data.played` is stored
        When the listener first played the song, in seconds; not a number where nobody knows. As long as, and in the
        order of, `data.played.data`.
    """

    data: TrainingData
    first_played: Vector

    def __post_init__(self) -> None:
        if self.first_played.shape != self.data.played.data.shape:
            raise ValueError(f"{self.data.played.nnz} plays, times of shape {self.first_played.shape}")

    def of(self, listeners: Positions) -> Listening:
        """As if only some listeners had played anything; all of them keep their rows."""
        played = self.data.played
        if len(listeners) == played.shape[0]:
            return self
        stays = np.zeros(played.shape[0], dtype=bool)
        stays[listeners] = True
        kept = np.repeat(stays, np.diff(played.indptr))
        left = replace(self.data, played=only_stored(played, kept), sessions=None)
        return Listening(left, self.first_played[kept])


@dataclass(frozen=True, eq=False)
class Split:
    """What methods may see, and what they are asked for.

    Attributes
    ----------
    protocol : Protocol
    training : Listening
        Everything but what is held out: all that a method is fitted on, or knows of a listener.
    held_out : csr_array of int32, shape (n_listeners, n_songs)
        The plays held out.
    rankings : mapping of name to bool, shape (n_songs,)
        Among which songs those of a listener are to be found, in each way of asking; the songs that the listener has
        in `training` are not ranked. The first is the way that counts.
    cold : bool, shape (n_songs,)
        The songs that nobody has played in `training`.
    """

    protocol: Protocol
    training: Listening
    held_out: PlayMatrix
    rankings: Mapping[str, NDArray[np.bool_]]
    cold: NDArray[np.bool_]

    @property
    def listeners(self) -> Positions:
        """The listeners who have both: plays that methods may see, and plays held out."""
        both = (np.diff(self.training.data.played.indptr) > 0) & (np.diff(self.held_out.indptr) > 0)
        return np.flatnonzero(both)


def split(listening: Listening, protocol: Protocol, seed: int = 0, number: int = 0) -> Split:
    """Hold plays out.

    Parameters
    ----------
    listening : Listening
    protocol : Protocol
    seed : int
        The same seed holds the same plays out.
    number : int
        Which of the splits, from 0 to `SPLITS` - 1. In `cold` no song is held out in two of them.

    Raises
    ------
    TooFewPlaysError
        If fewer than `FEWEST_LISTENERS` listeners, or fewer than `FEWEST_COLD_SONGS` songs, have anything held out.
    """
    if not 0 <= number < SPLITS:
        raise ValueError(f"splits are counted from 0 to {SPLITS - 1}, not {number}")
    return _cold(listening, seed, number) if protocol is Protocol.COLD else _warm(listening, seed, number)


def number_of_splits(listening: Listening, protocol: Protocol) -> int:
    """How many splits differ: one where every play has its time, for then nothing is left to chance."""
    always_the_same = protocol is Protocol.WARM and not np.isnan(listening.first_played).any()
    return 1 if always_the_same else SPLITS


def _cold(listening: Listening, seed: int, number: int) -> Split:
    data = listening.data
    candidates = np.flatnonzero((data.listeners >= RARELY) & data.described)
    n_cold = len(candidates) // HELD_OUT
    if n_cold < FEWEST_COLD_SONGS:
        raise TooFewPlaysError(
            f"{len(candidates)} songs with labels have {RARELY} listeners or more: "
            f"{HELD_OUT * FEWEST_COLD_SONGS} are needed to hold a fifth of them out"
        )
    shuffled = np.random.default_rng([seed, 1]).permutation(candidates)
    held_out = np.zeros(data.n_songs, dtype=bool)
    held_out[shuffled[number * n_cold : (number + 1) * n_cold]] = True
    return _parted(
        listening,
        Protocol.COLD,
        held_out[data.played.indices],
        lambda training: {"cold": held_out, "rare": training.listeners < RARELY},
    )


def _warm(listening: Listening, seed: int, number: int) -> Split:
    played, first_played = listening.data.played, listening.first_played
    rng = np.random.default_rng([seed, 2, number])
    row_of = np.repeat(np.arange(played.shape[0]), np.diff(played.indptr))
    timed = ~np.isnan(first_played)
    # By listener, those with a time before those without, latest first; chance decides between equals.
    order = np.lexsort((rng.random(len(row_of)), -np.where(timed, first_played, 0.0), ~timed, row_of))
    group = 2 * row_of[order] + ~timed[order]
    begins = np.flatnonzero(np.diff(group, prepend=-1))
    sizes = np.diff(np.append(begins, len(group)))
    place = np.arange(len(group)) - np.repeat(begins, sizes)
    # Some have a time and some not: chance alone would hold none out of four of each, so their number is rounded up
    # in the one kind and down in the other, and a fifth of all of them remains.
    wanted = _fifths(sizes, group[begins] // 2)
    out = np.zeros(len(row_of), dtype=bool)
    out[order] = place < np.repeat(wanted, sizes)
    return _parted(
        listening,
        Protocol.WARM,
        out,
        lambda training: {"all": np.ones(training.n_songs, dtype=bool)},
    )


def _fifths(sizes: NDArray[np.intp], listener: NDArray[np.intp]) -> NDArray[np.intp]:
    """A fifth of each listener's songs, rounded down, dealt out to the kinds that the songs are of."""
    up_to = np.cumsum(sizes)
    first = np.flatnonzero(np.diff(listener, prepend=-1))
    before = (up_to - sizes)[first]
    so_far = up_to - np.repeat(before, np.diff(np.append(first, len(sizes))))
    through = so_far // HELD_OUT
    wanted: NDArray[np.intp] = np.diff(through, prepend=0)
    wanted[first] = through[first]
    return wanted


def _parted(
    listening: Listening,
    protocol: Protocol,
    out: NDArray[np.bool_],
    rankings: Callable[[TrainingData], Mapping[str, NDArray[np.bool_]]],
) -> Split:
    """A split that holds the marked plays out."""
    data = listening.data
    # Sessions are the same plays in another order: what is held out of the one must not be learned from the other.
    training = replace(data, played=only_stored(data.played, ~out), sessions=None)
    parts = Split(
        protocol=protocol,
        training=Listening(training, listening.first_played[~out]),
        held_out=only_stored(data.played, out),
        rankings=rankings(training),
        cold=training.listeners == 0,
    )
    if len(parts.listeners) < FEWEST_LISTENERS:
        raise TooFewPlaysError(
            f"{len(parts.listeners)} listeners have played enough songs to hold some of them out: "
            f"{FEWEST_LISTENERS} are needed"
        )
    return parts
