"""Artists who sound alike: the angle between what a network hears in the songs of the one and of the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.http import ListenerRequest
from catalog.models import Song

from . import snapshot
from .engine.variety import UNKNOWN_ARTIST

_SHOWN = 8
_MOST_SONGS = 500


@dataclass(frozen=True, slots=True)
class SimilarArtist:
    """An artist like another, with the one of their songs that is most like the other's."""

    song: Song
    cosine: float

    @property
    def of_100(self) -> int:
        """How alike on a scale that people read."""
        return max(0, round(100 * self.cosine))


@require_safe
def similar_artists(request: ListenerRequest, key: str) -> HttpResponse:
    """A fragment of an artist's page: who sounds like them."""
    if not Song.objects.filter(artist_key=key).exists():
        raise Http404("no such artist")
    return render(request, "recommender/similar_artists.html", {"artists": artists_like(key)})


def artists_like(key: str, n: int = _SHOWN) -> list[SimilarArtist]:
    """The artists with a song to play here whose songs sound most like those of an artist, on average.

    Parameters
    ----------
    key : str
        By `catalog.names.artist_key`.
    n : int
        How many at most; none before the artist's songs were heard.
    """
    recommenders = snapshot.current()
    if recommenders is None or recommenders.sound is None:
        return []
    sound, catalogue = recommenders.sound, recommenders.catalogue
    own = Song.objects.filter(artist_key=key).order_by("pk").values_list("pk", flat=True)[:_MOST_SONGS]
    at = catalogue.songs(list(own))
    heard = np.isin(sound.songs, at)
    if not key or not heard.any():
        return []
    direction = sound.vectors[heard].mean(axis=0)
    cosines = sound.vectors @ (direction / max(float(np.linalg.norm(direction)), 1e-12))
    artists = catalogue.artists[sound.songs]
    others = catalogue.playable[sound.songs] & (artists != UNKNOWN_ARTIST) & (artists != catalogue.artists[at[0]])
    artists, cosines, songs = artists[others], cosines[others], sound.songs[others]
    if not len(artists):
        return []
    mean = np.bincount(artists, weights=cosines) / np.maximum(np.bincount(artists), 1)
    present = np.unique(artists)
    first = present[np.argsort(-mean[present], kind="stable")][:n]
    nearest = [int(catalogue.song_ids[songs[artists == one][cosines[artists == one].argmax()]]) for one in first]
    there = Song.objects.in_bulk(nearest)
    return [SimilarArtist(there[pk], float(mean[one])) for one, pk in zip(first, nearest, strict=True) if pk in there]
