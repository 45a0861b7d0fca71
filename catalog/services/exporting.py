"""Everything that the site keeps of one person, as one JSON document.

Each room says what it keeps: it registers a section for its models, and imports no other room for it. A section is
read while the document is sent, so that a listener of many years takes no more memory than one of yesterday.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.utils import timezone

from ..importing.tables import batches
from ..models import (
    CurationAction,
    CurationChange,
    JoinedSong,
    LabelAssignment,
    LabelDoubt,
    NotThis,
    Nudge,
    Play,
    PlayCount,
    Playlist,
    PlaylistSong,
    Rating,
    Song,
    SongLabel,
    UploadAllowance,
)
from .labels import curator_name

VERSION = 1
"""Of the document's shape: raised when something in it changes its name or meaning."""

_READ_AT_ONCE = 1000

Entry: TypeAlias = Mapping[str, Any]
Entries: TypeAlias = Callable[[User], Iterable[Entry]]


@dataclass(frozen=True, slots=True)
class Section:
    """One list of the document, and the models whose rows it holds."""

    name: str
    models: tuple[type[Model], ...]
    entries: Entries


_sections: dict[str, Section] = {}


def exports(name: str, *models: type[Model]) -> Callable[[Entries], Entries]:
    """Register a function that lists what these models keep of a person, under a name of its own in the document.

    Raises
    ------
    ValueError
        If another section has this name.
    """

    def register(entries: Entries) -> Entries:
        if name in _sections:
            raise ValueError(f"two sections of the export are called {name}")
        _sections[name] = Section(name, models, entries)
        return entries

    return register


def sections() -> list[Section]:
    """What a document holds besides the account, in the order of its names."""
    return [_sections[name] for name in sorted(_sections)]


def export(user: User) -> Iterator[str]:
    """The document, in pieces: `{"format", "version", "exported_at", "account": {...}, SECTION: [...], ...}`."""
    head = {
        "format": "dcmrs-export",
        "version": VERSION,
        "exported_at": timezone.now(),
        "account": _account(user),
    }
    yield _json(head)[:-1]
    for section in sections():
        yield f",\n{_json(section.name)}: ["
        between = ""
        for some in batches(section.entries(user), _READ_AT_ONCE):
            yield between + ",".join("\n" + _json(one) for one in some)
            between = ","
        yield "]"
    yield "}\n"


def _json(value: object) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, allow_nan=False)


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


def _account(user: User) -> dict[str, Any]:
    return {
        "username": user.get_username(),
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "joined_at": user.date_joined,
        "last_login": user.last_login,
        "staff": user.is_staff,
        "admin": user.is_superuser,
    }


@exports("ratings", Rating)
def _ratings(user: User) -> Iterator[Entry]:
    for rating in with_songs(Rating.objects.filter(user=user).order_by("rated_at", "pk")):
        yield {**exported_song(rating.song), "stars": rating.stars, "rated_at": rating.rated_at}


@exports("plays", Play)
def _plays(user: User) -> Iterator[Entry]:
    for play in with_songs(Play.objects.filter(user=user).order_by("played_at", "pk")):
        yield {
            **exported_song(play.song),
            "played_at": play.played_at,
            "skipped": play.skipped,
            "origin": play.origin,
        }


@exports("play_counts", PlayCount)
def _play_counts(user: User) -> Iterator[Entry]:
    for count in with_songs(PlayCount.objects.filter(user=user).order_by("pk")):
        yield {
            **exported_song(count.song),
            "count": count.count,
            "last_played": count.last_played,
            "origin": count.origin,
        }


@exports("nudges", Nudge)
def _nudges(user: User) -> Iterator[Entry]:
    for nudge in Nudge.objects.filter(user=user).select_related("label").order_by("label__key"):
        yield {"label": nudge.label.name, "weight": nudge.weight}


@exports("not_this", NotThis)
def _not_this(user: User) -> Iterator[Entry]:
    for refusal in with_songs(NotThis.objects.filter(user=user).order_by("created_at", "pk")):
        yield {**exported_song(refusal.song), "refused_at": refusal.created_at}


@exports("playlists", Playlist, PlaylistSong)
def _playlists(user: User) -> Iterator[Entry]:
    for playlist in Playlist.objects.filter(user=user).order_by("pk"):
        songs = [exported_song(entry.song) for entry in with_songs(playlist.entries.order_by("position", "pk"))]
        yield {
            "name": playlist.name,
            "created_at": playlist.created_at,
            "changed_at": playlist.changed_at,
            "songs": songs,
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


@exports("upload_allowance", UploadAllowance)
def _upload_allowance(user: User) -> Iterator[Entry]:
    for allowance in UploadAllowance.objects.filter(user=user):
        yield {"may_upload": allowance.may_upload, "megabytes": allowance.megabytes, "songs": allowance.songs}


@exports("songs_joined", JoinedSong)
def _songs_joined(user: User) -> Iterator[Entry]:
    for part in with_songs(JoinedSong.objects.filter(joined_by=user).order_by("pk")):
        yield {**exported_song(part.song), "part": str(part), "joined_at": part.joined_at}


@exports("labels_said_as_curator", SongLabel)
def _labels_said_as_curator(user: User) -> Iterator[Entry]:
    said = SongLabel.objects.filter(source=SongLabel.Source.CURATOR, origin=curator_name(user))
    for word in with_songs(said.select_related("label").order_by("pk")):
        yield {**exported_song(word.song), "label": word.label.name, "yes": word.weight > 0}


@exports("curation", CurationAction)
def _curation(user: User) -> Iterator[Entry]:
    for done in CurationAction.objects.filter(user=user).order_by("pk").iterator(_READ_AT_ONCE):
        yield {"at": done.at, "what": done.kind, "said": done.summary, "undone_at": done.undone_at}


@exports("in_the_log_of_curation", CurationChange)
def _in_the_log_of_curation(user: User) -> Iterator[Entry]:
    changes = CurationChange.objects.filter(listener=user).select_related("action").order_by("pk")
    for change in changes.iterator(_READ_AT_ONCE):
        yield {"at": change.action.at, "what": change.table, "before": change.before, "after": change.after}


@exports("admin_actions", LogEntry)
def _admin_actions(user: User) -> Iterator[Entry]:
    for done in LogEntry.objects.filter(user=user).order_by("pk").iterator(_READ_AT_ONCE):
        yield {"at": done.action_time, "what": done.object_repr, "said": str(done)}
