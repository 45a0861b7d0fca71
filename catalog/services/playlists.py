"""Playlists: making them, changing what is in them and in which order, writing them as files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, F, Max, Q, QuerySet, Sum
from django.utils import timezone

from ..file_parts import file_of
from ..models import LibraryRoot, Playlist, PlaylistSong, Song
from ..names import chosen_name, storable

MOST_PLAYLISTS = 200
"""A listener may have so many."""

MOST_SONGS = 1000
"""A playlist may have so many."""


class PlaylistRefused(ValueError):
    """What was asked cannot be done; the message says why, to be shown."""


def playlists_of(user: User) -> QuerySet[Playlist]:
    """A listener's own playlists with how many songs each has (`length`), what was changed last first."""
    return Playlist.objects.filter(user=user).annotate(length=Count("entries")).order_by("-changed_at", "-pk")


def songs_of(playlist: Playlist) -> QuerySet[Song]:
    """The songs of a playlist, in its order."""
    return Song.objects.filter(playlist_entries__playlist=playlist).order_by(
        "playlist_entries__position", "playlist_entries__pk"
    )


def totals_of(playlist: Playlist) -> tuple[int, float]:
    """How many songs a playlist has, and how many seconds long they are, as far as their lengths are known."""
    found = songs_of(playlist).order_by().aggregate(songs=Count("pk"), seconds=Sum("duration_s"))
    return found["songs"], found["seconds"] or 0.0


@transaction.atomic
def make_playlist(user: User, name: str, songs: Sequence[int] = ()) -> Playlist:
    """A new playlist; where the name is taken, with a number behind it.

    Parameters
    ----------
    songs : primary keys, in order

    Raises
    ------
    PlaylistRefused
        If there is no name, there are too many playlists already, or too many songs.
    """
    wanted = _name(name)
    # One at a time for each listener: two requests must not both take the last free place, or the same name.
    User.objects.select_for_update().get(pk=user.pk)
    names = set(Playlist.objects.filter(user=user).values_list("name", flat=True))
    if len(names) >= MOST_PLAYLISTS:
        raise PlaylistRefused(f"There can be {MOST_PLAYLISTS} playlists. Delete one that you no longer need.")
    playlist = Playlist.objects.create(user=user, name=_free_name(wanted, names))
    if songs:
        add_songs(playlist, songs)
    return playlist


@transaction.atomic
def rename_playlist(playlist: Playlist, name: str) -> None:
    """Give a playlist another name.

    Raises
    ------
    PlaylistRefused
        If it is none, or another playlist of the listener's has it.
    """
    wanted = _name(name)
    User.objects.select_for_update().get(pk=playlist.user_id)
    if Playlist.objects.filter(user=playlist.user_id, name=wanted).exclude(pk=playlist.pk).exists():
        raise PlaylistRefused(f"You have a playlist called {wanted} already.")
    playlist.name = wanted
    playlist.save(update_fields=["name", "changed_at"])


@transaction.atomic
def comment_playlist(playlist: Playlist, comment: str) -> None:
    """Give a playlist another comment; an empty one takes it away.

    Raises
    ------
    PlaylistRefused
        If it is too long.
    """
    wanted, longest = storable(comment).strip(), Playlist._meta.get_field("comment").max_length or 0
    if len(wanted) > longest:
        raise PlaylistRefused(f"A comment has at most {longest} characters.")
    playlist.comment = wanted
    playlist.save(update_fields=["comment", "changed_at"])


def _name(name: str) -> str:
    return chosen_name(name, "playlist", Playlist._meta.get_field("name").max_length or 0, PlaylistRefused)


def _free_name(name: str, taken: set[str]) -> str:
    free, number = name, 1
    while free in taken:
        number += 1
        ending = f" ({number})"
        free = name[: (Playlist._meta.get_field("name").max_length or 0) - len(ending)] + ending
    return free


