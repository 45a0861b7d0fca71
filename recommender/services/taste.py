"""A listener's feedback, read from the database on every request, so that a rating counts at once."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from django.contrib.auth.models import User
from django.db import connection

from catalog.models import FavouriteSong, NotThis, Nudge, Play, PlayCount, Rating

from ..engine.interface import QUERY_SHARE, ListenerBatch
from ..models import Dial
from ..snapshots.song_label_index import SongLabelIndex

LIKED_FROM = 4
DISLIKED_TO = 2


@dataclass(frozen=True, slots=True)
class Taste:
    """A listener's taste, by primary keys.

    Attributes
    ----------
    starred : list of songs
        4 stars or more, or a favourite without stars; the latest first.
    played : list of songs
        Played, not rated and no favourite, latest play first.
    play_counts : mapping of song to number of plays that were not skipped
    disliked : list of songs
        1 or 2 stars, or refused.
    known : set of songs
        Played (skipped or not), rated, a favourite or refused; these are not recommended.
    nudges : mapping of label to weight
    rated : int
        Number of rated songs.
    last_events : mapping of song to the UTC time of its last rating or play, as sortable text
        Without songs whose time is unknown.
    dial : float
        -1 most familiar, 1 most adventurous.
    """

    starred: list[int]
    played: list[int]
    play_counts: dict[int, int]
    disliked: list[int]
    known: set[int]
    nudges: dict[int, float]
    rated: int
    last_events: dict[int, str] = field(default_factory=dict)
    dial: float = 0.0

    @property
    def liked(self) -> list[int]:
        """The songs that make the profile: starred, then played."""
        return self.starred + self.played

    @property
    def empty(self) -> bool:
        """Whether there is no feedback for a profile."""
        return not (self.liked or self.disliked or self.nudges)

    def as_batch(
        self, index: SongLabelIndex, query: Mapping[int, float] | None = None, query_share: float = QUERY_SHARE
    ) -> ListenerBatch:
        """The taste as a batch of one; `query` maps labels, by primary key, to weights.

        While nothing changes in the taste, each request gets the same batch, which remembers its scores.
        """
        batch = _kept_batch(index, self)
        return batch if query is None else batch.asking(_by_position(query, index), query_share)


_KEPT_NUMBERS = 10_000_000
"""Batches are kept for as many listeners as have so many scores together; each remembers up to four a song (80 MB)."""

_SCORES_A_SONG = 4

_kept: WeakKeyDictionary[SongLabelIndex, OrderedDict[Hashable, ListenerBatch]] = WeakKeyDictionary()
_keeping = threading.Lock()


def _kept_batch(index: SongLabelIndex, taste: Taste) -> ListenerBatch:
    # By all that a batch is made of: what another process has written is in the taste that was read just now.
    key = (
        tuple(taste.liked),
        tuple(taste.disliked),
        tuple(taste.play_counts.items()),
        tuple(taste.nudges.items()),
    )
    with _keeping:
        batches = _kept.setdefault(index, OrderedDict())
        if (found := batches.get(key)) is not None:
            batches.move_to_end(key)
            return found
    batch = ListenerBatch.from_listener(
        len(index.song_ids),
        len(index.label_ids),
        liked=index.songs(taste.liked),
        disliked=index.songs(taste.disliked),
        played=_counts(taste.play_counts, index),
        nudges=_by_position(taste.nudges, index),
    )
    with _keeping:
        batches[key] = batch
        while len(batches) > max(1, _KEPT_NUMBERS // (_SCORES_A_SONG * max(len(index.song_ids), 1))):
            batches.popitem(last=False)
    return batch


# One query instead of seven: Django needs longer to build each than the database to answer it.
_QUERY = f"""
    SELECT 'stars', song_id, CAST(stars AS REAL), rated_at FROM {Rating._meta.db_table} WHERE user_id = %s
    UNION ALL
    SELECT 'favourite', song_id, NULL, since FROM {FavouriteSong._meta.db_table} WHERE user_id = %s
    UNION ALL
    SELECT 'played', song_id, CAST(count AS REAL), last_played FROM {PlayCount._meta.db_table}
    WHERE user_id = %s AND count > 0
    UNION ALL
    SELECT 'skipped', song_id, NULL, NULL FROM {Play._meta.db_table} WHERE user_id = %s AND skipped
    UNION ALL
    SELECT 'refused', song_id, NULL, NULL FROM {NotThis._meta.db_table} WHERE user_id = %s
    UNION ALL
    SELECT 'nudge', label_id, weight, NULL FROM {Nudge._meta.db_table} WHERE user_id = %s
    UNION ALL
    SELECT 'dial', 0, CAST(position AS REAL), NULL FROM {Dial._meta.db_table} WHERE user_id = %s
"""  # noqa: S608 (names of tables)


def taste_of(user: User) -> Taste:
    """Read a listener's taste, in one query."""
    rows: defaultdict[str, list[tuple[str, int, float]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [user.pk] * 7)
        for what, pk, value, at in cursor.fetchall():
            rows[what].append((str(at or ""), pk, value))
    for latest_first in (rows["stars"], rows["played"]):
        latest_first.sort(reverse=True)
    stars = {song: given for _, song, given in rows["stars"]}
    # A favourite without stars is liked; with them, the stars say how much.
    favourites = {song: at for at, song, _ in rows["favourite"] if song not in stars}
    liked = [(at, song) for at, song, given in rows["stars"] if given >= LIKED_FROM]
    liked += [(at, song) for song, at in favourites.items()]
    last_events: dict[int, str] = {}
    for at, song, _ in rows["stars"] + rows["favourite"] + rows["played"]:
        if at > last_events.get(song, ""):
            last_events[song] = at
    played: dict[int, int] = {}
    for _, song, count in rows["played"]:
        # PlayCount has a row per origin of plays.
        played[song] = played.get(song, 0) + int(count)
    refused = {song for _, song, _ in rows["refused"]}
    return Taste(
        starred=[song for _, song in sorted(liked, reverse=True)],
        played=[song for song in played if song not in stars and song not in favourites],
        play_counts=played,
        disliked=sorted(refused.union(song for song, given in stars.items() if given <= DISLIKED_TO)),
        known=refused.union(stars, favourites, played, (song for _, song, _ in rows["skipped"])),
        nudges={label: weight for _, label, weight in rows["nudge"]},
        rated=len(stars),
        last_events=last_events,
        dial=next((position / Dial.END for _, _, position in rows["dial"]), 0.0),
    )


def _counts(plays: Mapping[int, int], index: SongLabelIndex) -> dict[int, int]:
    """Play counts by position; songs missing from the index are skipped."""
    positions = index.songs(list(plays))
    return {at: plays[pk] for at, pk in zip(positions.tolist(), index.song_ids[positions].tolist(), strict=True)}


def _by_position(labels: Mapping[int, float], index: SongLabelIndex) -> dict[int, float]:
    """Label weights by position; labels missing from the index are skipped."""
    positions = index.label_positions
    return {positions[pk]: weight for pk, weight in labels.items() if pk in positions}
