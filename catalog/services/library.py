"""Scanning the library's folders: new, changed, moved and missing files, compared with the songs."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from .. import leases
from ..audio_frames import UnreadableAudio, UnreasonableAudio
from ..file_parts import file_of
from ..importing.identity import Found
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
    parts_of,
    printable,
    walk,
)
from ..leases import heartbeat
from ..models import DuplicateFile, LibraryRoot, RefusedFile, Song
from .artist_pictures import find_artist_pictures, keep_pictures_in_tags, share_covers
from .compilations import gather
from .import_report import ImportReport, Progress
from .known_parts import KnownParts
from .song_files import announce_tagging_needed, store
from .song_index import record_changes
from .vanished import Sweep, TakenApart, unreachable

logger = logging.getLogger(__name__)

STORED_AT_ONCE = 64
"""Audio files of one transaction."""

_ASKED_AT_ONCE = 500


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


class _Before(NamedTuple):
    """What is known of some files from the scans before.

    Attributes
    ----------
    songs : dict
        Primary keys, and whether the song is missing, by path, size, modification time and state.
    duplicates : dict
        The songs that they are duplicates of, by the same.
    refused : dict
        Why they are left out, by path, size and modification time.
    """

    songs: dict[tuple[Any, ...], tuple[int, bool]]
    duplicates: dict[tuple[Any, ...], Song]
    refused: dict[tuple[Any, ...], str]

    @classmethod
    def read(cls, root: LibraryRoot, paths: Sequence[str]) -> _Before:
        of_root = {"root": root, "path__in": paths}
        songs = (
            Song.objects.with_file()
            .filter(**of_root)
            .values_list("pk", "missing_since", "path", "size", "mtime_ns", "file_state")
        )
        copies = DuplicateFile.objects.filter(**of_root).select_related("song__root")
        refused = RefusedFile.objects.filter(**of_root).values_list("reason", "path", "size", "mtime_ns")
        return cls(
            {tuple(key): (pk, missing_since is not None) for pk, missing_since, *key in songs},
            {(copy.path, copy.size, copy.mtime_ns, copy.file_state): copy.song for copy in copies},
            {tuple(key): why for why, *key in refused},
        )


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
        # What is uploaded is one song, whatever sheet is in it.
        self.takes_apart = root.name != UPLOADS
        self.taken_apart = TakenApart()
        self.known_parts = KnownParts(root)

    def run(self, within: str) -> None:
        if problem := unreachable(self.root, within):
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
        if problem := unreachable(self.root, within):
            self.report.problems.append(problem)
        else:
            sweep = Sweep(self.root, self.report, self.taken_apart, confirmed=self.confirmed)
            self.touched |= sweep.run(within)
            self._gather()
            share_covers(self.root, self.touched)
            find_artist_pictures(self.root)

    def _keep_lease(self) -> None:
        LibraryRoot.objects.filter(pk=self.root.pk).update(scanning_until=timezone.now() + leases.LEASE)

    def _compare(self, entries: Sequence[FoundFile | BadFile]) -> None:
        """Tell the files that are known by path, size, times and pictures from those that have to be read."""
        files = [entry for entry in entries if isinstance(entry, FoundFile)]
        for file in files:
            if file.track is not None:
                self.taken_apart.add(file_of(file.path), [file.path])
        for entry in entries:
            if isinstance(entry, BadFile):
                self.report.leave_out(self._full_path(entry.path), entry.reason)
                self.progress(1)
        before = _Before.read(self.root, [file.path for file in files])
        returned = []
        for file in files:
            key = (file.path, file.size, file.mtime_ns, file.state)
            if self.again:
                self.to_read.append(file)
                continue
            if key in before.songs:
                pk, missing = before.songs[key]
                if missing:
                    returned.append(pk)
                self.report.known += 1
            elif key in before.duplicates:
                self.report.add_duplicate(self._full_path(file.path), before.duplicates[key])
            elif key[:3] in before.refused:
                self.report.leave_out(self._full_path(file.path), before.refused[key[:3]])
            elif file.track is None and (parts := self.known_parts.of(file)):
                self.taken_apart.add(file.path, (part.path for part in parts))
                for part in parts:
                    if part.duplicate_of is not None:
                        self.report.add_duplicate(self._full_path(part.path), part.duplicate_of)
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
                self.report.short.append((printable(self._full_path(audio.found.path)), audio.sound.duration_s))
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
                    self.report.add_duplicate(self._full_path(audio.found.path), one.song)
        self.progress(len(batch))

    def _read_all(self, batch: Sequence[FoundFile], threads: ThreadPoolExecutor) -> list[AudioFile]:
        """The files that can be read; of those that a CUE sheet in them parts, their parts."""
        read = [audio for audio in threads.map(self._read, batch) if audio is not None]
        parts: list[FoundFile] = []
        for audio in read if self.takes_apart else ():
            for part in parts_of(audio.found, audio.tags.tracks):
                if isinstance(part, BadFile):
                    self.report.leave_out(self._full_path(part.path), part.reason)
                else:
                    self.taken_apart.add(audio.found.path, [part.path])
                    parts.append(part)
        whole = [
            audio for audio in read if audio.found.path not in self.taken_apart.files or audio.found.track is not None
        ]
        return whole + [audio for audio in threads.map(self._read, parts) if audio is not None]

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
            self.report.leave_out(self._full_path(found.path), str(error))
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

    def _full_path(self, path: str) -> str:
        return f"{self.folder}/{path}"
