"""Plays from elsewhere: counts of listeners' plays, and single events of listening.

Counts of one format replace what an earlier import of the same format said of the same listener and song. Events are
what they are: each is there once, however often and in however many files it is imported, and the counts follow them.
Rows are stored and committed some at a time, so an import that was broken off is finished by doing it again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.db import connection, transaction
from django.db.models import Count, Max

from ..importing.descriptions import Descriptions, artist_identifier, whole_number
from ..importing.listens import Listen, ListenBrainzListens, Listens
from ..importing.matching import Known, NameIndex
from ..importing.scrobbles import Scrobbles
from ..importing.streaming_history import StreamingHistory
from ..importing.table_sums import Sums
from ..importing.tables import LARGEST_COUNT, BadValue, Lines, Table, TableReport, batches, play_count, text
from ..models import Play, PlayCount, Song, SongIdentifier
from ..names import artist_key, title_key
from ..signals import played
from .bulk import store_rows
from .import_lookup import (
    LONGEST_IDENTIFIER,
    LONGEST_USERNAME,
    ImportedTable,
    ImportLookup,
    Progress,
    described_song,
    name_index,
    read_artists,
    songs_with_file,
)
from .song_index import record_changes

READ_AT_ONCE = 5000
"""Rows of a table whose songs and listeners are looked up together."""

STORED_AT_ONCE = 20_000
"""Play counts of one transaction."""

LISTENS: Mapping[str, type[Listens]] = {
    "listenbrainz": ListenBrainzListens,
    "lastfm-scrobbles": Scrobbles,
    "spotify": StreamingHistory,
}
"""The formats of events of listening, by the name that they are asked for by."""

# As the player here counts, but for the other end: half the song, or half a minute.
_COUNTS_FROM_S = 30.0

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
    too_short : int
        Events that were broken off before they count as a play.
    """

    songs: int = 0
    plays: int = 0
    songs_with_file: int = 0
    plays_with_file: int = 0
    too_short: int = 0


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
    lookup, sums = ImportLookup(done, descriptions, index), Sums(add_up=True)
    with _opened(path, format_, done.lines) as lines:
        for rows in _counted(lines, done.lines):
            users = lookup.users({user for user, _, _ in rows})
            songs = lookup.songs({song for _, song, _ in rows})
            sums.add((users[user], songs[song], count) for user, song, count in rows)
            progress("Reading", lines.read_bytes, lines.size)
    with_file = songs_with_file(lookup.found_songs)
    done.songs, done.songs_with_file = len(lookup.found_songs), len(with_file)
    total, changed = len(sums), 0
    for chunk in sums.chunks(STORED_AT_ONCE):
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


def import_listens(
    path: Path, username: str = "", progress: Progress = lambda *_: None, format_: str = "listenbrainz"
) -> ImportedPlays:
    """Import events of listening, as services export them.

    A song is found by the MusicBrainz id or ISRC that the listener's player sent or the service has found, then by
    artist, title and length. An event that was broken off before half a minute, and before half the song, is no play.

    Parameters
    ----------
    path : Path
        A file, a zip file as it is downloaded, or its folder.
    username : str
        The listener where the export names none.
    progress : callable
    format_ : str
        One of `LISTENS`.

    Raises
    ------
    UnreadableTable
        If there is no such file, or nothing in it.
    """
    done, index = ImportedPlays(), name_index(None)
    lookup, listeners, songs_played, with_file = ImportLookup(done), set[int](), set[int](), set[int]()
    moment = connection.ops.adapt_datetimefield_value
    aliases: dict[tuple[str, str], Known] = {}
    with LISTENS[format_](path, done.lines, username) as listens:
        for read in batches(listens, READ_AT_ONCE):
            rows = _long_enough(read, index)
            done.too_short += len(read) - len(rows)
            users = lookup.users({listen.user for listen in rows})
            songs = _songs_of(rows, index, aliases, done)
            with_file |= songs_with_file(set(songs) - songs_played)
            songs_played.update(songs)
            listeners.update(users[listen.user] for listen in rows)
            done.stored += store_rows(
                Play,
                ["user", "song", "played_at", "skipped", "origin"],
                [
                    (users[listen.user], song, moment(listen.at), False, format_)
                    for listen, song in zip(rows, songs, strict=True)
                ],
                unique=["user", "song", "played_at", "origin"],
            )
            done.plays += len(rows)
            done.plays_with_file += sum(song in with_file for song in songs)
            progress("Reading", listens.read_bytes, listens.size)
    done.songs, done.songs_with_file = len(songs_played), len(with_file)
    changed = 0
    for number, listener in enumerate(sorted(listeners), start=1):
        changed += _count_events(listener, format_)
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
        yield from batches(_artists_counted(lines, report), READ_AT_ONCE)
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


def _long_enough(listens: Collection[Listen], index: NameIndex) -> list[Listen]:
    """Those of the events that count as plays."""
    short = [one for one in listens if one.played_s is not None and one.played_s < _COUNTS_FROM_S]
    if not short:
        return list(listens)
    songs = {id(one): known.pk for one in short if (known := index.find(one.song)) is not None}
    lengths = dict(Song.objects.filter(pk__in=set(songs.values())).values_list("pk", "duration_s"))
    half = {one: (lengths.get(pk) or math.inf) / 2 for one, pk in songs.items()}
    left_out = {id(one) for one in short if (one.played_s or 0.0) < half.get(id(one), math.inf)}
    return [one for one in listens if id(one) not in left_out]


@transaction.atomic
def _songs_of(
    listens: Collection[Listen], index: NameIndex, aliases: dict[tuple[str, str], Known], done: ImportedPlays
) -> list[int]:
    """The primary keys of the songs that were listened to, in the same order; unknown ones are made.

    Whatever a song was found by, it is known by all its identifiers from then on, and in this import by all its names.
    """
    identifiers = {identifier for listen in listens for identifier in listen.identifiers}
    stored = SongIdentifier.objects.filter(value__in=identifiers).values_list("value", "song_id")
    known = {identifier: Known(pk) for identifier, pk in stored}
    learned: dict[str, Known] = {}
    new: list[tuple[Known, Song]] = []
    songs: list[Known] = []
    for listen in listens:
        if (song := _identified(listen, known)) is not None:
            aliases.setdefault(_name_of(listen), song)
    for listen in listens:
        song = _identified(listen, known) or index.find(listen.song)
        if song is None and listen.also is not None and (song := index.find(listen.also)) is not None:
            aliases.setdefault(_name_of(listen), song)
        song = song or aliases.get(_name_of(listen))
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
    record_changes({song.pk for song, _ in new} | {song.pk for song in learned.values()})
    SongIdentifier.objects.bulk_create(
        # Another import may have learned some of them in this very moment.
        [SongIdentifier(song_id=song.pk, value=value) for value, song in learned.items()],
        ignore_conflicts=True,
    )
    done.new_songs += len(new)
    return [song.pk for song in songs]


def _identified(listen: Listen, known: Mapping[str, Known]) -> Known | None:
    return next((known[value] for value in listen.identifiers if value in known), None)


def _name_of(listen: Listen) -> tuple[str, str]:
    return artist_key(listen.song.artist), title_key(listen.song.title)


def _count_events(user_id: int, origin: str) -> int:
    """Bring a listener's counts in line with the events; how many of them have changed."""
    events = Play.objects.filter(user=user_id, origin=origin, skipped=False).order_by()
    moment = connection.ops.adapt_datetimefield_value
    rows = [
        (user_id, song, origin, count, moment(latest))
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
