"""Songs that go together: by sound, by listeners, by taste."""

from __future__ import annotations

import random

from catalog.models import Song
from recommender.services import mixes
from recommender.services.sound_paths import MOST_SONGS, sound_path

from .. import ids
from ..asked import MOST, asked_song, find_album, find_artist, find_song
from ..registry import Answer, Request, endpoint
from .browsing import most_played

_MIXED = 50
_ALIKE = 10
_PATH = 25


@endpoint("getSimilarSongs")
def similar_songs(request: Request) -> Answer:
    """A mix that goes with a song, an album or an artist."""
    return {"similarSongs": {"song": request.describe.songs(_mix(request))}}


@endpoint("getSimilarSongs2")
def similar_songs2(request: Request) -> Answer:
    """The same, for players that go by tags."""
    return {"similarSongs2": {"song": request.describe.songs(_mix(request))}}


def _mix(request: Request) -> list[int]:
    count = request.parameters.number("count", _MIXED, 0, MOST)
    return mixes.mix(request.user, _seeds(request), count)


def _seeds(request: Request) -> list[Song]:
    """The songs that a mix is made from: of an artist those that are played most, of an album some."""
    asked, library = request.parameters.id("id", ids.SONG, ids.ALBUM, ids.ARTIST), request.describe.library
    if asked.kind == ids.SONG:
        return [find_song(asked)]
    if asked.kind == ids.ARTIST:
        artist = find_artist(library, asked)
        songs = most_played(artist) or [song.pk for album in artist.albums for song in album.songs]
        pks = songs[: mixes.MOST_SEEDS]
    else:
        of_album = [song.pk for song in find_album(library, asked).songs]
        # The same ones each time for an album, from all over it.
        pks = random.Random(asked.key).sample(of_album, min(mixes.MOST_SEEDS, len(of_album)))  # noqa: S311 (no secret)
    there = Song.objects.in_bulk(pks)
    return [there[pk] for pk in pks if pk in there]


@endpoint("getSonicSimilarTracks")
def sonic_similar_tracks(request: Request) -> Answer:
    """The songs most similar to one, with how similar they are."""
    count = request.parameters.number("count", _ALIKE, 0, MOST)
    alike = mixes.alike(request.user, asked_song(request), count) if count else []
    return {"sonicMatch": _matches(request, [(song.pk, similarity) for song, similarity in alike])}


@endpoint("findSonicPath")
def find_sonic_path(request: Request) -> Answer:
    """The way from one song to another by sound."""
    start, end = asked_song(request, "startSongId"), asked_song(request, "endSongId")
    count = request.parameters.number("count", _PATH, 2, MOST_SONGS)
    return {"sonicMatch": _matches(request, sound_path(start, end, count))}


def _matches(request: Request, found: list[tuple[int, float]]) -> list[dict[str, object]]:
    described = request.describe.songs_by_pk([pk for pk, _ in found])
    return [{"entry": described[pk], "similarity": round(similarity, 4)} for pk, similarity in found if pk in described]
