"""Labels and ratings from tables: what an import says replaces what an earlier one of its kind said of the same.

Rows are stored and committed some at a time, each as it finally is, so an import that was broken off is finished by
doing it again, and doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from ..importing.tables import BadValue, Sums, Table, TableReport, stars, text, weight
from ..models import Label, Listener, Rating, Song, SongIdentifier, SongLabel
from ..signals import rated
from .labels import announce_labels_changed, labels_by_name

_READ_AT_ONCE = 5000
_STORED_AT_ONCE = 2000
_LONGEST_IDENTIFIER = 200
_LONGEST_LABEL = 100
_LONGEST_USERNAME = 150
_LARGEST_KEY = 2**63 - 1

Progress = Callable[[str, int, int], object]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(slots=True)
class ImportedTable:
    """What the import of a table did.

    Attributes
    ----------
    lines : TableReport
    stored : int
        Labels on songs, or ratings, that the table speaks of.
    new_songs, new_users : int
    """

    lines: TableReport = field(default_factory=TableReport)
    stored: int = 0
    new_songs: int = 0
    new_users: int = 0


def import_label_table(path: Path, progress: Progress = lambda *_: None) -> ImportedTable:
    """Import a table of song, label and, where it has that column, weight; the weights of a pair are summed.

    Raises
    ------
    UnreadableTable
        If there is no such file, or its header line lacks a column.
    """
    done, sums, size = ImportedTable(), Sums(add_up=True), path.stat().st_size if path.exists() else 0
    with Table(path, ["song", "label"], ["weight"], done.lines) as table:
        for rows in _batches(_label_rows(table, done.lines)):
            songs = _songs_by_name({song for song, _, _ in rows}, done)
            # Of the spellings of a new label, the first becomes its name.
            spellings = reversed(dict.fromkeys(label for _, label, _ in rows))
            labels = labels_by_name(dict.fromkeys(spellings, str(Label.Kind.OTHER)))
            sums.add((songs[song], labels[label].pk, value) for song, label, value in rows)
            progress("Reading", table.read_bytes, size)
    for chunk in sums.chunks(_STORED_AT_ONCE):
        _store_labels(chunk, "csv")
        done.stored += len(chunk)
        progress("Storing", done.stored, len(sums))
    return done


def import_rating_table(path: Path, progress: Progress = lambda *_: None) -> ImportedTable:
    """Import a table of username, song and stars; of several ratings of one song by one listener the last counts.

    Raises
    ------
    UnreadableTable
        If there is no such file, or its header line lacks a column.
    """
    done, sums, size = ImportedTable(), Sums(add_up=False), path.stat().st_size if path.exists() else 0
    with Table(path, ["username", "song", "stars"], [], done.lines) as table:
        for rows in _batches(_rating_rows(table, done.lines)):
            users = _users_by_name({username for username, _, _ in rows}, done)
            songs = _songs_by_name({song for _, song, _ in rows}, done)
            sums.add((users[username], songs[song], value) for username, song, value in rows)
            progress("Reading", table.read_bytes, size)
    for chunk in sums.chunks(_STORED_AT_ONCE):
        _store_ratings(chunk)
        done.stored += len(chunk)
        progress("Storing", done.stored, len(sums))
    return done


def _label_rows(table: Table, lines: TableReport) -> Iterator[tuple[str, str, float]]:
    for number, row in table:
        try:
            song = text(row["song"], "song", _LONGEST_IDENTIFIER)
            label = text(row["label"], "label", _LONGEST_LABEL)
            value = weight(row["weight"]) if "weight" in row else 1.0
        except BadValue as error:
            lines.pass_over(number, str(error))
        else:
            lines.rows += 1
            yield song, label, value


def _rating_rows(table: Table, lines: TableReport) -> Iterator[tuple[str, str, int]]:
    for number, row in table:
        try:
            username = text(row["username"], "username", _LONGEST_USERNAME)
            song = text(row["song"], "song", _LONGEST_IDENTIFIER)
            value = stars(row["stars"])
        except BadValue as error:
            lines.pass_over(number, str(error))
        else:
            lines.rows += 1
            yield username, song, value


def _songs_by_name(names: Collection[str], done: ImportedTable) -> dict[str, int]:
    """The primary keys of songs, by identifier or else by primary key; unknown songs are made, without audio."""
    try:
        with transaction.atomic():
            found = _known_songs(names)
            new = [Song(title=name) for name in sorted(set(names) - set(found))]
            for song in new:
                song.set_keys()
            Song.objects.bulk_create(new)
            SongIdentifier.objects.bulk_create(SongIdentifier(song=song, value=song.title) for song in new)
    except IntegrityError:
        # Another import has made some of them in this very moment.
        return _songs_by_name(names, done)
    done.new_songs += len(new)
    return found | {song.title: song.pk for song in new}


def _known_songs(names: Collection[str]) -> dict[str, int]:
    found = dict(SongIdentifier.objects.filter(value__in=names).values_list("value", "song_id"))
    numbers = (int(name) for name in set(names) - set(found) if name.isascii() and name.isdecimal())
    keys = [number for number in numbers if number <= _LARGEST_KEY]
    found |= {str(pk): pk for pk in Song.objects.filter(pk__in=keys).values_list("pk", flat=True)}
    return found


def _users_by_name(names: Collection[str], done: ImportedTable) -> dict[str, int]:
    """The primary keys of users; unknown ones are made: inactive, without a password, marked as imported."""
    try:
        with transaction.atomic():
            found = dict(User.objects.filter(username__in=names).values_list("username", "pk"))
            new = User.objects.bulk_create(
                User(username=name, is_active=False, password=make_password(None))
                for name in sorted(set(names) - set(found))
            )
            Listener.objects.bulk_create(Listener(user=user, origin=Listener.Origin.IMPORTED) for user in new)
    except IntegrityError:
        return _users_by_name(names, done)
    done.new_users += len(new)
    return found | {user.username: user.pk for user in new}


@transaction.atomic
def _store_labels(rows: Sequence[tuple[int, int, float]], origin: str) -> None:
    words = SongLabel.objects.filter(source=SongLabel.Source.IMPORT, origin=origin)
    there = {
        (song, label): value
        for song, label, value in words.filter(song__in={song for song, _, _ in rows}).values_list(
            "song_id", "label_id", "weight"
        )
    }
    changed = [(song, label, value) for song, label, value in rows if there.get((song, label), 0.0) != value]
    for song, label, value in changed:
        if not value:
            words.filter(song=song, label=label).delete()
    SongLabel.objects.bulk_create(
        [
            SongLabel(song_id=song, label_id=label, source=SongLabel.Source.IMPORT, origin=origin, weight=value)
            for song, label, value in changed
            if value
        ],
        update_conflicts=True,
        unique_fields=["song", "label", "source", "origin"],
        update_fields=["weight"],
    )
    announce_labels_changed({song for song, _, _ in changed})


@transaction.atomic
def _store_ratings(rows: Sequence[tuple[int, int, float]]) -> None:
    there = {
        (user, song): value
        for user, song, value in Rating.objects.filter(user__in={user for user, _, _ in rows}).values_list(
            "user_id", "song_id", "stars"
        )
    }
    changed = [(user, song, int(value)) for user, song, value in rows if there.get((user, song)) != value]
    Rating.objects.bulk_create(
        [Rating(user_id=user, song_id=song, stars=value, rated_at=timezone.now()) for user, song, value in changed],
        update_conflicts=True,
        unique_fields=["user", "song"],
        update_fields=["stars", "rated_at"],
    )
    for user in User.objects.filter(pk__in={user for user, _, _ in changed}):
        transaction.on_commit(partial(rated.send, sender=Rating, user=user, song=None))


def _batches(rows: Iterator[tuple[str, str, float]]) -> Iterator[list[tuple[str, str, float]]]:
    while batch := list(islice(rows, _READ_AT_ONCE)):
        yield batch
