"""Data for tests, one short function a thing."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from django.contrib.auth.models import User

from accounts.services.api_tokens import make_api_token
from catalog.models import Label, LibraryRoot, PlayCount, Rating, Song, SongIdentifier, SongLabel
from catalog.services.labels import labels_by_name

NO_ID = 2**31 - 8
"""A primary key that no row has. Small ones may be taken: PostgreSQL's sequences go on over all tests."""

_number = count(1)


def make_user(name: str | None = None, **fields: Any) -> User:
    """A user with the password `correct horse`."""
    return User.objects.create_user(name or f"listener-{next(_number)}", password="correct horse", **fields)


def make_token(user: User, **wishes: Any) -> str:
    """A token of the API."""
    return make_api_token(user, **wishes)[1]


def make_root(path: object = "/nowhere", name: str | None = None) -> LibraryRoot:
    """A library root at `path`."""
    return LibraryRoot.objects.create(name=name or f"root-{next(_number)}", path=str(path))


def make_song(
    title: str | None = None,
    artist: str = "",
    *,
    labels: Mapping[str, float] | None = None,
    source: str = SongLabel.Source.CNN,
    origin: str = "test",
    external_id: str | None = None,
    **fields: Any,
) -> Song:
    """A song without audio, unless `root` and `path` are given, with labels of one source."""
    song = Song.objects.create(title=title or f"Song {next(_number)}", artist=artist, **fields)
    if external_id:
        SongIdentifier.objects.create(song=song, value=external_id)
    add_labels(song, labels or {}, source=source, origin=origin)
    return song


def add_labels(
    song: Song, labels: Mapping[str, float], *, source: str = SongLabel.Source.CNN, origin: str = "test"
) -> None:
    """Give a song more labels."""
    by_name = labels_by_name(dict.fromkeys(labels, Label.Kind.OTHER))
    SongLabel.objects.bulk_create(
        SongLabel(song=song, label=by_name[name], source=source, origin=origin, weight=weight)
        for name, weight in labels.items()
    )


def make_rating(user: User, song: Song, stars: int) -> Rating:
    """A listener's stars, without any announcement."""
    return Rating.objects.create(user=user, song=song, stars=stars)


def make_plays(user: User, song: Song, count: int = 1) -> PlayCount:
    """How often a listener has played a song, without any announcement."""
    return PlayCount.objects.create(user=user, song=song, count=count)
