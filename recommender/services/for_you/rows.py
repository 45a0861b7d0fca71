"""The rows of For you: chosen by position in the engine's arrays, then resolved to songs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from functools import cached_property, partial
from itertools import chain

import numpy as np
from django.utils import timezone

from catalog.models import PlayCount, Song
from catalog.services.rows import SongRow

from ...engine import adventure
from ...engine.diversity import UNKNOWN_ARTIST, spread_artists
from ...engine.interface import Positions, Vector
from ...engine.ranking import top
from ...snapshots.bundle import ModelBundle
from ..reasons import listed
from ..taste import Taste
from .cold_start import ColdStartDefaults
from .reasons import Explainer, RowReasons, last_heard

ROW = 6
"""Songs in a row."""

MIX = 25
"""Songs of a listener's mix."""

_SPARE = 2
"""Extra songs per row, to replace songs deleted since the snapshot."""

_POOL = 60
"""A row is chosen from so many of the best songs, so that it need not be one artist's."""

_RANKING = 600
"""Length of the ranking that the dial and label rows choose from."""

_KNOWN = 500
"""Similarity to known songs is computed with so many of the latest liked songs."""

_LONG_AGO = timedelta(days=60)
_PLAYED_OFTEN = 3
"""Rediscover lists songs with 4 stars or so many plays, whose last rating or play is so long ago."""

_SEEDS = 2
"""Rows that start from a liked song."""

_FIRST_ROWS = 5
"""Rows of the first response; the others are loaded when they scroll into view."""

_LABEL_ROWS = 2
_FEWEST = 3
"""Rows of one label, and the fewest songs of such a row."""


class RowRange(Enum):
    """Which rows are wanted: the first, those after them, or all."""

    FIRST = auto()
    REST = auto()
    ALL = auto()


@dataclass(frozen=True, slots=True)
class Card:
    """A song in a row, with its reason."""

    song: Song
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """Songs under one title."""

    title: str
    cards: list[Card]


@dataclass(frozen=True, slots=True)
class Mix:
    """The songs that fit a listener best, to be played one after the other, and why these."""

    songs: list[Song]
    why: str


@dataclass(frozen=True, slots=True)
class _DraftRow:
    """A row by positions, with spare songs; `seed` is the song named in the title."""

    title: str
    songs: list[int]
    explain: Explainer
    length: int = ROW
    seed: int | None = None
    unplayed: bool = False


