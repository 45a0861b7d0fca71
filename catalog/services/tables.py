"""Labels and ratings from tables: an import replaces what an earlier one of its format stored for the same pair.

Rows are stored and committed some at a time, each as it finally is, so an import that was broken off is finished by
doing it again, and doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from ..importing.descriptions import Descriptions, artist_identifier, whole_number
from ..importing.table_sums import Sums, Voices
from ..importing.tables import (
    BadValue,
    Table,
    TableReport,
    UnreadableTable,
    batches,
    mark,
    name,
    stars,
    text,
    weight,
)
from ..models import Label, LabelAssignment, Rating, SongLabel
from .bulk import store_rows
from .import_lookup import LONGEST_IDENTIFIER, LONGEST_USERNAME, ImportedTable, ImportLookup, Progress, read_artists
from .labels import announce_labels_changed, labels_by_name

READ_AT_ONCE = 5000
"""Rows of a table whose songs are looked up together."""

STORED_AT_ONCE = 2000
"""Labels or ratings of one transaction."""

_LONGEST_LABEL = 100


def import_label_table(path: Path, format_: str, progress: Progress = lambda *_: None) -> ImportedTable:
    """Import labels of songs.

    Parameters
    ----------
    path : Path
    format_ : str
        `csv`: song, label and, where it has that column, weight; or song and a column of 0 and 1 for each label.
        `lastfm`: `user_taggedartists.dat`, with `tags.dat` and `artists.dat` beside it.
        `jamendo`: one track a line, all columns from the header's last one on being labels, as `genre---rock`.
        The weights of a song and label are summed; for `lastfm` it is the number of people who gave the label.
    progress : callable

    Raises
    ------
    UnreadableTable
        If there is no such file, or its header line lacks a column.
    """
    done, descriptions = ImportedTable(), Descriptions()
    lookup = ImportLookup(done, descriptions)
    gathered: Sums | Voices = Voices() if format_ == "lastfm" else Sums(add_up=True)
    with _LABEL_TABLES[format_](path, done.lines) as table:
        for rows in batches(_label_rows(table, format_, done, descriptions), READ_AT_ONCE):
            songs = lookup.songs({song for song, _, _ in rows})
            # Of the spellings of a new label, the first becomes its name.
            spellings = reversed(dict.fromkeys(word for _, word, _ in rows))
            labels = labels_by_name(dict(spellings))
            if format_ == "lastfm":
                users = lookup.users({_lastfm_user(value) for _, _, value in rows})
                rows = [(song, word, users[_lastfm_user(value)]) for song, word, value in rows]
            gathered.add((songs[song], labels[name].pk, value) for song, (name, _), value in rows)
            progress("Reading", table.read_bytes, table.size)
    total = len(gathered)
    for chunk in gathered.chunks(STORED_AT_ONCE):
        _store_labels(chunk, format_, gathered.of(chunk) if isinstance(gathered, Voices) else None)
        done.stored += len(chunk)
        progress("Storing", done.stored, total)
    return done


def import_rating_table(path: Path, progress: Progress = lambda *_: None) -> ImportedTable:
    """Import a table of username, song and stars; of several ratings of one song by one listener the last counts.

    Raises
    ------
    UnreadableTable
        If there is no such file, or its header line lacks a column.
    """
    done, sums = ImportedTable(), Sums(add_up=False)
    lookup = ImportLookup(done)
    with Table(path, ["username", "song", "stars"], [], done.lines) as table:
        for rows in batches(_rating_rows(table, done.lines), READ_AT_ONCE):
            users = lookup.users({username for username, _, _ in rows})
            songs = lookup.songs({song for _, song, _ in rows})
            sums.add((users[username], songs[song], value) for username, song, value in rows)
            progress("Reading", table.read_bytes, table.size)
    total = len(sums)
    for chunk in sums.chunks(STORED_AT_ONCE):
        _store_ratings(chunk)
        done.stored += len(chunk)
        progress("Storing", done.stored, total)
    return done


_LABEL_TABLES: Mapping[str, Callable[[Path, TableReport], Table]] = {
    "csv": lambda path, lines: Table(path, ["song"], ["label", "weight"], lines),
    "lastfm": lambda path, lines: Table(path, ["user_id", "artist_id", "tag_id"], [], lines),
    "jamendo": lambda path, lines: Table(path, ["song", "tags"], [], lines, open_end=True),
}

_JAMENDO_KINDS = {"genre": Label.Kind.GENRE, "instrument": Label.Kind.INSTRUMENT, "mood/theme": Label.Kind.MOOD}

Word = tuple[str, str]
"""A label's name and kind."""


def _label_rows(
    table: Table, format_: str, done: ImportedTable, descriptions: Descriptions
) -> Iterator[tuple[str, Word, float]]:
    """Song, label and weight; for `lastfm` the number of the listener in place of the weight."""
    rows: Callable[[dict[str, str]], Iterable[tuple[str, Word, float]]]
    if format_ == "lastfm":
        read_artists(table.path, done, descriptions)
        rows = partial(_tagged_artist, tags=_lastfm_tags(table.path.with_name("tags.dat"), done))
    elif format_ == "jamendo":
        rows = partial(_jamendo_track, table)
    elif table.has("label"):
        rows = _labelled
    else:
        rows = partial(_marked, table, _label_columns(table))
    for number, row in table:
        try:
            found = list(rows(row))
        except BadValue as error:
            done.lines.pass_over(number, str(error))
        else:
            done.lines.rows += 1
            yield from found


