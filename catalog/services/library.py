"""The library: bringing audio files in, and keeping songs and files in step."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from ..audio import UnreadableAudio
from ..importing.identity import Found, Identity, KnownNames, file_in_place, identify
from ..importing.names import guess_tags
from ..importing.pictures import Covers
from ..importing.reading import AudioFile, read_audio_file
from ..importing.roots import root_of, roots_inside
from ..importing.walking import BadFile, FoundFile, count, printable, reason, walk
from ..models import DuplicateFile, LibraryRoot, Song, SongIdentifier
from ..signals import songs_added
from .labels import store_file_genres
from .song_index import note

logger = logging.getLogger(__name__)

_ASKED_AT_ONCE = 500
_STORED_AT_ONCE = 64
_SWEPT_AT_ONCE = 2000
# A scan that has not said for this long that it is at work was killed.
_LEASE = timedelta(minutes=10)


@dataclass(slots=True)
class ImportReport:
    """What an import did.

    Attributes
    ----------
    new, known, changed, moved : int
        Audio files that are songs here now: unknown before, as they were, with other contents, elsewhere before.
    returned : int
        Songs, among those of `known`, whose file was missing and is back.
    missing : int
        Songs whose file is found gone by this import.
    duplicates : list of (str, str)
        Files with the recording of a song that has its own file, and that file.
    bad : list of BadFile
        What was left out, under full paths.
    problems : list of str
        Why a whole root was left as it is.
    """

    new: int = 0
    known: int = 0
    changed: int = 0
    moved: int = 0
    returned: int = 0
    missing: int = 0
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    bad: list[BadFile] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """The figures in one line."""
        return (
            f"{self.new} new, {self.known} known, {self.changed} changed, {self.moved} moved, "
            f"{self.missing} missing, {len(self.duplicates)} duplicates, {len(self.bad)} not usable"
        )


Progress = Callable[[int], object]
"""Told how many files have been dealt with since it was told last."""


def import_path(path: Path, report: ImportReport, progress: Progress = lambda _: None) -> None:
    """Bring in a file, or a folder and everything below it, where it lies.

    Whatever was brought in before stays as it is, so that an import can be broken off and started again.

    Raises
    ------
    FileNotFoundError
        If there is no such path.
    ValueError
        If the path cannot be remembered, see `root_of`.
    """
    root, within = root_of(path)
    if not within and root.scanned_at is None:
        # It may have been made for one of its files.
        LibraryRoot.objects.filter(pk=root.pk).update(rescan=True)
    scan(root, within, report, progress)
    for inner, _ in roots_inside(path.resolve()):
        scan(inner, "", report, progress)


def files_at(path: Path) -> int:
    """How many files `import_path` will look at, about."""
    path = path.resolve()
    return count(path.parent, path.name) if path.is_dir() else 1


def scan(root: LibraryRoot, within: str, report: ImportReport, progress: Progress = lambda _: None) -> None:
    """Compare the files of a root, or of a folder in it, with its songs, and bring the songs in line."""
    _Scan(root, report, progress).run(within)


def rescan(root: LibraryRoot) -> ImportReport | None:
    """Scan a root unless another scan of it is at work, in whatever process of whatever host; then None."""
    now = timezone.now()
    free = LibraryRoot.objects.filter(Q(scanning_until=None) | Q(scanning_until__lt=now), pk=root.pk)
    if not free.update(scanning_until=now + _LEASE):
        return None
    report = ImportReport()
    scan(root, "", report)
    for problem in report.problems:
        logger.warning("%s: %s", root, problem)
    return report


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
    found = next(walk(folder, path))
    if isinstance(found, BadFile):
        raise UnreadableAudio(found.reason)
    audio = read_audio_file(folder, found, Covers())
    with transaction.atomic():
        [(song, how)] = _store(root, [audio], uploaded_by)
        admit(how)
    return song, how


class _Scan:
    """One pass over a root."""

    def __init__(self, root: LibraryRoot, report: ImportReport, progress: Progress) -> None:
        self.root = root
        self.folder = root.folder.resolve()
        self.report = report
        self.progress = progress
        self.covers = Covers()
        self.leased_at = float("-inf")
        self.to_read: list[FoundFile] = []

    def run(self, within: str) -> None:
        if problem := self._problem(within):
            self.report.problems.append(problem)
            LibraryRoot.objects.filter(pk=self.root.pk).update(scan_result=problem[:500], scanning_until=None)
            return
        # Reading waits for the disk, and gives up the interpreter while it hashes and decodes.
        threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1))
        try:
            inner = {folder for _, folder in roots_inside(self.folder)}
            for entries in _batches(walk(self.folder, within, inner), _ASKED_AT_ONCE):
                self._keep_lease()
                self._compare(entries)
                while len(self.to_read) >= _STORED_AT_ONCE:
                    self._bring_in(threads)
            while self.to_read:
                self._bring_in(threads)
            if problem := self._problem(within):
                self.report.problems.append(problem)
            else:
                self._sweep(within)
        finally:
            threads.shutdown(cancel_futures=True)
            LibraryRoot.objects.filter(pk=self.root.pk).update(scanning_until=None)
        if not within:
            LibraryRoot.objects.filter(pk=self.root.pk).update(
                scanned_at=timezone.now(), scan_result=self.report.summary
            )

    def _problem(self, within: str) -> str | None:
        """Why the files of this root cannot be told to be gone, if so: most likely a disk that is not mounted."""
        if not self.folder.is_dir():
            return f"{self.folder} is not there: its songs stay as they are"
        if within or not Song.objects.filter(root=self.root).exclude(path="").exists():
            return None
        try:
            if any(not entry.name.startswith(".") for entry in self.folder.iterdir()):
                return None
        except OSError as error:
            return f"{self.folder}: {reason(error)}: its songs stay as they are"
        return f"{self.folder} is empty, as if not mounted: its songs stay as they are"

    def _keep_lease(self) -> None:
        if monotonic() - self.leased_at > 30:
            self.leased_at = monotonic()
            LibraryRoot.objects.filter(pk=self.root.pk).update(scanning_until=timezone.now() + _LEASE)

    def _compare(self, entries: Sequence[FoundFile | BadFile]) -> None:
        """Tell the files that are known by path, size and time from those that have to be read."""
        files = [entry for entry in entries if isinstance(entry, FoundFile)]
        for entry in entries:
            if isinstance(entry, BadFile):
                self._leave_out(entry.path, entry.reason)
                self.progress(1)
        paths = [file.path for file in files]
        of_root = {"root": self.root, "path__in": paths}
        songs = {
            (path, size, mtime_ns): (pk, missing_since is not None)
            for pk, path, size, mtime_ns, missing_since in Song.objects.filter(**of_root).values_list(
                "pk", "path", "size", "mtime_ns", "missing_since"
            )
        }
        duplicates = {
            (copy.path, copy.size, copy.mtime_ns): copy.song
            for copy in DuplicateFile.objects.filter(**of_root).select_related("song__root")
        }
        returned = []
        for file in files:
            key = (file.path, file.size, file.mtime_ns)
            if key in songs:
                pk, missing = songs[key]
                if missing:
                    returned.append(pk)
                self.report.known += 1
            elif key in duplicates:
                self._report_duplicate(file.path, duplicates[key])
            else:
                self.to_read.append(file)
                continue
            self.progress(1)
        if returned:
            self._welcome_back(returned)

    def _bring_in(self, threads: ThreadPoolExecutor) -> None:
        """Read some files and store what they are."""
        batch, self.to_read = self.to_read[:_STORED_AT_ONCE], self.to_read[_STORED_AT_ONCE:]
        audios = [audio for audio in threads.map(self._read, batch) if audio is not None]
        self._keep_lease()
        with transaction.atomic():
            stored = _store(self.root, audios)
        for audio, (song, how) in zip(audios, stored, strict=True):
            match how:
                case Found.NEW | Found.GAINED:
                    self.report.new += 1
                case Found.KNOWN:
                    self.report.known += 1
                case Found.CHANGED | Found.SAME:
                    self.report.changed += 1
                case Found.MOVED:
                    self.report.moved += 1
                case Found.DUPLICATE:
                    self._report_duplicate(audio.found.path, song)
        self.progress(len(batch))

    def _read(self, found: FoundFile) -> AudioFile | None:
        try:
            return read_audio_file(self.folder, found, self.covers)
        except UnreadableAudio as error:
            self._leave_out(found.path, str(error))
            return None

    def _sweep(self, within: str) -> None:
        """Find the songs whose file is gone: another file with the recording takes its place, or it is missing."""
        songs = Song.objects.filter(root=self.root, missing_since=None).exclude(path="")
        copies = DuplicateFile.objects.filter(root=self.root)
        if within:
            songs, copies = songs.filter(path__startswith=within), copies.filter(path__startswith=within)
        bad = {one.path for one in self.report.bad}
        for chunk in _by_pk(songs):
            gone = [pk for pk, path in chunk if _below(path, within) and self._gone(path, bad)]
            if gone:
                self._mark_missing(gone, bad)
        for chunk in _by_pk(copies):
            copies.filter(pk__in=[pk for pk, path in chunk if _below(path, within) and self._gone(path, bad)]).delete()

    def _gone(self, path: str, bad: set[str]) -> bool:
        try:
            return not stat.S_ISREG((self.folder / path).stat().st_mode) or self._shown(path) in bad
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False

    @transaction.atomic
    def _mark_missing(self, pks: list[int], bad: set[str]) -> None:
        one_at_a_time()
        for song in Song.objects.filter(pk__in=pks, root=self.root, missing_since=None):
            if not self._gone(song.path, bad):
                continue
            for copy in song.duplicates.select_related("root"):
                elsewhere = Song(root=copy.root, path=copy.path, size=copy.size, mtime_ns=copy.mtime_ns)
                if file_in_place(elsewhere):
                    song.root, song.path, song.size, song.mtime_ns = copy.root, copy.path, copy.size, copy.mtime_ns
                    copy.delete()
                    song.save(update_fields=["root", "path", "size", "mtime_ns"])
                    self.report.moved += 1
                    break
            else:
                song.missing_since = timezone.now()
                song.save(update_fields=["missing_since"])
                self.report.missing += 1

    @transaction.atomic
    def _welcome_back(self, pks: list[int]) -> None:
        songs = Song.objects.filter(pk__in=pks)
        songs.update(missing_since=None)
        note(pks)
        # It may have failed because its file was not there.
        failed = songs.filter(tagging_state=Song.Tagging.FAILED)
        again = list(failed.values_list("pk", flat=True))
        failed.update(**_unheard())
        _announce_added(again)
        self.report.returned += len(pks)

    def _report_duplicate(self, path: str, song: Song) -> None:
        self.report.duplicates.append((self._shown(path), printable(str(song.audio_file))))

    def _leave_out(self, path: str, why: str) -> None:
        self.report.bad.append(BadFile(self._shown(path), why))

    def _shown(self, path: str) -> str:
        return printable(f"{self.folder}/{path}")


_TO_BE_HEARD = frozenset({Found.NEW, Found.GAINED, Found.CHANGED})
_DESCRIBED = ("title", "artist", "album", "album_artist", "track_number", "disc_number", "year")
_OF_THE_FILE = ("root", "path", "size", "mtime_ns", "content_hash", "codec", "duration_s", "missing_since", "cover")
_OF_HEARING = ("tagging_state", "tagging_error", "tagging_attempts", "tagging_changed_at")


def _store(root: LibraryRoot, audios: Sequence[AudioFile], uploaded_by: User | None = None) -> list[tuple[Song, Found]]:
    """Make files the audio of the songs that they are; inside a transaction."""
    one_at_a_time()
    known = KnownNames(root, audios)
    stored: list[tuple[Song, Found]] = []
    genres: dict[int, Collection[str]] = {}
    for audio in audios:
        identity = identify(root, audio, known)
        if identity.found is Found.DUPLICATE and identity.song is not None:
            _store_duplicate(root, audio.found, identity.song, identity.here)
            stored.append((identity.song, Found.DUPLICATE))
            continue
        if identity.found is Found.KNOWN and identity.song is not None:
            stored.append((identity.song, Found.KNOWN))
            continue
        if audio.found.path in known.duplicates:
            DuplicateFile.objects.filter(root=root, path=audio.found.path).delete()
        song = identity.song or Song()
        _store_song(song, root, audio, identity, uploaded_by)
        known.learn(song, audio.tags.identifiers)
        genres[song.pk] = audio.tags.genres
        stored.append((song, identity.found))
    SongIdentifier.objects.bulk_create(
        [
            SongIdentifier(song=song, value=value)
            for audio, (song, how) in zip(audios, stored, strict=True)
            if how not in (Found.DUPLICATE, Found.KNOWN)
            for value in audio.tags.identifiers
        ],
        ignore_conflicts=True,
    )
    store_file_genres(genres)
    _announce_added([song.pk for song, how in stored if how in _TO_BE_HEARD])
    return stored


def _store_duplicate(root: LibraryRoot, found: FoundFile, song: Song, here: Song | None) -> None:
    if here is not None:
        _take_file_away(here)
    DuplicateFile.objects.update_or_create(
        root=root, path=found.path, defaults={"song": song, "size": found.size, "mtime_ns": found.mtime_ns}
    )


def _store_song(song: Song, root: LibraryRoot, audio: AudioFile, identity: Identity, uploaded_by: User | None) -> None:
    """Write what is known of a file into the song that it is; it counts for whoever has uploaded it."""
    if uploaded_by is not None:
        song.uploaded_by = uploaded_by
    if identity.found is Found.MOVED and identity.here is not None:
        _swap_files(song, identity.here)
    if identity.found is Found.CHANGED:
        song.duplicates.all().delete()
    _describe(song, audio, identity)
    found, sound = audio.found, audio.sound
    song.root, song.path, song.size, song.mtime_ns = root, found.path, found.size, found.mtime_ns
    song.content_hash, song.codec, song.duration_s = audio.fingerprint, sound.codec, sound.duration_s
    song.missing_since = None
    if audio.cover is not None:
        song.cover.name = _stored_cover(audio.cover.name, audio.cover.jpeg)
    heard = song.pk and identity.found not in _TO_BE_HEARD and song.tagging_state != Song.Tagging.FAILED
    if not heard:
        for name, value in _unheard().items():
            setattr(song, name, value)
    # A tagger may be writing its own columns at this moment, and somebody leaving theirs.
    columns = [*_DESCRIBED, *_OF_THE_FILE, *(() if heard else _OF_HEARING), *(["uploaded_by"] if uploaded_by else [])]
    song.save(update_fields=columns if song.pk else None)


def _unheard() -> dict[str, object]:
    """The columns of a song that is to be listened to, however often that has failed."""
    return dict(zip(_OF_HEARING, (Song.Tagging.PENDING, "", 0, timezone.now()), strict=True))


def one_at_a_time() -> None:
    """Keep every other import from storing until this transaction ends; SQLite has one writer anyway."""
    list(LibraryRoot.objects.select_for_update().order_by("pk").values_list("pk"))


def _describe(song: Song, audio: AudioFile, identity: Identity) -> None:
    """Fill in what the tags say; what only the names say does not replace what is known."""
    before = guess_tags(song.path) if song.path else None
    if identity.found is Found.GAINED and song.identifiers.filter(value=song.title).exists():
        song.title = ""
    for name in _DESCRIBED:
        known, told, guessed = getattr(song, name), getattr(audio.tags, name), getattr(audio.guessed, name)
        if told:
            setattr(song, name, told)
        elif not known or (before is not None and known == getattr(before, name)):
            setattr(song, name, guessed)


def _swap_files(song: Song, here: Song) -> None:
    """Free the path at which another song had its file: its own recording may yet be found at the other's old path."""
    there = song.root, song.path
    Song.objects.filter(pk=song.pk).update(root=None, path="")
    here.root, here.path = there
    here.size = here.mtime_ns = None
    here.save(update_fields=["root", "path", "size", "mtime_ns"])


