"""Making audio files the audio of the songs that they are, one transaction at a time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from ..audio_frames import UnreadableAudio
from ..importing.identity import Found, Identity, KnownNames, identify
from ..importing.limited_reading import read_audio_file
from ..importing.names import may_stand_in
from ..importing.pictures import Covers
from ..importing.reading import AudioFile
from ..importing.walking import BadFile, FoundFile, is_current, walk
from ..models import DuplicateFile, LibraryRoot, Song, SongIdentifier
from ..models.songs import pending_tagging
from ..signals import tagging_needed
from .labels import store_file_genres
from .sound_details import read_sound_details

_TO_BE_TAGGED = frozenset({Found.NEW, Found.GAINED, Found.CHANGED})
_DESCRIBED = ("title", "artist", "album", "album_artist", "track_number", "disc_number", "year")
_OF_THE_FILE = (
    "root",
    "path",
    "size",
    "mtime_ns",
    "file_state",
    "from_file",
    "artists",
    "compilation",
    "gathered",
    "content_hash",
    "codec",
    "duration_s",
    "missing_since",
    "cover",
)
_NUMBERS = ("track_number", "disc_number", "year")
_SHOWN = (*_DESCRIBED, "artists", "duration_s", "cover")


class Stored(NamedTuple):
    """What became of a file.

    Attributes
    ----------
    song : Song
        That the file is; where it is a duplicate, the one it is a duplicate of.
    found : Found
    changed : bool
        Whether the song looks other than before.
    outdated : bool
        Whether it was read before, by an earlier way of reading.
    returned : bool
        Whether its file was missing, and is back.
    """

    song: Song
    found: Found
    changed: bool = False
    outdated: bool = False
    returned: bool = False


def store(
    root: LibraryRoot, audios: Sequence[AudioFile], uploaded_by: User | None = None, *, again: bool = False
) -> list[Stored]:
    """Make files the audio of the songs that they are; inside a transaction.

    With `again`, what is known is written anew too.
    """
    one_at_a_time()
    known = KnownNames(root, audios)
    edited = edited_by_hand(known.read_by_an_earlier_version)
    stored: list[Stored] = []
    genres: dict[int, Collection[str]] = {}
    for audio in audios:
        identity = identify(root, audio, known)
        if identity.found is Found.DUPLICATE and identity.song is not None:
            _store_duplicate(root, audio.found, identity.song, identity.here)
            stored.append(Stored(identity.song, Found.DUPLICATE))
            continue
        if identity.found is Found.KNOWN and identity.song is not None and not again:
            stored.append(Stored(identity.song, Found.KNOWN))
            continue
        if audio.found.path in known.duplicates:
            DuplicateFile.objects.filter(root=root, path=audio.found.path).delete()
        song = identity.song or Song()
        outdated = bool(song.path) and not is_current(song.file_state)
        returned, before = song.missing_since is not None, _appearance(song)
        _store_song(song, root, audio, identity, uploaded_by, edited.get(song.pk, frozenset()))
        known.learn(song, audio.tags.identifiers)
        genres[song.pk] = audio.tags.genres
        stored.append(Stored(song, identity.found, before != _appearance(song), outdated, returned))
    SongIdentifier.objects.bulk_create(
        [
            SongIdentifier(song=one.song, value=value)
            for audio, one in zip(audios, stored, strict=True)
            if one.song.pk in genres and one.found is not Found.DUPLICATE
            for value in audio.tags.identifiers
        ],
        ignore_conflicts=True,
    )
    with_other_genres = store_file_genres(genres)
    # Also of those whose sound is the same: ReplayGain is a tag like others.
    transaction.on_commit(partial(read_sound_details, list(genres)))
    announce_tagging_needed(
        [
            one.song.pk
            for one in stored
            if one.found in _TO_BE_TAGGED or (one.returned and one.song.tagging_state == Song.Tagging.PENDING)
        ]
    )
    return [one._replace(changed=True) if one.song.pk in with_other_genres else one for one in stored]


def _appearance(song: Song) -> tuple[Any, ...]:
    """What is seen of a song, to be compared."""
    return tuple(getattr(song, name) if name != "cover" else song.cover.name or "" for name in _SHOWN)


def _store_duplicate(root: LibraryRoot, found: FoundFile, song: Song, here: Song | None) -> None:
    if here is not None:
        _take_file_away(here)
    DuplicateFile.objects.update_or_create(
        root=root,
        path=found.path,
        defaults={"song": song, "size": found.size, "mtime_ns": found.mtime_ns, "file_state": found.state},
    )


def _store_song(
    song: Song,
    root: LibraryRoot,
    audio: AudioFile,
    identity: Identity,
    uploaded_by: User | None,
    edited: Collection[str],
) -> None:
    """Write the data of a file into its song; an upload counts for the account that sent it."""
    if uploaded_by is not None:
        song.uploaded_by = uploaded_by
    if identity.found is Found.MOVED and identity.here is not None:
        _swap_files(song, identity.here)
    if identity.found is Found.CHANGED:
        song.duplicates.all().delete()
    _describe(song, audio, identity, edited)
    found, sound = audio.found, audio.sound
    song.root, song.path, song.size, song.mtime_ns = root, found.path, found.size, found.mtime_ns
    song.file_state, song.compilation = found.state, audio.tags.compilation
    song.content_hash, song.codec, song.duration_s = audio.fingerprint, sound.codec, sound.duration_s
    song.missing_since = None
    tagged = song.pk and identity.found not in _TO_BE_TAGGED and song.tagging_state != Song.Tagging.FAILED
    pending = {} if tagged else pending_tagging()
    for name, value in pending.items():
        setattr(song, name, value)
    # Concurrent tagging may update tagging_*, and account deletion may clear uploaded_by: save only our columns.
    columns = [
        *_DESCRIBED,
        *_OF_THE_FILE,
        *pending,
        *(["uploaded_by"] if uploaded_by else []),
    ]
    song.save(update_fields=columns if song.pk else None)


def one_at_a_time() -> None:
    """Keep every other import from storing until this transaction ends; SQLite has one writer anyway."""
    list(LibraryRoot.objects.select_for_update().order_by("pk").values_list("pk"))


def edited_by_hand(song_ids: Collection[int]) -> dict[int, set[str]]:
    """Which columns of songs an admin has written, as far as Django's log tells; of songs without any, nothing."""
    edited: defaultdict[int, set[str]] = defaultdict(set)
    if song_ids:
        entries = LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(Song),
            object_id__in=[str(pk) for pk in song_ids],
            action_flag=CHANGE,
        )
        for pk, message in entries.values_list("object_id", "change_message"):
            with suppress(ValueError, TypeError, AttributeError):
                for one in json.loads(message):
                    fields = one.get("changed", {}).get("fields", ())
                    edited[int(pk or 0)].update(field.lower().replace(" ", "_") for field in fields)
    return edited