def _labelled(row: dict[str, str]) -> Iterator[tuple[str, Word, float]]:
    song = text(row["song"], "song", LONGEST_IDENTIFIER)
    label = text(row["label"], "label", _LONGEST_LABEL)
    yield song, (label, Label.Kind.OTHER), weight(row["weight"]) if "weight" in row else 1.0


def _label_columns(table: Table) -> dict[str, int]:
    """The labels of a wide table, and where each has its column."""
    if not table.others or table.has("weight"):
        raise UnreadableTable(f"{table.path}: the header line lacks a column: wanted label, or one for each label")
    try:
        return {text(name, "label", _LONGEST_LABEL): place for name, place in table.others.items()}
    except BadValue as error:
        raise UnreadableTable(f"{table.path}: the header line: {error}") from error


def _marked(table: Table, columns: dict[str, int], row: dict[str, str]) -> Iterator[tuple[str, Word, float]]:
    song = text(row["song"], "song", LONGEST_IDENTIFIER)
    for label, place in columns.items():
        yield song, (label, Label.Kind.OTHER), mark(table.columns[place].strip(), label)


def _tagged_artist(row: dict[str, str], tags: dict[int, str]) -> Iterator[tuple[str, Word, float]]:
    tag = whole_number(row["tag_id"], "tag")
    if tag not in tags:
        raise BadValue(f"tags.dat has no tag {tag} that can be used")
    listener = whole_number(row["user_id"], "listener")
    yield artist_identifier(row["artist_id"]), (tags[tag], Label.Kind.OTHER), listener


def _lastfm_tags(path: Path, done: ImportedTable) -> dict[int, str]:
    tags, lines = {}, done.beside.setdefault(path.name, TableReport())
    with Table(path, ["tag_id", "tag"], [], lines, encoding="latin-1") as table:
        for number, row in table:
            try:
                tags[whole_number(row["tag_id"], "tag")] = name(row["tag"], "tag", _LONGEST_LABEL)
            except BadValue as error:
                lines.pass_over(number, str(error))
            else:
                lines.rows += 1
    return tags


def _jamendo_track(table: Table, row: dict[str, str]) -> Iterator[tuple[str, Word, float]]:
    song = f"jamendo:{text(row['song'], 'song', LONGEST_IDENTIFIER - len('jamendo:'))}"
    for tag in dict.fromkeys(tag.strip() for tag in table.columns[table.place("tags") :]):
        category, divider, name = tag.partition("---")
        if not divider:
            raise BadValue(f"a label is written category---name, not {tag[:50]}")
        kind = _JAMENDO_KINDS.get(category.strip().lower(), Label.Kind.OTHER)
        yield song, (text(name.strip(), "label", _LONGEST_LABEL), kind), 1.0


def _rating_rows(table: Table, lines: TableReport) -> Iterator[tuple[str, str, int]]:
    for number, row in table:
        try:
            username = text(row["username"], "username", LONGEST_USERNAME)
            song = text(row["song"], "song", LONGEST_IDENTIFIER)
            value = stars(row["stars"])
        except BadValue as error:
            lines.pass_over(number, str(error))
        else:
            lines.rows += 1
            yield username, song, value


def _lastfm_user(listener: float) -> str:
    return f"lastfm-{listener:.0f}"


@transaction.atomic
def _store_labels(
    rows: Sequence[tuple[int, int, float]], origin: str, given: Sequence[tuple[int, int, int]] | None
) -> None:
    """Store what an import says of songs and labels, and by whom (song, label, user) where it names them."""
    annotations = SongLabel.objects.filter(source=SongLabel.Source.IMPORT, origin=origin)
    there = {
        (song, label): value
        for song, label, value in annotations.filter(song__in={song for song, _, _ in rows}).values_list(
            "song_id", "label_id", "weight"
        )
    }
    changed = [(song, label, value) for song, label, value in rows if there.get((song, label), 0.0) != value]
    for song, label, value in changed:
        if not value:
            annotations.filter(song=song, label=label).delete()
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
    if given is not None:
        _store_assignments({(song, label) for song, label, _ in rows}, given)
    announce_labels_changed({song for song, _, _ in changed})


def _store_assignments(pairs: Collection[tuple[int, int]], given: Sequence[tuple[int, int, int]]) -> None:
    """Put those who gave labels in the place of those whom an earlier import named for the same song and label."""
    there = LabelAssignment.objects.filter(song__in={song for song, _ in pairs})
    named = {
        (song, label, user): pk
        for pk, song, label, user in there.values_list("pk", "song_id", "label_id", "user_id")
        if (song, label) in pairs
    }
    stays = set(given)
    gone = sorted(pk for assignment, pk in named.items() if assignment not in stays)
    for some in batches(gone, STORED_AT_ONCE):
        LabelAssignment.objects.filter(pk__in=some).delete()
    new = [assignment for assignment in given if assignment not in named]
    store_rows(LabelAssignment, ["song", "label", "user"], new, unique=["song", "label", "user"])


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
