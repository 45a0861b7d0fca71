"""What the player asks for: songs to go on with after a song, for ever, and more of what a song is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from catalog.models import Label, Play, Song
from catalog.search import playable_songs

from . import services, snapshot
from .engine.interface import LabelReason, Tastes, Vector
from .engine.ranking import fused, top
from .engine.variety import spread_artists
from .profile import Change, change_label
from .similar import likeness_of
from .snapshot import Recommenders
from .taste import taste_of

BATCH = 10
"""Songs that are given at once."""

MOST_REMEMBERED = 300
"""So many of the songs that were played last are not played again, where there are enough others."""

JUST_PLAYED = timedelta(hours=3)
"""What was played in another tab or on another device in this time has just been played too."""

_POOL = 500
_SPARE = 3
_LABELS = 3


@dataclass(frozen=True, slots=True)
class Next:
    """A song to go on with, and why."""

    song: Song
    why: str


def songs_after(user: User, seed: Song, just_played: Sequence[int] = (), n: int = BATCH) -> list[Next]:
    """Songs to go on with after a song: like it, and to the listener's taste; the last ones played are left out.

    What stands high in three rankings comes first: alike by sound, alike by listeners, and recommended to the
    listener. Where they have nothing more to say, what is played most here. It never ends: at most half of what there
    is to play is left out for having been played just now, so a small library comes round again.

    Parameters
    ----------
    just_played : primary keys of songs, the last one played first
        What was queued or played already.
    n : int
        How many at most.
    """
    remembered = list(dict.fromkeys([seed.pk, *just_played, *_played_lately(user)]))[:MOST_REMEMBERED]
    recommenders = snapshot.current()
    if recommenders is None:
        return _newest(remembered, n)
    catalogue, taste = recommenders.catalogue, taste_of(user)
    among = catalogue.playable.copy()
    among[catalogue.songs(taste.disliked)] = False
    recent = catalogue.songs(remembered)
    recent = recent[among[recent]][: int(np.count_nonzero(among)) // 2]
    scores = _scores(recommenders, seed, taste.block(catalogue))
    ranked = top(scores, n * _SPARE, leave_out=recent, among=among)
    chosen = spread_artists(ranked, catalogue.artists, n + _SPARE)
    songs = Song.objects.in_bulk(catalogue.song_ids[chosen].tolist())
    there = [at for at in chosen.tolist() if (song := songs.get(int(catalogue.song_ids[at]))) and song.playable][:n]
    why = _reasons(recommenders, seed, there)
    return [Next(songs[int(catalogue.song_ids[at])], words) for at, words in zip(there, why, strict=True)]


def _scores(recommenders: Recommenders, seed: Song, tastes: Tastes) -> Vector:
    """What is asked of every song; above 0 for all of them."""
    n_songs = len(recommenders.catalogue.song_ids)
    own = recommenders.methods[recommenders.best].scores(tastes)[0]
    likeness = likeness_of(seed, playable_only=True)
    rankings = [*(likeness.rankings if likeness else ()), top(own, _POOL, among=recommenders.catalogue.playable)]
    played = np.log1p(recommenders.popular.plays)
    scores: Vector = fused(rankings, n_songs) + 1e-6 * (1 + played / max(played.max(initial=0), 1))
    return scores


def _reasons(recommenders: Recommenders, seed: Song, songs: Sequence[int]) -> list[str]:
    """What each song shares with the first one, in a few words; nothing where that is nothing."""
    at = recommenders.catalogue.songs([seed.pk])
    if not len(at) or not songs:
        return [""] * len(songs)
    parts = recommenders.content.similar_reasons(int(at[0]), np.array(songs), services.REASONS)
    shared = [[part for part in some if isinstance(part, LabelReason)] for some in parts]
    return [services.in_words(services.named_labels(recommenders.catalogue, some)) for some in shared]


def _played_lately(user: User) -> list[int]:
    plays = Play.objects.filter(user=user, played_at__gt=timezone.now() - JUST_PLAYED).order_by("-played_at")
    return list(plays.values_list("song_id", flat=True)[:MOST_REMEMBERED])


def _newest(remembered: Sequence[int], n: int) -> list[Next]:
    """Before the first snapshot: what came last."""
    there = playable_songs(Song.objects.all())
    songs = there.exclude(pk__in=remembered[: there.count() // 2]).order_by("-added_at", "-pk")[:n]
    return [Next(song, "") for song in songs]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A label that is wanted more, and the nudge as it was before."""

    label: Label
    before: float | None


@transaction.atomic
def more_like(user: User, song: Song) -> list[Wanted]:
    """Want more of the labels that say most of a song: each is pushed once, as by hand on the page Taste.

    Returns
    -------
    list
        None where nothing is known of the song yet.
    """
    recommenders = snapshot.current()
    if recommenders is None or not len(at := recommenders.catalogue.songs([song.pk])):
        return []
    content = recommenders.content
    (parts,) = content.parts(content.song(int(at[0])), at, _LABELS)
    ids = [int(recommenders.catalogue.label_ids[part.label]) for part in parts if part.weight > 0]
    labels = Label.objects.in_bulk(ids)
    return [Wanted(labels[pk], change_label(user, labels[pk], Change.MORE)) for pk in ids if pk in labels]


@transaction.atomic
def undo_more_like(user: User, before: Sequence[tuple[Label, float | None]]) -> None:
    """Take `more_like` back: every nudge is as it was.

    Raises
    ------
    ValueError
        If one of the numbers is none that a nudge could be.
    """
    for label, nudge in before:
        change_label(user, label, Change.UNDO, nudge)
