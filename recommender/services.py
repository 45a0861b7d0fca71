"""Recommendations and how a song fits a listener: where the engine and the database meet."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db.models import prefetch_related_objects

from catalog.models import Label, LabelAlias, Song
from catalog.names import label_key

from . import snapshot
from .engine import interface as engine
from .engine.methods import METHODS
from .engine.ranking import top
from .evidence import Catalogue
from .snapshot import Recommenders
from .taste import taste_of

REASONS = 5
"""How many reasons a recommendation carries at most."""

_WORDS = 3


ASKABLE = ["content", "hybrid"]
"""The methods that hear what labels are asked for."""


class UnknownLabelError(ValueError):
    """Somebody asked for a label that is not there; the message names the closest ones."""


@dataclass(frozen=True, slots=True)
class LabelReason:
    """A label that put a song where it is, with its part of the score; below 0, against it."""

    label: str
    weight: float
    asked: bool = False
    """Whether the label was asked for, and does not come from the listener's profile alone."""


@dataclass(frozen=True, slots=True)
class SongReason:
    """A song that put another where it is."""

    song: Song
    weight: float


Reason = LabelReason | SongReason


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A song, where it stands and why."""

    rank: int
    song: Song
    score: float
    reasons: list[Reason]

    @property
    def words(self) -> str:
        """The labels that speak for the song, in a few words; those that were asked for first."""
        return in_words(self.reasons)

    def as_json(self) -> dict[str, Any]:
        """The recommendation as `recommend --format json` writes it; a song is its external id, or its primary key."""
        return {
            "rank": self.rank,
            "song": _name_elsewhere(self.song),
            "title": self.song.title,
            "artist": self.song.artist,
            "score": self.score,
            "reasons": [
                {"label": reason.label, "weight": reason.weight}
                if isinstance(reason, LabelReason)
                else {"song": _name_elsewhere(reason.song), "title": reason.song.title, "weight": reason.weight}
                for reason in self.reasons
            ],
        }


@dataclass(frozen=True, slots=True)
class Fit:
    """How a song fits a listener.

    Attributes
    ----------
    score : float
        The cosine with the listener's profile, -1 to 1.
    labels : list
        The labels that decide most; none where listener and song share no label.
    unknown : str
        `listener` or `song` where there is nothing to compare on that side, else empty.
    """

    score: float
    labels: list[FitLabel]
    unknown: str = ""

    @property
    def of_100(self) -> int:
        """The score on a scale that people read: 0 for no fit or worse."""
        return max(0, round(100 * self.score))


@dataclass(frozen=True, slots=True)
class FitLabel:
    """What one label does for a fit, and how many of the listener's songs it comes from."""

    label: str
    weight: float
    liked: int
    disliked: int
    nudge: float

    @property
    def against(self) -> bool:
        """Whether it speaks against the song."""
        return self.weight < 0

    @property
    def said(self) -> str:
        """Where it comes from, in words."""
        if self.against and self.disliked:
            return f"from {counted(self.disliked, 'song')} you did not like"
        if not self.against and self.liked:
            return f"from {counted(self.liked, 'song')} you liked"
        return "you want less of it" if self.against else "you want more of it"


def counted(number: int, what: str) -> str:
    """A number of things, in words: `1 song`, `1,200 songs`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _name_elsewhere(song: Song) -> str | int:
    return song.external_id or song.pk


def fetch_names_elsewhere(found: Iterable[Recommendation]) -> None:
    """Have the names at hand that the songs are known by elsewhere: no page shows them, and they are a query more."""
    songs = [song for one in found for song in (one.song, *_songs_of(one.reasons))]
    prefetch_related_objects(songs, "identifiers")


def _songs_of(reasons: Iterable[Reason]) -> list[Song]:
    return [reason.song for reason in reasons if isinstance(reason, SongReason)]


def in_words(reasons: Iterable[Reason]) -> str:
    """The strongest labels that speak for a song, those asked for before those of the profile."""
    speaking = [reason for reason in reasons if isinstance(reason, LabelReason) and reason.weight > 0]
    asked = [reason.label for reason in speaking if reason.asked]
    own = [reason.label for reason in speaking if not reason.asked]
    if not asked:
        return ", ".join(own[:_WORDS])
    return ", ".join(asked[:_WORDS]) + (f" + {own[0]} (yours)" if own else "")


# --- Labels that are asked for ------------------------------------------------------------------


def find_labels(names: Iterable[str]) -> dict[str, Label]:
    """The labels of these names or aliases, by name as it was given; unknown names are left out."""
    keys = {}
    for name in names:
        try:
            keys[name] = label_key(name)
        except ValueError:
            continue
    found = Label.objects.in_bulk(set(keys.values()), field_name="key")
    for alias in LabelAlias.objects.filter(key__in=set(keys.values()) - set(found)).select_related("label"):
        found[alias.key] = alias.label
    return {name: found[key] for name, key in keys.items() if key in found}


def query_of(weights: Mapping[str, float]) -> dict[int, float]:
    """A query of label names as one of primary keys.

    Raises
    ------
    UnknownLabelError
        If a name is neither a label's nor an alias's.
    ValueError
        If a weight is not a number.
    """
    if bad := [name for name, weight in weights.items() if not math.isfinite(weight)]:
        raise ValueError(f"the weight of {bad[0]} is not a number")
    labels = find_labels(weights)
    if unknown := [name for name in weights if name not in labels]:
        said = [no_such_label(name) for name in unknown[:_WORDS]]
        more = len(unknown) - len(said)
        raise UnknownLabelError("; ".join(said + ([f"and {more} more are not there"] if more else [])))
    query: dict[int, float] = {}
    for name, weight in weights.items():
        pk = labels[name].pk
        query[pk] = query.get(pk, 0.0) + weight
    return query


def no_such_label(name: str) -> str:
    """What to say of a name that is no label's: that it is not there, and which are the closest."""
    names = {key: name for name, key in Label.objects.values_list("name", "key")}
    names |= {key: name for name, key in LabelAlias.objects.values_list("name", "key")}
    wanted = " ".join(name.casefold().split())
    close = [names[key] for key in get_close_matches(wanted, names, n=3, cutoff=0.5)]
    if not names:
        return f"no label is called {name!r}: no song has a label yet"
    return f"no label is called {name!r}" + (f"; the closest are {', '.join(close)}" if close else "")


