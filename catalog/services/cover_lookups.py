"""Looking up the covers of albums that have none: asked for by an admin, done by a worker, undone by an admin."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from ..cover_service import INTERVAL_S, CoverService, LookupRefusedError, ServiceBusyError
from ..importing.pictures import make_cover_under_limits
from ..models import CoverLookup, Song
from ..names import collection_hash
from ..version import version
from . import song_index
from .media_cleanup import delete_unused_covers
from .song_files import one_at_a_time, stored_cover
from .song_index import record_changes

logger = logging.getLogger(__name__)

State = CoverLookup.State

_AT_ONCE = 500
_ONE_TAKES = timedelta(minutes=5)
"""A worker that is at one album for so long is dead."""


@dataclass(slots=True)
class BareAlbum:
    """An album of which no song has a cover."""

    album: str
    artist: str
    song_ids: list[int] = field(default_factory=list)


def is_on() -> bool:
    """Whether covers may be looked up on this server."""
    return bool(settings.COVER_LOOKUP_CONTACT)


def service() -> CoverService:
    """The services that the settings name, under this server's name."""
    return CoverService(
        f"DCMRS/{version()} ( {settings.COVER_LOOKUP_CONTACT} )",
        settings.COVER_LOOKUP_SEARCH_URL,
        settings.COVER_LOOKUP_COVERS_URL,
        settings.COVER_LOOKUP_HOSTS,
    )


def bare_albums() -> dict[str, BareAlbum]:
    """The albums that have no cover and were not asked for yet, by the hash of their key."""
    hashes = {key: collection_hash(key) for key in _bare_keys()}
    by_song = {song.pk: hashes[song.album_key] for song in song_index.current().songs if song.album_key in hashes}
    found: dict[str, BareAlbum] = {}
    songs = Song.objects.playable().values_list("pk", "album", "album_artist", "artist")
    for pk, album, album_artist, artist in songs.iterator(_AT_ONCE):
        if key := by_song.get(pk):
            found.setdefault(key, BareAlbum(album, album_artist or artist)).song_ids.append(pk)
    return found


def n_bare_albums() -> int:
    """How many albums have no cover and were not asked for yet."""
    return len(_bare_keys())


def _bare_keys() -> set[str]:
    """The keys of these albums (`IndexedSong.album_key`), off the index in memory."""
    covered = set(Song.objects.exclude(cover="").values_list("pk", flat=True))
    songs = [song for song in song_index.current().songs if song.playable and song.album_key]
    bare = {song.album_key for song in songs} - {song.album_key for song in songs if song.pk in covered}
    asked = set(CoverLookup.objects.values_list("album_hash", flat=True))
    return {key for key in bare if collection_hash(key) not in asked} if asked else bare


def ask(admin: User) -> int:
    """Have the covers of all albums without one looked up, by the worker; how many albums they are.

    Raises
    ------
    RuntimeError
        If looking up is not on.
    """
    if not is_on():
        raise RuntimeError("COVER_LOOKUP_CONTACT is not set")
    now = timezone.now()
    rows = [
        CoverLookup(
            album_hash=key, album=one.album, artist=one.artist, song_ids=one.song_ids, asked_by=admin, asked_at=now
        )
        for key, one in bare_albums().items()
    ]
    CoverLookup.objects.bulk_create(rows, batch_size=_AT_ONCE, ignore_conflicts=True)
    return len(rows)


def ask_again(lookups: Iterable[CoverLookup], admin: User) -> int:
    """Look up once more what was not found, failed, or was taken away; how many albums they are."""
    again = [one.pk for one in lookups if one.state not in (State.WAITING, State.FOUND)]
    asked = {"state": State.WAITING, "said": "", "asked_by": admin, "asked_at": timezone.now(), "done_at": None}
    return CoverLookup.objects.filter(pk__in=again).update(**asked)


def undo(lookups: Iterable[CoverLookup]) -> int:
    """Take covers that were looked up away again; how many albums have none now."""
    found = [one for one in lookups if one.state == State.FOUND]
    for one in found:
        with transaction.atomic():
            one_at_a_time()
            songs = Song.objects.filter(pk__in=one.song_ids, cover=one.cover)
            # A file that has brought the same picture since keeps it.
            taken = [song.pk for song in songs if (song.from_file or {}).get("cover") != one.cover]
            Song.objects.filter(pk__in=taken).update(cover="")
            record_changes(taken)
            CoverLookup.objects.filter(pk=one.pk).update(state=State.UNDONE, cover="", done_at=timezone.now())
    delete_unused_covers([one.cover for one in found])
    return len(found)


def look_up_waiting(services: CoverService | None = None) -> int:
    """Look up one waiting album after the other, unless another worker does; how many are done.

    Ends when none waits, when looking up is not on, or when the services ask to come back later.
    """
    services, done = services or service(), 0
    while is_on() and (one := _claim()) is not None:
        try:
            _look_up(one, services)
        except ServiceBusyError as busy:
            logger.warning("Covers are looked up later: %s", busy)
            CoverLookup.objects.filter(pk=one.pk).update(running_until=timezone.now() + timedelta(seconds=INTERVAL_S))
            break
        done += 1
    return done


@transaction.atomic
def _claim() -> CoverLookup | None:
    """The next album, if no other worker is at one: all workers together are one guest."""
    one_at_a_time()
    now = timezone.now()
    if CoverLookup.objects.filter(running_until__gt=now, state=State.WAITING).exists():
        return None
    one = (
        CoverLookup.objects.filter(state=State.WAITING).order_by(F("running_until").asc(nulls_first=True), "pk").first()
    )
    if one is not None:
        one.running_until = now + _ONE_TAKES
        one.save(update_fields=["running_until"])
    return one


def _look_up(one: CoverLookup, services: CoverService) -> None:
    state, said, name = State.NOTHING, "", ""
    try:
        picture = services.cover(one.artist, one.album)
    except ServiceBusyError:
        raise
    except LookupRefusedError as refused:
        picture, state, said = None, State.FAILED, str(refused)[:200]
    if picture is not None:
        cover = make_cover_under_limits(picture)
        if cover is None:
            state, said = State.FAILED, "what came is no picture that can be decoded"
        else:
            name, state = stored_cover(cover.name, cover.jpeg), State.FOUND
    with transaction.atomic():
        one_at_a_time()
        if name:
            bare = list(Song.objects.filter(pk__in=one.song_ids, cover="").values_list("pk", flat=True))
            Song.objects.filter(pk__in=bare).update(cover=name)
            record_changes(bare)
        done = {"state": state, "said": said, "cover": name, "done_at": timezone.now(), "running_until": None}
        CoverLookup.objects.filter(pk=one.pk).update(**done)