def _describe(song: Song, audio: AudioFile, identity: Identity, edited: Collection[str]) -> None:
    """Bring a song in line with what its file says: what had come from the file follows it, other values stay."""
    if identity.found is Found.GAINED and song.identifiers.filter(value=song.title).exists():
        song.title = ""
    cover = "" if audio.cover is None else stored_cover(audio.cover.name, audio.cover.jpeg)
    said: dict[str, Any] = {
        name: getattr(audio.tags, name) or getattr(audio.guessed, name) or None for name in _DESCRIBED
    } | {"cover": cover or None}
    before = song.from_file
    if song.gathered and said["album_artist"] is None:
        # Given to the songs of a compilation, and taken away with it, by `compilations`.
        said["album_artist"] = song.album_artist or None
    song.gathered = song.gathered and (said["album_artist"] or "") == song.album_artist
    for name, value in said.items():
        known = (song.cover.name if name == "cover" else getattr(song, name)) or None
        if before is None and name in edited:
            continue
        if _follows(known, value, name, before, song.path, told=bool(getattr(audio.tags, name, value))):
            _set(song, name, value)
    if song.artist == said["artist"]:
        song.artists = list(audio.tags.artists)
    song.from_file = said


def _follows(known: Any, value: Any, name: str, before: dict[str, Any] | None, path: str, *, told: bool) -> bool:
    """Whether a song's value is to become what its file says now.

    Parameters
    ----------
    known, value : object
        What the song has, and what the file says; None for nothing.
    before : dict, optional
        What the file said when it was last read; None where nobody knows, as of songs that an earlier version read.
    path : str
        Where the song's file was.
    told : bool
        Whether the file's tags say it, and not its name alone.
    """
    if before is None:
        if told and value is not None:
            return True
        return known is None or bool(path and name != "cover" and may_stand_in(path, known))
    was = before.get(name)
    return bool(known == was or (told and value is not None and value != was))


def _set(song: Song, name: str, value: Any) -> None:
    if name == "cover":
        song.cover.name = value or ""
    else:
        setattr(song, name, value or (None if name in _NUMBERS else ""))


def _swap_files(song: Song, here: Song) -> None:
    """Free the path at which another song had its file: its own recording may yet be found at the other's old path."""
    there = song.root, song.path
    Song.objects.filter(pk=song.pk).update(root=None, path="")
    here.root, here.path = there
    here.size = here.mtime_ns = None
    here.file_state = ""
    here.save(update_fields=["root", "path", "size", "mtime_ns", "file_state"])


def _take_file_away(song: Song) -> None:
    """Leave a song without a file; if one of its duplicates is its own again, the next scan finds out."""
    song.duplicates.all().delete()
    song.root, song.path, song.size, song.mtime_ns = None, "", None, None
    song.save(update_fields=["root", "path", "size", "mtime_ns"])


def stored_cover(name: str, jpeg: bytes) -> str:
    """Store a picture under its name, unless it is there already; its name in the storage."""
    path = f"covers/{name}"
    if not default_storage.exists(path):
        stored = default_storage.save(path, ContentFile(jpeg))
        if stored != path:
            # Another import has stored the same picture in this very moment.
            default_storage.delete(stored)
    return path


def announce_tagging_needed(song_ids: list[int]) -> None:
    """Send `tagging_needed` once the current transaction is committed."""
    if song_ids:
        transaction.on_commit(partial(tagging_needed.send, sender=Song, song_ids=song_ids))


def import_file(
    root: LibraryRoot,
    path: str,
    uploaded_by: User | None = None,
    admit: Callable[[Found], object] = lambda _: None,
) -> tuple[Song, Found]:
    """Bring in a single file of a root.

    Parameters
    ----------
    path : str
        Relative to the root.
    uploaded_by : User, optional
        Whose file it is.
    admit : callable
        Told what the file is found to be once it is stored; where it raises, nothing is stored. No other import
        stores anything meanwhile.

    Returns
    -------
    song : Song
        That the file is; where it is a duplicate, the one it is a duplicate of.
    found : Found

    Raises
    ------
    UnreadableAudio
        If it is no audio file, or not all of one.
    """
    folder = root.folder.resolve()
    found = next(walk(folder, path), BadFile(path, "in a folder that holds no music"))
    if isinstance(found, BadFile):
        raise UnreadableAudio(found.reason)
    audio = read_audio_file(folder, found, Covers())
    with transaction.atomic():
        [stored] = store(root, [audio], uploaded_by)
        admit(stored.found)
    return stored.song, stored.found
