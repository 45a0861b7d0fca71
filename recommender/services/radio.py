"""Radio: an endless queue of songs after a seed song, and "more like this"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from catalog.models import Label, Play, Song

from ..engine.diversity import spread_artists
from ..engine.interface import LabelContribution, ListenerBatch, Vector
from ..engine.ranking import fused, top
from ..snapshots import current
from ..snapshots.bundle import ModelBundle
from . import reasons
from .profile import Change, change_label
from .similar import similarity_of
from .taste import taste_of

BATCH = 10
"""Songs per request."""

MOST_REMEMBERED = 300
"""Most recently played songs that are not repeated."""

JUST_PLAYED = timedelta(hours=3)
"""Plays from other tabs and devices within this time also count as recent."""

_POOL = 500
_SPARE = 3

_EQUALLY_ALIKE = 0.01
"""Similarities within this step are equal: the percents that a song's page shows."""

_LABELS = 3


@dataclass(frozen=True, slots=True)
class Next:
    """The next song, with its reason."""

    song: Song
    why: str


def songs_after(
    user: User, seed: Song, just_played: Sequence[int] = (), n: int = BATCH, *, bend: bool = False
) -> list[Next]:
    """The next songs after a seed song, without recently played ones.

    By sound: songs that are equally alike in whole percents are ordered by the listener's taste, then by popularity.
    Bent, it fuses three rankings: similarity by sound, similarity by listeners, and the listener's recommendations. At
    most half of the playable songs are left out as recent, so the radio never ends.

    Parameters
    ----------
    just_played : primary keys of songs, the last one played first
        Songs queued or played already.
    n : int
        Most songs.
    bend : bool
        Bend to the listener's taste.
    """
    remembered = list(dict.fromkeys([seed.pk, *just_played, *_played_lately(user)]))[:MOST_REMEMBERED]
    bundle = current.bundle()
    if bundle is None:
        return _newest(remembered, n)
    index, taste = bundle.index, taste_of(user)
    at = index.songs([seed.pk])
    among = index.playable & (bundle.like_song(int(at[0])) if len(at) else bundle.has_music)
    among[index.songs(taste.disliked)] = False
    recent = index.songs(remembered)
    recent = recent[among[recent]][: int(np.count_nonzero(among)) // 2]
    scores = _scores(bundle, seed, taste.as_batch(index), bend=bend)
    ranked = top(scores, n * _SPARE, leave_out=recent, among=among)
    chosen = spread_artists(ranked, index.artists, n + _SPARE)
    songs = Song.objects.in_bulk(index.song_ids[chosen].tolist())
    there = [at for at in chosen.tolist() if (song := songs.get(int(index.song_ids[at]))) and song.playable][:n]
    why = _reasons(bundle, seed, there)
    return [Next(songs[int(index.song_ids[at])], words) for at, words in zip(there, why, strict=True)]


def _scores(bundle: ModelBundle, seed: Song, batch: ListenerBatch, *, bend: bool) -> Vector:
    """Fused scores of all songs, all above 0."""
    n_songs = len(bundle.index.song_ids)
    own = bundle.methods[bundle.best].scores(batch)[0]
    similarity = similarity_of(seed, playable_only=True)
    played = np.log1p(bundle.popular.plays)
    popular: Vector = 1e-6 * (1 + played / max(played.max(initial=0), 1))
    if similarity and not bend:
        taste = np.maximum(own, 0) / max(own.max(initial=0), np.finfo(np.float64).tiny)
        alike = np.maximum(np.rint(similarity.sound / _EQUALLY_ALIKE), 0)
        by_sound: Vector = alike + 0.5 * taste + popular
        return by_sound
    rankings = [*(similarity.rankings if similarity else ()), top(own, _POOL, among=bundle.index.playable)]
    scores: Vector = fused(rankings, n_songs) + popular
    return scores


def _reasons(bundle: ModelBundle, seed: Song, songs: Sequence[int]) -> list[str]:
    """The labels that each song shares with the seed, as text; empty if there are none."""
    at = bundle.index.songs([seed.pk])
    if not len(at) or not songs:
        return [""] * len(songs)
    parts = bundle.content.explain_similarity(int(at[0]), np.array(songs), reasons.REASONS)
    shared = [[part for part in some if isinstance(part, LabelContribution)] for some in parts]
    return [reasons.in_words(reasons.resolve_labels(bundle.index, some)) for some in shared]


def _played_lately(user: User) -> list[int]:
    plays = Play.objects.filter(user=user, played_at__gt=timezone.now() - JUST_PLAYED).order_by("-played_at")
    return list(plays.values_list("song_id", flat=True)[:MOST_REMEMBERED])


def _newest(remembered: Sequence[int], n: int) -> list[Next]:
    """The newest songs, used before the first snapshot."""
    there = Song.objects.playable()
    songs = there.exclude(pk__in=remembered[: there.count() // 2]).order_by("-added_at", "-pk")[:n]
    return [Next(song, "") for song in songs]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A pushed label, and its previous nudge."""

    label: Label
    before: float | None


@transaction.atomic
def more_like(user: User, song: Song) -> list[Wanted]:
    """Push the strongest labels of a song that say something to a listener once each, as on the page Taste.

    Returns
    -------
    list of Wanted
        Empty if the song has no labels.
    """
    bundle = current.bundle()
    if bundle is None or not len(at := bundle.index.songs([song.pk])):
        return []
    content, index = bundle.content, bundle.index
    (parts,) = content.label_contributions(content.song(int(at[0])), at, index.n_asked_for(_LABELS))
    strongest = index.shown_first([part for part in parts if part.weight > 0], _LABELS)
    ids = [int(index.label_ids[part.label]) for part in strongest]
    labels = Label.objects.in_bulk(ids)
    return [Wanted(labels[pk], change_label(user, labels[pk], Change.MORE)) for pk in ids if pk in labels]


@transaction.atomic
def undo_more_like(user: User, before: Sequence[tuple[Label, float | None]]) -> None:
    """Undo `more_like` by restoring every nudge.

    Raises
    ------
    ValueError
        If a nudge is not finite or too large.
    """
    for label, nudge in before:
        change_label(user, label, Change.UNDO, nudge)
