"""Favourites: songs, albums and artists that a listener keeps close, and stars for albums and artists."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from ..models import CollectionOpinion, FavouriteSong, Song

MOST_FAVOURITES = 100_000
"""Songs, or albums, or artists of one listener."""


class FavouriteRefused(ValueError):
    """What was asked cannot be done; the message says why, to be shown."""


@transaction.atomic
def set_favourite_song(user: User, song: Song, favourite: bool = True) -> None:
    """Make a song a listener's favourite, or no longer one.

    Raises
    ------
    FavouriteRefused
        If there are too many.
    """
    if not favourite:
        FavouriteSong.objects.filter(user=user, song=song).delete()
        return
    if FavouriteSong.objects.filter(user=user).count() >= MOST_FAVOURITES:
        raise FavouriteRefused(f"There can be {MOST_FAVOURITES} favourites.")
    FavouriteSong.objects.get_or_create(user=user, song=song)


@transaction.atomic
def set_favourite_collection(user: User, kind: str, key_hash: str, name: str, favourite: bool = True) -> None:
    """Make an album or an artist a listener's favourite, or no longer one.

    Parameters
    ----------
    kind : one of `CollectionOpinion.Kind`
    key_hash : str
        `names.collection_hash` of its key.
    name : str
        What it is called now.

    Raises
    ------
    FavouriteRefused
        If there are too many.
    """
    opinion = _opinion(user, kind, key_hash, name)
    if favourite and opinion.favourite_since is None:
        opinion.favourite_since = timezone.now()
    elif not favourite:
        opinion.favourite_since = None
    _keep(opinion)


@transaction.atomic
def rate_collection(user: User, kind: str, key_hash: str, name: str, stars: int | None) -> None:
    """Store a listener's stars, 1 to 5, for an album or an artist; None takes them back.

    Raises
    ------
    ValueError
        If `stars` is neither None nor 1 to 5.
    """
    if stars is not None and stars not in range(1, 6):
        raise ValueError(f"stars go from 1 to 5, not {stars}")
    opinion = _opinion(user, kind, key_hash, name)
    opinion.stars = stars
    _keep(opinion)


def _opinion(user: User, kind: str, key_hash: str, name: str) -> CollectionOpinion:
    # One at a time for each listener: two requests must not both make the row.
    User.objects.select_for_update().get(pk=user.pk)
    opinion = CollectionOpinion.objects.filter(user=user, kind=kind, key_hash=key_hash).first()
    if opinion is None:
        if CollectionOpinion.objects.filter(user=user, kind=kind).count() >= MOST_FAVOURITES:
            raise FavouriteRefused(f"There can be {MOST_FAVOURITES} favourites.")
        opinion = CollectionOpinion(user=user, kind=kind, key_hash=key_hash)
    opinion.name = name[:300]
    return opinion


def _keep(opinion: CollectionOpinion) -> None:
    if opinion.favourite_since or opinion.stars:
        opinion.save()
    elif opinion.pk:
        opinion.delete()


def is_favourite_collection(user: User, kind: str, key_hash: str) -> bool:
    """Whether an album or an artist is a listener's favourite."""
    rows = CollectionOpinion.objects.filter(user=user, kind=kind, key_hash=key_hash, favourite_since__isnull=False)
    return rows.exists()


def favourite_songs(user: User) -> QuerySet[FavouriteSong]:
    """A listener's favourite songs, the newest favourite first."""
    return FavouriteSong.objects.filter(user=user).order_by("-since", "-pk")


def favourite_collections(user: User, kind: str) -> dict[str, datetime]:
    """A listener's favourite albums or artists by the hash of their keys, with since when, the newest first."""
    rows = CollectionOpinion.objects.filter(user=user, kind=kind, favourite_since__isnull=False)
    return {
        key: since
        for key, since in rows.order_by("-favourite_since").values_list("key_hash", "favourite_since")
        if since
    }
