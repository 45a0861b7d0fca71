"""Compares two methods for one listener: their lists, and the data that their scores are based on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
from django.contrib.auth.models import User
from numpy.typing import NDArray

from catalog.models import Song
from catalog.names import title_key
from catalog.search import songs_matching

from ..engine.interface import ListenerBatch, Positions, Vector
from ..snapshots import current
from ..snapshots.bundle import ModelBundle
from . import recommending
from .reasons import LabelReason, SongReason, told
from .recommending import Recommendation
from .taste import Taste, taste_of

SONGS = 20
"""Default length of a list."""

LEFT, RIGHT = "cooccurrence", "content"
"""The methods compared by default."""

_REASONS = 3
_ASKED_FOR = 5
_COUNTED = 10


class Ground(StrEnum):
    """The kind of data a method's scores are based on."""

    LABELS = "labels"
    DESCRIBED = "described"
    LISTENERS = "listeners"
    SESSIONS = "sessions"
    PLAYS = "plays"


@dataclass(frozen=True, slots=True)
class MethodBasis:
    """The amount of data a method's scores are based on.

    Attributes
    ----------
    ground : Ground
    count : int
        Number of labelled songs, of songs with labels or an embedding, listeners, sessions, or plays.
    nearest : int
        Neighbours kept per song at least; 0 if all are kept.
    loss : float
        Share of the exact first 20 that is lost by truncation.
    """

    ground: Ground
    count: int
    nearest: int = 0
    loss: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry(Recommendation):
    """A song in one method's list.

    Attributes
    ----------
    listeners : int
        Number of listeners of the song.
    other_rank : int or None
        Rank in the other list.
    """

    listeners: int
    other_rank: int | None

    @property
    def unplayed(self) -> bool:
        """Whether the song has no listeners."""
        return self.listeners == 0

    @property
    def labels(self) -> list[LabelReason]:
        """The label reasons that say something to a listener."""
        return told(reason for reason in self.reasons if isinstance(reason, LabelReason))

    @property
    def songs(self) -> list[Song]:
        """The songs of the song reasons, without the song itself."""
        others = (reason.song for reason in self.reasons if isinstance(reason, SongReason))
        return [song for song in others if song.pk != self.song.pk]

    @property
    def score_text(self) -> str:
        """The score as text: counts without decimals, others with three."""
        return f"{self.score:,.0f}" if self.score >= _COUNTED else f"{self.score:.3f}"


