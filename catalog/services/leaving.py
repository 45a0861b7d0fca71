"""Deleting an account: everything of that person goes, and what others see stays."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from ..models import CurationChange, JoinedSong, Play, SongLabel
from ..signals import played
from .labels import curator_name

_READ_AT_ONCE = 1000
_SAID_BY_LISTENERS = ("Play", "Rating", "NotThis", "LabelAssignment", "LabelDoubt", "counts")


class LastAdminError(ValueError):
    """Without this account nobody could look after the site."""


@transaction.atomic
def delete_account(user: User) -> None:
    """Delete an account with all that was said and done by it, and end its sessions and tokens.

    Ratings, plays, nudges, refusals and whatever rooms keep of a person go with it. Songs that were uploaded stay,
    and so does a curator's word on labels, from then on unsigned. What was learned from the plays goes with the next
    snapshot.

    Raises
    ------
    LastAdminError
        If this is the only admin.
    """
    if user.is_superuser:
        # Locked, so that the last two cannot leave at the same moment.
        list(_admins().select_for_update())
    if last_admin(user):
        raise LastAdminError(
            "You are the only admin here. Make somebody else an admin first, at the admin's desk: without one, "
            "nobody could look after this site."
        )
    SongLabel.objects.filter(source=SongLabel.Source.CURATOR, origin=curator_name(user)).update(origin="")
    _forget_in_joined_songs(user)
    _forget_in_the_log_of_curation(user)
    _end_sessions(user)
    user.delete()
    transaction.on_commit(partial(played.send, sender=Play, user=None, song=None))


def last_admin(user: User, leaving: Iterable[User] = ()) -> bool:
    """Whether no admin would be left without somebody, and without others who leave as well."""
    return user.is_superuser and not _admins().exclude(pk__in={user.pk, *(other.pk for other in leaving)}).exists()


def _admins() -> QuerySet[User]:
    return User.objects.filter(is_superuser=True, is_active=True)


def _forget_in_joined_songs(user: User) -> None:
    """A joined song remembers whose ratings, plays and words were its own: no longer this person's."""
    for joined in JoinedSong.objects.select_for_update().iterator(_READ_AT_ONCE):
        kept: dict[str, Any] = {
            name: [row for row in rows if row["user_id"] != user.pk] if name in _SAID_BY_LISTENERS else rows
            for name, rows in joined.contents.items()
        }
        if kept["song"]["uploaded_by_id"] == user.pk:
            kept["song"] = {**kept["song"], "uploaded_by_id": None}
        kept["labels"] = [{**word, "origin": ""} if _signed(word, user) else word for word in joined.contents["labels"]]
        if kept != joined.contents:
            joined.contents = kept
            joined.save(update_fields=["contents"])


def _forget_in_the_log_of_curation(user: User) -> None:
    """What was done stays in the log, and can be undone, from then on unsigned; what listeners said goes with them."""
    signed = {"source": SongLabel.Source.CURATOR, "origin": curator_name(user)}
    for change in CurationChange.objects.filter(table="SongLabel").iterator(_READ_AT_ONCE):
        rows = {
            name: row
            for name in ("before", "after")
            if (row := getattr(change, name)) and signed.items() <= row.items()
        }
        for name, row in rows.items():
            setattr(change, name, {**row, "origin": ""})
        if rows:
            change.save(update_fields=list(rows))


def _signed(word: dict[str, Any], user: User) -> bool:
    return (word["source"], word["origin"]) == (SongLabel.Source.CURATOR, curator_name(user))


def _end_sessions(user: User) -> None:
    """Delete the sessions of a person: whose one is, stands inside it."""
    theirs = [
        session.pk
        for session in Session.objects.filter(expire_date__gte=timezone.now()).iterator(_READ_AT_ONCE)
        if session.get_decoded().get("_auth_user_id") == str(user.pk)
    ]
    Session.objects.filter(pk__in=theirs).delete()
