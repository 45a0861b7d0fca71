"""What a listener has said and done, read when it is asked for: a rating counts at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db import connection

from catalog.models import NotThis, Nudge, Play, PlayCount, Rating

from .engine.interface import QUERY_SHARE, Tastes
from .evidence import Catalogue
from .models import Dial

LIKED_FROM = 4
DISLIKED_TO = 2


@dataclass(frozen=True, slots=True)
class Taste:
    """A listener's taste, by primary keys.

    Attributes
    ----------
    starred : list of songs
        4 stars or more, what was rated last first.
    played : list of songs
        Played without skipping and not rated, what was played last first.
    play_counts : mapping of song to how often it was played without skipping
    disliked : list of songs
        1 or 2 stars, or refused.
    known : set of songs
        Played (skipped or not), rated or refused: these are not recommended.
    nudges : mapping of label to weight
    rated : int
        How many songs the listener has rated.
    last_met : mapping of song to the moment it was last rated or played, as text that sorts by time
        In UTC; without the songs of which no moment is known.
    dial : float
        -1 where For you is turned to the most familiar, 1 to the most adventurous.
    """

    starred: list[int]
    played: list[int]
    play_counts: dict[int, int]
    disliked: list[int]
    known: set[int]
    nudges: dict[int, float]
    rated: int
    last_met: dict[int, str] = field(default_factory=dict)
    dial: float = 0.0

    @property
    def liked(self) -> list[int]:
        """The songs that make the profile: those with many stars, then those played."""
        return self.starred + self.played

    @property
    def empty(self) -> bool:
        """Whether the listener has said nothing yet that a profile could be made of."""
        return not (self.liked or self.disliked or self.nudges)

    def block(
        self, catalogue: Catalogue, query: Mapping[int, float] | None = None, query_share: float = QUERY_SHARE
    ) -> Tastes:
        """The taste as recommenders take it; `query` is a mapping of label, by primary key, to weight."""
        return Tastes.of_one(
            len(catalogue.song_ids),
            len(catalogue.label_ids),
            liked=catalogue.songs(self.liked),
            disliked=catalogue.songs(self.disliked),
            played=_counts(self.play_counts, catalogue),
            nudges=_by_position(self.nudges, catalogue),
            query=None if query is None else _by_position(query, catalogue),
            query_share=query_share,
        )


# One question in place of five: making each of them takes Django longer than answering takes the database.
_SAID = f"""
    SELECT 'stars', song_id, CAST(stars AS REAL), rated_at FROM {Rating._meta.db_table} WHERE user_id = %s
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
    """Everything that a listener has said and done, in one query."""
    said: defaultdict[str, list[tuple[str, int, float]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_SAID, [user.pk] * 6)
        for what, pk, value, at in cursor.fetchall():
            said[what].append((str(at or ""), pk, value))
    for latest_first in (said["stars"], said["played"]):
        latest_first.sort(reverse=True)
    stars = {song: given for _, song, given in said["stars"]}
    last_met: dict[int, str] = {}
    for at, song, _ in said["stars"] + said["played"]:
        if at > last_met.get(song, ""):
            last_met[song] = at
    played: dict[int, int] = {}
    for _, song, count in said["played"]:
        # One count for each of the places that plays come from.
        played[song] = played.get(song, 0) + int(count)
    refused = {song for _, song, _ in said["refused"]}
    return Taste(
        starred=[song for song, given in stars.items() if given >= LIKED_FROM],
        played=[song for song in played if song not in stars],
        play_counts=played,
        disliked=sorted(refused.union(song for song, given in stars.items() if given <= DISLIKED_TO)),
        known=refused.union(stars, played, (song for _, song, _ in said["skipped"])),
        nudges={label: weight for _, label, weight in said["nudge"]},
        rated=len(stars),
        last_met=last_met,
        dial=next((position / Dial.END for _, _, position in said["dial"]), 0.0),
    )


def _counts(plays: Mapping[int, int], catalogue: Catalogue) -> dict[int, int]:
    """How often songs were played, by position; a song that came after the catalogue was read is passed over."""
    positions = catalogue.songs(list(plays))
    return {at: plays[pk] for at, pk in zip(positions.tolist(), catalogue.song_ids[positions].tolist(), strict=True)}


def _by_position(labels: Mapping[int, float], catalogue: Catalogue) -> dict[int, float]:
    """Label weights by position; a label that came after the catalogue was read weighs nothing yet."""
    positions = catalogue.label_positions
    return {positions[pk]: weight for pk, weight in labels.items() if pk in positions}
