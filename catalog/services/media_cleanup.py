"""Clearing away what songs leave on the disk: pictures that were made of them, their covers, their uploaded files.

Pictures and covers are named by what they show, so that several songs may share one: it goes with the last of them.
What is missed, because a process was killed or a file was replaced, the nightly sweep finds.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from ..importing.roots import UPLOADS
from ..importing.tables import batches
from ..models import ArtistPicture, DuplicateFile, LibraryRoot, MergedSong, Song
from .song_files import one_at_a_time
from .sound_pictures import SUFFIXES, name_of, version_of

logger = logging.getLogger(__name__)

_SOUND, _COVERS = "sound", "covers"
_AT_ONCE = 500
_READ_AT_ONCE = 2000
# What is younger may be of a song that is not committed yet, or be drawn at this moment.
_SETTLED = timedelta(days=1)


@dataclass(slots=True)
class _Leftovers:
    """What songs leave that go in one transaction.

    Attributes
    ----------
    sounds : dict of str to str
        Contents of files by the version of their pictures.
    covers : set of str
    files : set of (primary key of a root, path)
    """

    sounds: dict[str, str] = field(default_factory=dict)
    covers: set[str] = field(default_factory=set)
    files: set[tuple[int | None, str]] = field(default_factory=set)


def song_deleted(song: Song) -> None:
    """Clear away what a song leaves, once the transaction that deletes it is committed."""
    gone: _Leftovers | None = getattr(connection, "dcmrs_gone", None)
    if gone is None:
        gone = _Leftovers()
        connection.dcmrs_gone = gone  # type: ignore[attr-defined]
    if song.path:
        gone.sounds[version_of(song)] = song.content_hash
        gone.files.add((song.root_id, song.path))
    if song.cover.name:
        gone.covers.add(song.cover.name)
    # Of the many of one transaction the first does it all. What one that was rolled back has left here is looked at
    # with the next: it is still in use, and stays.
    transaction.on_commit(_clear_away, robust=True)


def _clear_away() -> None:
    gone: _Leftovers | None = getattr(connection, "dcmrs_gone", None)
    if gone is None:
        return
    connection.dcmrs_gone = None  # type: ignore[attr-defined]
    _delete_uploads(gone.files)
    _delete_unused_sounds(gone.sounds)
    for some in batches(sorted(gone.covers), _AT_ONCE):
        delete_unused_covers(some)


def sweep() -> int:
    """Delete pictures and covers that no song has, but those of the last day; how many files."""
    used = _versions_in_use()
    left = [name for name, version in _sound_files() if version not in used and _settled(name)]
    deleted = sum(map(_delete, left))
    for some in batches((f"{_COVERS}/{file}" for file in _listed(_COVERS)[1]), _AT_ONCE):
        deleted += delete_unused_covers(some, settled=True)
    return deleted


def _delete_unused_sounds(sounds: Mapping[str, str]) -> None:
    """Delete the pictures of these versions, but where a song has the same sound."""
    # One that goes though it was wanted is drawn again when the song's page is opened.
    for some in batches(sorted(sounds.items()), _AT_ONCE):
        contents = {content for _, content in some if content}
        used = set(Song.objects.filter(content_hash__in=contents).values_list("content_hash", flat=True))
        for version, content in some:
            if content not in used:
                for suffix in SUFFIXES:
                    _delete(name_of(version, suffix))


@transaction.atomic
def delete_unused_covers(names: Collection[str], *, settled: bool = False) -> int:
    """Delete those of some covers that no song or artist has, nor a merged song that may be restored; how many."""
    # An import finds a cover that is there already, and does not store it again.
    one_at_a_time()
    used = set(Song.objects.filter(cover__in=names).values_list("cover", flat=True))
    of_merged = MergedSong.objects.filter(contents__song__cover__in=list(names))
    used |= set(of_merged.values_list("contents__song__cover", flat=True))
    used |= set(ArtistPicture.objects.filter(picture__in=names).values_list("picture", flat=True))
    return sum(_delete(name) for name in names if name not in used and (not settled or _settled(name)))


@transaction.atomic
def _delete_uploads(files: Collection[tuple[int | None, str]]) -> None:
    """Delete uploaded files whose song is gone: the next scan would bring it back. Other files are their owner's."""
    root = LibraryRoot.objects.filter(name=UPLOADS).first()
    paths = {path for root_id, path in files if root is not None and root_id == root.pk}
    if root is None or not paths:
        return
    one_at_a_time()
    for some in batches(sorted(paths), _AT_ONCE):
        used = set(Song.objects.with_file().filter(root=root, path__in=some).values_list("path", flat=True))
        used |= set(DuplicateFile.objects.filter(root=root, path__in=some).values_list("path", flat=True))
        for path in set(some) - used:
            (root.folder / path).unlink(missing_ok=True)


def _versions_in_use() -> set[str]:
    songs = Song.objects.with_file().only("content_hash", "path", "size", "mtime_ns")
    return {version_of(song) for song in songs.iterator(_READ_AT_ONCE)}


def _sound_files() -> Iterator[tuple[str, str]]:
    """Every picture of a sound, and the version it is of."""
    for folder in _listed(_SOUND)[0]:
        for file in _listed(f"{_SOUND}/{folder}")[1]:
            yield f"{_SOUND}/{folder}/{file}", file.partition(".")[0]


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """Folders and files in a folder of the storage; none where it is not there."""
    try:
        return default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []


def _settled(name: str) -> bool:
    try:
        return default_storage.get_modified_time(name) < timezone.now() - _SETTLED
    except FileNotFoundError:
        return False


def _delete(name: str) -> bool:
    """Delete a file of the storage; whether it was there."""
    with suppress(FileNotFoundError):
        if default_storage.exists(name):
            default_storage.delete(name)
            return True
    return False
