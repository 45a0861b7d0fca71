"""Plays from elsewhere: counts of listeners' plays, and single events of listening.

Counts of one format replace what an earlier import of the same format said of the same listener and song. Events are
what they are: each is there once, however often and in however many files it is imported, and the counts follow them.
Rows are stored and committed some at a time, so an import that was broken off is finished by doing it again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.db import connection, transaction
from django.db.models import Count, Max

from ..importing.descriptions import Descriptions, artist_identifier, whole_number
from ..importing.listens import Listen, Listens
from ..importing.matching import Known, NameIndex
from ..importing.tables import LARGEST_COUNT, BadValue, Lines, Sums, Table, TableReport, batches, play_count, text
from ..models import Play, PlayCount, Song, SongIdentifier
from ..signals import played
from .bulk import store_rows
from .finding import (
    LONGEST_IDENTIFIER,
    LONGEST_USERNAME,
    Finder,
    ImportedTable,
    Progress,
    described_song,
    name_index,
    read_artists,
    songs_with_file,
)
from .song_index import note

_READ_AT_ONCE = 5000
_STORED_AT_ONCE = 20_000
_LISTENBRAINZ = "listenbrainz"

# What most lines are: two names in ASCII without spaces, and a number that can be no other.
_PLAIN_TRIPLET = re.compile(
    rf"^([!-~]{{1,{LONGEST_USERNAME}}})\t([!-~]{{1,{LONGEST_IDENTIFIER}}})\t([1-9][0-9]{{0,8}})\r?(?:\n|\Z)",
    re.MULTILINE,
)


@dataclass(slots=True)
class ImportedPlays(ImportedTable):
    """What an import of plays did.

    Attributes
    ----------
    songs, plays : int
        That the file speaks of.
    songs_with_file, plays_with_file : int
        Those of them that a file of the owner's was found for.
    """

    songs: int = 0
    plays: int = 0
    songs_with_file: int = 0
    plays_with_file: int = 0


def import_play_counts(
    path: Path, format_: str, songs_file: Path | None = None, progress: Progress = lambda *_: None
) -> ImportedPlays:
    """Import how often listeners have played songs.

    Parameters
    ----------
    path : Path
    format_ : str
        `triplets`: listener, song and plays, without a header line. `lastfm`: `user_artists.dat`, with `artists.dat`
        beside it.
    songs_file : Path, optional
        A table of song, title, release, artist and year: what songs are called that nobody has named yet. A song of
        such a name in the library is that song.
    progress : callable

    Raises
    ------
    UnreadableTable
        If there is no such file, or its header line lacks a column.
    """
    done, descriptions = ImportedPlays(), Descriptions()
    index = None
    if format_ == "lastfm":
        read_artists(path, done, descriptions)
    if songs_file is not None:
        descriptions.read_songs(songs_file, done.beside.setdefault(songs_file.name, TableReport()))
        index = name_index("") if format_ == "triplets" else None
    finder, sums = Finder(done, descriptions, index), Sums(add_up=True)
    with _opened(path, format_, done.lines) as lines:
        for rows in _counted(lines, done.lines):
            users = finder.users({user for user, _, _ in rows})
            songs = finder.songs({song for _, song, _ in rows})
            sums.add((users[user], songs[song], count) for user, song, count in rows)
            progress("Reading", lines.read_bytes, lines.size)
    with_file = songs_with_file(finder.found_songs)
    done.songs, done.songs_with_file = len(finder.found_songs), len(with_file)
    total, changed = len(sums), 0
    for chunk in sums.chunks(_STORED_AT_ONCE):
        counts = [(user, song, format_, min(int(count), LARGEST_COUNT)) for user, song, count in chunk]
        changed += store_rows(
            PlayCount, ["user", "song", "origin", "count"], counts, unique=["user", "song", "origin"], values=["count"]
        )
        done.stored += len(chunk)
        done.plays += sum(count for *_, count in counts)
        done.plays_with_file += sum(count for _, song, _, count in counts if song in with_file)
        progress("Storing", done.stored, total)
    if changed:
        _announce_played()
    return done


def import_listens(path: Path, username: str = "", progress: Progress = lambda *_: None) -> ImportedPlays:
    """Import events of listening, as ListenBrainz exports them: one JSON object a line.

    A song is found by the MusicBrainz id or ISRC that the listener's player sent, then by artist, title and length.

    Parameters
    ----------
    path : Path
    username : str
        The listener of lines that name none.
    progress : callable

    Raises
    ------
    UnreadableTable
        If there is no such file.
    """
    done, index = ImportedPlays(), name_index(None)
    finder, listeners, heard, with_file = Finder(done), set[int](), set[int](), set[int]()
    moment = connection.ops.adapt_datetimefield_value
    with Listens(path, done.lines, username) as listens:
        for rows in batches(listens, _READ_AT_ONCE):
            users = finder.users({listen.user for listen in rows})
            songs = _songs_of(rows, index, done)
            with_file |= songs_with_file(set(songs) - heard)
            heard.update(songs)
            listeners.update(users[listen.user] for listen in rows)
            done.stored += store_rows(
                Play,
                ["user", "song", "played_at", "skipped", "origin"],
                [
                    (users[listen.user], song, moment(listen.at), False, _LISTENBRAINZ)
                    for listen, song in zip(rows, songs, strict=True)
                ],
                unique=["user", "song", "played_at", "origin"],
            )
            done.plays += len(rows)
            done.plays_with_file += sum(song in with_file for song in songs)
            progress("Reading", listens.read_bytes, listens.size)
    done.songs, done.songs_with_file = len(heard), len(with_file)
    changed = 0
    for number, listener in enumerate(sorted(listeners), start=1):
        changed += _count_events(listener)
        progress("Counting", number, len(listeners))
    if changed or done.stored:
        _announce_played()
    return done


def _opened(path: Path, format_: str, report: TableReport) -> Lines:
    if format_ == "lastfm":
        return Table(path, ["user_id", "artist_id", "weight"], [], report)
    return Lines(path, report)


def _counted(lines: Lines, report: TableReport) -> Iterator[list[tuple[str, str, int]]]:
    """Listener, song and number of plays of each line that can be used, some thousand lines at a time."""
    if isinstance(lines, Table):
        yield from batches(_artists_counted(lines, report), _READ_AT_ONCE)
        return
    for first, block in lines.blocks():
        plain = _PLAIN_TRIPLET.findall(block.decode("latin-1"))
        if len(plain) == block.count(b"\n") + (not block.endswith(b"\n")):
            report.rows += len(plain)
            yield [(user, song, int(count)) for user, song, count in plain]
        else:
            yield list(_triplets(lines.lines_of(first, block), report))


def _artists_counted(table: Table, report: TableReport) -> Iterator[tuple[str, str, int]]:
    for number, row in table:
        try:
            counted = (
                f"lastfm-{whole_number(row['user_id'], 'listener')}",
                artist_identifier(row["artist_id"]),
                play_count(row["weight"]),
            )
        except BadValue as error:
            report.pass_over(number, str(error))
        else:
            report.rows += 1
            yield counted


def _triplets(lines: Iterable[tuple[int, str]], report: TableReport) -> Iterator[tuple[str, str, int]]:
    for number, line in lines:
        try:
            counted = _triplet(line)
        except BadValue as error:
            report.pass_over(number, str(error))
        else:
            report.rows += 1
            yield counted


def _triplet(line: str) -> tuple[str, str, int]:
    columns = [column.strip() for column in line.split("\t" if "\t" in line else ",")]
    if len(columns) != 3:
        raise BadValue(f"{len(columns)} columns in place of 3: listener, song, plays")
    user, song, count = columns
    return text(user, "listener", LONGEST_USERNAME), text(song, "song", LONGEST_IDENTIFIER), play_count(count)


@transaction.atomic
def _songs_of(listens: Collection[Listen], index: NameIndex, done: ImportedPlays) -> list[int]:
    """The primary keys of the songs that were listened to, in the same order; unknown ones are made.

    Whatever a song was found by, it is known by all its identifiers from then on.
    """
    identifiers = {identifier for listen in listens for identifier in listen.identifiers}
    stored = SongIdentifier.objects.filter(value__in=identifiers).values_list("value", "song_id")
    known = {identifier: Known(pk) for identifier, pk in stored}
    learned: dict[str, Known] = {}
    new: list[tuple[Known, Song]] = []
    songs: list[Known] = []
    for listen in listens:
        song = next((known[value] for value in listen.identifiers if value in known), None) or index.find(listen.song)
        if song is None:
            song = Known(0)
            index.add(song, listen.song, has_file=False)
            new.append((song, described_song(listen.song)))
        for value in listen.identifiers:
            if value not in known:
                known[value] = learned[value] = song
        songs.append(song)
    Song.objects.bulk_create(made for _, made in new)
    for song, made in new:
        song.pk = made.pk
    note([song.pk for song, _ in new])
    SongIdentifier.objects.bulk_create(
        # Another import may have learned some of them in this very moment.
        [SongIdentifier(song_id=song.pk, value=value) for value, song in learned.items()],
        ignore_conflicts=True,
    )
    done.new_songs += len(new)
    return [song.pk for song in songs]


def _count_events(user_id: int) -> int:
    """Bring a listener's counts in line with the events; how many of them have changed."""
    events = Play.objects.filter(user=user_id, origin=_LISTENBRAINZ, skipped=False).order_by()
    moment = connection.ops.adapt_datetimefield_value
    rows = [
        (user_id, song, _LISTENBRAINZ, count, moment(latest))
        for song, count, latest in events.values_list("song").annotate(Count("pk"), Max("played_at"))
    ]
    return store_rows(
        PlayCount,
        ["user", "song", "origin", "count", "last_played"],
        rows,
        unique=["user", "song", "origin"],
        values=["count", "last_played"],
    )


def _announce_played() -> None:
    transaction.on_commit(partial(played.send, sender=PlayCount, user=None, song=None))
