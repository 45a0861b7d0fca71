"""Two methods side by side, for one listener: what each recommends, on what grounds, and why a song is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from django.contrib.auth.models import User
from django.db.models import QuerySet
from numpy.typing import NDArray

from catalog.models import NotThis, PlayCount, Rating, Song
from catalog.names import title_key
from catalog.search import songs_matching

from . import services, snapshot
from .engine import interface as engine
from .engine.interface import Positions, Tastes, Vector
from .engine.ranking import top
from .services import LabelReason, Recommendation, SongReason
from .snapshot import Recommenders
from .taste import Taste, taste_of

SONGS = 20
"""How many songs a list holds where nobody says otherwise."""

LEFT, RIGHT = "cooccurrence", "content"
"""What is compared where nobody says otherwise."""

_REASONS = 3
_ASKED_FOR = 5
_SPEAKING = 3
_COUNTED = 10
_SMALLEST = 0.0001


class Ground(StrEnum):
    """What a method's scores stand on."""

    LABELS = "labels"
    LISTENERS = "listeners"
    SESSIONS = "sessions"
    PLAYS = "plays"


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much a method's scores stand on.

    Attributes
    ----------
    ground : Ground
    count : int
        So many songs with labels, listeners, sessions, or plays.
    nearest : int
        How many neighbours each song keeps at least; 0 where all are counted.
    loss : float
        Which part of the first 20 is lost by keeping no more.
    """

    ground: Ground
    count: int
    nearest: int = 0
    loss: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry(Recommendation):
    """A song on one side.

    Attributes
    ----------
    listeners : int
        How many people have played it.
    other_rank : int or None
        Where it stands on the other side.
    """

    listeners: int
    other_rank: int | None

    @property
    def unplayed(self) -> bool:
        """Whether nobody has played it."""
        return self.listeners == 0

    @property
    def labels(self) -> list[LabelReason]:
        """The labels that put it there."""
        return [reason for reason in self.reasons if isinstance(reason, LabelReason)]

    @property
    def songs(self) -> list[Song]:
        """The listener's songs that put it there."""
        others = (reason.song for reason in self.reasons if isinstance(reason, SongReason))
        return [song for song in others if song.pk != self.song.pk]

    @property
    def score_said(self) -> str:
        """Its score as people read it: a share with three decimals, plays without any."""
        return f"{self.score:,.0f}" if self.score >= _COUNTED else f"{self.score:.3f}"


@dataclass(frozen=True, slots=True)
class Side:
    """What one method recommends.

    Attributes
    ----------
    method : str
    evidence : Evidence
    entries : list of Entry
        Best first.
    reached : int
        How many of the songs that could be recommended have a score above 0.
    """

    method: str
    evidence: Evidence
    entries: list[Entry]
    reached: int

    @property
    def unplayed(self) -> int:
        """How many of its songs nobody has played."""
        return sum(entry.unplayed for entry in self.entries)

    @property
    def listeners(self) -> list[int]:
        """How many people have played each of its songs."""
        return [entry.listeners for entry in self.entries]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two methods side by side.

    Attributes
    ----------
    listener : User
    left, right : Side
    n : int
        How many songs each side may list.
    candidates : int
        How many songs could be recommended: those that the listener does not know.
    silent_songs : int
        How many songs have no file here.
    """

    listener: User
    left: Side
    right: Side
    n: int
    candidates: int
    silent_songs: int

    @property
    def overlap(self) -> int:
        """How many songs stand on both sides."""
        return sum(entry.other_rank is not None for entry in self.left.entries)


class Why(StrEnum):
    """Why a song is where it is, or nowhere."""

    LISTED = "listed"
    NEW = "new"
    KNOWN = "known"
    NO_FILE = "no file"
    NOBODY_PLAYED_IT = "nobody played it"
    LISTENER_PLAYED_NOTHING = "listener played nothing"
    SHARES_NO_LISTENER = "shares no listener"
    NO_LABEL = "no label"
    NO_TASTE = "no taste"
    LABELS_AGAINST_IT = "labels against it"
    SHARES_NO_LABEL = "shares no label"
    SCORES_TOO_LOW = "scores too low"
    NO_SCORE = "no score"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a song stands in a method's ranking, and why not higher.

    Attributes
    ----------
    method : str
    why : Why
    text : str
        The same in a sentence.
    score : float
    rank : int or None
        None where it is not ranked.
    """

    method: str
    why: Why
    text: str
    score: float
    rank: int | None


@dataclass(frozen=True, slots=True)
class Explained:
    """One song on every side that was asked about."""

    song: Song
    places: list[Place]


