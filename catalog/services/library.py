"""Scanning the library's folders: new, changed, moved and missing files, compared with the songs."""

from __future__ import annotations

import logging
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from .. import leases
from ..audio_frames import UnreadableAudio, UnreasonableAudio
from ..file_parts import file_of
from ..importing.identity import Found, file_in_place
from ..importing.limited_reading import read_audio_file
from ..importing.names import album_folder
from ..importing.pictures import Covers
from ..importing.reading import AudioFile
from ..importing.roots import UPLOADS, root_of, roots_inside
from ..importing.tables import batches
from ..importing.walking import (
    BadFile,
    FoundFile,
    count,
    is_passed_over,
    mark_of_no_music,
    parts_of,
    printable,
    reason,
    walk,
)
from ..leases import heartbeat
from ..models import DuplicateFile, LibraryRoot, RefusedFile, Song
from .artist_pictures import find_artist_pictures, keep_pictures_in_tags, share_covers
from .compilations import gather
from .song_files import announce_tagging_needed, one_at_a_time, store
from .song_index import record_changes

logger = logging.getLogger(__name__)

STORED_AT_ONCE = 64
"""Audio files of one transaction."""

MANY_GONE, MOST_GONE = 20, 0.5
"""So many songs, and more than this share of a root's, that vanish at once are asked about first."""

_ASKED_AT_ONCE = 500
_SWEPT_AT_ONCE = 2000


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
    updated : int
        Songs, among those of `known`, that look other than before because files are read in another way now.
    duplicates : list of (str, str)
        Files with the recording of a song that has its own file, and that file.
    short : list of (str, float)
        Files that were read now and that end before they say, and how many seconds of sound there are.
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
    updated: int = 0
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    short: list[tuple[str, float]] = field(default_factory=list)
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


