"""Files that this process cannot see at the moment: "not there" is no property of a song.

A disk that is not mounted here, or not yet, has its songs wait; another worker may see them. What was not there is
looked for again after a minute, and a root is given up for that minute as a whole once it is not there itself, or many
of its files are not.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from pathlib import Path

from ..models import LibraryRoot, Song, SongQuerySet

logger = logging.getLogger(__name__)

LOOKED_FOR_EVERY_S = 60.0
"""How long a file that was not there is taken to be away."""

MOST_FILES = 100
"""Files of one root that are away, from which on all of the root is taken to be."""

_CANDIDATES = 50


class Absences:
    """What this process could not see lately; for one thread."""

    def __init__(self) -> None:
        self._songs: dict[int, tuple[int, float]] = {}
        self._roots: dict[int, tuple[str, float]] = {}

    def is_here(self, song: Song) -> bool:
        """Whether a song's file can be seen here; where not, that is remembered for a minute.

        Parameters
        ----------
        song : Song
            With its root and file.
        """
        if song.root is None or not song.path:
            return False
        if os.path.exists(song.audio_file):  # noqa: PTH110 (of every song; false for what the system refuses)
            return True
        now = time.monotonic()
        self._songs[song.pk] = (song.root.pk, now)
        away = Counter(root for root, _ in self._songs.values())[song.root.pk]
        if away > MOST_FILES or not is_mounted(song.root.folder):
            if song.root.pk not in self._roots:
                logger.warning(
                    "The folder %s of the library's root %s cannot be seen here: its songs wait",
                    song.root.folder,
                    song.root.name,
                )
            self._roots[song.root.pk] = (song.root.name, now)
        return False

    def among(self, songs: SongQuerySet) -> SongQuerySet:
        """Those of some songs that are not known to be away."""
        self._forget_old()
        return songs.exclude(root__in=list(self._roots)).exclude(pk__in=list(self._songs))

    def any_here(self, songs: SongQuerySet) -> bool:
        """Whether the file of at least one of some songs can be seen here."""
        while candidates := list(self.among(songs).select_related("root")[:_CANDIDATES]):
            if any(self.is_here(song) for song in candidates):
                return True
        return False

    def roots(self) -> list[str]:
        """The names of the roots that are away."""
        self._forget_old()
        return sorted(name for name, _ in self._roots.values())

    def forget(self) -> None:
        """Look for everything again."""
        self._songs.clear()
        self._roots.clear()

    def _forget_old(self) -> None:
        since = time.monotonic() - LOOKED_FOR_EVERY_S
        self._songs = {pk: seen for pk, seen in self._songs.items() if seen[1] > since}
        returned = {name for name, at in self._roots.values() if at <= since}
        self._roots = {pk: seen for pk, seen in self._roots.items() if seen[1] > since}
        if returned:
            logger.info("Looking again for the files of %s", ", ".join(sorted(returned)))


def is_mounted(folder: Path) -> bool:
    """Whether a folder is there and holds anything; an empty one is most likely where a disk belongs."""
    try:
        with os.scandir(folder) as entries:
            return any(not entry.name.startswith(".") and entry.name != "lost+found" for entry in entries)
    except OSError:
        return False


def unseen_roots() -> list[str]:
    """The names of the roots whose folder cannot be seen here, of all that have songs."""
    roots = LibraryRoot.objects.filter(songs__isnull=False).distinct()
    return sorted(root.name for root in roots if not is_mounted(root.folder))


here = Absences()
"""What this process, and the thread in it that claims songs, cannot see."""