class RowBuilder:
    """Chooses the rows of one page; a song that is in one row is not free for the next.

    Parameters
    ----------
    bundle : ModelBundle
    taste : Taste
    query : mapping of label, by primary key, to weight
    include_unplayable : bool
        Include songs without a file.
    """

    def __init__(self, bundle: ModelBundle, taste: Taste, query: Mapping[int, float], include_unplayable: bool) -> None:
        self.index, self.content, self.popular = bundle.index, bundle.content, bundle.popular
        self.ranker = bundle.labels_and_sound
        self.taste, self.query, self.include_unplayable = taste, query, include_unplayable
        self.rows: list[_DraftRow] = []
        self.mix: list[int] = []
        self.mood_matched, self.more = True, False
        self.free = np.ones_like(self.index.playable) if include_unplayable else self.index.playable.copy()
        self.free &= bundle.may_be_recommended(query)
        self.again = self.free.copy()
        self.free[self.index.songs(list(taste.known))] = False
        self.batch = taste.as_batch(self.index)
        self.direction = self.content.directions(self.batch)[0]
        self.cooccurrence = bundle.cooccurrence
        self.scores = bundle.methods[bundle.best].scores(self.batch)[0]
        self.reasons = RowReasons(bundle, taste, self.batch, self.direction)
        self._similarity_to_known = np.full(len(self.free), np.nan)

    # Choosing rows

    def add_rows(self, row_range: RowRange) -> None:
        """Add the rows of a listener with ratings or plays."""
        first = None
        for add in (
            self._add_mood_row,
            self._add_close_row,
            self._add_rows_like_a_song,
            self._add_different_row,
            self._add_new_row,
            self._add_cooccurrence_row,
            self._add_rediscover_row,
            self._add_label_rows,
            self._add_popular_row,
        ):
            if first is None and len(self.rows) >= _FIRST_ROWS:
                first = len(self.rows)
                if row_range is RowRange.FIRST:
                    self.more = True
                    return
            add()
        if row_range is RowRange.REST:
            # The first rows are chosen too, so that their songs are not free.
            self.rows = self.rows[first:] if first is not None else []

    def add_rows_for_newcomer(self, defaults: ColdStartDefaults, row_range: RowRange) -> None:
        """Add the rows of a listener without ratings and plays, who may have picked labels."""
        if row_range is RowRange.REST:
            return
        self._add_mood_row()
        picked = self.ranker.scores(self.batch)[0]
        self._add("From the labels you picked", picked, self.reasons.apart(self.reasons.profile_or_own_labels))
        self._add_popular_row()
        self._add_new_row()
        for label in defaults.labels[: _LABEL_ROWS + 1]:
            title = f"Labelled {self.reasons.name(label)}"
            explain = self.reasons.apart(self.reasons.label_first(label))
            self._add_ranked(title, defaults.best[label], explain)

    def strongest_labels(self, most: int) -> list[int]:
        """The labels with the largest positive weights in the profile that say something to a listener."""
        direction = np.where(self.index.label_background, 0.0, self.direction)
        strongest = np.argsort(-direction, kind="stable")[:most].tolist()
        return [label for label in strongest if direction[label] > 0]

    def choose_mix(self) -> None:
        """Choose the songs that fit the profile best, liked ones where these are few; all stay free for the rows."""
        scores = self.scores if self.taste.liked else self.ranker.scores(self.batch)[0]
        ranked = self._ranked_with_dial(scores, self.taste.dial)
        if len(ranked) < MIX:
            liked = self.index.songs(self.taste.liked)
            ranked = np.concatenate([ranked, liked[self.again[liked]]])
        self.mix = spread_artists(ranked, self.index.artists, MIX + _SPARE).tolist()

    def _add_close_row(self) -> None:
        self._add("Close to your taste", self.scores, self.reasons.apart(self.reasons.profile_or_own_labels))

    def _add_mood_row(self) -> None:
        if not self.query:
            return
        batch = self.taste.as_batch(self.index, self.query)
        asked = self.index.labels(list(self.query))
        names = [self.reasons.name(label) for label in asked]
        title = f"In the mood for {listed(names)}"
        scores = np.zeros_like(self.scores)
        if self.ranker.tells_apart(batch.query):
            scores = self.ranker.asked(batch, self.scores[np.newaxis])[0]
        explain = self.reasons.apart(self.reasons.asked_first(batch, self.query))
        self.mood_matched = self._add(title, scores, explain, length=2 * ROW)

    def _add_cooccurrence_row(self) -> None:
        if self.cooccurrence is None:
            return
        title = "What people who play your songs also play"
        if self.cooccurrence.over_sessions:
            title = "What is played in one sitting with your songs"
        self._add(title, self.cooccurrence.scores(self.batch)[0], self.reasons.cooccurring_songs)

    def _add_rows_like_a_song(self) -> None:
        """Add a row for each of the last liked songs, of different artists."""
        seeds: dict[int, str] = {}
        artists: set[int] = set()
        for verb, songs in (("liked", self.taste.starred), ("played", self.taste.played)):
            for seed in self.index.songs(songs[:_POOL]).tolist():
                artist = int(self.index.artists[seed])
                if len(seeds) < _SEEDS and artist not in artists and self.ranker.describes(seed):
                    seeds[seed] = verb
                    artists |= {artist} - {UNKNOWN_ARTIST}
        for seed, verb in seeds.items():
            explain = self.reasons.apart(self.reasons.shared_with_song(seed))
            scores = self.batch.remember(self.ranker, ("like", seed), partial(self.ranker.similarities, seed))
            self._add(f"Because you {verb} {{seed}}", scores, explain, seed=seed)

    def _add_new_row(self) -> None:
        """Add unplayed songs: those with the best scores first, then the newest."""
        unplayed = np.flatnonzero(self.free & (self.popular.listeners == 0))
        newest = (1 + unplayed) / len(self.free)
        scores = np.zeros(len(self.free))
        scores[unplayed] = np.maximum(self.scores[unplayed], 0) + 1e-6 * newest
        explain = self.reasons.apart(self.reasons.profile_or_own_labels)
        self._add("New here, nobody has played it yet", scores, explain, unplayed=True)

    def _add_different_row(self) -> None:
        """Add songs that score high but are least similar to known songs, at any position of the dial."""
        self._add("Something different", self.scores, self.reasons.something_different, dial=1.0)

    def _add_rediscover_row(self) -> None:
        """Add liked songs without a recent rating or play: starred songs first, then the longest ago."""
        before = f"{timezone.now() - _LONG_AGO:%Y-%m-%d %H:%M:%S}"
        often = [song for song in self.taste.played if self.taste.play_counts[song] >= _PLAYED_OFTEN]
        candidates = sorted(
            (rank, at, song)
            for rank, songs in enumerate((self.taste.starred, often))
            for song in songs
            if (at := self.taste.last_events.get(song, before)) < before
        )
        last_events: dict[int, str] = {}
        for _, at, song in candidates[:_POOL]:
            for position in self.index.songs([song]).tolist():
                if self.again[position]:
                    last_events[position] = at
        ranked = np.fromiter(last_events, np.intp)
        chosen = spread_artists(ranked, self.index.artists, ROW + _SPARE).tolist()
        if chosen:
            self.rows.append(
                _DraftRow("Rediscover", chosen, lambda songs: [last_heard(last_events[song]) for song in songs])
            )

    def _add_popular_row(self) -> None:
        self._add("Popular here", self.popular.plays.astype(np.float64), self.reasons.popularity, dial=0.0)

    def _add_label_rows(self) -> None:
        """Add a row for each of the strongest labels of the profile: the best-ranked songs with that label."""
        ranking = top(self.scores, _RANKING, among=self.free)
        weights = self.content.weights[ranking].tocsc()
        explain = self.reasons.apart(self.reasons.shared_labels(self.direction))
        for label in self.strongest_labels(_LABEL_ROWS):
            having = np.sort(weights.indices[weights.indptr[label] : weights.indptr[label + 1]])
            self._add_ranked(f"More {self.reasons.name(label)}", ranking[having], explain, fewest=_FEWEST)

    def _add(
        self,
        title: str,
        scores: Vector,
        explain: Explainer,
        *,
        length: int = ROW,
        seed: int | None = None,
        unplayed: bool = False,
        dial: float | None = None,
    ) -> bool:
        """Add the free songs with the highest scores after the dial; False if there are none."""
        ranked = self._ranked_with_dial(scores, self.taste.dial if dial is None else dial)
        return self._add_ranked(title, ranked, explain, length=length, seed=seed, unplayed=unplayed)

    def _ranked_with_dial(self, scores: Vector, dial: float) -> Positions:
        """The free songs that a row is chosen from, best first."""
        if not dial:
            return top(scores, _POOL, among=self.free)
        ranked = top(scores, _RANKING, among=self.free)
        familiarity = adventure.familiarity_ranks(self._similarity_of(ranked), self.popular.listeners[ranked])
        dialled = adventure.apply_dial(scores[ranked], familiarity, dial)
        return ranked[np.argsort(-dialled, kind="stable")][:_POOL]

    def _similarity_of(self, songs: Positions) -> Vector:
        """Similarity of songs to what the listener knows, cached per page."""
        fresh = songs[np.isnan(self._similarity_to_known[songs])]
        self._similarity_to_known[fresh] = self._known_songs.similarity(fresh)
        return self._similarity_to_known[songs]

    @cached_property
    def _known_songs(self) -> adventure.KnownSongs:
        known = self.index.songs(self.taste.liked[:_KNOWN])
        artists = set(self.index.artists[self.index.songs(list(self.taste.known))].tolist())
        return adventure.KnownSongs(self.content.weights, known, self.index.artists, artists - {UNKNOWN_ARTIST})

    def _add_ranked(
        self,
        title: str,
        ranked: Positions,
        explain: Explainer,
        *,
        length: int = ROW,
        seed: int | None = None,
        unplayed: bool = False,
        fewest: int = 1,
    ) -> bool:
        """Add those of the ranked songs that are free; False if there are fewer than `fewest`."""
        chosen = spread_artists(ranked[self.free[ranked]], self.index.artists, length + _SPARE)
        if len(chosen) < fewest:
            return False
        self.free[chosen[:length]] = False
        self.rows.append(_DraftRow(title, chosen.tolist(), explain, length, seed, unplayed))
        return True

    # From positions to songs

    def fetch_songs(self, tries: Sequence[int]) -> dict[int, Song]:
        """The songs of all rows, seeds and `tries` that still exist, by position, in one query."""
        positions = {*tries, *self.mix, *chain.from_iterable(row.songs for row in self.rows)}
        positions |= {row.seed for row in self.rows if row.seed is not None}
        at = np.fromiter(positions, np.intp)
        ids = self.index.song_ids[at].tolist()
        found = Song.objects.in_bulk(ids)
        return {position: found[pk] for position, pk in zip(at.tolist(), ids, strict=True) if pk in found}

    def finished_mix(self, songs: Mapping[int, Song]) -> Mix | None:
        """The mix, without songs that are gone; None where there is too little for one."""
        there = [at for at in self.mix if at in songs and (songs[at].playable or self.include_unplayable)][:MIX]
        if len(there) < _FEWEST:
            return None
        return Mix([songs[at] for at in there], self.reasons.of_many(there))

    def finished(self, songs: Mapping[int, Song]) -> list[Row]:
        """The rows without songs that were deleted, lost their file, or were played since the snapshot."""
        unplayed = [songs[at].pk for row in self.rows if row.unplayed for at in row.songs if at in songs]
        played = (
            set(PlayCount.objects.filter(song__in=unplayed).values_list("song_id", flat=True)) if unplayed else set()
        )
        shown: set[int] = set()
        rows = []
        for row in self.rows:
            there = [
                at
                for at in row.songs
                if at in songs
                and at not in shown
                and (songs[at].playable or self.include_unplayable)
                and not (row.unplayed and songs[at].pk in played)
            ][: row.length]
            shown.update(there)
            seed = songs.get(row.seed) if row.seed is not None else None
            if there and (seed or row.seed is None):
                cards = [Card(songs[at], why) for at, why in zip(there, row.explain(there), strict=True)]
                rows.append(Row(row.title.format(seed=f"“{seed.title}”") if seed else row.title, cards))
        return rows

    def finished_songs_to_try(self, songs: Mapping[int, Song], tries: Sequence[int]) -> list[SongRow]:
        """The songs to try that still exist, with their strongest labels."""
        return [
            SongRow(songs[at], [self.reasons.name(one.label) for one in self.reasons.strongest_labels(at)], None, 0)
            for at in tries
            if at in songs and (songs[at].playable or self.include_unplayable)
        ]