@transaction.atomic
def add_songs(playlist: Playlist, songs: Iterable[int], *, before: int | None = None) -> int:
    """Put songs at the end of a playlist, or before one of its songs; those that are in it stay where they are.

    Parameters
    ----------
    songs : primary keys, in order; songs that do not exist are passed over
    before : primary key, optional

    Returns
    -------
    int
        How many are new in it.

    Raises
    ------
    PlaylistRefused
        If there would be too many.
    """
    _lock(playlist)
    wanted = list(dict.fromkeys(songs))
    there = set(playlist.entries.values_list("song_id", flat=True))
    exist = set(Song.objects.filter(pk__in=wanted[: 2 * MOST_SONGS]).values_list("pk", flat=True))
    new = [pk for pk in wanted if pk in exist and pk not in there]
    if len(there) + len(new) > MOST_SONGS:
        raise PlaylistRefused(f"A playlist has room for {MOST_SONGS} songs; {playlist.name} has {len(there)}.")
    start = _make_room(playlist, before, len(new))
    PlaylistSong.objects.bulk_create(
        PlaylistSong(playlist=playlist, song_id=pk, position=start + place) for place, pk in enumerate(new)
    )
    _changed(playlist)
    return len(new)


@transaction.atomic
def remove_song(playlist: Playlist, song: int) -> int | None:
    """Take a song out; the song that stood after it, so that it can be put back there, or None at the end."""
    _lock(playlist)
    after = _song_after(playlist, song)
    playlist.entries.filter(song=song).delete()
    _changed(playlist)
    return after


@transaction.atomic
def move_song(playlist: Playlist, song: int, before: int | None) -> None:
    """Put a song of a playlist before another one of it, or at its end.

    Raises
    ------
    PlaylistRefused
        If one of the two is not in the playlist.
    """
    _lock(playlist)
    if song == before:
        return
    entry = playlist.entries.filter(song=song).first()
    if entry is None:
        raise PlaylistRefused("This song is no longer in the playlist.")
    entry.position = _make_room(playlist, before, 1)
    entry.save(update_fields=["position"])
    _changed(playlist)


@transaction.atomic
def shift_song(playlist: Playlist, song: int, by: int) -> None:
    """Move a song of a playlist up or down by one place, -1 or 1; the first stays the first, the last the last.

    Raises
    ------
    PlaylistRefused
        If it is not in the playlist.
    """
    _lock(playlist)
    entry = playlist.entries.filter(song=song).first()
    if entry is None:
        raise PlaylistRefused("This song is no longer in the playlist.")
    others = list(_before(entry).reverse()[:1] if by < 0 else _after(entry)[:2])
    if others:
        # One up: before the song above. One down: before the second below, or at the end.
        before = others[0] if by < 0 else (others[1] if len(others) > 1 else None)
        entry.position = _make_room(playlist, before.song_id if before else None, 1)
        entry.save(update_fields=["position"])
        _changed(playlist)


