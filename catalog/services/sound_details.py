"""What players want to know of songs' files: how they are encoded, and how loud they say they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from ..file_parts import part_of
from ..importing.loudness import Encoding, read_encoding
from ..models import Song, SoundDetails
from ..names import collection_hash
from ..streaming import song_file
from .song_index import album_key, record_changes

_READ_AT_ONCE = 200


def read_sound_details(song_ids: Collection[int] | None = None) -> int:
    """Read the files of songs that have none, or of another file, yet; how many they were.

    Parameters
    ----------
    song_ids : collection of primary keys, optional
        Only these; without it, every song that needs it.
    """
    songs = Song.objects.playable().filter(
        Q(sound_details=None) | ~Q(sound_details__size=F("size")) | ~Q(sound_details__mtime_ns=F("mtime_ns"))
    )
    if song_ids is not None:
        songs = songs.filter(pk__in=song_ids)
    ids, done = list(songs.order_by("pk").values_list("pk", flat=True)), 0
    for start in range(0, len(ids), _READ_AT_ONCE):
        some = Song.objects.select_related("root").filter(pk__in=ids[start : start + _READ_AT_ONCE])
        done += _store((song, _encoding(song)) for song in some)
    return done


def _encoding(song: Song) -> Encoding:
    try:
        path = song_file(song)
        part = part_of(path)
        return read_encoding(path if part is None else part.file)
    except FileNotFoundError:
        return Encoding()


def _store(read: Iterable[tuple[Song, Encoding]]) -> int:
    rows = [
        SoundDetails(
            song=song,
            size=song.size,
            mtime_ns=song.mtime_ns,
            **{name: getattr(encoding, name) for name in Encoding.__dataclass_fields__},
        )
        for song, encoding in read
    ]
    with transaction.atomic():
        SoundDetails.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["song"],
            update_fields=["size", "mtime_ns", *Encoding.__dataclass_fields__],
        )
        record_changes([row.song_id for row in rows])
    return len(rows)


def loudness_of(song_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """How loud songs are, by primary key, for a player that is to play all of them equally loud.

    Each has `album`, the same text for all songs of an album and empty for a song on none; and, as far as its file says
    so, `trackGain` and `albumGain` in decibels, `trackPeak` and `albumPeak` with 1 for full scale.
    """
    found = {}
    for song in Song.objects.playable().filter(pk__in=song_ids).select_related("sound_details"):
        key = album_key(song.album, song.album_artist, song.artist, song.path, gathered=song.gathered)
        found[song.pk] = {"album": collection_hash(key) if key else "", **_gains(getattr(song, "sound_details", None))}
    return found


def _gains(details: SoundDetails | None) -> dict[str, float]:
    if details is None:
        return {}
    gains = {
        "trackGain": details.track_gain,
        "trackPeak": details.track_peak,
        "albumGain": details.album_gain,
        "albumPeak": details.album_peak,
    }
    return {name: value for name, value in gains.items() if value is not None}
