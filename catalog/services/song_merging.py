"""Merging songs by hand, and unmerging them again; labels are merged by `labels.merge_labels`.

What is moved is recorded, so that unmerging restores it. What happens to the remaining song in the meantime stays
with it; the next import of plays or labels brings each song's own rows again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import DateTimeField, Model
from django.db.models.fields.files import FieldFile

from ..importing.tables import LARGEST_COUNT, batches
from ..models import (
    Bookmark,
    FavouriteSong,
    Label,
    LabelAssignment,
    LabelDoubt,
    MergedSong,
    NotThis,
    Play,
    PlayCount,
    Playlist,
    PlaylistSong,
    Rating,
    Song,
    SongLabel,
)
from ..signals import played
from .bulk import store_rows
from .labels import announce_labels_changed

# Rows of listeners that move with a song: the model, the columns that are unique within a song, and the other columns.
_MOVED_MODELS: tuple[tuple[type[Model], tuple[str, ...], tuple[str, ...]], ...] = (
    (Play, ("user_id", "played_at", "origin"), ("skipped",)),
    (Rating, ("user_id",), ("stars", "rated_at")),
    (NotThis, ("user_id",), ("created_at",)),
    (LabelAssignment, ("user_id", "label_id"), ()),
    (LabelDoubt, ("user_id", "label_id"), ("at",)),
    (PlaylistSong, ("playlist_id",), ("position", "added_at")),
    (FavouriteSong, ("user_id",), ("since",)),
    (Bookmark, ("user_id",), ("position_ms", "comment", "created_at", "changed_at")),
)
_WRITTEN_AT_ONCE = 5000
# A sum of weights that is taken apart again leaves this much, from rounding.
_NOTHING = 1e-9


@transaction.atomic
def merge_songs(songs: Iterable[Song], into: Song, curator: User | None = None) -> None:
    """Make songs part of another: identifiers, labels, ratings, plays and refusals go over to it.

    Counts of plays and imported labels are summed; where a listener has rated both, the stars of `into` stay, and
    so does a curator's word on it. Imports find `into` by the others' identifiers and names from now on.

    Raises
    ------
    ValueError
        If one of the songs has a file of its own: it would be lost.
    """
    others = list(Song.objects.select_for_update().filter(pk__in=[song.pk for song in songs]).exclude(pk=into.pk))
    if owner := next((song for song in others if song.path), None):
        raise ValueError(f"{owner} has a file of its own: it can only be the song that stays.")
    gone = [song.pk for song in others]
    for song in others:
        contents = {
            "song": {field.attname: _plain(getattr(song, field.attname)) for field in Song._meta.concrete_fields},
            "identifiers": list(song.identifiers.order_by("pk").values_list("value", flat=True)),
            "labels": _move_labels(song, into),
            "counts": _move_counts(song, into),
            **{model.__name__: _move(model, key, values, song, into) for model, key, values in _MOVED_MODELS},
            # The key of version 1.0, which stands in databases.
            "joined": list(song.merged.values_list("pk", flat=True)),
        }
        song.identifiers.update(song=into)
        song.merged.update(song=into)
        MergedSong.objects.create(
            song=into,
            title=song.title,
            artist=song.artist,
            album=song.album,
            duration_s=song.duration_s,
            contents=contents,
            merged_by=curator,
        )
        song.delete()
    _announce(into.pk, *gone)


@transaction.atomic
def unmerge_song(merged: MergedSong) -> Song:
    """Restore a merged song with the rows that it had before."""
    contents, into = merged.contents, merged.song
    song = Song(**contents["song"])
    added_at = song.added_at
    song.save(force_insert=True)
    Song.objects.filter(pk=song.pk).update(added_at=added_at)
    into.identifiers.filter(value__in=contents["identifiers"]).update(song=song)
    into.merged.filter(pk__in=contents["joined"]).update(song=song)
    _give_labels_back(contents["labels"], song, into)
    _give_counts_back(contents["counts"], song, into)
    for model, key, values in _MOVED_MODELS:
        _give_back(model, key, values, contents.get(model.__name__, []), song, into)
    merged.delete()
    _announce(into.pk, song.pk)
    return song


def _move(
    model: type[Model], key: tuple[str, ...], values: tuple[str, ...], song: Song, into: Song
) -> list[dict[str, Any]]:
    """Move rows to `into` where it has none with the same key; return all of them, and which were moved."""
    rows = list(model._default_manager.filter(song=song).order_by("pk").values("pk", *key, *values))
    there = set(model._default_manager.filter(song=into).values_list(*key))
    moved = {row["pk"] for row in rows if tuple(row[name] for name in key) not in there}
    for some in batches(sorted(moved), _WRITTEN_AT_ONCE):
        model._default_manager.filter(pk__in=some).update(song=into)
    return [{name: _plain(row[name]) for name in (*key, *values)} | {"moved": row["pk"] in moved} for row in rows]


def _give_back(
    model: type[Model],
    key: tuple[str, ...],
    values: tuple[str, ...],
    rows: list[dict[str, Any]],
    song: Song,
    into: Song,
) -> None:
    """Give a song its rows again: as they are where they went over unchanged, else as they were.

    What a listener has taken back in the meantime stays taken back.
    """
    there = {
        tuple(_plain(row[name]) for name in key): row
        for row in model._default_manager.filter(song=into).values("pk", *key, *values)
    }
    unchanged, again = [], []
    for row in rows:
        now = there.get(tuple(row[name] for name in key))
        if row["moved"] and now is not None and all(_plain(now[name]) == row[name] for name in values):
            unchanged.append(now["pk"])
        elif not row["moved"] or now is not None:
            again.append(row)
    for some in batches(unchanged, _WRITTEN_AT_ONCE):
        model._default_manager.filter(pk__in=some).update(song=song)
    # The ORM would write the moment of unmerging into them.
    columns = (*key, *values)
    stored = [(song.pk, *(_stored(model, name, row[name]) for name in columns)) for row in _still_meant(again)]
    store_rows(model, ["song", *columns], stored, unique=["song", *key])


def _move_labels(song: Song, into: Song) -> list[dict[str, Any]]:
    """Let a song's labels go over, imported weights added to those that are there."""
    there = {
        (annotation.label_id, annotation.source, annotation.origin): annotation for annotation in into.song_labels.all()
    }
    curated = {label for label, source, _ in there if source == SongLabel.Source.CURATOR}
    rows = []
    for annotation in song.song_labels.order_by("pk"):
        same = there.get((annotation.label_id, annotation.source, annotation.origin))
        taken = same is not None or (annotation.source == SongLabel.Source.CURATOR and annotation.label_id in curated)
        added = same is not None and annotation.source == SongLabel.Source.IMPORT
        rows.append(
            {
                "label_id": annotation.label_id,
                "source": annotation.source,
                "origin": annotation.origin,
                "weight": annotation.weight,
                "moved": added or not taken,
            }
        )
        if same is not None and added:
            SongLabel.objects.filter(pk=same.pk).update(weight=same.weight + annotation.weight)
        elif not taken:
            SongLabel.objects.filter(pk=annotation.pk).update(song=into)
    return rows


