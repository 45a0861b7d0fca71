"""Similar songs for players: by sound, by listeners or by both, as a listener has chosen; mixes go by taste too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.contrib.auth.models import User

from catalog.models import Song

from ..engine.diversity import spread_artists
from ..engine.interface import Vector
from ..engine.ranking import CALM, fused, top
from ..models import SimilarityChoice
from ..snapshots import current
from .similar import By, similar_songs, similarity_of
from .taste import taste_of

MOST_SEEDS = 5
"""Songs that a mix is made from."""

_POOL = 500
_SPARE = 5


def similarity_choice(user: User) -> By:
    """What a listener wants similar songs to go by."""
    choice = SimilarityChoice.objects.filter(user=user).first()
    return By(choice.by) if choice is not None else By.BOTH


def choose_similarity(user: User, by: By) -> None:
    """Keep what a listener wants similar songs to go by."""
    SimilarityChoice.objects.update_or_create(user=user, defaults={"by": by.value})


def alike(user: User, song: Song, n: int) -> list[tuple[Song, float]]:
    """The songs most similar to one, each with a number from 0 to 1."""
    by = similarity_choice(user)
    found = similar_songs(song, by, n, playable_only=True)
    largest = 2 / (CALM + 1) if by is By.BOTH else 1.0
    return [(one.song, min(max(one.score / largest, 0.0), 1.0)) for one in found.songs]


def mix(user: User, seeds: Sequence[Song], n: int) -> list[int]:
    """Songs that go with some songs, by primary key: alike first, and of those what the listener likes.

    Two rankings count the same: how alike a song is to the seeds, and how well it fits the listener's taste. What the
    listener does not want is left out.

    Parameters
    ----------
    seeds : sequence of Song
        At most `MOST_SEEDS` are looked at; they are not in the mix.
    n : int
        Most songs.
    """
    bundle, by = current.bundle(), similarity_choice(user)
    if bundle is None or n < 1:
        return []
    index, taste = bundle.index, taste_of(user)
    places = index.songs([seed.pk for seed in seeds[:MOST_SEEDS]])
    among = bundle.has_music if bundle.has_music[places].any() else np.ones_like(bundle.has_music)
    rankings = []
    for seed in seeds[:MOST_SEEDS]:
        if (similarity := similarity_of(seed, playable_only=True)) is not None:
            by_sound, by_listeners = similarity.rankings
            rankings += [by_sound] if by is not By.LISTENERS else []
            rankings += [by_listeners] if by is not By.SOUND else []
    leave_out = np.concatenate([index.songs(taste.disliked), index.songs([seed.pk for seed in seeds])])
    pool = top(fused(rankings, len(index.song_ids)), max(_POOL, n), leave_out=leave_out, among=index.playable & among)
    own: Vector = bundle.methods[bundle.best].scores(taste.as_batch(index))[0]
    liked = pool[np.argsort(-own[pool], kind="stable")]
    # Of songs that nothing speaks for, taste says nothing.
    liked = liked[own[liked] > 0]
    ranked = top(fused([pool, liked], len(index.song_ids)), n + _SPARE)
    chosen = index.song_ids[spread_artists(ranked, index.artists, n + _SPARE)].tolist()
    there = set(Song.objects.playable().filter(pk__in=chosen).values_list("pk", flat=True))
    return [pk for pk in chosen if pk in there][:n]
