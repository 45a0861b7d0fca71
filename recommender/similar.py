"""Songs like a song: by how they sound, by who plays them, and by both."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from catalog.models import Song

from . import services, snapshot
from .engine.interface import Positions, SongSimilarity
from .engine.ranking import fused, top
from .services import Recommendation
from .snapshot import Recommenders

_POOL = 500
"""So many of the most alike songs by sound, and by listeners, are in the running by both."""


class By(StrEnum):
    """What makes songs alike."""

    SOUND = "sound"
    LISTENERS = "listeners"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Alike(Recommendation):
    """A song like another; its reasons are the labels that both have.

    Attributes
    ----------
    shared : int
        How many listeners, or sittings where listeners are few, have played both.
    sound_rank, listeners_rank : int or None
        Where it stands by sound, and by listeners.
    """

    shared: int
    sound_rank: int | None
    listeners_rank: int | None


@dataclass(frozen=True, slots=True)
class Similar:
    """Songs like a song, most alike first.

    Attributes
    ----------
    by : By
    songs : list of Alike
    heard : bool
        Whether likeness by sound is that of what a network hears; else it is that of labels.
    over_sessions : bool
        Whether likeness by listeners counts sittings in the place of listeners.
    """

    by: By
    songs: list[Alike]
    heard: bool
    over_sessions: bool

    @classmethod
    def none(cls, by: By) -> Self:
        """No songs, as before a song is in a snapshot."""
        return cls(by, [], heard=False, over_sessions=False)


def similar(song: Song, by: By = By.SOUND, n: int = 10, *, playable_only: bool = False) -> Similar:
    """Songs like a song; none before the song is in a snapshot."""
    likeness = likeness_of(song, playable_only=playable_only)
    return likeness.by(by, n) if likeness else Similar.none(by)


def likeness_of(song: Song, *, playable_only: bool = False) -> Likeness | None:
    """How alike all songs are to a song; None before it is in a snapshot."""
    recommenders = snapshot.current()
    if recommenders is None or not len(at := recommenders.catalogue.songs([song.pk])):
        return None
    return Likeness(recommenders, int(at[0]), playable_only=playable_only)


class Likeness:
    """How alike all songs are to one.

    By sound: the cosine of their embeddings where the song has one, else of their label weights. By listeners: the
    Jaccard index of those who have played them. By both: the two rankings, fused.

    Parameters
    ----------
    recommenders : Recommenders
    song : int
        Its position.
    playable_only : bool
        Only songs with a file here.
    """

    def __init__(self, recommenders: Recommenders, song: int, *, playable_only: bool) -> None:
        self._recommenders, self._song, self._playable_only = recommenders, song, playable_only
        self._among = self._others()
        sound, cooccurrence = recommenders.sound, recommenders.cooccurrence
        self._heard = sound is not None and sound.knows(song)
        by_sound: SongSimilarity = sound if sound and self._heard else recommenders.content
        self._sound = by_sound.similar(song)
        self._company = cooccurrence.similar(song) if cooccurrence else np.zeros(len(self._among))
        self._by_sound, self._by_listeners = (
            top(likeness, _POOL, among=self._among) for likeness in (self._sound, self._company)
        )
        self._sound_ranks, self._listeners_ranks = (
            {song: rank for rank, song in enumerate(ranked.tolist(), start=1)}
            for ranked in (self._by_sound, self._by_listeners)
        )

    @property
    def rankings(self) -> tuple[Positions, Positions]:
        """The most alike songs by sound, and by listeners."""
        return self._by_sound, self._by_listeners

    def by(self, by: By, n: int) -> Similar:
        """The n most alike songs."""
        if by is By.BOTH:
            scores = fused([self._by_sound, self._by_listeners], len(self._among))
        else:
            scores = self._sound if by is By.SOUND else self._company
        found = services.listed(
            self._recommenders,
            scores,
            n,
            leave_out=np.array([self._song]),
            playable_only=self._playable_only,
            reasons=lambda songs: self._recommenders.content.similar_reasons(self._song, songs, services.REASONS),
        )
        at = self._recommenders.catalogue.songs([one.song.pk for one in found])
        shared = self._shared(at)
        cooccurrence = self._recommenders.cooccurrence
        return Similar(
            by,
            [
                Alike(
                    one.rank,
                    one.song,
                    one.score,
                    one.reasons,
                    shared=int(together),
                    sound_rank=self._sound_ranks.get(place),
                    listeners_rank=self._listeners_ranks.get(place),
                )
                for one, place, together in zip(found, at.tolist(), shared, strict=True)
            ],
            heard=self._heard,
            over_sessions=cooccurrence is not None and cooccurrence.over_sessions,
        )

    def _others(self) -> NDArray[np.bool_]:
        playable = self._recommenders.catalogue.playable
        among = playable.copy() if self._playable_only else np.ones_like(playable)
        among[self._song] = False
        return among

    def _shared(self, songs: Positions) -> NDArray[np.int64]:
        """In how many groups each of the songs was played with this one."""
        cooccurrence = self._recommenders.cooccurrence
        if cooccurrence is None:
            return np.zeros(len(songs), dtype=np.int64)
        # J = both / (one + other - both), solved for both.
        jaccard, either = self._company[songs], cooccurrence.groups[self._song] + cooccurrence.groups[songs]
        together: NDArray[np.int64] = np.rint(jaccard * either / (1 + jaccard)).astype(np.int64)
        return together
