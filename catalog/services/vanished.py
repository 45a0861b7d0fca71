"""The songs whose file is gone, and when a disk that is not mounted must not be taken for that."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from ..file_parts import file_of
from ..importing.identity import file_in_place
from ..importing.names import album_folder
from ..importing.walking import is_passed_over, mark_of_no_music, printable, reason
from ..models import DuplicateFile, LibraryRoot, RefusedFile, Song
from .import_report import ImportReport
from .song_files import one_at_a_time

MANY_GONE, MOST_GONE = 20, 0.5
"""So many songs, and more than this share of a root's, that vanish at once are asked about first."""

_SWEPT_AT_ONCE = 2000


def unreachable(root: LibraryRoot, within: str) -> str | None:
    """Why the files of a root cannot be told to be gone, if so: most likely a disk that is not mounted.

    Parameters
    ----------
    root : LibraryRoot
    within : str
        The folder that is looked at; empty for the whole root.
    """
    folder = root.folder.resolve()
    if not folder.is_dir():
        return f"{folder} is not there: its songs stay as they are"
    if mark := mark_of_no_music(folder):
        return f"{folder} says that it holds no music, by the {mark} in it: its songs stay as they are"
    if within or not Song.objects.with_file().filter(root=root).exists():
        return None
    try:
        if any(not entry.name.startswith(".") and entry.name != "lost+found" for entry in folder.iterdir()):
            return None
    except OSError as error:
        return f"{folder}: {reason(error)}: its songs stay as they are"
    return f"{folder} is empty, as if not mounted: its songs stay as they are"


@dataclass(slots=True)
class TakenApart:
    """What CUE sheets take apart, as far as a scan has seen: the files, and the parts that are songs in their place."""

    files: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)

    def add(self, file: str, parts: Iterable[str]) -> None:
        """Note the parts of a file."""
        self.files.add(file)
        self.parts.update(parts)


class Sweep:
    """The last step of a scan: songs, duplicates and refused files whose file is gone.

    Parameters
    ----------
    root : LibraryRoot
    report : ImportReport
        Of the scan; what it left out is no song any more.
    taken_apart : TakenApart
    confirmed : bool
        Whether songs are missing at once even where most of the root's are.
    """

    def __init__(self, root: LibraryRoot, report: ImportReport, taken_apart: TakenApart, *, confirmed: bool) -> None:
        self._root = root
        self._folder = root.folder.resolve()
        self._report = report
        self._taken_apart = taken_apart
        self._confirmed = confirmed
        self._left_out = {one.path for one in report.bad}
        self._passed_over: dict[str, bool] = {}
        self._touched: set[str] = set()

    def run(self, within: str) -> set[str]:
        """Find the songs whose file is gone: another file with the recording takes its place, or it is missing.

        Where most of a root's songs are gone at once, a disk inside of it is most likely not mounted: it is asked
        first, and taken at its word by the second look, or where it is confirmed.

        Returns
        -------
        set of str
            The albums' folders that songs are missing from.
        """
        songs = Song.objects.playable().filter(root=self._root)
        copies = DuplicateFile.objects.filter(root=self._root)
        if within:
            songs, copies = songs.filter(path__startswith=within), copies.filter(path__startswith=within)
        gone: list[int] = []
        looked_at = 0
        for chunk in _by_pk(songs):
            those = [(pk, path) for pk, path in chunk if _below(path, within)]
            looked_at += len(those)
            gone += [pk for pk, path in those if self._gone(path)]
        if self._asks_first(len(gone), looked_at):
            return self._touched
        for start in range(0, len(gone), _SWEPT_AT_ONCE):
            self._mark_missing(gone[start : start + _SWEPT_AT_ONCE])
        refused = RefusedFile.objects.filter(root=self._root)
        for chunk in _by_pk(refused):
            refused.filter(pk__in=[pk for pk, path in chunk if self._gone(path, but_left_out=False)]).delete()
        for chunk in _by_pk(copies):
            copies.filter(pk__in=[pk for pk, path in chunk if _below(path, within) and self._gone(path)]).delete()
        return self._touched

    def _asks_first(self, gone: int, looked_at: int) -> bool:
        """Whether so many songs are gone that nothing is done about it yet."""
        root = LibraryRoot.objects.filter(pk=self._root.pk)
        before = root.values_list("vanished_songs", flat=True).first() or 0
        many = gone >= MANY_GONE and gone > looked_at * MOST_GONE
        if not many or self._confirmed or before:
            root.exclude(vanished_songs=0).update(vanished_songs=0)
            return False
        root.update(vanished_songs=gone)
        self._report.problems.append(
            f"{gone} of the {looked_at} songs of {self._folder} are gone at once, as if a disk in it were not mounted: "
            "they stay as they are. If they are gone for good, scan once more, or say so with --gone"
        )
        return True

    def _gone(self, path: str, *, but_left_out: bool = True) -> bool:
        """Whether a file is gone; also where it is there, but was left out of this scan."""
        file = file_of(path)
        # A part that no CUE sheet names any more, and a file that one parts.
        if (path not in self._taken_apart.parts) if file != path else (path in self._taken_apart.files):
            return True
        try:
            if not stat.S_ISREG((self._folder / file).stat().st_mode):
                return True
            if but_left_out and printable(f"{self._folder}/{path}") in self._left_out:
                return True
            return self._is_in_no_music(file.rpartition("/")[0])
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False

    def _is_in_no_music(self, folder: str) -> bool:
        """Whether a folder holds nobody's music; asked of the disk once for each."""
        if folder not in self._passed_over:
            self._passed_over[folder] = is_passed_over(self._folder, folder)
        return self._passed_over[folder]

    @transaction.atomic
    def _mark_missing(self, pks: list[int]) -> None:
        one_at_a_time()
        for song in Song.objects.filter(pk__in=pks, root=self._root, missing_since=None):
            if not self._gone(song.path):
                continue
            self._touched.add(album_folder(song.path))
            for copy in song.duplicates.select_related("root"):
                elsewhere = Song(root=copy.root, path=copy.path, size=copy.size, mtime_ns=copy.mtime_ns)
                if file_in_place(elsewhere):
                    song.root, song.path, song.size, song.mtime_ns = copy.root, copy.path, copy.size, copy.mtime_ns
                    # Its own tags and pictures have not been read: the next scan does.
                    song.file_state = ""
                    copy.delete()
                    song.save(update_fields=["root", "path", "size", "mtime_ns", "file_state"])
                    self._report.moved += 1
                    break
            else:
                song.missing_since = timezone.now()
                song.save(update_fields=["missing_since"])
                self._report.missing += 1


def _below(path: str, within: str) -> bool:
    return not within or path == within or path.startswith(f"{within}/")


def _by_pk(rows: QuerySet[Any]) -> Iterator[list[tuple[int, str]]]:
    """Primary keys and paths, some at a time, so that no cursor is open while rows are written."""
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", "path")[:_SWEPT_AT_ONCE]):
        yield chunk
        last = chunk[-1][0]
