"""The parts of files that CUE sheets take apart: which of them are songs already."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from ..file_parts import file_of
from ..importing.walking import FoundFile
from ..models import DuplicateFile, LibraryRoot, Song


class KnownPart(NamedTuple):
    """A part of a file that is a song, or a duplicate of one."""

    pk: int
    path: str
    missing: bool
    duplicate_of: Song | None = None


class KnownParts:
    """The parts of all files of a root, read from the database when the first is asked for."""

    def __init__(self, root: LibraryRoot) -> None:
        self._root = root
        self._by_file: defaultdict[tuple[str, int | None, int | None, str], list[KnownPart]] | None = None

    def of(self, file: FoundFile) -> list[KnownPart]:
        """The songs that a CUE sheet in a file parts it into, if the file is as it was when it was read."""
        if self._by_file is None:
            self._by_file = self._read()
        return self._by_file.get((file.path, file.size, file.mtime_ns, file.state), [])

    def _read(self) -> defaultdict[tuple[str, int | None, int | None, str], list[KnownPart]]:
        found = defaultdict(list)
        of_root = {"root": self._root, "path__endswith": ".part"}
        songs = Song.objects.filter(**of_root).order_by("pk")
        for pk, missing_since, path, size, mtime_ns, state in songs.values_list(
            "pk", "missing_since", "path", "size", "mtime_ns", "file_state"
        ):
            found[file_of(path), size, mtime_ns, state].append(KnownPart(pk, path, missing_since is not None))
        for copy in DuplicateFile.objects.filter(**of_root).select_related("song__root").order_by("pk"):
            key = (file_of(copy.path), copy.size, copy.mtime_ns, copy.file_state)
            found[key].append(KnownPart(copy.pk, copy.path, missing=False, duplicate_of=copy.song))
        return found
