"""Which song an audio file is."""

from __future__ import annotations

import enum
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Case, Q, Value, When

from ..file_parts import part_of
from ..models import DuplicateFile, LibraryRoot, Song, SongIdentifier
from ..names import artist_key, split_artists, title_key
from .descriptions import LASTFM_ARTIST
from .fingerprint import fingerprint
from .reading import AudioFile
from .tags import Tags

_SAME_DURATION_S = 3.0
# A recording may be there under many names: enough of them to look at for one file.
_CANDIDATES = 20


class Found(enum.Enum):
    """How a file and a song belong together."""

    KNOWN = "the song at this path, already brought in by another scan"
    SAME = "the song at this path, the same recording as before"
    CHANGED = "the song at this path, another recording than before"
    MOVED = "a song with this recording, whose own file is gone"
    GAINED = "a song of this name or identifier that has no file, or whose file is gone"
    DUPLICATE = "a song with this recording, whose own file is there"
    NEW = "a song that was not known"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file turned out to be.

    Attributes
    ----------
    found : Found
    song : Song or None
        None for a new one.
    here : Song or None
        The song that had its file at this path before.
    """

    found: Found
    song: Song | None
    here: Song | None


class KnownNames:
    """What the database knows of some files, asked for all at once: most files of an import are of no known song.

    Only to be used by the transaction that keeps other imports out.
    """

    def __init__(self, root: LibraryRoot, audios: Sequence[AudioFile]) -> None:
        at_these_paths = {"root": root, "path__in": [audio.found.path for audio in audios]}
        songs = list(Song.objects.with_file().filter(**at_these_paths).values_list("pk", "path", "file_state"))
        self.paths = {path for _, path, _ in songs}
        self.read_by_an_earlier_version = [pk for pk, _, state in songs if not state]
        self.duplicates = set(DuplicateFile.objects.filter(**at_these_paths).values_list("path", flat=True))
        self.fingerprints = set(
            Song.objects.filter(content_hash__in={audio.fingerprint for audio in audios}).values_list(
                "content_hash", flat=True
            )
        )
        identifiers = {value for audio in audios for value in audio.tags.identifiers}
        self.identifiers = set(
            SongIdentifier.objects.filter(value__in=identifiers).values_list("value", flat=True) if identifiers else ()
        )
        names = {names for audio in audios for names in _name_keys(audio)}
        self.names = set(
            Song.objects.filter(
                artist_key__in={artist for artist, _ in names}, title_key__in={title for _, title in names}
            )
            .exclude(artist_key="")
            .values_list("artist_key", "title_key")
        )

    def learn(self, song: Song, identifiers: Iterable[str]) -> None:
        """Take note of a song that this transaction has written."""
        self.paths.add(song.path)
        self.fingerprints.add(song.content_hash)
        self.identifiers.update(identifiers)
        self.names.add((song.artist_key, song.title_key))


def identify(root: LibraryRoot, audio: AudioFile, known: KnownNames) -> Identity:
    """Which song a file is: by its path, its recording, its identifiers, its artist and title; in this order.

    The same recording twice is one song, unless the tags give the two files different names.
    """
    here = None
    if audio.found.path in known.paths:
        here = Song.objects.with_file().filter(root=root, path=audio.found.path).select_related("root").first()
    if here is not None and here.content_hash == audio.fingerprint:
        as_it_was = not here.missing_since and (
            (here.size, here.mtime_ns, here.file_state) == (audio.found.size, audio.found.mtime_ns, audio.found.state)
        )
        return Identity(Found.KNOWN if as_it_was else Found.SAME, here, here)
    moved = None
    for song in _with_recording(audio) if audio.fingerprint in known.fingerprints else ():
        if song == here:
            continue
        if not file_in_place(song):
            moved = moved or song
        elif _named_alike(song, audio.tags):
            return Identity(Found.DUPLICATE, song, here)
    if moved is not None:
        return Identity(Found.MOVED, moved, here)
    if here is not None:
        return Identity(Found.CHANGED, here, here)
    for song in _with_identifier(audio, known):
        if not file_in_place(song):
            return Identity(Found.GAINED, song, None)
    for song in _with_name(audio) if not known.names.isdisjoint(_name_keys(audio)) else ():
        if not file_in_place(song):
            return Identity(Found.GAINED, song, None)
    return Identity(Found.NEW, None, None)


def file_in_place(song: Song) -> bool:
    """Whether a song's file is there and still the recording that it was.

    A file that cannot be looked at (no permission, a disk that does not answer) is taken to be in place.
    """
    if not song.path:
        return False
    try:
        part = part_of(song.audio_file)
        status = (song.audio_file if part is None else part.file).stat()
        if not stat.S_ISREG(status.st_mode):
            return False
        if (status.st_size, status.st_mtime_ns) == (song.size, song.mtime_ns):
            return True
        return fingerprint(song.audio_file) == song.content_hash
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def _with_recording(audio: AudioFile) -> Iterable[Song]:
    """Songs with this file's recording, those of the same name first."""
    artist, title = _name_key(audio)
    named = Q(artist_key=artist, title_key=title)
    songs = Song.objects.filter(content_hash=audio.fingerprint).select_related("root")
    return songs.order_by(Case(When(named, then=Value(0)), default=Value(1)), "pk")[:_CANDIDATES]


def _with_identifier(audio: AudioFile, known: KnownNames) -> Iterable[Song]:
    """Songs known by an identifier in this file's tags."""
    identifiers = known.identifiers.intersection(audio.tags.identifiers)
    if not identifiers:
        return ()
    songs = Song.objects.filter(identifiers__value__in=identifiers).select_related("root")
    return songs.distinct().order_by("pk")


def _with_name(audio: AudioFile) -> Iterable[Song]:
    """Songs of this file's artist or one of its artists, and title, and about its length."""
    (artist, title), *others = _name_keys(audio)
    artists = [artist, *(one for one, _ in others)]
    seconds = audio.sound.duration_s
    alike = Q(duration_s=None) | Q(duration_s__range=(seconds - _SAME_DURATION_S, seconds + _SAME_DURATION_S))
    songs = Song.objects.filter(alike, artist_key__in=artists, title_key=title).select_related("root")
    # An artist of Last.fm's is no song of theirs that is called as they are.
    songs = songs.exclude(
        Q(path="") & Q(pk__in=SongIdentifier.objects.filter(value__startswith=LASTFM_ARTIST).values("song"))
    )
    in_full_first = Case(When(artist_key=artist, then=Value(0)), default=Value(1))
    return songs.order_by(in_full_first, "pk")[:_CANDIDATES]


def _named_alike(song: Song, tags: Tags) -> bool:
    """Whether a file's tags leave it the song's name and album: a file without tags is named by chance.

    The same recording on two albums is a song on each of them.
    """
    return (
        (not tags.title or title_key(tags.title) == song.title_key)
        and (not tags.artist or artist_key(tags.artist) == song.artist_key)
        and (not tags.album or not song.album or title_key(tags.album) == title_key(song.album))
    )


def _name_keys(audio: AudioFile) -> list[tuple[str, str]]:
    """Artist and title by which a file may be known: that of all its artists first, then that of each."""
    artist, title = _name_key(audio)
    others = {artist_key(name) for name in audio.tags.artists or split_artists(audio.tags.artist)} - {artist, ""}
    return [(artist, title), *((one, title) for one in sorted(others))]


def _name_key(audio: AudioFile) -> tuple[str, str]:
    return (
        artist_key(audio.tags.artist or audio.guessed.artist),
        title_key(audio.tags.title or audio.guessed.title),
    )
