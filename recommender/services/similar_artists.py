"""Similar artists: cosines of the mean embeddings of their songs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.models import Song
from catalog.services.artists import songs_of_artist

from ..engine.diversity import UNKNOWN_ARTIST
from ..snapshots import current

_SHOWN = 8
_MOST_SONGS = 500


@dataclass(frozen=True, slots=True)
class SimilarArtist:
    """A similar artist, with their most similar song."""

    song: Song
    cosine: float

    @property
    def of_100(self) -> int:
        """The cosine as a percentage, at least 0."""
        return max(0, round(100 * self.cosine))


def artists_like(key: str, n: int = _SHOWN) -> list[SimilarArtist]:
    """The artists with playable songs whose mean embedding is most similar to an artist's.

    Parameters
    ----------
    key : str
        By `catalog.names.artist_key`.
    n : int
        Most artists; none if the artist's songs have no embeddings.
    """
    bundle = current.bundle()
    if bundle is None or bundle.sound is None:
        return []
    sound, index = bundle.sound, bundle.index
    at = index.songs(songs_of_artist(key)[:_MOST_SONGS])
    heard = np.isin(sound.songs, at)
    if not key or not heard.any():
        return []
    direction = sound.vectors[heard].mean(axis=0)
    cosines = sound.vectors @ (direction / max(float(np.linalg.norm(direction)), 1e-12))
    artists = index.artists[sound.songs]
    music = bundle.has_music if bundle.has_music[at].any() else np.ones_like(bundle.has_music)
    others = (index.playable & music)[sound.songs] & (artists != UNKNOWN_ARTIST) & (artists != index.artists[at[0]])
    artists, cosines, songs = artists[others], cosines[others], sound.songs[others]
    if not len(artists):
        return []
    mean = np.bincount(artists, weights=cosines) / np.maximum(np.bincount(artists), 1)
    present = np.unique(artists)
    first = present[np.argsort(-mean[present], kind="stable")][:n]
    nearest = [int(index.song_ids[songs[artists == one][cosines[artists == one].argmax()]]) for one in first]
    there = Song.objects.in_bulk(nearest)
    return [SimilarArtist(there[pk], float(mean[one])) for one, pk in zip(first, nearest, strict=True) if pk in there]