class Bench:
    """Where methods are compared for one listener, on what the snapshot knows.

    Parameters
    ----------
    recommenders : Recommenders
    listener : User
    n : int
        How many songs a list holds.
    playable_only : bool
        Only songs with a file here.
    """

    def __init__(
        self, recommenders: Recommenders, listener: User, *, n: int = SONGS, playable_only: bool = False
    ) -> None:
        self.recommenders, self.catalogue = recommenders, recommenders.catalogue
        self.listener, self.n, self.playable_only = listener, n, playable_only
        self._scores: dict[str, Vector] = {}

    @cached_property
    def taste(self) -> Taste:
        """What the listener has said and done."""
        return taste_of(self.listener)

    @cached_property
    def tastes(self) -> Tastes:
        """The same as methods take it."""
        return self.taste.block(self.catalogue)

    @cached_property
    def known(self) -> Positions:
        """The songs that the listener knows."""
        return self.catalogue.songs(list(self.taste.known))

    @cached_property
    def candidates(self) -> NDArray[np.bool_]:
        """Which songs could be recommended, shape (n_songs,)."""
        free = self.catalogue.playable.copy() if self.playable_only else np.ones_like(self.catalogue.playable)
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
            if method not in self.recommenders.methods:
                raise ValueError(f"no method is called {method!r}; there are {', '.join(self.recommenders.methods)}")
            self._scores[method] = self.recommenders.methods[method].scores(self.tastes)[0]
        return self._scores[method]

    def listed(self, method: str) -> list[Recommendation]:
        """What a method recommends: the raw ranking, with reasons."""
        return services.listed(
            self.recommenders,
            self.scores(method),
            self.n,
            leave_out=self.known,
            playable_only=self.playable_only,
            reasons=lambda songs: self.recommenders.methods[method].reasons(self.tastes, songs, _REASONS),
        )

    def compare(self, left: str, right: str) -> Comparison:
        """Two methods side by side.

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
            silent_songs=int(np.count_nonzero(~self.catalogue.playable)),
        )

    def _side(self, method: str, found: Sequence[Recommendation], other: Sequence[Recommendation]) -> Side:
        ranks = {one.song.pk: one.rank for one in other}
        listeners = self.recommenders.popular.listeners
        at = self.catalogue.songs([one.song.pk for one in found])
        return Side(
            method=method,
            evidence=evidence_of(self.recommenders, method),
            entries=[
                Entry(one.rank, one.song, one.score, one.reasons, int(listeners[place]), ranks.get(one.song.pk))
                for one, place in zip(found, at.tolist(), strict=True)
            ],
            reached=int(np.count_nonzero((self.scores(method) > 0) & self.candidates)),
        )

    # Why a song is missing

    def explain(self, songs: Sequence[Song], methods: Sequence[str]) -> list[Explained]:
        """Where songs stand in the rankings of methods, and why not higher.

        Raises
        ------
        ValueError
            If a method is not fitted.
        """
        deeds = self._deeds([song.pk for song in songs])
        return [
            Explained(song, [self._place(song, method, deeds.get(song.pk, "")) for method in methods]) for song in songs
        ]

    def _deeds(self, songs: list[int]) -> dict[int, str]:
        """How the listener knows those of the songs that they know."""
        said = {pk: "skipped" for pk in songs if pk in self.taste.known}
        if said:
            for model, deed in ((PlayCount, "played"), (Rating, "rated"), (NotThis, "refused")):
                found: QuerySet[PlayCount | Rating | NotThis] = model.objects.filter(user=self.listener, song__in=said)
                said |= dict.fromkeys(found.values_list("song_id", flat=True), deed)
        return said

    def _place(self, song: Song, method: str, deed: str) -> Place:
        at = self.catalogue.songs([song.pk])
        if not len(at):
            return Place(
                method, Why.NEW, "It came after the last snapshot, and counts from the next one on.", 0.0, None
            )
        position = int(at[0])
        score = float(self.scores(method)[position])
        if deed:
            return Place(
                method, Why.KNOWN, f"It is known already ({deed}), and only new songs are recommended.", score, None
            )
        if not self.candidates[position]:
            said = "There is no file of it here. With songs without a file in the running, it may come up."
            return Place(method, Why.NO_FILE, said, score, None)
        if score > 0:
            return self._ranked(method, position, score)
        why, text = self._without_score(method, position)
        return Place(method, why, text, score, None)

    def _ranked(self, method: str, position: int, score: float) -> Place:
        scores = self.scores(method)
        before = (scores > score) | ((scores == score) & (np.arange(len(scores)) < position))
        rank = 1 + int(np.count_nonzero(before & self.candidates))
        if rank <= self.n:
            return Place(method, Why.LISTED, f"It is there: number {rank}.", score, rank)
        last = top(scores, self.n, among=self.candidates)[-1]
        said = (
            f"It scores {_said(score)} and is number {rank:,}. "
            f"The list ends with number {self.n}, which scores {_said(float(scores[last]))}."
        )
        return Place(method, Why.SCORES_TOO_LOW, said, score, rank)

    def _without_score(self, method: str, position: int) -> tuple[Why, str]:
        if method == "cooccurrence":
            return self._without_company(position)
        if method == "content":
            return self._without_likeness(position)
        if method == "popular" and not self.recommenders.popular.listeners[position]:
            said = "Nobody has played it, and nothing is known of it by which to predict how many people will."
            return Why.NOBODY_PLAYED_IT, said
        if method == "hybrid":
            return Why.NO_SCORE, "It fits this listener no better than songs do on average, so it is not listed."
        return Why.NO_SCORE, "The method gives it no score above 0."

    def _without_company(self, position: int) -> tuple[Why, str]:
        """Why co-occurrence says nothing of a song."""
        cooccurrence = self.recommenders.cooccurrence
        if cooccurrence is None or not cooccurrence.groups[position]:
            return Why.NOBODY_PLAYED_IT, "Nobody has played it. Co-occurrence cannot see it."
        if not self.tastes.played.nnz:
            return Why.LISTENER_PLAYED_NOTHING, "The listener has played nothing yet that others could have played too."
        if cooccurrence.nearest:
            said = (
                f"It is not near enough to any song that the listener plays: of each song the {cooccurrence.nearest} "
                "nearest are kept, and of all other pairs the strongest."
            )
        elif cooccurrence.over_sessions:
            said = "It was never played in one sitting with a song that the listener plays."
        else:
            said = "Nobody who has played it has played a song that the listener plays."
        return Why.SHARES_NO_LISTENER, said

    def _without_likeness(self, position: int) -> tuple[Why, str]:
        """Why content says nothing for a song."""
        content = self.recommenders.content
        if not content.song(position).any():
            return Why.NO_LABEL, "It has no label yet that tells it from others, so nothing is known of how it sounds."
        direction = content.directions(self.tastes)[0]
        if not direction.any():
            return Why.NO_TASTE, "Nothing is known of the listener's taste yet: no stars, no plays."
        parts = content.parts(direction, np.array([position]), _SPEAKING)[0]
        if against := [part for part in parts if part.weight < 0]:
            return Why.LABELS_AGAINST_IT, f"Its labels speak against it: {self._names(against)}."
        return Why.SHARES_NO_LABEL, "It shares no label with the songs that the listener likes."

    def _names(self, parts: Sequence[engine.LabelReason]) -> str:
        return ", ".join(reason.label for reason in services.named_labels(self.catalogue, parts))


def _said(score: float) -> str:
    """A score above 0 in words."""
    return f"{score:.4f}" if score >= _SMALLEST else f"less than {_SMALLEST}"


def evidence_of(recommenders: Recommenders, method: str) -> Evidence:
    """What a method's scores stand on, and how much of it there is."""
    cooccurrence = recommenders.cooccurrence
    if method == "content":
        return Evidence(Ground.LABELS, int(np.count_nonzero(np.diff(recommenders.content.weights.indptr))))
    if method == "cooccurrence" and cooccurrence is not None:
        ground = Ground.SESSIONS if cooccurrence.over_sessions else Ground.LISTENERS
        return Evidence(ground, cooccurrence.n_groups, cooccurrence.nearest, cooccurrence.loss)
    return Evidence(Ground.PLAYS, int(recommenders.popular.plays.sum()))


def bench(listener: User, *, n: int = SONGS, playable_only: bool = False) -> Bench | None:
    """A bench on the snapshot that counts now; None before the first."""
    recommenders = snapshot.current()
    return None if recommenders is None else Bench(recommenders, listener, n=n, playable_only=playable_only)


def songs_called(text: str) -> list[Song]:
    """The songs that a title, or a part of one, may mean: those called exactly so, else those with its words."""
    if not (key := title_key(text)):
        return []
    by_age = Song.objects.order_by("title_key", "pk")
    return list(by_age.filter(title_key=key)[:_ASKED_FOR]) or list(songs_matching(by_age, text)[:_ASKED_FOR])
