"""Similar songs: by embedding, by listeners, and by both."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from catalog.models import Song

from ..engine.interface import Positions, SongSimilarity, Vector
from ..engine.ranking import fused, top
from ..snapshots import current
from ..snapshots.bundle import ModelBundle
from . import reasons, recommending
from .recommending import Recommendation

_POOL = 500
"""Length of the two rankings that are fused."""


class By(StrEnum):
    """The kind of similarity."""

    SOUND = "sound"
    LISTENERS = "listeners"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class SimilarSong(Recommendation):
    """A similar song; its reasons are shared labels.

    Attributes
    ----------
    shared : int
        Number of common listeners (or sessions).
    sound_rank, listeners_rank : int or None
        Rank by sound, and by listeners.
    """

    shared: int
    sound_rank: int | None
    listeners_rank: int | None


@dataclass(frozen=True, slots=True)
class SimilarSongs:
    """Songs similar to a song, most similar first.

    Attributes
    ----------
    by : By
    songs : list of SimilarSong
    by_embedding : bool
        Whether similarity by sound uses embeddings; otherwise labels.
    over_sessions : bool
        Whether similarity by listeners counts sessions instead of listeners.
    """

    by: By
    songs: list[SimilarSong]
    by_embedding: bool
    over_sessions: bool

    @classmethod
    def none(cls, by: By) -> Self:
        """No songs, for a song that is not in the snapshot yet."""
        return cls(by, [], by_embedding=False, over_sessions=False)


def similar_songs(song: Song, by: By = By.SOUND, n: int = 10, *, playable_only: bool = False) -> SimilarSongs:
    """The n most similar songs; none for a song that is not in the snapshot yet."""
    similarity = similarity_of(song, playable_only=playable_only)
    return similarity.by(by, n) if similarity else SimilarSongs.none(by)


def similarity_of(song: Song, *, playable_only: bool = False) -> SongSimilarities | None:
    """Similarities to a song; None for a song that is not in the snapshot yet."""
    bundle = current.bundle()
    if bundle is None or not len(at := bundle.index.songs([song.pk])):
        return None
    return SongSimilarities(bundle, int(at[0]), playable_only=playable_only)


class SongSimilarities:
    """Similarities of all songs to one.

    By sound: cosine of embeddings, or of label weights if the song has no embedding. By listeners: Jaccard index. By
    both: reciprocal rank fusion of the two rankings.

    Parameters
    ----------
    bundle : ModelBundle
    song : int
        Position of the song.
    playable_only : bool
        Only songs with a file.
    """

    def __init__(self, bundle: ModelBundle, song: int, *, playable_only: bool) -> None:
        self._bundle, self._song, self._playable_only = bundle, song, playable_only
        self._candidates = self._other_songs()
        sound, cooccurrence = bundle.sound, bundle.cooccurrence
        self._by_embedding = sound is not None and sound.knows(song)
        by_sound: SongSimilarity = sound if sound and self._by_embedding else bundle.content
        self._sound = by_sound.similarities(song)
        self._jaccard = cooccurrence.similarities(song) if cooccurrence else np.zeros(len(self._candidates))
        self._by_sound, self._by_listeners = (
            top(similarity, _POOL, among=self._candidates) for similarity in (self._sound, self._jaccard)
        )
        self._sound_ranks, self._listeners_ranks = (
            {song: rank for rank, song in enumerate(ranked.tolist(), start=1)}
            for ranked in (self._by_sound, self._by_listeners)
        )

    @property
    def sound(self) -> Vector:
        """Similarity by sound of all songs, shape (n_songs,)."""
        return self._sound

    @property
    def rankings(self) -> tuple[Positions, Positions]:
        """The rankings by sound, and by listeners."""
        return self._by_sound, self._by_listeners

    def by(self, by: By, n: int) -> SimilarSongs:
        """The n most similar songs."""
        if by is By.BOTH:
            scores = fused([self._by_sound, self._by_listeners], len(self._candidates))
        else:
            scores = self._sound if by is By.SOUND else self._jaccard
        found = recommending.listed(
            self._bundle,
            np.where(self._candidates, scores, 0.0),
            n,
            leave_out=np.array([self._song]),
            playable_only=self._playable_only,
            reasons=lambda songs: self._bundle.content.explain_similarity(self._song, songs, reasons.REASONS),
        )
        at = self._bundle.index.songs([one.song.pk for one in found])
        shared = self._groups_in_common(at)
        cooccurrence = self._bundle.cooccurrence
        return SimilarSongs(
            by,
            [
                SimilarSong(
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
            by_embedding=self._by_embedding,
            over_sessions=cooccurrence is not None and cooccurrence.over_sessions,
        )

    def _other_songs(self) -> NDArray[np.bool_]:
        playable = self._bundle.index.playable
        among = self._bundle.like_song(self._song) & (playable if self._playable_only else True)
        among[self._song] = False
        return among

    def _groups_in_common(self, songs: Positions) -> NDArray[np.int64]:
        """Number of groups (listeners or sessions) that each song has in common with this one."""
        cooccurrence = self._bundle.cooccurrence
        if cooccurrence is None:
            return np.zeros(len(songs), dtype=np.int64)
        # J = both / (one + other - both), solved for both.
        jaccard, either = self._jaccard[songs], cooccurrence.groups[self._song] + cooccurrence.groups[songs]
        together: NDArray[np.int64] = np.rint(jaccard * either / (1 + jaccard)).astype(np.int64)
        return together