def _give_labels_back(rows: list[dict[str, Any]], song: Song, into: Song) -> None:
    labels = set(Label.objects.filter(pk__in={row["label_id"] for row in rows}).values_list("pk", flat=True))
    there = {
        (annotation.label_id, annotation.source, annotation.origin): annotation for annotation in into.song_labels.all()
    }
    again = []
    for row in rows:
        moved, values = row["moved"], {name: value for name, value in row.items() if name != "moved"}
        annotation = there.get((row["label_id"], row["source"], row["origin"]))
        if row["label_id"] not in labels or (moved and annotation is None):
            continue
        again.append(SongLabel(song=song, **values))
        if moved and annotation is not None:
            rest = annotation.weight - row["weight"] if row["source"] == SongLabel.Source.IMPORT else 0.0
            if rest > _NOTHING:
                SongLabel.objects.filter(pk=annotation.pk).update(weight=rest)
            elif rest or annotation.weight == row["weight"]:
                annotation.delete()
    SongLabel.objects.bulk_create(again)


def _move_counts(song: Song, into: Song) -> list[dict[str, Any]]:
    """Add a song's counts of plays to those that are there."""
    there = {(count.user_id, count.origin): count for count in into.play_counts.all()}
    rows = []
    for count in song.play_counts.order_by("pk"):
        same = there.get((count.user_id, count.origin))
        before = None if same is None else _plain(same.last_played)
        rows.append(
            {
                "user_id": count.user_id,
                "origin": count.origin,
                "count": count.count,
                "last_played": _plain(count.last_played),
                "before": before,
            }
        )
        if same is None:
            count.song = into
            count.save(update_fields=["song"])
        else:
            moments = [moment for moment in (same.last_played, count.last_played) if moment]
            same.last_played, same.count = max(moments, default=None), min(same.count + count.count, LARGEST_COUNT)
            same.save(update_fields=["count", "last_played"])
    return rows


def _give_counts_back(rows: list[dict[str, Any]], song: Song, into: Song) -> None:
    there = {(count.user_id, count.origin): count for count in into.play_counts.all()}
    again = []
    for row in _still_meant(rows):
        values = {name: value for name, value in row.items() if name != "before"}
        again.append(PlayCount(song=song, **values))
        if (count := there.get((row["user_id"], row["origin"]))) is None:
            continue
        count.count -= row["count"]
        if count.count <= 0:
            count.delete()
            continue
        if _plain(count.last_played) == row["last_played"]:
            count.last_played = row["before"]
        count.save(update_fields=["count", "last_played"])
    PlayCount.objects.bulk_create(again)


def _still_meant(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the rows whose listener, label or playlist, as far as they have one, are still there."""
    left = rows
    for name, model in (("user_id", User), ("label_id", Label), ("playlist_id", Playlist)):
        named = {row[name] for row in left if name in row}
        there = set(model._default_manager.filter(pk__in=named).values_list("pk", flat=True)) if named else set()
        left = [row for row in left if name not in row or row[name] in there]
    return left


def _plain(value: Any) -> Any:
    """A value as JSON holds it, moments to the microsecond."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.name if isinstance(value, FieldFile) else value


def _stored(model: type[Model], name: str, value: Any) -> Any:
    """A value of JSON as the database takes it."""
    if isinstance(model._meta.get_field(name), DateTimeField):
        return connection.ops.adapt_datetimefield_value(datetime.fromisoformat(value))
    return value


def _announce(*song_ids: int) -> None:
    announce_labels_changed(song_ids)
    transaction.on_commit(partial(played.send, sender=PlayCount, user=None, song=None))