def import_path(
    path: Path,
    report: ImportReport,
    progress: Progress = lambda _: None,
    *,
    again: bool = False,
    confirmed: bool = False,
) -> None:
    """Bring in a file, or a folder and everything below it, where it lies.

    Whatever was brought in before stays as it is, so that an import can be broken off and started again. What took too
    much to read is tried again: a user asks for it. With `again` every file is read, also those that have not changed
    since they were read last. With `confirmed`, songs are missing at once even where most are.

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
    RefusedFile.objects.filter(root=root, path__startswith=within).delete()
    scan(root, within, report, progress, again=again, confirmed=confirmed)
    for inner, _ in roots_inside(path.resolve()):
        scan(inner, "", report, progress, again=again, confirmed=confirmed)


def files_at(path: Path) -> int:
    """How many files `import_path` will look at, about."""
    path = path.resolve()
    return count(path.parent, path.name) if path.is_dir() else 1


def scan(
    root: LibraryRoot,
    within: str,
    report: ImportReport,
    progress: Progress = lambda _: None,
    *,
    again: bool = False,
    confirmed: bool = False,
) -> None:
    """Compare the files of a root, or of a folder in it, with its songs, and bring the songs in line.

    With `again` every file is read; with `confirmed`, songs are missing at once even where most of the root's are.
    """
    _Scan(root, report, progress, again=again, confirmed=confirmed).run(within)


def rescan(root: LibraryRoot, *, confirmed: bool = False) -> ImportReport | None:
    """Scan a root unless another scan of it is at work, in whatever process of whatever host; then None."""
    now = timezone.now()
    free = LibraryRoot.objects.filter(Q(scanning_until=None) | Q(scanning_until__lt=now), pk=root.pk)
    if not free.update(scanning_until=now + leases.LEASE):
        return None
    report = ImportReport()
    scan(root, "", report, confirmed=confirmed)
    for problem in report.problems:
        logger.warning("%s: %s", root, problem)
    return report


class _KnownPart(NamedTuple):
    """A part of a file that is a song, or a duplicate of one."""

    pk: int
    path: str
    missing: bool
    duplicate_of: Song | None = None


class _Scan:
    """One pass over a root."""

    def __init__(
        self, root: LibraryRoot, report: ImportReport, progress: Progress, *, again: bool, confirmed: bool
    ) -> None:
        self.root = root
        self.again = again
        self.confirmed = confirmed
        self.folder = root.folder.resolve()
        self.report = report
        self.progress = progress
        self.covers = Covers()
        self.to_read: list[FoundFile] = []
        self.refused: list[tuple[FoundFile, str]] = []
        self.touched: set[str] = set()
        self.updated: set[int] = set()
        self.passed_over: dict[str, bool] = {}
        self.parts: set[str] = set()
        self.parted: set[str] = set()
        # What is uploaded is one song, whatever sheet is in it.
        self.takes_apart = root.name != UPLOADS
        self.known_parts: defaultdict[tuple[str, int | None, int | None, str], list[_KnownPart]] | None = None

    def run(self, within: str) -> None:
        if problem := self._problem(within):
            self.report.problems.append(problem)
            LibraryRoot.objects.filter(pk=self.root.pk).update(scan_result=problem[:500], scanning_until=None)
            return
        # Each thread waits for a process of its own, which reads one file after the other under limits.
        threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1))
        try:
            with heartbeat(self._keep_lease):
                self._look_through(within, threads)
        finally:
            threads.shutdown(cancel_futures=True)
            LibraryRoot.objects.filter(pk=self.root.pk).update(scanning_until=None)
        if not within:
            LibraryRoot.objects.filter(pk=self.root.pk).update(
                scanned_at=timezone.now(), scan_result="; ".join([self.report.summary, *self.report.problems])[:500]
            )

    def _look_through(self, within: str, threads: ThreadPoolExecutor) -> None:
        self._keep_lease()
        inner = {folder for _, folder in roots_inside(self.folder)}
        for entries in batches(walk(self.folder, within, inner), _ASKED_AT_ONCE):
            self._compare(entries)
            while len(self.to_read) >= STORED_AT_ONCE:
                self._bring_in(threads)
        while self.to_read:
            self._bring_in(threads)
        if problem := self._problem(within):
            self.report.problems.append(problem)
        else:
            self._sweep(within)
            self._gather()
            share_covers(self.root, self.touched)
            find_artist_pictures(self.root)

    def _problem(self, within: str) -> str | None:
        """Why the files of this root cannot be told to be gone, if so: most likely a disk that is not mounted."""
        if not self.folder.is_dir():
            return f"{self.folder} is not there: its songs stay as they are"
        if mark := mark_of_no_music(self.folder):
            return f"{self.folder} says that it holds no music, by the {mark} in it: its songs stay as they are"
        if within or not Song.objects.with_file().filter(root=self.root).exists():
            return None
        try:
            if any(not entry.name.startswith(".") and entry.name != "lost+found" for entry in self.folder.iterdir()):
                return None
        except OSError as error:
            return f"{self.folder}: {reason(error)}: its songs stay as they are"
        return f"{self.folder} is empty, as if not mounted: its songs stay as they are"

    def _keep_lease(self) -> None:
        LibraryRoot.objects.filter(pk=self.root.pk).update(scanning_until=timezone.now() + leases.LEASE)

    def _compare(self, entries: Sequence[FoundFile | BadFile]) -> None:
        """Tell the files that are known by path, size, times and pictures from those that have to be read."""
        files = [entry for entry in entries if isinstance(entry, FoundFile)]
        for file in files:
            if file.track is not None:
                self._note_parts(file_of(file.path), [file.path])
        for entry in entries:
            if isinstance(entry, BadFile):
                self._leave_out(entry.path, entry.reason)
                self.progress(1)
        paths = [file.path for file in files]
        of_root = {"root": self.root, "path__in": paths}
        songs = {
            tuple(key): (pk, missing_since is not None)
            for pk, missing_since, *key in Song.objects.filter(**of_root).values_list(
                "pk", "missing_since", "path", "size", "mtime_ns", "file_state"
            )
        }
        duplicates = {
            (copy.path, copy.size, copy.mtime_ns, copy.file_state): copy.song
            for copy in DuplicateFile.objects.filter(**of_root).select_related("song__root")
        }
        refused = {
            (path, size, mtime_ns): why
            for path, size, mtime_ns, why in RefusedFile.objects.filter(**of_root).values_list(
                "path", "size", "mtime_ns", "reason"
            )
        }
        returned = []
        for file in files:
            key = (file.path, file.size, file.mtime_ns, file.state)
            if self.again:
                self.to_read.append(file)
                continue
            if key in songs:
                pk, missing = songs[key]
                if missing:
                    returned.append(pk)
                self.report.known += 1
            elif key in duplicates:
                self._report_duplicate(file.path, duplicates[key])
            elif key[:3] in refused:
                self._leave_out(file.path, refused[key[:3]])
            elif file.track is None and (parts := self._known_parts(file)):
                self._note_parts(file.path, (part.path for part in parts))
                for part in parts:
                    if part.duplicate_of is not None:
                        self._report_duplicate(part.path, part.duplicate_of)
                    else:
                        self.report.known += 1
                returned += [part.pk for part in parts if part.missing]
            else:
                self.to_read.append(file)
                continue
            self.progress(1)
        if returned:
            self._welcome_back(returned)

    def _bring_in(self, threads: ThreadPoolExecutor) -> None:
        """Read some files and store what they are."""
        batch, self.to_read = self.to_read[:STORED_AT_ONCE], self.to_read[STORED_AT_ONCE:]
        audios = self._read_all(batch, threads)
        self._remember_refused()
        with transaction.atomic():
            stored = store(self.root, audios, again=self.again)
        keep_pictures_in_tags(self.root, zip(audios, (one.song for one in stored), strict=True))
        for audio, one in zip(audios, stored, strict=True):
            self.touched.add(album_folder(audio.found.path))
            if audio.sound.is_short:
                self.report.short.append((self._shown(audio.found.path), audio.sound.duration_s))
            match one.found:
                case Found.NEW | Found.GAINED:
                    self.report.new += 1
                case Found.KNOWN | Found.SAME if one.changed and not one.outdated:
                    self.report.changed += 1
                case Found.KNOWN | Found.SAME:
                    self.report.known += 1
                    self.report.returned += one.returned
                    if one.changed:
                        self.updated.add(one.song.pk)
                case Found.CHANGED:
                    self.report.changed += 1
                case Found.MOVED:
                    self.report.moved += 1
                case Found.DUPLICATE:
                    self._report_duplicate(audio.found.path, one.song)
        self.progress(len(batch))

    def _read_all(self, batch: Sequence[FoundFile], threads: ThreadPoolExecutor) -> list[AudioFile]:
        """The files that can be read; of those that a CUE sheet in them parts, their parts."""
        read = [audio for audio in threads.map(self._read, batch) if audio is not None]
        parts: list[FoundFile] = []
        for audio in read if self.takes_apart else ():
            for part in parts_of(audio.found, audio.tags.tracks):
                if isinstance(part, BadFile):
                    self._leave_out(part.path, part.reason)
                else:
                    self._note_parts(audio.found.path, [part.path])
                    parts.append(part)
        whole = [audio for audio in read if audio.found.path not in self.parted or audio.found.track is not None]
        return whole + [audio for audio in threads.map(self._read, parts) if audio is not None]

    def _note_parts(self, file: str, parts: Iterable[str]) -> None:
        self.parts.update(parts)
        self.parted.add(file)

    def _known_parts(self, file: FoundFile) -> list[_KnownPart]:
        """The songs that a CUE sheet in a file parts it into, if the file is as it was when it was read."""
        if self.known_parts is None:
            self.known_parts = defaultdict(list)
            of_root = {"root": self.root, "path__endswith": ".part"}
            songs = Song.objects.filter(**of_root).order_by("pk")
            for pk, missing_since, path, size, mtime_ns, state in songs.values_list(
                "pk", "missing_since", "path", "size", "mtime_ns", "file_state"
            ):
                key = (file_of(path), size, mtime_ns, state)
                self.known_parts[key].append(_KnownPart(pk, path, missing_since is not None))
            for copy in DuplicateFile.objects.filter(**of_root).select_related("song__root").order_by("pk"):
                key = (file_of(copy.path), copy.size, copy.mtime_ns, copy.file_state)
                self.known_parts[key].append(_KnownPart(copy.pk, copy.path, missing=False, duplicate_of=copy.song))
        return self.known_parts.get((file.path, file.size, file.mtime_ns, file.state), [])

    def _gather(self) -> None:
        """Make compilations of what has become one in the folders that files were read of."""
        outdated = bool(self.updated)
        gathered = gather(self.root, self.touched)
        if outdated:
            self.updated |= gathered
        self.report.updated += len(self.updated)

    def _read(self, found: FoundFile) -> AudioFile | None:
        try:
            return read_audio_file(self.folder, found, self.covers)
        except UnreadableAudio as error:
            self._leave_out(found.path, str(error))
            if isinstance(error, UnreasonableAudio):
                self.refused.append((found, str(error)))
            return None

    def _remember_refused(self) -> None:
        """Keep the files that took too much, so that no rescan tries them again until they change."""
        for found, why in self.refused:
            RefusedFile.objects.update_or_create(
                root=self.root,
                path=found.path,
                defaults={"size": found.size, "mtime_ns": found.mtime_ns, "reason": why[:200]},
            )
        self.refused.clear()

    def _sweep(self, within: str) -> None:
        """Find the songs whose file is gone: another file with the recording takes its place, or it is missing.

        Where most of a root's songs are gone at once, a disk inside of it is most likely not mounted: it is asked
        first, and taken at its word by the second look, or with `confirmed`.
        """
        songs = Song.objects.playable().filter(root=self.root)
        copies = DuplicateFile.objects.filter(root=self.root)
        if within:
            songs, copies = songs.filter(path__startswith=within), copies.filter(path__startswith=within)
        bad = {one.path for one in self.report.bad}
        gone: list[int] = []
        looked_at = 0
        for chunk in _by_pk(songs):
            those = [(pk, path) for pk, path in chunk if _below(path, within)]
            looked_at += len(those)
            gone += [pk for pk, path in those if self._gone(path, bad)]
        if self._asks_first(len(gone), looked_at):
            return
        for start in range(0, len(gone), _SWEPT_AT_ONCE):
            self._mark_missing(gone[start : start + _SWEPT_AT_ONCE], bad)
        refused = RefusedFile.objects.filter(root=self.root)
        for chunk in _by_pk(refused):
            refused.filter(pk__in=[pk for pk, path in chunk if self._gone(path, set())]).delete()
        for chunk in _by_pk(copies):
            copies.filter(pk__in=[pk for pk, path in chunk if _below(path, within) and self._gone(path, bad)]).delete()

    def _asks_first(self, gone: int, looked_at: int) -> bool:
        """Whether so many songs are gone that nothing is done about it yet."""
        root = LibraryRoot.objects.filter(pk=self.root.pk)
        before = root.values_list("vanished_songs", flat=True).first() or 0
        many = gone >= MANY_GONE and gone > looked_at * MOST_GONE
        if not many or self.confirmed or before:
            root.exclude(vanished_songs=0).update(vanished_songs=0)
            return False
        root.update(vanished_songs=gone)
        self.report.problems.append(
            f"{gone} of the {looked_at} songs of {self.folder} are gone at once, as if a disk in it were not mounted: "
            "they stay as they are. If they are gone for good, scan once more, or say so with --gone"
        )
        return True

    def _gone(self, path: str, bad: set[str]) -> bool:
        file = file_of(path)
        # A part that no CUE sheet names any more, and a file that one parts.
        if (path not in self.parts) if file != path else (path in self.parted):
            return True
        try:
            if not stat.S_ISREG((self.folder / file).stat().st_mode) or self._shown(path) in bad:
                return True
            return self._is_passed_over(file.rpartition("/")[0])
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False

    def _is_passed_over(self, folder: str) -> bool:
        """Whether a folder holds nobody's music; asked of the disk once for each."""
        if folder not in self.passed_over:
            self.passed_over[folder] = is_passed_over(self.folder, folder)
        return self.passed_over[folder]

    @transaction.atomic
    def _mark_missing(self, pks: list[int], bad: set[str]) -> None:
        one_at_a_time()
        for song in Song.objects.filter(pk__in=pks, root=self.root, missing_since=None):
            if not self._gone(song.path, bad):
                continue
            self.touched.add(album_folder(song.path))
            for copy in song.duplicates.select_related("root"):
                elsewhere = Song(root=copy.root, path=copy.path, size=copy.size, mtime_ns=copy.mtime_ns)
                if file_in_place(elsewhere):
                    song.root, song.path, song.size, song.mtime_ns = copy.root, copy.path, copy.size, copy.mtime_ns
                    # Its own tags and pictures have not been read: the next scan does.
                    song.file_state = ""
                    copy.delete()
                    song.save(update_fields=["root", "path", "size", "mtime_ns", "file_state"])
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
        record_changes(pks)
        # It may have failed because its file was not there.
        failed = songs.filter(tagging_state=Song.Tagging.FAILED)
        again = list(failed.values_list("pk", flat=True))
        failed.requeue_tagging()
        announce_tagging_needed(again)
        self.report.returned += len(pks)

    def _report_duplicate(self, path: str, song: Song) -> None:
        self.report.duplicates.append((self._shown(path), printable(str(song.audio_file))))

    def _leave_out(self, path: str, why: str) -> None:
        self.report.bad.append(BadFile(self._shown(path), why))

    def _shown(self, path: str) -> str:
        return printable(f"{self.folder}/{path}")


def _below(path: str, within: str) -> bool:
    return not within or path == within or path.startswith(f"{within}/")


def _by_pk(rows: QuerySet[Any]) -> Iterator[list[tuple[int, str]]]:
    """Primary keys and paths, some at a time, so that no cursor is open while rows are written."""
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", "path")[:_SWEPT_AT_ONCE]):
        yield chunk
        last = chunk[-1][0]