@transaction.atomic
def replace_songs(playlist: Playlist, songs: Sequence[int]) -> None:
    """Make these, in this order, the songs of a playlist.

    Raises
    ------
    PlaylistRefused
        If there are too many, or one of them does not exist.
    """
    _lock(playlist)
    wanted = list(dict.fromkeys(songs))
    if len(wanted) > MOST_SONGS:
        raise PlaylistRefused(f"A playlist has room for {MOST_SONGS} songs.")
    exist = set(Song.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    if gone := [pk for pk in wanted if pk not in exist]:
        raise PlaylistRefused(f"There is no song {gone[0]}.")
    entries = {entry.song_id: entry for entry in playlist.entries.all()}
    playlist.entries.exclude(song__in=wanted).delete()
    for place, pk in enumerate(wanted, start=1):
        entries.setdefault(pk, PlaylistSong(playlist=playlist, song_id=pk)).position = place
    kept = [entries[pk] for pk in wanted]
    PlaylistSong.objects.bulk_update([entry for entry in kept if entry.pk], ["position"])
    PlaylistSong.objects.bulk_create([entry for entry in kept if not entry.pk])
    _changed(playlist)


def roots_of(playlist: Playlist) -> list[LibraryRoot]:
    """The library roots that a playlist's songs lie in, by name."""
    return list(LibraryRoot.objects.filter(songs__playlist_entries__playlist=playlist).distinct().order_by("name"))


def m3u(playlist: Playlist, folder: str = "", folders: Mapping[int, str] | None = None) -> Iterator[str]:
    """A playlist as an extended M3U file (`.m3u8`: UTF-8), line by line; songs without a file are left out.

    Parameters
    ----------
    folder : str
        Where the one who plays it has the music. Empty for paths relative to the music's folder, in which the file
        then has to lie. Never this server's own folders, which are nobody's business.
    folders : mapping of a root's primary key to str, optional
        The same for each root that the songs lie in. Where they lie in several, those of a root without a folder of
        its own have the root's name in front, so that it can be told which file is meant.
    """
    roots = roots_of(playlist)
    starts = {root.pk: _start(folder, (folders or {}).get(root.pk, ""), root.name, len(roots)) for root in roots}
    yield "#EXTM3U\n"
    yield f"#PLAYLIST:{_one_line(playlist.name)}\n"
    for song in songs_of(playlist):
        # A file whose name has a line's end in it cannot stand in such a list.
        path = file_of(song.path)
        if not song.playable or len(path.splitlines()) > 1:
            continue
        seconds = round(song.duration_s) if song.duration_s else -1
        said = f"{song.artist} - {song.title}" if song.artist else song.title
        yield f"#EXTINF:{seconds},{_one_line(said)}\n"
        # From "./" on, a name that begins with "#" is not read as a remark.
        start = starts.get(song.root_id or 0, ".")
        sign = "\\" if "\\" in start else "/"
        yield f"{start}{sign}{path.replace('/', sign)}\n"


def _start(folder: str, own_folder: str, name: str, n_roots: int) -> str:
    """What stands before the paths of a root."""
    if own := _one_line(own_folder).rstrip("/\\"):
        return own
    start = _one_line(folder).rstrip("/\\") or "."
    return start if n_roots < 2 else f"{start}{chr(92) if chr(92) in start else '/'}{_one_line(name)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _lock(playlist: Playlist) -> None:
    """From here on, nobody else changes this playlist until the transaction ends."""
    Playlist.objects.select_for_update().get(pk=playlist.pk)


def _make_room(playlist: Playlist, before: int | None, places: int) -> int:
    """The first of so many free positions, before a song of the playlist or at its end."""
    if before is None:
        return (playlist.entries.aggregate(last=Max("position"))["last"] or 0) + 1
    entry = playlist.entries.filter(song=before).first()
    if entry is None:
        raise PlaylistRefused("The song to stand before is no longer in the playlist.")
    playlist.entries.filter(Q(position__gt=entry.position) | Q(position=entry.position, pk__gte=entry.pk)).update(
        position=F("position") + places
    )
    return entry.position


def _before(entry: PlaylistSong) -> QuerySet[PlaylistSong]:
    there = Q(position__lt=entry.position) | Q(position=entry.position, pk__lt=entry.pk)
    return PlaylistSong.objects.filter(there, playlist=entry.playlist_id).order_by("position", "pk")


def _after(entry: PlaylistSong) -> QuerySet[PlaylistSong]:
    there = Q(position__gt=entry.position) | Q(position=entry.position, pk__gt=entry.pk)
    return PlaylistSong.objects.filter(there, playlist=entry.playlist_id).order_by("position", "pk")


def _song_after(playlist: Playlist, song: int) -> int | None:
    entry = playlist.entries.filter(song=song).first()
    other = _after(entry).first() if entry else None
    return other.song_id if other else None


def _changed(playlist: Playlist) -> None:
    playlist.changed_at = timezone.now()
    playlist.save(update_fields=["changed_at"])
