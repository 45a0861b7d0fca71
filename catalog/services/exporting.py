"""What the catalogue keeps of a person, for the export of their account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet

from accounts.services.exporting import Entry, exports

from ..models import (
    Bookmark,
    CollectionOpinion,
    CoverLookup,
    CurationAction,
    CurationChange,
    FavouriteSong,
    LabelAssignment,
    LabelDoubt,
    MergedSong,
    NotThis,
    NowPlaying,
    Nudge,
    Play,
    PlayCount,
    Playlist,
    PlaylistSong,
    PlayQueue,
    Rating,
    Song,
    SongLabel,
)
from .labels import curator_name

_READ_AT_ONCE = 1000


def exported_song(song: Song) -> dict[str, Any]:
    """How a document names a song: enough to find it again, here and elsewhere."""
    return {
        "song": song.pk,
        "title": song.title,
        "artist": song.artist,
        "album": song.album,
        "identifiers": sorted(identifier.value for identifier in song.identifiers.all()),
    }


def with_songs(rows: QuerySet[Any]) -> Iterator[Any]:
    """Rows that have a song, with all that `exported_song` needs, a thousand at a time."""
    return rows.select_related("song").prefetch_related("song__identifiers").iterator(_READ_AT_ONCE)


def _exports_with_song(name: str, model: type[Model], order: Sequence[str], fields: Mapping[str, str]) -> None:
    """Register a section of rows that a person has of songs: each names its song, and then some of its own fields.

    Parameters
    ----------
    name : str
        The section's.
    model : type of Model
        With a `user` and a `song`.
    order : sequence of str
    fields : mapping of str to str
        The fields by their names in the document.
    """

    def entries(user: User) -> Iterator[Entry]:
        for row in with_songs(model._default_manager.filter(user=user).order_by(*order, "pk")):
            yield {**exported_song(row.song), **{said: getattr(row, field) for said, field in fields.items()}}

    exports(name, model)(entries)


def _as_they_are(*fields: str) -> dict[str, str]:
    return {field: field for field in fields}


_exports_with_song("ratings", Rating, ["rated_at"], _as_they_are("stars", "rated_at"))
_exports_with_song("plays", Play, ["played_at"], _as_they_are("played_at", "skipped", "origin"))
_exports_with_song("play_counts", PlayCount, [], _as_they_are("count", "last_played", "origin"))
_exports_with_song("not_this", NotThis, ["created_at"], {"refused_at": "created_at"})
_exports_with_song("favourite_songs", FavouriteSong, ["since"], _as_they_are("since"))
_exports_with_song("bookmarks", Bookmark, [], _as_they_are("position_ms", "comment", "changed_at"))
_exports_with_song("playing_now", NowPlaying, [], _as_they_are("player", "started_at", "state"))


@exports("nudges", Nudge)
def _nudges(user: User) -> Iterator[Entry]:
    for nudge in Nudge.objects.filter(user=user).select_related("label").order_by("label__key"):
        yield {"label": nudge.label.name, "weight": nudge.weight}


@exports("playlists", Playlist, PlaylistSong)
def _playlists(user: User) -> Iterator[Entry]:
    for playlist in Playlist.objects.filter(user=user).order_by("pk"):
        songs = [exported_song(entry.song) for entry in with_songs(playlist.entries.order_by("position", "pk"))]
        yield {
            "name": playlist.name,
            "comment": playlist.comment,
            "created_at": playlist.created_at,
            "changed_at": playlist.changed_at,
            "songs": songs,
        }


@exports("albums_and_artists", CollectionOpinion)
def _albums_and_artists(user: User) -> Iterator[Entry]:
    for opinion in CollectionOpinion.objects.filter(user=user).order_by("pk"):
        yield {
            "kind": opinion.kind,
            "name": opinion.name,
            "favourite_since": opinion.favourite_since,
            "stars": opinion.stars,
        }


@exports("play_queue", PlayQueue)
def _play_queue(user: User) -> Iterator[Entry]:
    for queue in PlayQueue.objects.filter(user=user):
        yield {
            "songs": queue.song_ids,
            "current": queue.current,
            "position_ms": queue.position_ms,
            "changed_at": queue.changed_at,
            "changed_by": queue.changed_by,
        }


@exports("labels_given", LabelAssignment)
def _labels_given(user: User) -> Iterator[Entry]:
    for given in with_songs(LabelAssignment.objects.filter(user=user).select_related("label").order_by("pk")):
        yield {**exported_song(given.song), "label": given.label.name}


@exports("label_doubts", LabelDoubt)
def _label_doubts(user: User) -> Iterator[Entry]:
    for doubt in with_songs(LabelDoubt.objects.filter(user=user).select_related("label").order_by("pk")):
        yield {**exported_song(doubt.song), "label": doubt.label.name, "at": doubt.at}


@exports("uploads", Song)
def _uploads(user: User) -> Iterator[Entry]:
    uploaded = Song.objects.filter(uploaded_by=user).order_by("pk").prefetch_related("identifiers")
    for song in uploaded.iterator(_READ_AT_ONCE):
        yield {**exported_song(song), "added_at": song.added_at}


@exports("songs_joined", MergedSong)
def _merged_songs(user: User) -> Iterator[Entry]:
    for part in with_songs(MergedSong.objects.filter(merged_by=user).order_by("pk")):
        yield {**exported_song(part.song), "part": str(part), "joined_at": part.merged_at}


@exports("labels_said_as_curator", SongLabel)
def _curated_labels(user: User) -> Iterator[Entry]:
    annotations = SongLabel.objects.filter(source=SongLabel.Source.CURATOR, origin=curator_name(user))
    for annotation in with_songs(annotations.select_related("label").order_by("pk")):
        yield {**exported_song(annotation.song), "label": annotation.label.name, "yes": annotation.weight > 0}


@exports("curation", CurationAction)
def _curation(user: User) -> Iterator[Entry]:
    for done in CurationAction.objects.filter(user=user).order_by("pk").iterator(_READ_AT_ONCE):
        yield {"at": done.at, "what": done.kind, "said": done.summary, "undone_at": done.undone_at}


@exports("covers_looked_up", CoverLookup)
def _cover_lookups(user: User) -> Iterator[Entry]:
    for asked in CoverLookup.objects.filter(asked_by=user).order_by("pk").iterator(_READ_AT_ONCE):
        yield {"at": asked.asked_at, "album": asked.album, "artist": asked.artist, "became": asked.state}


@exports("in_the_log_of_curation", CurationChange)
def _in_curation_log(user: User) -> Iterator[Entry]:
    changes = CurationChange.objects.filter(listener=user).select_related("action").order_by("pk")
    for change in changes.iterator(_READ_AT_ONCE):
        yield {"at": change.action.at, "what": change.table, "before": change.before, "after": change.after}