def _take_file_away(song: Song) -> None:
    """Leave a song without a file; if one of its duplicates is its own again, the next scan finds out."""
    song.duplicates.all().delete()
    song.root, song.path, song.size, song.mtime_ns = None, "", None, None
    song.save(update_fields=["root", "path", "size", "mtime_ns"])


def _stored_cover(name: str, jpeg: bytes) -> str:
    path = f"covers/{name}"
    if not default_storage.exists(path):
        stored = default_storage.save(path, ContentFile(jpeg))
        if stored != path:
            # Another import has stored the same picture in this very moment.
            default_storage.delete(stored)
    return path


def _announce_added(song_ids: list[int]) -> None:
    if song_ids:
        transaction.on_commit(partial(songs_added.send, sender=Song, song_ids=song_ids))


def _below(path: str, within: str) -> bool:
    return not within or path == within or path.startswith(f"{within}/")


def _by_pk(rows: QuerySet[Any]) -> Iterator[list[tuple[int, str]]]:
    """Primary keys and paths, some at a time, so that no cursor is open while rows are written."""
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", "path")[:_SWEPT_AT_ONCE]):
        yield chunk
        last = chunk[-1][0]


def _batches(entries: Iterable[FoundFile | BadFile], size: int) -> Iterator[list[FoundFile | BadFile]]:
    iterator = iter(entries)
    while batch := list(islice(iterator, size)):
        yield batch