# --- Recommending -------------------------------------------------------------------------------


def methods() -> list[str]:
    """The methods of recommending that are fitted now."""
    recommenders = snapshot.current()
    return list(recommenders.methods) if recommenders else []


def recommend(
    user: User,
    method: str | None = None,
    *,
    query: Mapping[str, float] | None = None,
    query_share: float = engine.QUERY_SHARE,
    n: int = 20,
    playable_only: bool = False,
) -> list[Recommendation]:
    """The raw ranking: the songs that a method scores highest for a listener, without those the listener knows.

    Parameters
    ----------
    method : str, optional
        One of `methods()`; the best that is fitted where none is named.
    query : mapping of label name to weight, optional
        What the listener wants now, in any spelling or alias.
    query_share : float
        What the query counts beside the profile, 0 to 1; all, with an empty profile.
    n : int
        How many at most.
    playable_only : bool
        Only songs with a file here.

    Raises
    ------
    UnknownLabelError
        If the query names a label that is not there.
    ValueError
        If the method is not fitted or knows no query, or a weight is not a number.
    """
    asked = query_of(query) if query else None
    recommenders = snapshot.current()
    if recommenders is None:
        return []
    name = method or recommenders.best
    if name not in recommenders.methods:
        raise ValueError(f"{_why_not_fitted(name)}; there are {', '.join(recommenders.methods)}")
    if asked and name not in ASKABLE:
        raise ValueError(f"{name} is the same in every mood: labels go with the method {' or '.join(ASKABLE)}")
    taste = taste_of(user)
    catalogue = recommenders.catalogue
    tastes = taste.block(catalogue, asked, query_share)
    recommender = recommenders.methods[name]
    # Of more than are shown: what was asked for must not be hidden by the profile, nor the profile by it.
    most = 4 * REASONS if asked else REASONS
    found = listed(
        recommenders,
        recommender.scores(tastes)[0],
        n,
        leave_out=catalogue.songs(list(taste.known)),
        playable_only=playable_only,
        reasons=lambda songs: recommender.reasons(tastes, songs, most),
        asked=more_asked_than_liked(recommenders, tastes, asked) if asked else (),
    )
    return [replace(one, reasons=of_both(one.reasons)) for one in found]


def more_asked_than_liked(recommenders: Recommenders, tastes: engine.Tastes, asked: Collection[int]) -> set[int]:
    """The labels of a query that count by it more than by the profile: an unsure mood asks a little for many labels."""
    content, positions = recommenders.content, recommenders.catalogue.label_positions
    liked = (1 - tastes.query_share) * content.directions(replace(tastes, query=None))[0]
    wanted = tastes.query_share * content.directions(replace(tastes, query_share=1.0))[0]
    return {pk for pk in asked if pk in positions and wanted[positions[pk]] >= liked[positions[pk]]}


def of_both(reasons: list[Reason]) -> list[Reason]:
    """The strongest reasons, and among them one that was asked for and one that was not, where there are such."""
    kept = reasons[:REASONS]
    for asked in (True, False):
        speaking = [reason for reason in reasons if reason.weight > 0 and _asked(reason) is asked]
        if speaking and speaking[0] not in kept:
            weakest = next((at for at in reversed(range(len(kept))) if _asked(kept[at]) is not asked), None)
            if weakest is not None:
                kept[weakest] = speaking[0]
    return sorted(kept, key=lambda reason: -abs(reason.weight))


def _asked(reason: Reason) -> bool:
    return isinstance(reason, LabelReason) and reason.asked


def _why_not_fitted(method: str) -> str:
    """Why there is no such method now."""
    if method not in METHODS:
        return f"no method is called {method!r}"
    row = snapshot.current_row()
    about = row.methods if row is not None else {}
    lacking = [about[part]["lacking"] for part in (method, "weights") if "lacking" in about.get(part, {})]
    return f"the method {method} is not fitted: " + (lacking[0] if lacking else "recompute does that")


