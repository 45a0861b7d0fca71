"""Pictures beside files' covers: of artists, in folders and tags, and of albums on which some songs have none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from django.db import transaction

from ..file_parts import file_of
from ..importing.cover_names import artist_rank
from ..importing.names import album_folder
from ..importing.pictures import LARGEST_FILE_BYTES, Cover, make_cover_under_limits
from ..importing.reading import AudioFile
from ..importing.roots import UPLOADS
from ..importing.tables import batches
from ..importing.walking import has_audio_suffix
from ..models import ArtistPicture, LibraryRoot, Song
from ..names import artist_key, title_key
from .media_cleanup import delete_unused_covers
from .song_files import one_at_a_time, stored_cover
from .song_index import record_changes

_READ_AT_ONCE = 2000
_WRITTEN_AT_ONCE = 500


class _File(NamedTuple):
    """The file that a picture of an artist is made of, as it lies there: a picture, or music with one in its tags."""

    path: str
    size: int
    mtime_ns: int


def find_artist_pictures(root: LibraryRoot) -> int:
    """Bring the pictures of artists in line with the folders that are named after them; how many have changed.

    Uploads are passed over: the names of their folders say nothing. A picture that is as it was is not read again. One
    from tags gives way to a folder's, and stays while its file has it.
    """
    if root.name == UPLOADS:
        return 0
    folder = root.folder.resolve()
    found = {key: file for key, places in _artist_folders(root).items() if (file := _best(folder, places))}
    there = {row.key: row for row in ArtistPicture.objects.filter(root=root)}
    taken = set(ArtistPicture.objects.exclude(root=root).filter(key__in=found).values_list("key", flat=True))
    changed = 0
    for key, file in found.items():
        row = there.get(key)
        if key in taken or (row is not None and (row.path, row.size, row.mtime_ns) == file):
            continue
        changed += _read_and_store(root, key, folder / file.path, file)
    in_tags = _still_in_tags(root, [row for key, row in there.items() if key not in found])
    gone = [row for key, row in there.items() if key not in found and row not in in_tags]
    for row in gone:
        row.delete()
    delete_unused_covers([row.picture.name or "" for row in gone])
    return changed + len(gone)


def keep_pictures_in_tags(root: LibraryRoot, read: Iterable[tuple[AudioFile, Song]]) -> None:
    """Give artists without a picture that in the tags of a song of theirs; of several songs, that of the first.

    Uploads are passed over: nobody decides for all listeners how an artist looks.

    Parameters
    ----------
    root : LibraryRoot
    read : iterable of (AudioFile, Song)
        Files that have been read, and the songs that they are.
    """
    if root.name == UPLOADS:
        return
    for audio, song in read:
        key = _key(song.artists[0]) if song.artists else song.artist_key
        if audio.artist_picture is None or not key:
            continue
        there = ArtistPicture.objects.filter(key=key).select_related("root").first()
        if there is None or _gives_way(there, root, audio.found.path):
            _store(root, key, _File(audio.found.path, audio.found.size, audio.found.mtime_ns), audio.artist_picture)


def _gives_way(there: ArtistPicture, root: LibraryRoot, path: str) -> bool:
    """Whether a picture is from the tags of the same file, or of one of the root that is gone."""
    if there.root != root or not has_audio_suffix(file_of(there.path)):
        return False
    return there.path == path or not (root.folder / file_of(there.path)).exists()


def _still_in_tags(root: LibraryRoot, rows: Collection[ArtistPicture]) -> list[ArtistPicture]:
    """Those of the pictures whose files are as they were when they were read, and still songs of the artist."""
    by_path = {row.path: row for row in rows}
    songs = Song.objects.playable().filter(root=root, path__in=by_path)
    described = songs.values_list("path", "size", "mtime_ns", "artist_key", "artists")
    return [
        row
        for path, size, mtime_ns, key, artists in described
        for row in [by_path[path]]
        if (size, mtime_ns) == (row.size, row.mtime_ns) and row.key in {key, *map(_key, artists[:1])}
    ]


def share_covers(root: LibraryRoot, folders: Collection[str]) -> int:
    """Give songs without a cover that of the others of their album, where these have the same one; how many.

    Parameters
    ----------
    root : LibraryRoot
    folders : collection of str
        Those of albums (`importing.names.album_folder`) that files were read of.
    """
    shared = 0
    for cover, bare in _incomplete_albums(root, folders) if folders else ():
        for some in batches(bare, _WRITTEN_AT_ONCE):
            with transaction.atomic():
                one_at_a_time()
                shared += Song.objects.filter(pk__in=some, cover="").update(cover=cover)
                record_changes(some)
    return shared


def _incomplete_albums(root: LibraryRoot, folders: Collection[str]) -> Iterator[tuple[str, list[int]]]:
    """The one cover of each album of some folders, and the songs of it that have none."""
    covers: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    bare: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    # One pass over a root, however many of its folders are asked for.
    songs = Song.objects.playable().filter(root=root).exclude(album="")
    for pk, path, album, cover in songs.values_list("pk", "path", "album", "cover").iterator(_READ_AT_ONCE):
        if (folder := album_folder(path)) in folders:
            key = (folder, title_key(album))
            if cover:
                covers[key].add(cover)
            else:
                bare[key].append(pk)
    return ((next(iter(covers[key])), alone) for key, alone in bare.items() if len(covers[key]) == 1)


def _artist_folders(root: LibraryRoot) -> dict[str, dict[str, bool]]:
    """The folders named after each artist, the highest first, with whether no song lies right in them."""
    places: defaultdict[str, set[str]] = defaultdict(set)
    with_songs: set[str] = set()
    songs = Song.objects.playable().filter(root=root, path__contains="/")
    described = songs.values_list("path", "artist_key", "album_artist", "artists")
    for path, key, album_artist, artists in described.iterator(_READ_AT_ONCE):
        own = file_of(path).rpartition("/")[0]
        with_songs.add(own)
        keys = {key, _key(album_artist), *map(_key, artists)} - {""}
        album = album_folder(path)
        for folder in {own, album, album.rpartition("/")[0]} - {""}:
            if (named := _key(folder.rpartition("/")[2])) in keys:
                places[named].add(folder)
    return {
        key: {folder: folder not in with_songs for folder in sorted(folders, key=lambda one: (one.count("/"), one))}
        for key, folders in places.items()
    }


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    return artist_key(name) if name else ""


def _best(root: Path, places: dict[str, bool]) -> _File | None:
    """The likeliest picture of an artist in folders of theirs; None where there is none."""
    for folder, alone in places.items():
        name = folder.rpartition("/")[2]
        try:
            files = [file for file in (root / folder).iterdir() if artist_rank(file.name, name, alone=alone)]
            for file in sorted(files, key=lambda file: artist_rank(file.name, name, alone=alone) or (0, "")):
                status = file.stat()
                # A name that no database takes is nobody's picture.
                if file.is_file() and 0 < status.st_size <= LARGEST_FILE_BYTES and file.name.isprintable():
                    return _File(f"{folder}/{file.name}", status.st_size, status.st_mtime_ns)
        except OSError:
            continue
    return None


def _read_and_store(root: LibraryRoot, key: str, path: Path, file: _File) -> bool:
    """Keep a picture of an artist; False where it is none."""
    try:
        cover = make_cover_under_limits(path.read_bytes())
    except OSError:
        return False
    if cover is None:
        return False
    _store(root, key, file, cover)
    return True


def _store(root: LibraryRoot, key: str, file: _File, cover: Cover) -> None:
    with transaction.atomic():
        one_at_a_time()
        before = set(ArtistPicture.objects.filter(key=key).values_list("picture", flat=True))
        described = {"root": root, **file._asdict(), "picture": stored_cover(cover.name, cover.jpeg)}
        ArtistPicture.objects.update_or_create(key=key, defaults=described)
    delete_unused_covers(before)