@dataclass(frozen=True, slots=True)
class Side:
    """The list of one method.

    Attributes
    ----------
    method : str
    evidence : MethodBasis
    entries : list of Entry
        Best first.
    reached : int
        Number of candidates with a score above 0.
    """

    method: str
    evidence: MethodBasis
    entries: list[Entry]
    reached: int

    @property
    def unplayed(self) -> int:
        """Number of listed songs without listeners."""
        return sum(entry.unplayed for entry in self.entries)

    @property
    def listeners(self) -> list[int]:
        """Number of listeners of each listed song."""
        return [entry.listeners for entry in self.entries]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two methods compared.

    Attributes
    ----------
    listener : User
    left, right : Side
    n : int
        Length of each list.
    candidates : int
        Number of songs that the listener does not know.
    silent_songs : int
        Number of songs without a file.
    stars_as_plays : bool
        Whether the listener's liked songs count as played, because no play is known.
    """

    listener: User
    left: Side
    right: Side
    n: int
    candidates: int
    silent_songs: int
    stars_as_plays: bool = False

    @property
    def overlap(self) -> int:
        """Number of songs in both lists."""
        return sum(entry.other_rank is not None for entry in self.left.entries)

    @property
    def listed(self) -> int:
        """Number of songs in the longer list: no more of them can be in both."""
        return max(len(self.left.entries), len(self.right.entries))

    @property
    def tells_unplayed(self) -> bool:
        """Whether it says something of a song that nobody has played it: not where that holds for all of them."""
        return any(not entry.unplayed for side in (self.left, self.right) for entry in side.entries)


class Comparator:
    """Scores, candidates and lists of all methods for one listener, on one snapshot.

    Parameters
    ----------
    bundle : ModelBundle
    listener : User
    n : int
        Length of a list.
    playable_only : bool
        Only songs with a file here.
    """

    def __init__(self, bundle: ModelBundle, listener: User, *, n: int = SONGS, playable_only: bool = False) -> None:
        self.bundle, self.index = bundle, bundle.index
        self.listener, self.n, self.playable_only = listener, n, playable_only
        self._scores: dict[str, Vector] = {}

    @cached_property
    def taste(self) -> Taste:
        """The listener's taste."""
        return taste_of(self.listener)

    @cached_property
    def stars_as_plays(self) -> bool:
        """Whether liked songs count as played, because no play of the listener is known."""
        return bool(self.taste.starred) and not self.taste.play_counts

    @cached_property
    def batch(self) -> ListenerBatch:
        """The taste as arrays."""
        if self.stars_as_plays:
            return replace(self.taste, play_counts=dict.fromkeys(self.taste.starred, 1)).as_batch(self.index)
        return self.taste.as_batch(self.index)

    @cached_property
    def known(self) -> Positions:
        """Positions of the songs known to the listener."""
        return self.index.songs(list(self.taste.known))

    @cached_property
    def candidates(self) -> NDArray[np.bool_]:
        """Mask of the songs that may be recommended, shape (n_songs,)."""
        free = self.index.playable.copy() if self.playable_only else np.ones_like(self.index.playable)
        free[self.known] = False
        return free

    def scores(self, method: str) -> Vector:
        """A method's scores of all songs.

        Raises
        ------
        ValueError
            If the method is not fitted.
        """
        if method not in self._scores:
            if method not in self.bundle.methods:
                raise ValueError(f"no method is called {method!r}; there are {', '.join(self.bundle.methods)}")
            self._scores[method] = self.bundle.methods[method].scores(self.batch)[0]
        return self._scores[method]

    def listed(self, method: str) -> list[Recommendation]:
        """The raw ranking of a method, with reasons."""
        return recommending.listed(
            self.bundle,
            self.scores(method),
            self.n,
            leave_out=self.known,
            playable_only=self.playable_only,
            reasons=lambda songs: self.bundle.methods[method].explain(self.batch, songs, _REASONS),
        )

    def compare(self, left: str, right: str) -> Comparison:
        """Compare two methods.

        Raises
        ------
        ValueError
            If one of them is not fitted.
        """
        lists = {method: self.listed(method) for method in dict.fromkeys((left, right))}
        return Comparison(
            listener=self.listener,
            left=self._side(left, lists[left], lists[right]),
            right=self._side(right, lists[right], lists[left]),
            n=self.n,
            candidates=int(np.count_nonzero(self.candidates)),
            silent_songs=int(np.count_nonzero(~self.index.playable)),
            stars_as_plays=self.stars_as_plays,
        )

    def _side(self, method: str, found: Sequence[Recommendation], other: Sequence[Recommendation]) -> Side:
        ranks = {one.song.pk: one.rank for one in other}
        listeners = self.bundle.popular.listeners
        at = self.index.songs([one.song.pk for one in found])
        return Side(
            method=method,
            evidence=basis_of(self.bundle, method),
            entries=[
                Entry(one.rank, one.song, one.score, one.reasons, int(listeners[place]), ranks.get(one.song.pk))
                for one, place in zip(found, at.tolist(), strict=True)
            ],
            reached=int(np.count_nonzero((self.scores(method) > 0) & self.candidates)),
        )


def basis_of(bundle: ModelBundle, method: str) -> MethodBasis:
    """The data that a method's scores are based on."""
    cooccurrence = bundle.cooccurrence
    if method == "labels_and_sound":
        return MethodBasis(Ground.DESCRIBED, bundle.labels_and_sound.n_described)
    if method == "content":
        return MethodBasis(Ground.LABELS, int(np.count_nonzero(np.diff(bundle.content.weights.indptr))))
    if method == "cooccurrence" and cooccurrence is not None:
        ground = Ground.SESSIONS if cooccurrence.over_sessions else Ground.LISTENERS
        return MethodBasis(ground, cooccurrence.n_groups, cooccurrence.nearest, cooccurrence.loss)
    return MethodBasis(Ground.PLAYS, int(bundle.popular.plays.sum()))


def comparator(listener: User, *, n: int = SONGS, playable_only: bool = False) -> Comparator | None:
    """A comparator on the current snapshot; None before the first snapshot."""
    bundle = current.bundle()
    return None if bundle is None else Comparator(bundle, listener, n=n, playable_only=playable_only)


def songs_titled(text: str) -> list[Song]:
    """Songs with exactly this title, else songs that match its words."""
    if not (key := title_key(text)):
        return []
    by_age = Song.objects.order_by("title_key", "pk")
    return list(by_age.filter(title_key=key)[:_ASKED_FOR]) or list(songs_matching(by_age, text)[:_ASKED_FOR])