@dataclass(frozen=True, slots=True)
class ExpectedListeners:
    """How many listeners a song that nobody has played should have, and between which numbers, two times in three."""

    middle: float
    low: float
    high: float


def expected_listeners(song: Song) -> ExpectedListeners | None:
    """What songs of the same labels and sound lead one to expect; None for a song that is played, or nothing known."""
    recommenders = snapshot.current()
    if recommenders is None or not len(at := recommenders.catalogue.songs([song.pk])):
        return None
    popular, position = recommenders.popular, int(at[0])
    if popular.plays[position] or not popular.expected[position] or not math.isfinite(popular.deviation):
        return None
    return ExpectedListeners(*popular.expected_between(position))


def fits_you(user: User, song: Song) -> Fit:
    """How a song fits a listener's profile."""
    recommenders = snapshot.current()
    if recommenders is None or not len(at := recommenders.catalogue.songs([song.pk])):
        return Fit(0.0, [], unknown="song")
    catalogue, content = recommenders.catalogue, recommenders.content
    if not content.song(int(at[0])).any():
        return Fit(0.0, [], unknown="song")
    taste = taste_of(user)
    direction = content.directions(taste.block(catalogue))[0]
    if not direction.any():
        return Fit(0.0, [], unknown="listener")
    liked = content.songs_with_label(catalogue.songs(taste.liked))
    disliked = content.songs_with_label(catalogue.songs(taste.disliked))
    (parts,) = content.parts(direction, at, REASONS)
    labels = [
        FitLabel(
            label=str(catalogue.label_names[part.label]),
            weight=part.weight,
            liked=int(liked[part.label]),
            disliked=int(disliked[part.label]),
            nudge=taste.nudges.get(int(catalogue.label_ids[part.label]), 0.0),
        )
        for part in parts
    ]
    return Fit(float(content.toward(direction)[at[0]]), labels)


def listed(
    recommenders: Recommenders,
    scores: engine.Vector,
    n: int,
    *,
    leave_out: engine.Positions,
    playable_only: bool,
    reasons: Callable[[engine.Positions], Sequence[Sequence[engine.Reason]]],
    asked: Collection[int] = (),
) -> list[Recommendation]:
    """The top of a ranking as songs with reasons; a song deleted since the snapshot gives its place to the next."""
    among = recommenders.catalogue.playable if playable_only else None
    wanted = n
    while True:
        ranked = top(scores, wanted, leave_out=leave_out, among=among)
        found = chosen(recommenders, ranked, scores, n, playable_only=playable_only, reasons=reasons, asked=asked)
        if len(found) == n or len(ranked) < wanted:
            return found
        wanted *= 2


def chosen(
    recommenders: Recommenders,
    ranked: engine.Positions,
    scores: engine.Vector,
    n: int,
    *,
    playable_only: bool,
    reasons: Callable[[engine.Positions], Sequence[Sequence[engine.Reason]]],
    asked: Collection[int] = (),
) -> list[Recommendation]:
    """The first n of these songs that are still there, with reasons."""
    catalogue = recommenders.catalogue
    songs = Song.objects.in_bulk(catalogue.song_ids[ranked].tolist())
    there = [
        at for at in ranked if (song := songs.get(int(catalogue.song_ids[at]))) and (song.playable or not playable_only)
    ]
    first = np.array(there[:n], dtype=np.intp)
    named = _named(catalogue, reasons(first), songs, asked)
    return [
        Recommendation(rank, songs[int(catalogue.song_ids[at])], float(scores[at]), why)
        for rank, (at, why) in enumerate(zip(first, named, strict=True), start=1)
    ]


def named_labels(
    catalogue: Catalogue, parts: Sequence[engine.LabelReason], asked: Collection[int] = ()
) -> list[LabelReason]:
    """Labels by position as reasons that people can read; `asked` are the primary keys of a query's labels."""
    return [
        LabelReason(str(catalogue.label_names[part.label]), part.weight, int(catalogue.label_ids[part.label]) in asked)
        for part in parts
    ]


def _named(
    catalogue: Catalogue, reasons: Sequence[Sequence[engine.Reason]], songs: Mapping[int, Song], asked: Collection[int]
) -> list[list[Reason]]:
    """Reasons by position as reasons that people can read; songs that are not at hand are fetched."""
    named_songs = {reason.song for some in reasons for reason in some if isinstance(reason, engine.SongReason)}
    ids = {position: int(catalogue.song_ids[position]) for position in named_songs}
    songs = {**songs, **Song.objects.in_bulk([pk for pk in ids.values() if pk not in songs])}

    def readable(reason: engine.Reason) -> list[Reason]:
        if isinstance(reason, engine.LabelReason):
            return [*named_labels(catalogue, [reason], asked)]
        song = songs.get(ids[reason.song])
        return [SongReason(song, reason.weight)] if song else []

    return [[one for reason in some for one in readable(reason)] for some in reasons]
